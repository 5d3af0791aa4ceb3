// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";

/// @title The royalty that a payment owes.
library Royalties {
    uint256 private constant MAX_BPS = 1_000;
    uint256 private constant ALL_BPS = 10_000;

    /// @notice Recipient and amount of the ERC-2981 royalty on `price`, at most 10 %.
    /// @dev Zero when the recipient is the one who would pay it: a creator's own sale is all proceeds.
    function due(Artwork artwork, uint256 tokenId, uint256 price, address payer)
        internal
        view
        returns (address recipient, uint256 amount)
    {
        (recipient, amount) = artwork.royaltyInfo(tokenId, price);
        uint256 most = (price * MAX_BPS) / ALL_BPS;
        if (recipient == address(0) || recipient == payer) amount = 0;
        else if (amount > most) amount = most;
    }
}
