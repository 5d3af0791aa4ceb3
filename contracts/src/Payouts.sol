// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {Splitter} from "./Splitter.sol";

/// @title Payments that nobody can block: sent at once, or kept for the payee when they refuse.
/// @notice Every wei that leaves a sale has one `Paid` event, so that a sale can be balanced from logs alone.
/// @dev The contract's balance is at least the sum of `refunds`; more only if someone forces ETH into it.
abstract contract Payouts is ReentrancyGuardTransient {
    /// @notice `role` of the owner who sold.
    uint8 public constant ROLE_SELLER = 0;
    /// @notice `role` of the Splitter, which receives all royalties.
    uint8 public constant ROLE_ROYALTY = 1;
    /// @notice `role` of the platform.
    uint8 public constant ROLE_PLATFORM = 2;
    /// @notice `role` of the payer who sent more than was due.
    uint8 public constant ROLE_REFUND = 3;

    /// @notice Wei kept for an account that could not be paid.
    mapping(address account => uint256) public refunds;

    /// @notice One leg of a payment; `credited` is true when it waits in `refunds` instead of having been sent.
    event Paid(
        uint256 indexed tokenId, address indexed recipient, uint8 indexed role, uint256 amount, bool credited
    );

    /// @notice Emitted when an account takes what was kept for it.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    error NothingToWithdraw(address account);
    error WithdrawalRefused(address to, uint256 amount);

    /// @notice Sends the caller what is kept for them.
    function withdraw() external returns (uint256 amount) {
        return _withdraw(msg.sender);
    }

    /// @notice Sends `to` what is kept for the caller: the way out for a contract that cannot receive ETH.
    function withdrawTo(address to) external returns (uint256 amount) {
        return _withdraw(to);
    }

    function _withdraw(address to) private nonReentrant returns (uint256 amount) {
        amount = refunds[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        refunds[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert WithdrawalRefused(to, amount);
    }

    /// @dev Pays with a gas cap and without copying the answer: a payee can neither burn the gas of a sale nor
    /// return a bomb. A refused payment is credited. Pays nothing, and emits nothing, for zero.
    function _pay(uint256 tokenId, address recipient, uint8 role, uint256 amount) internal {
        if (amount == 0) return;
        bool sent =
            SafeTransferLib.trySafeTransferETH(recipient, amount, SafeTransferLib.GAS_STIPEND_NO_GRIEF);
        if (!sent) refunds[recipient] += amount;
        emit Paid(tokenId, recipient, role, amount, !sent);
    }

    /// @dev Pays a royalty to the Splitter, saying for which work and from what. Pays and emits nothing for zero.
    function _payRoyalty(Splitter splitter, uint256 tokenId, uint256 royalty, uint8 source) internal {
        if (royalty == 0) return;
        splitter.receiveRoyalty{value: royalty}(tokenId, source);
        emit Paid(tokenId, address(splitter), ROLE_ROYALTY, royalty, false);
    }
}
