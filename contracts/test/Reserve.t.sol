// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Reserve} from "../src/Reserve.sol";
import {Vault} from "../src/Vault.sol";
import {VaultBase} from "./VaultBase.sol";

contract ReserveTest is VaultBase {
    function testReserveIsTheMeanOfThePricesByLockedShares() public {
        equal(vault.reserve(), 0, "nobody voted");
        vm.expectEmit(true, true, true, true, address(vault));
        emit Reserve.ReserveVote(address(vault), ANN, 8 ether, 600e18);
        votes(ANN, 8 ether, 600e18);
        equal(vault.reserve(), 8 ether, "one vote");
        votes(BEN, 14 ether, 300e18);
        equal(vault.reserve(), 10 ether, "(6 * 8 + 3 * 14) / 9");
        equal(vault.lockedShares(), 900e18, "locked");
    }

    function testReserveIsRoundedUp() public {
        votes(ANN, 8 ether, 2);
        votes(BEN, 8 ether + 1, 1);
        equal(vault.reserve(), 8 ether + 1, "a third of a wei more than 8 ether");
    }

    function testAVoteReplacesTheVotersLast() public {
        votes(ANN, 8 ether, 600e18);
        votes(BEN, 14 ether, 300e18);
        votes(ANN, 20 ether, 150e18);
        equal(vault.reserve(), 16 ether, "(1.5 * 20 + 3 * 14) / 4.5");
        equal(vault.lockedShares(), 450e18, "the rest of hers is free");
        vm.prank(ANN);
        vault.transfer(CLEO, 450e18);
    }

    function testAVoteTakenBackCountsNoMore() public {
        votes(ANN, 8 ether, 600e18);
        votes(BEN, 14 ether, 300e18);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Reserve.ReserveVote(address(vault), ANN, 0, 0);
        vm.prank(ANN);
        vault.unvote();
        equal(vault.reserve(), 14 ether, "BEN's alone");
        vm.prank(ANN);
        vault.transfer(CLEO, 600e18);
        vm.prank(BEN);
        vault.unvote();
        equal(vault.reserve(), 0, "none");
        equal(vault.lockedShares(), 0, "none");
    }

    function testWhoDidNotVoteTakesNothingBack() public {
        vm.expectRevert(abi.encodeWithSelector(Reserve.NoVote.selector, ANN));
        vm.prank(ANN);
        vault.unvote();
    }

    function testLockedSharesStayAndTheOthersMove() public {
        votes(ANN, 8 ether, 400e18);
        vm.expectRevert(abi.encodeWithSelector(Reserve.SharesLocked.selector, ANN, 400e18, 600e18));
        vm.prank(ANN);
        vault.transfer(BEN, 200e18 + 1);
        vm.prank(ANN);
        vault.transfer(BEN, 200e18);
        vm.prank(ANN);
        vault.approve(CLEO, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(Reserve.SharesLocked.selector, ANN, 400e18, 400e18));
        vm.prank(CLEO);
        vault.transferFrom(ANN, CLEO, 1);
    }

    function testLockedSharesEarnDividends() public {
        votes(ANN, 8 ether, 600e18);
        vault.distribute{value: 1_000}();
        equal(vault.dividendOf(ANN), 600, "hers, locked or not");
    }

    function testOnlySharesThatOneHasVote() public {
        uint256[2] memory wrong = [uint256(0), 600e18 + 1];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Reserve.VotedSharesOutOfRange.selector, wrong[i], 600e18));
            vm.prank(ANN);
            vault.vote(8 ether, wrong[i]);
        }
    }

    function testAVoteIsWithinAFifthAndFiveTimesOfTheValuationAtFirst() public {
        (uint256 least, uint256 most) = vault.voteBounds(ANN, 600e18);
        equal(least, 2 ether, "a fifth");
        equal(most, 50 ether, "five times");
        uint256[2] memory wrong = [least - 1, most + 1];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(Reserve.VotePriceOutOfRange.selector, wrong[i], least, most)
            );
            vm.prank(ANN);
            vault.vote(wrong[i], 600e18);
        }
        votes(ANN, least, 600e18);
        votes(ANN, most, 600e18);
    }

    function testBoundsAreOfWhatAllOthersSayWithTheSilentAtTheValuation() public {
        votes(ANN, 50 ether, 600e18);
        (uint256 least, uint256 most) = vault.voteBounds(BEN, 300e18);
        // Others: 600 at 50, 100 silent at 10: 31,000 / 700.
        equal(least, uint256(31_000 ether) / 700 / 5 + 1, "a fifth of 44.29, rounded up");
        equal(most, (uint256(31_000 ether) / 700) * 5, "five times");
        votes(CLEO, least, 100e18);
        (, most) = vault.voteBounds(ANN, 600e18);
        equal(
            most, ((300 * VALUATION + 100 * least) / 400) * 5, "one's own last vote is not among the others"
        );
    }

    function testAHandfulOfSharesDoesNotShiftWhatOthersMaySay() public {
        votes(CLEO, 2 ether, 1);
        (uint256 least, uint256 most) = vault.voteBounds(ANN, 600e18);
        require(least >= 2 ether - 1 && most > 50 ether - 50, "as if nobody had voted");
    }

    function testAHandfulOfSharesDoesNotShiftTheReserve() public {
        votes(ANN, 10 ether, 600e18);
        votes(CLEO, 50 ether, 1);
        require(vault.reserve() <= 10 ether + 1, "weight counts");
    }

    function testHoldersTogetherReachAnyPrice() public {
        vm.prank(CLEO);
        vault.transfer(BEN, 100e18);
        uint256 least;
        for (uint256 i; i < 6; ++i) {
            (least,) = vault.voteBounds(ANN, 600e18);
            votes(ANN, least, 600e18);
            (least,) = vault.voteBounds(BEN, 400e18);
            votes(BEN, least, 400e18);
        }
        require(vault.reserve() < VALUATION / 1_000_000, "in six rounds to less than a millionth");
        uint256 most;
        for (uint256 i; i < 12; ++i) {
            (, most) = vault.voteBounds(ANN, 600e18);
            votes(ANN, most, 600e18);
            (, most) = vault.voteBounds(BEN, 400e18);
            votes(BEN, most, 400e18);
        }
        require(vault.reserve() > VALUATION * 1_000_000, "and up again");
    }

    function testNoVoteIsAboveWhatTheBooksHold() public {
        vm.deal(CREATOR, type(uint128).max);
        (Vault fresh,) = opened(CREATOR, type(uint128).max / 2);
        (, uint256 most) = fresh.voteBounds(CREATOR, SUPPLY);
        equal(most, type(uint128).max, "not five times");
        vm.prank(CREATOR);
        fresh.vote(most, SUPPLY);
        equal(fresh.reserve(), type(uint128).max, "and the mean does not overflow");
    }

    function testVotesStandStillDuringABuyoutAndAfterIt() public {
        votes(BEN, 8 ether, 300e18);
        started();
        bytes memory refusal = wrongPhase(Reserve.Phase.Buyout, Reserve.Phase.Open);
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(refusal);
            votes(CLEO, 8 ether, 100e18);
            vm.expectRevert(refusal);
            vm.prank(BEN);
            vault.unvote();
            if (i == 1) break;
            vm.expectRevert(abi.encodeWithSelector(Reserve.SharesLocked.selector, BEN, 300e18, 300e18));
            vm.prank(BEN);
            vault.transfer(CLEO, 1);
            vm.warp(START + 7 days + 1);
            vault.settle();
            refusal = wrongPhase(Reserve.Phase.Over, Reserve.Phase.Open);
        }
        vm.prank(BEN);
        vault.transfer(CLEO, 300e18); // the lock ended with the work's going
        equal(vault.balanceOf(CLEO), 400e18, "free");
    }

    /// @dev The mean against one that is computed from the votes themselves, after any replacements.
    function testFuzzReserveIsTheMeanWhateverWasReplaced(uint128[8] memory prices, uint96[8] memory shares)
        public
    {
        address[3] memory voters = [ANN, BEN, CLEO];
        for (uint256 i; i < 8; ++i) {
            address voter = voters[i % 3];
            uint256 part = 1 + shares[i] % vault.balanceOf(voter);
            (uint256 least, uint256 most) = vault.voteBounds(voter, part);
            votes(voter, least + prices[i] % (most - least + 1), part);
        }
        uint256 sum;
        uint256 locked;
        for (uint256 i; i < 3; ++i) {
            (uint128 price, uint128 part) = vault.voteOf(voters[i]);
            sum += uint256(price) * part;
            locked += part;
        }
        equal(vault.lockedShares(), locked, "locked");
        uint256 mean = vault.reserve();
        require(mean * locked >= sum && (mean - 1) * locked < sum, "the mean, rounded up");
    }
}
