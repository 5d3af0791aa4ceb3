// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Budgets} from "../src/Budgets.sol";
import {Governed} from "../src/Governed.sol";
import {ISnapshots, Rounds} from "../src/Rounds.sol";
import {StudioShares} from "../src/StudioShares.sol";
import {StudioBase, Voting} from "./StudioBase.sol";

/// @dev Shares of any supply, to find out which are refused.
contract AnySupply is ISnapshots {
    uint256 public totalSupply;

    constructor(uint256 supply) {
        totalSupply = supply;
    }

    function balanceOfAt(address, uint64) external pure returns (uint256) {
        return 0;
    }
}

contract RoundsTest is StudioBase {
    event RoundOpened(
        uint256 indexed round, uint64 snapshot, uint64 submitUntil, uint64 commitUntil, uint64 revealUntil
    );
    event RoundClosed(
        uint256 indexed round, uint8 outcome, uint256 votesForIt, uint256 votesCast, bytes32 manifest
    );

    bytes32 private constant WORK = keccak256("a work");
    bytes32 private constant OTHER = keccak256("another work");
    Voting private rounds;

    function setUp() public {
        shareOut();
        rounds = _voting(shares, usualRules());
    }

    function _voting(StudioShares shares_, Rounds.RoundRules memory rules) private returns (Voting) {
        return new Voting(shares_, OWNER, OPERATOR, GUARDIAN, rules, EPOCH, new Budgets.Budget[](0));
    }

    // -- the course of a round -----------------------------------------------------------------

    function testARoundAcceptsWhatMostVotesAreFor() public {
        uint256 round = open(rounds);
        equal(submit(rounds, round, OTHER), 1, "first");
        equal(submit(rounds, round, WORK), 2, "second");
        cast(rounds, round, [uint8(1), 2, 2, 0]);
        vm.expectEmit(true, true, true, true, address(rounds));
        emit RoundClosed(1, uint8(Rounds.Outcome.Accepted), 450e18, 800e18, WORK);
        vm.prank(STRANGER);
        rounds.closeRound(round);
        equal(rounds.acceptedIn(WORK), 1, "accepted");
        equal(rounds.acceptedIn(OTHER), 0, "not accepted");
        equal(rounds.votesFor(round, 1), CAP, "A is capped");
        equal(rounds.votesFor(round, 0), 50e18, "none");
        require(rounds.phaseOf(round) == Rounds.Phase.Closed, "closed");
        equal(rounds.manifestOf(round, 2), WORK, "its manifest");
        equal(rounds.choiceOf(round, WORK), 2, "its choice");
    }

    function testARoundOpensWithItsWindowsAndTheSecondBeforeAsSnapshot() public {
        uint64 time = uint64(block.timestamp);
        vm.expectEmit(true, true, true, true, address(rounds));
        emit RoundOpened(1, time - 1, time + SUBMIT, time + SUBMIT + COMMIT, time + SUBMIT + COMMIT + REVEAL);
        equal(open(rounds), 1, "number");
        equal(rounds.roundCount(), 1, "count");
    }

    function testTheNextRoundWaitsForTheEndOfThePrevious() public {
        uint256 round = vote(rounds, WORK, [uint8(255), 255, 255, 255]);
        vm.expectRevert(abi.encodeWithSelector(Rounds.PreviousRoundOpen.selector, round));
        vm.prank(OPERATOR);
        rounds.openRound();
        rounds.closeRound(round);
        equal(open(rounds), 2, "now");
    }

    function testOnlyTheOperatorOpensRounds() public {
        vm.expectRevert(abi.encodeWithSelector(Governed.NotOperator.selector, OWNER, OPERATOR));
        vm.prank(OWNER);
        rounds.openRound();
    }

    function testEveryActHasItsWindowToTheExactSecond() public {
        uint256 round = open(rounds);
        Rounds.Round memory r = rounds.roundOf(round);
        vm.warp(r.submitUntil);
        submit(rounds, round, WORK);
        expectPhase(round, Rounds.Phase.Submission, Rounds.Phase.Commitment);
        rounds.commitVote(round, SALT);
        vm.warp(r.submitUntil + 1);
        expectPhase(round, Rounds.Phase.Commitment, Rounds.Phase.Submission);
        rounds.submit(round, OTHER);
        commit(rounds, round, A, 1);
        vm.warp(r.commitUntil);
        commit(rounds, round, B, 1);
        expectPhase(round, Rounds.Phase.Commitment, Rounds.Phase.Reveal);
        rounds.revealVote(round, 1, SALT);
        vm.warp(r.commitUntil + 1);
        expectPhase(round, Rounds.Phase.Reveal, Rounds.Phase.Commitment);
        rounds.commitVote(round, SALT);
        reveal(rounds, round, A, 1);
        vm.warp(r.revealUntil);
        reveal(rounds, round, B, 1);
        expectPhase(round, Rounds.Phase.Reveal, Rounds.Phase.Tally);
        rounds.closeRound(round);
        vm.warp(r.revealUntil + 1);
        expectPhase(round, Rounds.Phase.Tally, Rounds.Phase.Reveal);
        rounds.revealVote(round, 1, SALT);
        require(rounds.closeRound(round) == Rounds.Outcome.Accepted, "accepted");
        expectPhase(round, Rounds.Phase.Closed, Rounds.Phase.Tally);
        rounds.closeRound(round);
    }

    function testARoundThatWasNeverOpenedTakesNothing() public {
        expectPhase(1, Rounds.Phase.Unknown, Rounds.Phase.Submission);
        rounds.submit(1, WORK);
        expectPhase(0, Rounds.Phase.Unknown, Rounds.Phase.Tally);
        rounds.closeRound(0);
    }

    // -- submissions ---------------------------------------------------------------------------

    function testAHolderSubmitsOncePerSeatAndOthersDoNot() public {
        uint256 round = open(rounds);
        vm.startPrank(D); // 5 %, exactly one seat
        rounds.submit(round, WORK);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoSeatLeft.selector, round, D, 1, 1));
        rounds.submit(round, OTHER);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoSeatLeft.selector, round, STRANGER, 0, 0));
        vm.prank(STRANGER);
        rounds.submit(round, OTHER);
        equal(rounds.submissionsOf(round, D), 1, "made");
    }

    function testSeatsAreThoseOfTheSnapshot() public {
        uint256 round = open(rounds);
        vm.prank(D);
        shares.transfer(STRANGER, 50e18);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoSeatLeft.selector, round, STRANGER, 0, 0));
        vm.prank(STRANGER);
        rounds.submit(round, WORK);
        vm.prank(D);
        rounds.submit(round, WORK);
    }

    function testAManifestIsSubmittedOnceInARound() public {
        uint256 round = open(rounds);
        submit(rounds, round, WORK);
        vm.expectRevert(abi.encodeWithSelector(Rounds.ManifestSubmitted.selector, round, WORK, 1));
        vm.prank(A);
        rounds.submit(round, WORK);
        vm.expectRevert(Rounds.ManifestMissing.selector);
        vm.prank(A);
        rounds.submit(round, 0);
    }

    function testNobodyFillsARoundNotEvenTheOperatorAndAllHolders() public {
        Rounds.RoundRules memory rules = usualRules();
        rules.seatBps = 100;
        rounds = _voting(shares, rules);
        uint256 round = open(rounds);
        address[4] memory holders = [A, B, C, D];
        uint256 made;
        for (uint256 i; i < 100; ++i) {
            submit(rounds, round, keccak256(abi.encode(++made)));
        }
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoSeatLeft.selector, round, OPERATOR, 100, 100));
        vm.prank(OPERATOR);
        rounds.submit(round, WORK);
        for (uint256 i; i < 4; ++i) {
            uint256 seats = shares.balanceOf(holders[i]) / 10e18;
            vm.startPrank(holders[i]);
            for (uint256 j; j < seats; ++j) {
                rounds.submit(round, keccak256(abi.encode(++made)));
            }
            vm.expectRevert(
                abi.encodeWithSelector(Rounds.NoSeatLeft.selector, round, holders[i], seats, seats)
            );
            rounds.submit(round, WORK);
            vm.stopPrank();
        }
        equal(rounds.roundOf(round).submissions, 200, "all that there can be");
        cast(rounds, round, [uint8(200), 200, 1, 1]);
        require(rounds.closeRound(round) == Rounds.Outcome.Accepted, "the last can win");
        equal(rounds.acceptedIn(keccak256(abi.encode(200))), round, "and did");
    }

    // -- votes ---------------------------------------------------------------------------------

    function testACommitmentMayBeReplacedAndTheLastCounts() public {
        uint256 round = open(rounds);
        submit(rounds, round, WORK);
        toCommitment(rounds, round);
        commit(rounds, round, A, 0);
        commit(rounds, round, A, 1);
        (bytes32 hash, bool shown) = rounds.voteOf(round, A);
        equal(hash, keccak256(abi.encode(block.chainid, address(rounds), round, A, uint8(1), SALT)), "hash");
        require(!shown, "hidden");
        toReveal(rounds, round);
        vm.expectRevert(
            abi.encodeWithSelector(
                Rounds.CommitmentMismatch.selector, round, A, hash, rounds.hashVote(round, A, 0, SALT)
            )
        );
        vm.prank(A);
        rounds.revealVote(round, 0, SALT);
        reveal(rounds, round, A, 1);
        equal(rounds.votesFor(round, 1), CAP, "counted");
        (hash, shown) = rounds.voteOf(round, A);
        require(shown && hash == 0, "shown");
    }

    function testACopiedCommitmentIsWorthNothing() public {
        uint256 round = open(rounds);
        submit(rounds, round, WORK);
        toCommitment(rounds, round);
        commit(rounds, round, A, 1);
        (bytes32 hash,) = rounds.voteOf(round, A);
        vm.prank(B);
        rounds.commitVote(round, hash);
        toReveal(rounds, round);
        reveal(rounds, round, A, 1); // B now knows choice and salt
        vm.expectRevert(
            abi.encodeWithSelector(
                Rounds.CommitmentMismatch.selector, round, B, hash, rounds.hashVote(round, B, 1, SALT)
            )
        );
        vm.prank(B);
        rounds.revealVote(round, 1, SALT);
    }

    function testACommitmentHoldsInOneRoundOfOneStudioOnly() public {
        Voting twin = _voting(shares, usualRules());
        require(rounds.hashVote(1, A, 1, SALT) != twin.hashVote(1, A, 1, SALT), "studio");
        require(rounds.hashVote(1, A, 1, SALT) != rounds.hashVote(2, A, 1, SALT), "round");
        require(rounds.hashVote(1, A, 1, SALT) != rounds.hashVote(1, A, 0, SALT), "choice");
        require(rounds.hashVote(1, A, 1, SALT) != rounds.hashVote(1, A, 1, 0), "salt");
    }

    function testWhoHoldsNothingAtTheSnapshotDoesNotVote() public {
        uint256 round = open(rounds);
        submit(rounds, round, WORK);
        vm.prank(A);
        shares.transfer(STRANGER, 100e18);
        toCommitment(rounds, round);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoVotingShares.selector, round, STRANGER));
        vm.prank(STRANGER);
        rounds.commitVote(round, SALT);
    }

    function testACommitmentOfZeroOrOnesIsRefused() public {
        uint256 round = open(rounds);
        toCommitment(rounds, round);
        bytes32[2] memory wrong = [bytes32(0), bytes32(type(uint256).max)];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Rounds.CommitmentInvalid.selector, wrong[i]));
            vm.prank(A);
            rounds.commitVote(round, wrong[i]);
        }
    }

    function testAVoteIsRevealedOnceAndOnlyIfCommitted() public {
        uint256 round = open(rounds);
        submit(rounds, round, WORK);
        toCommitment(rounds, round);
        commit(rounds, round, A, 1);
        toReveal(rounds, round);
        reveal(rounds, round, A, 1);
        vm.expectRevert(abi.encodeWithSelector(Rounds.VoteAlreadyRevealed.selector, round, A));
        vm.prank(A);
        rounds.revealVote(round, 1, SALT);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotCommitted.selector, round, B));
        vm.prank(B);
        rounds.revealVote(round, 1, SALT);
        equal(rounds.roundOf(round).cast, CAP, "once");
    }

    function testAVoteForNoSubmissionThatExistsIsRefused() public {
        uint256 round = open(rounds);
        submit(rounds, round, WORK);
        toCommitment(rounds, round);
        commit(rounds, round, A, 2);
        toReveal(rounds, round);
        vm.expectRevert(abi.encodeWithSelector(Rounds.ChoiceUnknown.selector, round, 2, 1));
        vm.prank(A);
        rounds.revealVote(round, 2, SALT);
    }

    function testACommitmentWithoutRevealCountsForNothing() public {
        uint256 round = open(rounds);
        submit(rounds, round, WORK);
        toCommitment(rounds, round);
        commit(rounds, round, A, 1);
        commit(rounds, round, B, 1);
        toTally(rounds, round);
        require(rounds.closeRound(round) == Rounds.Outcome.NoQuorum, "no quorum");
        equal(rounds.roundOf(round).cast, 0, "nothing cast");
    }

    function testTransfersInsideTheRoundDoNothing() public {
        uint256 round = open(rounds);
        submit(rounds, round, WORK);
        uint256 before = rounds.weightOf(round, B);
        vm.prank(B);
        shares.transfer(D, 250e18);
        toCommitment(rounds, round);
        equal(rounds.weightOf(round, B), before, "keeps");
        equal(rounds.weightOf(round, D), 50e18, "gains nothing");
        commit(rounds, round, B, 1);
        commit(rounds, round, D, 1);
        toReveal(rounds, round);
        reveal(rounds, round, B, 1);
        reveal(rounds, round, D, 1);
        equal(rounds.votesFor(round, 1), 300e18, "once");
    }

    // -- outcomes ------------------------------------------------------------------------------

    function _outcome(uint8[4] memory choices) private returns (Rounds.Outcome outcome) {
        uint256 round = open(rounds);
        bytes32 first = keccak256(abi.encode("first", round));
        submit(rounds, round, first);
        submit(rounds, round, OTHER);
        cast(rounds, round, choices);
        outcome = rounds.closeRound(round);
        require(
            (outcome == Rounds.Outcome.Accepted) == (rounds.acceptedIn(first) == round), "accepted or not"
        );
    }

    function testQuorumIsReachedExactlyAtItsShare() public {
        Rounds.RoundRules memory rules = usualRules();
        rules.quorumBps = 5_500; // A (300, capped) and B (250)
        rounds = _voting(shares, rules);
        require(_outcome([uint8(1), 255, 1, 255]) == Rounds.Outcome.NoQuorum, "500 of 550");
        require(_outcome([uint8(1), 1, 255, 255]) == Rounds.Outcome.Accepted, "550 of 550");
    }

    function testVotesForNoneCountForTheQuorumAndCanWin() public {
        require(_outcome([uint8(0), 1, 255, 255]) == Rounds.Outcome.Rejected, "none has most");
        require(_outcome([uint8(1), 0, 255, 255]) == Rounds.Outcome.Accepted, "with quorum by none");
    }

    function testATieAcceptsNothing() public {
        require(_outcome([uint8(1), 2, 255, 2]) == Rounds.Outcome.Tied, "300 : 300");
        require(_outcome([uint8(2), 1, 255, 1]) == Rounds.Outcome.Tied, "300 : 300");
        require(_outcome([uint8(0), 1, 255, 1]) == Rounds.Outcome.Tied, "none : one");
    }

    function testATieOnTheWayIsNoTieAtTheEnd() public {
        uint8[2] memory last = [1, 2];
        for (uint256 i; i < 2; ++i) {
            uint256 round = open(rounds);
            submit(rounds, round, keccak256(abi.encode("one", i)));
            submit(rounds, round, keccak256(abi.encode("two", i)));
            toCommitment(rounds, round);
            commit(rounds, round, A, 2);
            commit(rounds, round, B, 1);
            commit(rounds, round, D, 1);
            commit(rounds, round, C, last[i]);
            toReveal(rounds, round);
            reveal(rounds, round, A, 2);
            reveal(rounds, round, B, 1);
            reveal(rounds, round, D, 1);
            require(rounds.roundOf(round).tied, "300 : 300");
            reveal(rounds, round, C, last[i]);
            toTally(rounds, round);
            require(rounds.closeRound(round) == Rounds.Outcome.Accepted, "500 : 300");
            Rounds.Round memory r = rounds.roundOf(round);
            require(!r.tied && r.best == 500e18 && r.leader == last[i], "the leader");
        }
    }

    function testARoundWithoutSubmissionsEndsWithoutWinner() public {
        uint256 round = open(rounds);
        cast(rounds, round, [uint8(0), 0, 255, 255]);
        require(rounds.closeRound(round) == Rounds.Outcome.Rejected, "rejected");
        round = open(rounds);
        toTally(rounds, round);
        require(rounds.closeRound(round) == Rounds.Outcome.NoQuorum, "no quorum");
    }

    /// @dev The leader kept step by step is the one that looking at all choices finds.
    function testFuzzTheOutcomeIsThatOfCountingAll(uint8[4] memory choices, uint256 order) public {
        uint256 round = open(rounds);
        for (uint256 i; i < 3; ++i) {
            submit(rounds, round, keccak256(abi.encode(i)));
        }
        address[4] memory voters = [A, B, C, D];
        toCommitment(rounds, round);
        for (uint256 i; i < 4; ++i) {
            choices[i] = choices[i] % 5; // 4: not revealed
            commit(rounds, round, voters[i], choices[i]);
        }
        toReveal(rounds, round);
        uint256[4] memory votes;
        uint256 sum;
        for (uint256 i; i < 4; ++i) {
            uint256 k = (i + order % 4) % 4;
            if (choices[k] == 4) continue;
            reveal(rounds, round, voters[k], choices[k]);
            votes[choices[k]] += k == 0 ? CAP : shares.balanceOf(voters[k]);
            sum += k == 0 ? CAP : shares.balanceOf(voters[k]);
        }
        toTally(rounds, round);
        Rounds.Outcome outcome = rounds.closeRound(round);
        equal(rounds.roundOf(round).cast, sum, "cast");
        require(outcome == _expected(votes, sum), "outcome");
        for (uint8 i; i < 4; ++i) {
            equal(rounds.votesFor(round, i), votes[i], "votes");
        }
    }

    function _expected(uint256[4] memory votes, uint256 sum) private pure returns (Rounds.Outcome) {
        if (sum < 400e18) return Rounds.Outcome.NoQuorum;
        uint256 best;
        uint256 leaders;
        uint256 leader;
        for (uint256 i; i < 4; ++i) {
            if (votes[i] > best) (best, leaders, leader) = (votes[i], 1, i);
            else if (votes[i] == best) ++leaders;
        }
        if (leaders > 1) return Rounds.Outcome.Tied;
        return leader == 0 ? Rounds.Outcome.Rejected : Rounds.Outcome.Accepted;
    }

    // -- pauses --------------------------------------------------------------------------------

    function testAPauseStopsARound() public {
        uint256 round = open(rounds);
        vm.prank(GUARDIAN);
        rounds.pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        rounds.submit(round, WORK);
        vm.expectRevert(Pausable.EnforcedPause.selector);
        rounds.commitVote(round, SALT);
        vm.expectRevert(Pausable.EnforcedPause.selector);
        rounds.revealVote(round, 0, SALT);
        vm.expectRevert(Pausable.EnforcedPause.selector);
        rounds.closeRound(round);
        vm.expectRevert(Pausable.EnforcedPause.selector);
        vm.prank(OPERATOR);
        rounds.openRound();
    }

    function testAPauseDelaysARoundByItsLengthAndDecidesNothing() public {
        uint256 round = open(rounds);
        submit(rounds, round, WORK);
        toCommitment(rounds, round);
        commit(rounds, round, A, 1);
        commit(rounds, round, B, 1);
        toReveal(rounds, round);
        vm.prank(GUARDIAN);
        rounds.pause();
        vm.warp(block.timestamp + 30 days);
        require(rounds.phaseOf(round) == Rounds.Phase.Reveal, "stands still");
        vm.prank(OWNER);
        rounds.unpause();
        equal(rounds.delayOf(round), 30 days, "delay");
        vm.warp(uint256(rounds.roundOf(round).revealUntil) + 30 days);
        reveal(rounds, round, A, 1);
        reveal(rounds, round, B, 1);
        vm.warp(block.timestamp + 1);
        require(rounds.closeRound(round) == Rounds.Outcome.Accepted, "accepted");
    }

    /// @dev A window that had ended before a pause does not open again after it.
    function testFuzzAPauseNeverReopensAWindow(uint32 from, uint32 length) public {
        uint256 round = open(rounds);
        vm.warp(block.timestamp + from % 10 days);
        Rounds.Phase before = rounds.phaseOf(round);
        vm.prank(GUARDIAN);
        rounds.pause();
        require(rounds.phaseOf(round) == before, "at the pause");
        vm.warp(block.timestamp + length);
        require(rounds.phaseOf(round) == before, "during the pause");
        vm.prank(OWNER);
        rounds.unpause();
        require(rounds.phaseOf(round) == before, "after the pause");
    }

    function testALaterRoundIsNotDelayedByAnEarlierPause() public {
        vm.prank(GUARDIAN);
        rounds.pause();
        vm.warp(block.timestamp + 5 days);
        vm.prank(OWNER);
        rounds.unpause();
        uint256 round = open(rounds);
        equal(rounds.delayOf(round), 0, "no delay");
        toCommitment(rounds, round);
        require(rounds.phaseOf(round) == Rounds.Phase.Commitment, "in time");
    }

    // -- rules ---------------------------------------------------------------------------------

    function testNewRulesBindLaterRoundsOnly() public {
        uint256 round = open(rounds);
        Rounds.RoundRules memory rules = Rounds.RoundRules(1 hours, 1 hours, 1 hours, 10_000, 1, 10_000);
        vm.prank(OWNER);
        rounds.setRoundRules(rules);
        Rounds.Round memory r = rounds.roundOf(round);
        require(r.capBps == 3_000 && r.quorumBps == 4_000 && r.seatBps == 500, "as opened");
        equal(rounds.weightOf(round, A), CAP, "still capped");
        toTally(rounds, round);
        rounds.closeRound(round);
        round = open(rounds);
        equal(rounds.weightOf(round, A), 500e18, "not capped");
        equal(rounds.roundOf(round).revealUntil, block.timestamp + 3 hours, "windows");
    }

    function testOnlyTheOwnerSetsRules() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, OPERATOR));
        vm.prank(OPERATOR);
        rounds.setRoundRules(usualRules());
    }

    function testRulesThatWouldHurryOrBlockVotesAreRefused() public {
        _refuse(Rounds.RoundRules(1 hours - 1, 1 hours, 1 hours, 1, 1, 100), 1 hours - 1);
        _refuse(Rounds.RoundRules(1 hours, 30 days + 1, 1 hours, 1, 1, 100), 30 days + 1);
        _refuse(Rounds.RoundRules(1 hours, 1 hours, 0, 1, 1, 100), 0);
        _refuseShare(Rounds.RoundRules(1 hours, 1 hours, 1 hours, 0, 1, 100), 0, 1);
        _refuseShare(Rounds.RoundRules(1 hours, 1 hours, 1 hours, 10_001, 1, 100), 10_001, 1);
        _refuseShare(Rounds.RoundRules(1 hours, 1 hours, 1 hours, 1, 0, 100), 0, 1);
        _refuseShare(Rounds.RoundRules(1 hours, 1 hours, 1 hours, 1, 1, 99), 99, 100);
    }

    function _refuse(Rounds.RoundRules memory rules, uint256 window) private {
        vm.expectRevert(abi.encodeWithSelector(Rounds.WindowOutOfRange.selector, window, 1 hours, 30 days));
        vm.prank(OWNER);
        rounds.setRoundRules(rules);
    }

    function _refuseShare(Rounds.RoundRules memory rules, uint256 bps, uint256 least) private {
        vm.expectRevert(abi.encodeWithSelector(Rounds.ShareOutOfRange.selector, bps, least, 10_000));
        vm.prank(OWNER);
        rounds.setRoundRules(rules);
    }

    function testASupplyOfNothingOrTooMuchIsRefused() public {
        uint256[2] memory supplies = [uint256(0), 1 << 128];
        for (uint256 i; i < 2; ++i) {
            StudioShares odd = StudioShares(address(new AnySupply(supplies[i])));
            vm.expectRevert(
                abi.encodeWithSelector(Rounds.SupplyOutOfRange.selector, supplies[i], type(uint128).max)
            );
            _voting(odd, usualRules());
        }
    }
}
