// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Budgets} from "../src/Budgets.sol";
import {Rounds} from "../src/Rounds.sol";
import {StudioShares} from "../src/StudioShares.sol";
import {FuzzSelector, Vm} from "./Base.sol";
import {StudioBase, Voting} from "./StudioBase.sol";

/// @dev Votes at random while shares wander among five accounts, also in the second in which a round opens. What
/// makes no sense at the moment is skipped, so that every revert is a failure.
contract RoundsHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bytes32 private constant SALT = keccak256("salt");

    Voting public immutable rounds;
    StudioShares public immutable shares;
    address public immutable operator;
    address public immutable guardian;
    address public immutable owner;
    address[5] public accounts = [address(0xA1), address(0xA2), address(0xA3), address(0xA4), address(0xA5)];

    /// @dev Ghosts: what each account held when the second before a round ended, and what it did in the round.
    uint256[5] public before;
    mapping(uint256 round => mapping(uint256 who => uint256)) public heldAtSnapshot;
    mapping(uint256 round => mapping(uint256 who => uint256)) public chosen; // choice + 1
    mapping(uint256 round => mapping(uint256 who => bool)) public revealed;
    mapping(uint256 round => uint256) public pausedIn;
    bytes32[] public accepted;
    uint256 public secondVotes;
    uint256 public reveals;
    uint256 private _manifests;

    constructor(Voting rounds_, StudioShares shares_, address operator_, address guardian_, address owner_) {
        (rounds, shares, operator, guardian, owner) = (rounds_, shares_, operator_, guardian_, owner_);
        _note();
    }

    function move(uint256 from, uint256 to, uint256 amount) external {
        uint256 part = amount % (shares.balanceOf(accounts[from % 5]) + 1);
        vm.prank(accounts[from % 5]);
        shares.transfer(accounts[to % 5], part);
    }

    function wait(uint24 time) external {
        _pass(block.timestamp + 1 + time % 2 days);
    }

    function open() external {
        uint256 last = rounds.roundCount();
        if (last != 0 && rounds.phaseOf(last) != Rounds.Phase.Closed) return;
        vm.prank(operator);
        uint256 round = rounds.openRound();
        for (uint256 i; i < 5; ++i) {
            heldAtSnapshot[round][i] = before[i];
        }
        pausedIn[round] = rounds.pausedSeconds();
    }

    function submit() external {
        uint256 round = _in(Rounds.Phase.Submission);
        if (round == 0) return;
        vm.prank(operator);
        rounds.submit(round, keccak256(abi.encode(++_manifests)));
    }

    function commit(uint256 who, uint8 choice) external {
        uint256 round = rounds.roundCount();
        if (rounds.phaseOf(round) == Rounds.Phase.Submission) _goOn(round);
        if (_in(Rounds.Phase.Commitment) == 0 || heldAtSnapshot[round][who % 5] == 0) return;
        choice = choice % (rounds.roundOf(round).submissions + 1);
        bytes32 hash = rounds.hashVote(round, accounts[who % 5], choice, SALT);
        vm.prank(accounts[who % 5]);
        rounds.commitVote(round, hash);
        chosen[round][who % 5] = uint256(choice) + 1;
    }

    /// @dev Reveals if there is something to; then tries again, and with another choice, which must both fail.
    function reveal(uint256 who, bool goOn) external {
        uint256 round = rounds.roundCount();
        if (goOn && rounds.phaseOf(round) == Rounds.Phase.Commitment) _goOn(round);
        if (_in(Rounds.Phase.Reveal) == 0) return;
        uint256 choice = chosen[round][who % 5];
        if (choice != 0 && !revealed[round][who % 5]) {
            // forge-lint: disable-next-line(unsafe-typecast)
            vm.prank(accounts[who % 5]);
            rounds.revealVote(round, uint8(choice - 1), SALT);
            revealed[round][who % 5] = true;
            ++reveals;
        }
        for (uint8 i; i < 3; ++i) {
            vm.prank(accounts[who % 5]);
            (bool again,) = address(rounds).call(abi.encodeCall(rounds.revealVote, (round, i, SALT)));
            if (again) ++secondVotes;
        }
    }

    function close() external {
        uint256 round = rounds.roundCount();
        if (rounds.phaseOf(round) == Rounds.Phase.Reveal) _goOn(round);
        if (_in(Rounds.Phase.Tally) == 0) return;
        if (rounds.closeRound(round) != Rounds.Outcome.Accepted) return;
        accepted.push(rounds.manifestOf(round, rounds.roundOf(round).leader));
    }

    function pause(uint24 time) external {
        vm.prank(guardian);
        rounds.pause();
        _pass(block.timestamp + time);
        vm.prank(owner);
        rounds.unpause();
    }

    function acceptedCount() external view returns (uint256) {
        return accepted.length;
    }

    function _in(Rounds.Phase phase) private view returns (uint256 round) {
        round = rounds.roundCount();
        return rounds.phaseOf(round) == phase ? round : 0;
    }

    /// @dev To the first second of the next phase.
    function _goOn(uint256 round) private {
        Rounds.Round memory r = rounds.roundOf(round);
        Rounds.Phase phase = rounds.phaseOf(round);
        uint256 until = phase == Rounds.Phase.Submission
            ? r.submitUntil
            : phase == Rounds.Phase.Commitment ? r.commitUntil : r.revealUntil;
        _pass(until + rounds.delayOf(round) + 1);
    }

    function _pass(uint256 time) private {
        if (time > block.timestamp) {
            _note();
            vm.warp(time);
        }
    }

    function _note() private {
        for (uint256 i; i < 5; ++i) {
            before[i] = shares.balanceOf(accounts[i]);
        }
    }
}

/// @title Family 6: a weight counts at most once per snapshot, a commitment alone counts nothing, transfers nothing.
contract RoundsInvariantsTest is StudioBase {
    RoundsHandler internal handler;
    Voting internal rounds;
    FuzzSelector[] private targets;

    function setUp() public {
        shareOut();
        rounds = new Voting(shares, OWNER, OPERATOR, GUARDIAN, usualRules(), EPOCH, new Budgets.Budget[](0));
        handler = new RoundsHandler(rounds, shares, OPERATOR, GUARDIAN, OWNER);
        bytes4[] memory steps = new bytes4[](8);
        steps[0] = RoundsHandler.move.selector;
        steps[1] = RoundsHandler.wait.selector;
        steps[2] = RoundsHandler.open.selector;
        steps[3] = RoundsHandler.submit.selector;
        steps[4] = RoundsHandler.commit.selector;
        steps[5] = RoundsHandler.reveal.selector;
        steps[6] = RoundsHandler.close.selector;
        steps[7] = RoundsHandler.pause.selector;
        targets.push(FuzzSelector(address(handler), steps));
    }

    function targetContracts() external view returns (address[] memory only) {
        only = new address[](1);
        only[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory) {
        return targets;
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerVotesAndAccepts() external {
        handler.move(0, 4, 100e18);
        handler.open(); // the gift came in this second: not in the snapshot
        equal(handler.heldAtSnapshot(1, 4), 0, "too late");
        handler.submit();
        handler.commit(0, 1);
        handler.commit(1, 1);
        handler.commit(2, 0);
        handler.pause(1_000);
        handler.reveal(0, true);
        handler.reveal(1, true);
        handler.move(1, 0, 250e18);
        handler.close();
        equal(handler.acceptedCount(), 1, "accepted");
        equal(handler.reveals(), 2, "revealed");
        equal(rounds.roundOf(1).cast, 550e18, "cast");
        handler.open();
        equal(rounds.roundCount(), 2, "the next");
    }

    function invariantEachRevealedVoteCountsItsSnapshotOnce() external view {
        equal(handler.secondVotes(), 0, "nobody votes twice");
        for (uint256 round = 1; round <= rounds.roundCount(); ++round) {
            uint256[256] memory votes;
            uint256 cast;
            for (uint256 i; i < 5; ++i) {
                if (!handler.revealed(round, i)) continue;
                uint256 held = handler.heldAtSnapshot(round, i);
                uint256 weight = held < CAP ? held : CAP;
                votes[handler.chosen(round, i) - 1] += weight;
                cast += weight;
            }
            equal(rounds.roundOf(round).cast, cast, "what was revealed, capped");
            require(cast <= SUPPLY, "never more than there are");
            for (uint256 i; i <= rounds.roundOf(round).submissions; ++i) {
                equal(rounds.votesFor(round, uint8(i)), votes[i], "of each choice");
            }
        }
    }

    function invariantARoundAcceptsWhatItShould() external view {
        for (uint256 round = 1; round <= rounds.roundCount(); ++round) {
            Rounds.Round memory r = rounds.roundOf(round);
            if (r.outcome != Rounds.Outcome.Accepted) continue;
            require(r.leader != 0 && !r.tied && r.cast >= 400e18, "unique, with quorum");
            equal(rounds.acceptedIn(rounds.manifestOf(round, r.leader)), round, "its manifest");
            for (uint8 i; i <= r.submissions; ++i) {
                require(i == r.leader || rounds.votesFor(round, i) < r.best, "strictly most votes");
            }
        }
        for (uint256 i; i < handler.acceptedCount(); ++i) {
            require(rounds.acceptedIn(handler.accepted(i)) != 0, "for ever");
        }
        _checkPauses();
    }

    function _checkPauses() private view {
        uint256 round = rounds.roundCount();
        if (round == 0) return;
        equal(rounds.delayOf(round), rounds.pausedSeconds() - handler.pausedIn(round), "delay");
        Rounds.Round memory r = rounds.roundOf(round);
        require(r.snapshot < r.submitUntil && r.submitUntil < r.commitUntil, "in order");
        require(r.commitUntil < r.revealUntil, "in order");
    }
}
