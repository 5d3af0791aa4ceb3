// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Governed} from "./Governed.sol";

/// @notice What rounds ask of the shares that vote.
interface ISnapshots {
    function totalSupply() external view returns (uint256);
    function balanceOfAt(address holder, uint64 time) external view returns (uint256);
}

/// @title Rounds of submission and commit-reveal vetting, one at a time, each of which accepts one manifest or none.
/// @notice Who holds shares when a round opens votes in it: first with a hash, then, when no hash can be changed any
/// more, with what it hides. The submission with most votes is accepted if enough were cast and no other has as many.
/// @dev No vote moves a work or money: an accepted manifest may be minted, once, and that is all. Sums are kept as
/// votes are revealed, so no call loops over voters or submissions. A pause delays a round by its own length, so that
/// a guardian cannot decide one by letting its windows pass. One account's weight is capped; that one person holds
/// many accounts no contract can see.
abstract contract Rounds is Governed {
    /// @notice How later rounds run. Windows in seconds; the rest in basis points of all shares: the most that one
    /// voter weighs, the least that must be cast, and the shares that entitle to one submission.
    struct RoundRules {
        uint32 submitFor;
        uint32 commitFor;
        uint32 revealFor;
        uint16 capBps;
        uint16 quorumBps;
        uint16 seatBps;
    }

    /// @notice What can be done in a round: submit, commit, reveal, close, nothing.
    enum Phase {
        Unknown,
        Submission,
        Commitment,
        Reveal,
        Tally,
        Closed
    }

    /// @notice How a round ended. `Rejected`: most votes were for none.
    enum Outcome {
        Open,
        Accepted,
        NoQuorum,
        Tied,
        Rejected
    }

    /// @notice A round, with the rules as they stood when it opened. The times are the last seconds of their windows,
    /// unless pauses moved them (`delayOf`). `leader` has `best` votes, as has another if `tied`.
    struct Round {
        uint64 snapshot;
        uint64 submitUntil;
        uint64 commitUntil;
        uint64 revealUntil;
        uint64 pausedBefore;
        uint16 capBps;
        uint16 quorumBps;
        uint16 seatBps;
        uint8 submissions;
        uint8 byOperator;
        uint8 leader;
        bool tied;
        Outcome outcome;
        uint128 best;
        uint128 cast;
    }

    /// @notice The choice of who wants no submission at all.
    uint8 public constant CHOICE_NONE = 0;

    /// @notice Most submissions of the operator in a round. With those of holders they are always less than 256.
    uint8 public constant MAX_BY_OPERATOR = 100;

    /// @notice Least shares for a submission, 1 %: holders make at most 100 in a round, so nobody can fill it.
    uint16 public constant MIN_SEAT_BPS = 100;

    /// @notice Shortest window: an operator or owner cannot hurry a vote through.
    uint32 public constant MIN_WINDOW = 1 hours;

    /// @notice Longest window.
    uint32 public constant MAX_WINDOW = 30 days;

    uint256 private constant ALL_BPS = 10_000;

    /// @dev Stands for a commitment that was revealed; no hash is known to be all ones.
    bytes32 private constant REVEALED = bytes32(type(uint256).max);

    /// @notice The rules of later rounds.
    RoundRules public roundRules;

    /// @notice Rounds opened so far; the last one's number.
    uint256 public roundCount;

    /// @notice The round that accepted a manifest; 0 if none did.
    mapping(bytes32 manifest => uint256 round) public acceptedIn;

    /// @notice The manifest of a choice, from 1.
    mapping(uint256 round => mapping(uint8 choice => bytes32)) public manifestOf;

    /// @notice The choice of a manifest; 0 if it was not submitted.
    mapping(uint256 round => mapping(bytes32 manifest => uint8)) public choiceOf;

    /// @notice Revealed votes of a choice, in 10^-18 shares.
    mapping(uint256 round => mapping(uint8 choice => uint256)) public votesFor;

    /// @notice Submissions that an account made as a holder.
    mapping(uint256 round => mapping(address creator => uint256)) public submissionsOf;

    ISnapshots private immutable _voting;
    uint256 private immutable _supply;
    mapping(uint256 round => Round) private _rounds;
    mapping(uint256 round => mapping(address voter => bytes32)) private _commitments;

    /// @notice The owner changed the rules of later rounds.
    event RoundRulesSet(
        uint256 submitFor,
        uint256 commitFor,
        uint256 revealFor,
        uint256 capBps,
        uint256 quorumBps,
        uint256 seatBps
    );

    /// @notice A round began. Balances at the end of second `snapshot` vote; the times are the last of each window.
    event RoundOpened(
        uint256 indexed round, uint64 snapshot, uint64 submitUntil, uint64 commitUntil, uint64 revealUntil
    );

    /// @notice A work stands for election; its choice is the count of the round's submissions so far.
    event Submitted(uint256 indexed round, bytes32 indexed manifest, address indexed creator, uint64 time);

    /// @notice Somebody voted, hidden. A later one of the same voter replaces it.
    event VoteCommitted(uint256 indexed round, address indexed voter, bytes32 commitment);

    /// @notice A vote was shown, and counts.
    event VoteRevealed(uint256 indexed round, address indexed voter, uint8 choice, uint256 weight);

    /// @notice A round ended: `votesForIt` of `votesCast` were for the leading choice; `manifest` is 0 unless accepted.
    event RoundClosed(
        uint256 indexed round, uint8 outcome, uint256 votesForIt, uint256 votesCast, bytes32 manifest
    );

    error SupplyOutOfRange(uint256 supply, uint256 most);
    error WindowOutOfRange(uint256 window, uint256 least, uint256 most);
    error ShareOutOfRange(uint256 bps, uint256 least, uint256 most);
    error PreviousRoundOpen(uint256 round);
    error WrongPhase(uint256 round, Phase phase, Phase needed);
    error ManifestMissing();
    error ManifestSubmitted(uint256 round, bytes32 manifest, uint8 choice);
    error ManifestAccepted(bytes32 manifest, uint256 round);
    error NoSeatLeft(uint256 round, address creator, uint256 made, uint256 most);
    error NoVotingShares(uint256 round, address voter);
    error CommitmentInvalid(bytes32 commitment);
    error NotCommitted(uint256 round, address voter);
    error VoteAlreadyRevealed(uint256 round, address voter);
    error CommitmentMismatch(uint256 round, address voter, bytes32 committed, bytes32 revealed);
    error ChoiceUnknown(uint256 round, uint8 choice, uint8 submissions);

    constructor(ISnapshots voting, RoundRules memory rules) {
        uint256 supply = voting.totalSupply();
        if (supply == 0 || supply > type(uint128).max) revert SupplyOutOfRange(supply, type(uint128).max);
        (_voting, _supply) = (voting, supply);
        _setRoundRules(rules);
    }

    /// @notice Changes the rules of later rounds; one that is open keeps its own.
    function setRoundRules(RoundRules calldata rules) external onlyOwner {
        _setRoundRules(rules);
    }

    /// @notice Opens a round. The snapshot is the second before, which no transaction can change any more.
    function openRound() external onlyOperator whenNotPaused returns (uint256 round) {
        uint256 last = roundCount;
        // One at a time: what protects a vote is that voters look, and nobody can hide one round behind others.
        if (last != 0 && _rounds[last].outcome == Outcome.Open) revert PreviousRoundOpen(last);
        round = last + 1;
        roundCount = round;
        RoundRules memory rules = roundRules;
        Round storage r = _rounds[round];
        uint64 time = uint64(block.timestamp);
        (r.snapshot, r.pausedBefore) = (time - 1, pausedSeconds);
        (r.capBps, r.quorumBps, r.seatBps) = (rules.capBps, rules.quorumBps, rules.seatBps);
        r.submitUntil = time + rules.submitFor;
        r.commitUntil = r.submitUntil + rules.commitFor;
        r.revealUntil = r.commitUntil + rules.revealFor;
        emit RoundOpened(round, r.snapshot, r.submitUntil, r.commitUntil, r.revealUntil);
    }

    /// @notice Puts a work up for election: the operator, or a holder with enough shares at the snapshot.
    /// @dev Nothing of a submission can change afterwards: the manifest's hash is all there is of it. Who submits
    /// another's manifest first gains nothing but their name in the log; the manifest says who made the work.
    function submit(uint256 round, bytes32 manifest) external whenNotPaused returns (uint8 choice) {
        Round storage r = _inPhase(round, Phase.Submission);
        if (manifest == 0) revert ManifestMissing();
        if (acceptedIn[manifest] != 0) revert ManifestAccepted(manifest, acceptedIn[manifest]);
        choice = choiceOf[round][manifest];
        if (choice != 0) revert ManifestSubmitted(round, manifest, choice);
        _takeSeat(round, r);
        choice = ++r.submissions;
        manifestOf[round][choice] = manifest;
        choiceOf[round][manifest] = choice;
        emit Submitted(round, manifest, msg.sender, uint64(block.timestamp));
    }

    /// @notice Votes with a hash (`hashVote`), which may be replaced until the window ends.
    function commitVote(uint256 round, bytes32 commitment) external whenNotPaused {
        _inPhase(round, Phase.Commitment);
        if (commitment == 0 || commitment == REVEALED) revert CommitmentInvalid(commitment);
        if (weightOf(round, msg.sender) == 0) revert NoVotingShares(round, msg.sender);
        _commitments[round][msg.sender] = commitment;
        emit VoteCommitted(round, msg.sender, commitment);
    }

    /// @notice Shows the caller's vote, which counts from now on; one that is never shown counts for nothing.
    function revealVote(uint256 round, uint8 choice, bytes32 salt) external whenNotPaused {
        Round storage r = _inPhase(round, Phase.Reveal);
        bytes32 committed = _commitments[round][msg.sender];
        if (committed == 0) revert NotCommitted(round, msg.sender);
        if (committed == REVEALED) revert VoteAlreadyRevealed(round, msg.sender);
        bytes32 revealed = hashVote(round, msg.sender, choice, salt);
        if (revealed != committed) revert CommitmentMismatch(round, msg.sender, committed, revealed);
        if (choice > r.submissions) revert ChoiceUnknown(round, choice, r.submissions);
        _commitments[round][msg.sender] = REVEALED;
        uint256 weight = weightOf(round, msg.sender);
        _count(round, r, choice, weight);
        emit VoteRevealed(round, msg.sender, choice, weight);
    }

    /// @notice Ends a round whose windows have passed, once; anybody may. Without a single winner it accepts nothing.
    function closeRound(uint256 round) external whenNotPaused returns (Outcome outcome) {
        Round storage r = _inPhase(round, Phase.Tally);
        bytes32 manifest;
        if (uint256(r.cast) * ALL_BPS < _supply * r.quorumBps) {
            outcome = Outcome.NoQuorum;
        } else if (r.tied) {
            outcome = Outcome.Tied;
        } else if (r.leader == CHOICE_NONE) {
            outcome = Outcome.Rejected;
        } else {
            outcome = Outcome.Accepted;
            manifest = manifestOf[round][r.leader];
            acceptedIn[manifest] = round;
        }
        r.outcome = outcome;
        emit RoundClosed(round, uint8(outcome), r.best, r.cast, manifest);
    }

    /// @notice A round as stored; zeros if it was never opened.
    function roundOf(uint256 round) external view returns (Round memory) {
        return _rounds[round];
    }

    /// @notice Seconds by which ended pauses have moved the windows of a round.
    function delayOf(uint256 round) external view returns (uint256) {
        return pausedSeconds - _rounds[round].pausedBefore;
    }

    /// @notice An account's commitment, 0 once it was revealed or if there is none; and whether it was revealed.
    function voteOf(uint256 round, address voter) external view returns (bytes32 commitment, bool revealed) {
        commitment = _commitments[round][voter];
        revealed = commitment == REVEALED;
        if (revealed) commitment = 0;
    }

    /// @notice What can be done in a round now, or could if it were not paused.
    function phaseOf(uint256 round) public view returns (Phase) {
        Round storage r = _rounds[round];
        if (r.snapshot == 0) return Phase.Unknown;
        if (r.outcome != Outcome.Open) return Phase.Closed;
        uint256 time = _unpausedTime(r.pausedBefore);
        if (time <= r.submitUntil) return Phase.Submission;
        if (time <= r.commitUntil) return Phase.Commitment;
        return time <= r.revealUntil ? Phase.Reveal : Phase.Tally;
    }

    /// @notice What an account's vote weighs in a round: its balance at the snapshot, up to the cap.
    function weightOf(uint256 round, address voter) public view returns (uint256 weight) {
        Round storage r = _rounds[round];
        uint256 cap = (_supply * r.capBps) / ALL_BPS;
        weight = _voting.balanceOfAt(voter, r.snapshot);
        if (weight > cap) weight = cap;
    }

    /// @notice The commitment to a choice. The salt must be random and secret: with a guessable one, 256 tries show
    /// the vote. It holds in this round of this Studio on this chain, for this voter alone: a copy is worth nothing.
    function hashVote(uint256 round, address voter, uint8 choice, bytes32 salt)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), round, voter, choice, salt));
    }

    /// @dev Votes only grow, so that the leader is known without looking at the others.
    function _count(uint256 round, Round storage r, uint8 choice, uint256 weight) private {
        uint256 votes = votesFor[round][choice] + weight;
        votesFor[round][choice] = votes;
        r.cast += uint128(weight);
        if (votes > r.best) {
            (r.leader, r.best, r.tied) = (choice, uint128(votes), false);
        } else if (votes == r.best) {
            r.tied = true;
        }
    }

    function _takeSeat(uint256 round, Round storage r) private {
        if (msg.sender == operator) {
            if (r.byOperator == MAX_BY_OPERATOR) {
                revert NoSeatLeft(round, msg.sender, r.byOperator, MAX_BY_OPERATOR);
            }
            ++r.byOperator;
            return;
        }
        uint256 held = _voting.balanceOfAt(msg.sender, r.snapshot);
        uint256 most = (held * ALL_BPS) / (_supply * r.seatBps);
        uint256 made = submissionsOf[round][msg.sender];
        if (made >= most) revert NoSeatLeft(round, msg.sender, made, most);
        submissionsOf[round][msg.sender] = made + 1;
    }

    function _inPhase(uint256 round, Phase needed) private view returns (Round storage) {
        Phase phase = phaseOf(round);
        if (phase != needed) revert WrongPhase(round, phase, needed);
        return _rounds[round];
    }

    function _setRoundRules(RoundRules memory rules) private {
        _checkWindow(rules.submitFor);
        _checkWindow(rules.commitFor);
        _checkWindow(rules.revealFor);
        _checkShare(rules.capBps, 1);
        _checkShare(rules.quorumBps, 1);
        _checkShare(rules.seatBps, MIN_SEAT_BPS);
        roundRules = rules;
        emit RoundRulesSet(
            rules.submitFor, rules.commitFor, rules.revealFor, rules.capBps, rules.quorumBps, rules.seatBps
        );
    }

    function _checkWindow(uint256 window) private pure {
        if (window < MIN_WINDOW || window > MAX_WINDOW) {
            revert WindowOutOfRange(window, MIN_WINDOW, MAX_WINDOW);
        }
    }

    function _checkShare(uint256 bps, uint256 least) private pure {
        if (bps < least || bps > ALL_BPS) revert ShareOutOfRange(bps, least, ALL_BPS);
    }
}
