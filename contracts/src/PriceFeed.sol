// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// @title A price pushed by its owner, read like a Chainlink aggregator.
/// @notice For local chains, where no oracle is: the same calls and the same `AnswerUpdated` event.
contract PriceFeed is Ownable2Step {
    struct Round {
        int192 answer;
        uint64 updatedAt;
    }

    /// @notice Decimals of every answer.
    uint8 public constant decimals = 8;

    /// @notice Version of the interface.
    uint256 public constant version = 1;

    /// @notice What is priced, such as `ETH / USD`.
    string public description;

    /// @notice Number of the latest round; rounds count from 1.
    uint80 public latestRound;

    mapping(uint80 roundId => Round) private _rounds;

    /// @notice A new price, in 10^-8 of the quote currency.
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    error AnswerOutOfRange(int256 answer);
    error NoSuchRound(uint80 roundId);

    constructor(address owner_, string memory description_) Ownable(owner_) {
        description = description_;
    }

    /// @notice Starts a new round with a positive `answer`.
    function push(int256 answer) external onlyOwner returns (uint80 roundId) {
        if (answer <= 0 || answer > type(int192).max) revert AnswerOutOfRange(answer);
        roundId = ++latestRound;
        // Exact: the answer was checked, and seconds fit 64 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        _rounds[roundId] = Round(int192(answer), uint64(block.timestamp));
        emit AnswerUpdated(answer, roundId, block.timestamp);
    }

    /// @notice The latest round in the five words of Chainlink's interface.
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(latestRound);
    }

    /// @notice The latest price; refuses when there is none yet.
    function latestAnswer() external view returns (int256 answer) {
        (, answer,,,) = getRoundData(latestRound);
    }

    /// @notice One round: id, answer, start, update (both the same second) and the round it was answered in.
    function getRoundData(uint80 roundId) public view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory round = _rounds[roundId];
        if (round.updatedAt == 0) revert NoSuchRound(roundId);
        return (roundId, round.answer, round.updatedAt, round.updatedAt, roundId);
    }
}
