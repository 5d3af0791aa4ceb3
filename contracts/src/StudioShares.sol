// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Dividends} from "./Dividends.sol";

/// @title Shares of the Studio: they divide its proceeds, and vote in its rounds by what they were at a snapshot.
/// @notice The supply is minted once and never burned. There is no delegation: a vote weighs what its account held.
/// @dev A balance is noted once per second in which it changed. Only seconds that are over can be asked for, so
/// that no transaction, also none later in the same block, can change an answer.
contract StudioShares is Dividends {
    using Checkpoints for Checkpoints.Trace208;

    mapping(address holder => Checkpoints.Trace208) private _balances;

    error TimeNotOver(uint64 time, uint256 now_);

    constructor(string memory name_, string memory symbol_, address holder, uint256 shares)
        Dividends(name_, symbol_, holder, shares)
    {}

    /// @notice What an account held at the end of a second that is over, in Unix seconds.
    function balanceOfAt(address holder, uint64 time) external view returns (uint256) {
        if (time >= block.timestamp) revert TimeNotOver(time, block.timestamp);
        return _balances[holder].upperLookupRecent(uint48(time));
    }

    function _update(address from, address to, uint256 shares) internal override {
        super._update(from, to, shares);
        if (shares == 0) return; // nobody can lengthen another's history by sending them nothing
        _note(from);
        _note(to);
    }

    /// @dev The casts are exact: balances are below 2^128, and seconds will be below 2^48 for nine million years.
    function _note(address holder) private {
        if (holder == address(0)) return;
        // forge-lint: disable-next-line(unsafe-typecast)
        _balances[holder].push(uint48(block.timestamp), uint208(balanceOf(holder)));
    }
}
