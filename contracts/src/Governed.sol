// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// @title Who may do what in the Studio: owner, operator and guardian.
/// @notice The owner, a timelock, sets the rules. The operator, the generation agent, acts within them. The guardian
/// can stop everything, and nothing else; only the owner lets it go on.
abstract contract Governed is Ownable2Step, Pausable {
    /// @notice Who acts within the rules; zero: nobody.
    address public operator;

    /// @notice Who can pause; zero: nobody.
    address public guardian;

    /// @notice Seconds that ended pauses took, all together.
    uint64 public pausedSeconds;

    uint64 private _pausedAt;

    /// @notice Another account is the operator from now on.
    event OperatorSet(address indexed operator);

    /// @notice Another account is the guardian from now on.
    event GuardianSet(address indexed guardian);

    error NotOperator(address caller, address operator);
    error NotGuardian(address caller, address guardian);
    error OwnerNeeded();

    modifier onlyOperator() {
        if (msg.sender != operator) revert NotOperator(msg.sender, operator);
        _;
    }

    constructor(address owner_, address operator_, address guardian_) Ownable(owner_) {
        _setOperator(operator_);
        _setGuardian(guardian_);
    }

    /// @notice Makes another account the operator.
    function setOperator(address operator_) external onlyOwner {
        _setOperator(operator_);
    }

    /// @notice Makes another account the guardian.
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    /// @notice Stops all that the operator, voters and passers-by can do here. Moves nothing.
    function pause() external {
        if (msg.sender != guardian) revert NotGuardian(msg.sender, guardian);
        _pause();
    }

    /// @notice Lets it go on. A guardian who would pause again is replaced in the same batch of the timelock.
    function unpause() external onlyOwner {
        _unpause();
    }

    /// @notice Refused: without an owner, a pause would be for ever.
    function renounceOwnership() public pure override {
        revert OwnerNeeded();
    }

    function _pause() internal virtual override {
        super._pause();
        _pausedAt = uint64(block.timestamp);
    }

    function _unpause() internal virtual override {
        super._unpause();
        pausedSeconds += uint64(block.timestamp) - _pausedAt;
    }

    /// @dev The second that it would be had it not been paused since `pausedBefore` seconds of pauses; stands still
    /// in a pause. What had ended before a pause has also ended after it.
    function _unpausedTime(uint64 pausedBefore) internal view returns (uint256) {
        uint256 time = paused() ? _pausedAt : block.timestamp;
        return time - (pausedSeconds - pausedBefore);
    }

    function _setOperator(address operator_) private {
        operator = operator_;
        emit OperatorSet(operator_);
    }

    function _setGuardian(address guardian_) private {
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }
}
