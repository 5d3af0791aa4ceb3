// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ICreators} from "../src/Splitter.sol";

/// @dev Works of one creator whose splits nobody has set: the least that a Splitter can serve. Our own Artwork sets
/// every split when it mints.
contract Creators is ICreators {
    uint256 public minted;
    address private immutable creator;

    constructor(address creator_) {
        creator = creator_;
    }

    function mint() external returns (uint256) {
        return ++minted;
    }

    function creatorOf(uint256 tokenId) external view returns (address) {
        if (tokenId == 0 || tokenId > minted) revert IERC721Errors.ERC721NonexistentToken(tokenId);
        return creator;
    }
}
