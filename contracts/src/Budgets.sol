// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Governed} from "./Governed.sol";

/// @title Budgets per epoch with hard stops, in wei and in counts.
/// @notice Kinds below 128 are wei that the operator may pay out. The others are counts: what the operator mints and
/// burns, and what it reports of its work (images, GPU seconds, gas). What an epoch leaves over is not carried on.
/// @dev The length of an epoch never changes, and epochs are counted from 1970: nothing starts one anew before its
/// time. A budget lowered below what was spent leaves nothing; it takes nothing back.
abstract contract Budgets is Governed {
    /// @notice What may be spent per epoch of one kind.
    struct Budget {
        uint8 kind;
        uint256 perEpoch;
    }

    /// @notice Wei for computing.
    uint8 public constant KIND_COMPUTE = 0;
    /// @notice Wei for the operator's gas.
    uint8 public constant KIND_GAS = 1;
    /// @notice Wei for storage and publication.
    uint8 public constant KIND_STORAGE = 2;
    /// @notice First kind that is a count: works burned. Set by `setLimits`.
    uint8 public constant KIND_BURNS = 128;
    /// @notice Works minted.
    uint8 public constant KIND_MINTS = 129;
    /// @notice First kind that the operator reports: images made. 131 is GPU seconds, 132 gas.
    uint8 public constant KIND_IMAGES = 130;

    /// @notice Shortest epoch in seconds.
    uint256 public constant MIN_EPOCH = 1 hours;

    /// @notice Longest epoch in seconds.
    uint256 public constant MAX_EPOCH = 90 days;

    /// @notice Seconds of an epoch.
    uint256 public immutable epochLength;

    /// @notice What may be spent per epoch of a kind: wei, or a count.
    mapping(uint8 kind => uint256) public budgetOf;

    /// @notice What was spent in an epoch of a kind.
    mapping(uint256 epoch => mapping(uint8 kind => uint256)) public spentIn;

    /// @notice The owner set a budget; for this epoch, too.
    event BudgetSet(uint8 indexed kind, uint256 perEpoch);

    /// @notice `amount` of a budget was used up; `left` is left in this epoch.
    event BudgetSpent(uint256 indexed epoch, uint8 indexed kind, uint256 amount, uint256 left);

    error EpochOutOfRange(uint256 length, uint256 least, uint256 most);
    error BudgetExceeded(uint256 epoch, uint8 kind, uint256 amount, uint256 left);
    error KindWrong(uint8 kind);

    constructor(uint256 epochLength_, Budget[] memory budgets) {
        if (epochLength_ < MIN_EPOCH || epochLength_ > MAX_EPOCH) {
            revert EpochOutOfRange(epochLength_, MIN_EPOCH, MAX_EPOCH);
        }
        epochLength = epochLength_;
        for (uint256 i; i < budgets.length; ++i) {
            _setBudget(budgets[i].kind, budgets[i].perEpoch);
        }
    }

    /// @notice Sets the budget of a kind other than burns.
    function setBudget(uint8 kind, uint256 perEpoch) external onlyOwner {
        _setBudget(kind, perEpoch);
    }

    /// @notice Reports work that costs no wei here, before it is done: what exceeds the budget is refused.
    function meter(uint8 kind, uint256 amount) external onlyOperator whenNotPaused {
        if (kind < KIND_IMAGES) revert KindWrong(kind);
        _consume(kind, amount);
    }

    /// @notice The epoch of this second.
    function epoch() public view returns (uint256) {
        return block.timestamp / epochLength;
    }

    /// @notice What is left of a budget in this epoch.
    function leftOf(uint8 kind) public view returns (uint256) {
        uint256 spent = spentIn[epoch()][kind];
        return spent < budgetOf[kind] ? budgetOf[kind] - spent : 0;
    }

    function _consume(uint8 kind, uint256 amount) internal {
        uint256 left = leftOf(kind);
        if (amount > left) revert BudgetExceeded(epoch(), kind, amount, left);
        spentIn[epoch()][kind] += amount;
        emit BudgetSpent(epoch(), kind, amount, left - amount);
    }

    /// @dev Burns have their own event, `LimitsSet`: one truth, one place.
    function _setBudget(uint8 kind, uint256 perEpoch) private {
        if (kind == KIND_BURNS) revert KindWrong(kind);
        budgetOf[kind] = perEpoch;
        emit BudgetSet(kind, perEpoch);
    }
}
