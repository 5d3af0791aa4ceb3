// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Artwork} from "./Artwork.sol";

/// @title One work held for the holders of a fixed number of shares.
/// @notice Shares are minted once, in the constructor, and are only ever destroyed all together, by `redeem`.
/// @dev Only a vault announced by a `VaultOpened` of the project's factory is known to hold its work. It takes no
/// ETH, makes no delegatecall and calls nothing but its Artwork.
contract Vault is ERC20 {
    /// @notice The contract of the work held.
    Artwork public immutable artwork;

    /// @notice The work held.
    uint256 public immutable tokenId;

    /// @notice Who brought the work in and got all shares.
    address public immutable curator;

    /// @notice The whole supply came back and the work went out. `amountWei` is paid in ETH: 0 here.
    event SharesRedeemed(address indexed vault, address indexed holder, uint256 shares, uint256 amountWei);

    error NotAllShares(address holder, uint256 shares, uint256 supply);

    constructor(
        Artwork artwork_,
        uint256 tokenId_,
        address curator_,
        string memory name_,
        string memory symbol_,
        uint256 supply
    ) ERC20(name_, symbol_) {
        artwork = artwork_;
        tokenId = tokenId_;
        curator = curator_;
        _mint(curator_, supply);
    }

    /// @notice Gives the work to the holder of every share and destroys the shares.
    function redeem() external {
        uint256 supply = totalSupply();
        uint256 shares = balanceOf(msg.sender);
        if (supply == 0 || shares != supply) revert NotAllShares(msg.sender, shares, supply);
        _burn(msg.sender, shares);
        emit SharesRedeemed(address(this), msg.sender, shares, 0);
        artwork.transferFrom(address(this), msg.sender, tokenId);
    }
}
