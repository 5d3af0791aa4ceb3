// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Budgets} from "./Budgets.sol";

/// @title Where the operator's loop from forecast to learning stands, step by step, each with an anchor.
/// @notice An anchor is the head of the operator's hash-chained log after the step, so that no row of it can be
/// changed later unseen. Steps that the table does not allow are refused.
/// @dev The states tell what happened; what may be minted, sold or spent is for rounds, drops and budgets to allow,
/// whatever the state. Every step has another anchor than the last: a step that is sent twice after a crash counts
/// once. A dispute stops the loop until the owner has judged it, an empty budget until the next epoch.
abstract contract Loop is Budgets {
    /// @notice The way round is from each state to the next, and from Learn to Idle; the last four are off it.
    enum State {
        Idle,
        Forecast,
        Plan,
        Generate,
        Screen,
        Shortlist,
        VetCommit,
        VetReveal,
        Tally,
        Mint,
        Sell,
        Settle,
        Distribute,
        Learn,
        Paused,
        Disputed,
        Rejected,
        BudgetOut
    }

    /// @notice Loops begun so far; the number of the one that runs or ran last.
    uint256 public loop;

    /// @notice Where it stands.
    State public state;

    /// @notice Where a pause found it.
    State public stateBeforePause;

    /// @notice Where a dispute found it.
    State public stateBeforeDispute;

    /// @notice The epoch in which the budget last ran out.
    uint256 public budgetOutIn;

    /// @notice The latest anchor.
    bytes32 public lastAnchor;

    /// @notice The loop took a step. Pauses and their ends have no anchor of their own: 0.
    event LoopTransition(uint256 indexed loop, uint8 from, uint8 to, bytes32 anchor, address indexed by);

    error TransitionIllegal(State from, State to, address by);
    error AnchorInvalid(bytes32 anchor);

    /// @notice Takes a step. The operator takes all but those out of a dispute, which are the owner's; the owner may
    /// also end an empty budget before the epoch does.
    function transition(State to, bytes32 anchor) external whenNotPaused {
        if (!canMove(to, msg.sender)) revert TransitionIllegal(state, to, msg.sender);
        if (anchor == 0 || anchor == lastAnchor) revert AnchorInvalid(anchor);
        lastAnchor = anchor;
        if (to == State.Disputed) stateBeforeDispute = state;
        else if (to == State.BudgetOut) budgetOutIn = epoch();
        else if (to == State.Forecast) ++loop;
        _move(to, anchor);
    }

    /// @notice Whether an account may take the loop to a state now, were it not paused.
    function canMove(State to, address by) public view returns (bool) {
        State from = state;
        if (from == State.Disputed) {
            return by == owner() && (to == State.Rejected || to == stateBeforeDispute);
        }
        if (from == State.BudgetOut) {
            bool allowed = by == owner() || (by == operator && epoch() > budgetOutIn);
            return allowed && to == State.Idle;
        }
        return by == operator && _leadsTo(from, to);
    }

    /// @dev The table of what the operator may do: the next step, or off the way where that makes sense. A dispute
    /// needs a work (from screening on); nothing is rejected once it is minted; budgets run out where they are used.
    function _leadsTo(State from, State to) private pure returns (bool) {
        if (to == State.Rejected) return from >= State.Forecast && from <= State.Tally;
        if (to == State.Disputed) return from >= State.Screen && from <= State.Distribute;
        if (to == State.BudgetOut) {
            return from == State.Plan || from == State.Generate || from == State.Mint || from == State.Sell;
        }
        if (from == State.Rejected) return to == State.Learn;
        if (from == State.Learn) return to == State.Idle;
        return from < State.Learn && uint8(to) == uint8(from) + 1;
    }

    function _pause() internal virtual override {
        super._pause();
        stateBeforePause = state;
        _move(State.Paused, 0);
    }

    function _unpause() internal virtual override {
        super._unpause();
        _move(stateBeforePause, 0);
    }

    function _move(State to, bytes32 anchor) private {
        emit LoopTransition(loop, uint8(state), uint8(to), anchor, msg.sender);
        state = to;
    }
}
