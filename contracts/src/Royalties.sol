// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";

/// @title The royalty that a payment owes.
library Royalties {
    uint256 private constant MAX_BPS = 1_000;
    uint256 private constant ALL_BPS = 10_000;

    /// @notice Wei of the ERC-2981 royalty on `price`, at most 10 %; whoever owes it pays it to the Splitter.
    /// @dev Also on a creator's own sale: the model, the data, the parents and the treasury have their part in it.
    function due(Artwork artwork, uint256 tokenId, uint256 price) internal view returns (uint256 amount) {
        (, amount) = artwork.royaltyInfo(tokenId, price);
        uint256 most = (price * MAX_BPS) / ALL_BPS;
        if (amount > most) amount = most;
    }
}
