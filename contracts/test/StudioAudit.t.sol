// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Artwork} from "../src/Artwork.sol";
import {Loop} from "../src/Loop.sol";
import {Rounds} from "../src/Rounds.sol";
import {Studio} from "../src/Studio.sol";
import {Bookkeeper, Donor, GasBurner, Reentrant, Refuser, ReturnBomb} from "./Hostile.sol";
import {StudioWorld} from "./StudioWorld.sol";

/// @title Published audit findings of related projects, each as a test that the Studio does not share them.
contract StudioAuditTest is StudioWorld {
    bytes32 private constant WORK = keccak256("work");

    // -- Party ---------------------------------------------------------------------------------

    /// @dev The finding: shares that move in the second in which the proposal is made vote for both holders.
    function testPartyH01NobodyVotesTwiceByMovingSharesWhenTheRoundOpens() public {
        vm.prank(B);
        shares.transfer(STRANGER, 250e18); // in the same second, before
        uint256 round = open(studio);
        vm.prank(C);
        shares.transfer(STRANGER, 200e18); // and after
        submit(studio, round, WORK);
        toCommitment(studio, round);
        equal(studio.weightOf(round, STRANGER), 0, "arrived too late");
        equal(studio.weightOf(round, B), 250e18, "left too late");
        equal(studio.weightOf(round, C), 200e18, "left too late");
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoVotingShares.selector, round, STRANGER));
        vm.prank(STRANGER);
        studio.commitVote(round, SALT);
        vm.prank(STRANGER);
        shares.transfer(B, 250e18); // and back, to vote again
        commit(studio, round, B, 1);
        toReveal(studio, round);
        reveal(studio, round, B, 1);
        vm.expectRevert(abi.encodeWithSelector(Rounds.VoteAlreadyRevealed.selector, round, B));
        vm.prank(B);
        studio.revealVote(round, 1, SALT);
        equal(studio.roundOf(round).cast, 250e18, "once");
    }

    /// @dev The finding: a majority passes one proposal after the other, each harmless, that end with the work.
    function testPartyH03H05H06NoChainOfVotesTakesAWorkOrMoney() public {
        uint256 tokenId = minted("work");
        vm.deal(address(studio), 5 ether);
        // Whatever words a majority accepts, also such that could be read as calls or addresses, can only be minted.
        bytes32[3] memory words = [
            keccak256(abi.encodeCall(studio.sendWork, (tokenId, A))),
            bytes32(uint256(uint160(A))),
            bytes32(abi.encodeCall(studio.setOperator, (A)))
        ];
        for (uint256 i; i < 3; ++i) {
            uint256 round = open(studio);
            submit(studio, round, words[i]);
            cast(studio, round, [uint8(1), 1, 1, 1]);
            vm.prank(A);
            studio.closeRound(round);
        }
        equal(artwork.ownerOf(tokenId), address(studio), "the work stays");
        equal(address(studio).balance, 5 ether, "the money stays");
        equal(studio.operator(), OPERATOR, "the operator stays");
        Artwork.Mint memory m = order(words[1]);
        m.to = A;
        vm.expectRevert(abi.encodeWithSelector(Studio.ReceiverWrong.selector, A));
        vm.prank(OPERATOR);
        studio.mint(m);
    }

    /// @dev The finding: a donation makes a balance check fail for ever.
    function testPartyH07DonationsStopNothing() public {
        vm.deal(address(this), 3 ether);
        new Donor{value: 1.5 ether}(payable(address(studio)));
        new Donor{value: 1 ether}(payable(address(shares)));
        vm.prank(A);
        shares.transfer(address(studio), 1);
        uint256 tokenId = minted("work");
        uint256 dropId = dropped(tokenId, 4 ether);
        vm.prank(OPERATOR);
        studio.spend(COMPUTE, STRANGER, 0.1 ether);
        equal(studio.shareProceeds(), 0.4 ether, "what is above the reserve");
        equal(shares.dividendsPaid(), 0.4 ether, "forced ETH is no dividend");
        vm.deal(B, 4 ether);
        vm.prank(B);
        drops.buy{value: 4 ether}(dropId, tokenId, 4 ether, B);
        equal(artwork.ownerOf(tokenId), B, "sold");
    }

    /// @dev The finding: what was sent with a call above what it needs is kept. Here no call takes any.
    function testPartyM12NoCallKeepsEther() public {
        uint256 round = open(studio);
        vm.deal(OPERATOR, 1 ether);
        bytes[7] memory calls = [
            abi.encodeCall(studio.submit, (round, WORK)),
            abi.encodeCall(studio.spend, (COMPUTE, A, 0)),
            abi.encodeCall(studio.transition, (Loop.State.Forecast, SALT)),
            abi.encodeCall(studio.meter, (130, 0)),
            abi.encodeCall(studio.openDrop, (new uint256[](0), prices(1 ether), 0)),
            abi.encodeCall(studio.mint, (order(WORK))),
            abi.encodeCall(studio.shareProceeds, ())
        ];
        for (uint256 i; i < 7; ++i) {
            vm.prank(OPERATOR);
            (bool done,) = address(studio).call{value: 1}(calls[i]);
            require(!done, "takes no ETH");
        }
        equal(OPERATOR.balance, 1 ether, "all there");
    }

    // -- Fractional v2 -------------------------------------------------------------------------

    function testFractionalH10NobodysWorkIsBurnedOrSoldByTheOperator() public {
        uint256 tokenId = minted("work");
        vm.prank(OWNER);
        studio.sendWork(tokenId, B);
        vm.prank(B);
        artwork.setApprovalForAll(address(studio), true); // a careless owner
        vm.expectRevert(abi.encodeWithSelector(Studio.NotOurWork.selector, tokenId));
        vm.prank(OPERATOR);
        studio.burn(tokenId, 0);
        vm.prank(OPERATOR);
        (bool done,) = address(studio)
            .call(abi.encodeCall(studio.openDrop, (only(tokenId), prices(1 ether), uint64(block.timestamp))));
        require(!done, "not for sale");
        equal(artwork.ownerOf(tokenId), B, "still B's");
    }

    function testFractionalH12NoAllowanceIsLeft() public {
        uint256 tokenId = minted("work");
        uint256 dropId = dropped(tokenId, 4 ether);
        require(!artwork.isApprovedForAll(address(studio), address(drops)), "after opening");
        vm.prank(OPERATOR);
        studio.withdrawDrop(dropId, only(tokenId));
        require(!artwork.isApprovedForAll(address(studio), address(drops)), "after withdrawing");
        equal(artwork.getApproved(tokenId), address(0), "of the work");
    }

    /// @dev The payee is operator too, as if both were one contract of the attacker's.
    function testFractionalH13H16ReentryByAPayeeChangesNothing() public {
        Reentrant hostile = new Reentrant();
        uint256 tokenId = minted("a");
        uint256 dropId = dropped(minted("b"), 4 ether);
        accept(studio, WORK);
        vm.deal(address(studio), 5 ether);
        vm.prank(OWNER);
        studio.setOperator(address(hostile));
        bytes[7] memory attacks = [
            abi.encodeCall(studio.spend, (COMPUTE, address(hostile), 0.1 ether)),
            abi.encodeCall(studio.mint, (order(WORK))),
            abi.encodeCall(studio.burn, (tokenId, 0)),
            abi.encodeCall(studio.openDrop, (only(tokenId), prices(1 ether), uint64(block.timestamp))),
            abi.encodeCall(studio.repriceDrop, (dropId, prices(4 ether))),
            abi.encodeCall(studio.withdrawDrop, (dropId, only(tokenId + 1))),
            abi.encodeCall(studio.shareProceeds, ())
        ];
        for (uint256 i; i < 7; ++i) {
            hostile.arm(address(studio), attacks[i]);
            vm.prank(address(hostile));
            studio.spend(COMPUTE, address(hostile), 0.1 ether);
            require(hostile.tried() && !hostile.succeeded(), "tried and refused");
        }
        equal(address(hostile).balance, 0.7 ether, "seven payments");
        equal(studio.leftOf(COMPUTE), 1.3 ether, "all counted");
        hostile.arm(address(0), "");
        for (uint256 i = 1; i < 6; ++i) {
            if (i == 3) continue; // that work was burned
            vm.prank(address(hostile));
            (bool done,) = address(studio).call(attacks[i]);
            require(done, "works outside of a payment");
        }
    }

    /// @dev The finding: a proposal that failed can be committed again, or executed twice.
    function testFractionalH15H17ARoundThatFailedCannotBeReplayed() public {
        uint256 round = vote(studio, WORK, [uint8(1), 255, 255, 255]); // 300 of 400
        require(studio.closeRound(round) == Rounds.Outcome.NoQuorum, "failed");
        expectPhase(round, Rounds.Phase.Closed, Rounds.Phase.Reveal);
        vm.prank(B);
        studio.revealVote(round, 1, SALT);
        expectPhase(round, Rounds.Phase.Closed, Rounds.Phase.Tally);
        studio.closeRound(round);
        vm.expectRevert(abi.encodeWithSelector(Studio.NotAccepted.selector, WORK));
        vm.prank(OPERATOR);
        studio.mint(order(WORK));
        // It may stand again, and then starts from nothing.
        round = vote(studio, WORK, [uint8(255), 1, 255, 255]);
        require(studio.closeRound(round) == Rounds.Outcome.NoQuorum, "old votes count no more");
    }

    function testFractionalH15H17AnAcceptanceCannotBeReplayed() public {
        uint256 tokenId = minted("work");
        vm.prank(OPERATOR);
        studio.burn(tokenId, 1);
        expectPhase(1, Rounds.Phase.Closed, Rounds.Phase.Tally);
        studio.closeRound(1);
        vm.expectRevert(abi.encodeWithSelector(Studio.AlreadyMinted.selector, WORK, tokenId));
        vm.prank(OPERATOR);
        studio.mint(order(WORK));
    }

    function testFractionalM11APayeeThatNeedsGasIsPaid() public {
        vm.deal(address(studio), 1 ether);
        Bookkeeper payee = new Bookkeeper();
        vm.prank(OPERATOR);
        studio.spend(COMPUTE, address(payee), 1 ether);
        equal(payee.received(), 1 ether, "booked");
    }

    // -- Tessera -------------------------------------------------------------------------------

    function testTesseraH01APaymentThatFailsIsNotCountedAsMade() public {
        vm.deal(address(studio), 1 ether);
        address refuser = address(new Refuser());
        vm.expectRevert(abi.encodeWithSelector(Studio.SpendRefused.selector, refuser, 1 ether));
        vm.prank(OPERATOR);
        studio.spend(COMPUTE, refuser, 1 ether);
        equal(studio.spentIn(studio.epoch(), COMPUTE), 0, "not spent");
    }

    function testTesseraH03NoSecondBelongsToTwoWindows() public {
        uint256 round = open(studio);
        submit(studio, round, WORK);
        Rounds.Round memory r = studio.roundOf(round);
        uint64[3] memory ends = [r.submitUntil, r.commitUntil, r.revealUntil];
        for (uint256 i; i < 6; ++i) {
            vm.warp(ends[i / 2] + i % 2);
            uint256 open_;
            if (_works(A, abi.encodeCall(studio.submit, (round, keccak256(abi.encode(i)))))) ++open_;
            bytes32 hash = studio.hashVote(round, A, 1, SALT);
            if (_works(A, abi.encodeCall(studio.commitVote, (round, hash)))) ++open_;
            if (_works(A, abi.encodeCall(studio.revealVote, (round, 1, SALT)))) ++open_;
            if (_works(A, abi.encodeCall(studio.closeRound, (round)))) ++open_;
            // A second reveal of the same vote is refused for another reason.
            equal(open_, i == 4 ? 0 : 1, "exactly one");
        }
    }

    function testTesseraH05NoHolderFillsARound() public {
        uint256 round = open(studio);
        uint256 made;
        while (_works(A, abi.encodeCall(studio.submit, (round, keccak256(abi.encode(made)))))) ++made;
        equal(made, 10, "50 % are ten seats of 5 %");
        vm.prank(D);
        studio.submit(round, WORK);
        submit(studio, round, keccak256("operator"));
    }

    // -- Escher --------------------------------------------------------------------------------

    function testEscherM12NothingIsVotedAfterTheDeadline() public {
        uint256 round = open(studio);
        submit(studio, round, WORK);
        toCommitment(studio, round);
        commit(studio, round, A, 1);
        toTally(studio, round);
        expectPhase(round, Rounds.Phase.Tally, Rounds.Phase.Submission);
        vm.prank(A);
        studio.submit(round, keccak256("late"));
        expectPhase(round, Rounds.Phase.Tally, Rounds.Phase.Reveal);
        vm.prank(A);
        studio.revealVote(round, 1, SALT);
    }

    // -- hostile holders -----------------------------------------------------------------------

    /// @dev Holders who refuse, burn gas or answer with a bomb stop no other's dividends, nor the sharing.
    function testHostileHoldersStopNoDividends() public {
        address[3] memory hostile =
            [address(new Refuser()), address(new GasBurner()), address(new ReturnBomb())];
        for (uint256 i; i < 3; ++i) {
            vm.prank(A);
            shares.transfer(hostile[i], 100e18);
        }
        vm.deal(address(studio), 11 ether);
        studio.shareProceeds();
        for (uint256 i; i < 3; ++i) {
            vm.prank(hostile[i]);
            (bool done,) = address(shares).call{gas: 300_000}(abi.encodeCall(shares.claimDividend, ()));
            require(!done, "cannot take it");
        }
        vm.prank(A);
        equal(shares.claimDividend(), 2 ether, "A's");
        vm.prank(hostile[0]);
        equal(shares.claimDividendTo(STRANGER), 1 ether, "the way out");
    }

    function _works(address by, bytes memory data) private returns (bool done) {
        vm.prank(by);
        (done,) = address(studio).call(data);
    }
}
