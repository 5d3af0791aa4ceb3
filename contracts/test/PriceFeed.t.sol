// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {PriceFeed} from "../src/PriceFeed.sol";
import {Base} from "./Base.sol";

contract PriceFeedTest is Base {
    function testFuzzRoundsAreKeptAndAnnounced(uint64 first, uint64 second) public {
        vm.assume(first > 0 && second > 0);
        vm.expectEmit(true, true, true, true, address(feed));
        emit PriceFeed.AnswerUpdated(int256(uint256(first)), 1, START);
        feed.push(int256(uint256(first)));
        vm.warp(START + 60);
        feed.push(int256(uint256(second)));
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
            feed.latestRoundData();
        equal(id, 2, "round");
        equal(uint256(answer), second, "answer");
        equal(startedAt, START + 60, "start");
        equal(updatedAt, START + 60, "update");
        equal(answeredIn, 2, "answered in");
        (, answer,, updatedAt,) = feed.getRoundData(1);
        equal(uint256(answer), first, "the first round stays");
        equal(updatedAt, START, "with its time");
        equal(feed.decimals(), 8, "decimals");
    }

    function testOnlyTheOwnerPushes() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, BUYER));
        vm.prank(BUYER);
        feed.push(1);
    }

    function testPricesArePositive() public {
        vm.expectRevert(abi.encodeWithSelector(PriceFeed.AnswerOutOfRange.selector, int256(0)));
        feed.push(0);
        vm.expectRevert(abi.encodeWithSelector(PriceFeed.AnswerOutOfRange.selector, int256(-1)));
        feed.push(-1);
    }

    function testThereIsNoAnswerBeforeTheFirst() public {
        vm.expectRevert(abi.encodeWithSelector(PriceFeed.NoSuchRound.selector, 0));
        feed.latestAnswer();
        feed.push(3_000e8);
        equal(uint256(feed.latestAnswer()), 3_000e8, "answer");
        vm.expectRevert(abi.encodeWithSelector(PriceFeed.NoSuchRound.selector, 2));
        feed.getRoundData(2);
    }
}
