// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Budgets} from "../src/Budgets.sol";
import {Governed} from "../src/Governed.sol";
import {Loop} from "../src/Loop.sol";
import {ISnapshots, Rounds} from "../src/Rounds.sol";
import {StudioShares} from "../src/StudioShares.sol";
import {Vm} from "./Base.sol";

/// @dev Rounds, budgets and loop as the Studio joins them, with nothing to mint or sell.
contract Voting is Rounds, Loop {
    constructor(
        StudioShares shares,
        address owner,
        address operator_,
        address guardian_,
        RoundRules memory rules,
        uint256 length,
        Budget[] memory budgets
    )
        Governed(owner, operator_, guardian_)
        Rounds(ISnapshots(address(shares)), rules)
        Budgets(length, budgets)
    {}

    function _pause() internal override(Governed, Loop) {
        super._pause();
    }

    function _unpause() internal override(Governed, Loop) {
        super._unpause();
    }
}

/// @dev Shares of four holders, and what all tests of the Studio's parts need.
abstract contract StudioBase {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address internal constant OWNER = address(0x0B055);
    address internal constant OPERATOR = address(0xA6E27);
    address internal constant GUARDIAN = address(0x60A4D);
    address internal constant A = address(0xA1);
    address internal constant B = address(0xA2);
    address internal constant C = address(0xA3);
    address internal constant D = address(0xA4);
    address internal constant STRANGER = address(0x57);

    uint256 internal constant START = 1_767_571_200;
    uint256 internal constant SUPPLY = 1_000e18;
    uint256 internal constant CAP = 300e18;
    uint32 internal constant SUBMIT = 3 days;
    uint32 internal constant COMMIT = 2 days;
    uint32 internal constant REVEAL = 1 days;
    uint256 internal constant EPOCH = 7 days;
    bytes32 internal constant SALT = keccak256("salt");

    StudioShares internal shares;

    /// @dev Of 1,000 shares A has 500 (and weighs 300), B 250, C 200 and D 50.
    function shareOut() internal {
        vm.warp(START);
        shares = new StudioShares("Studio", "STU", A, SUPPLY);
        vm.startPrank(A);
        shares.transfer(B, 250e18);
        shares.transfer(C, 200e18);
        shares.transfer(D, 50e18);
        vm.stopPrank();
        vm.warp(START + 1 days);
    }

    function usualRules() internal pure returns (Rounds.RoundRules memory) {
        return Rounds.RoundRules(SUBMIT, COMMIT, REVEAL, 3_000, 4_000, 500);
    }

    function open(Rounds rounds) internal returns (uint256 round) {
        vm.prank(OPERATOR);
        round = rounds.openRound();
    }

    function submit(Rounds rounds, uint256 round, bytes32 manifest) internal returns (uint8 choice) {
        vm.prank(OPERATOR);
        choice = rounds.submit(round, manifest);
    }

    function commit(Rounds rounds, uint256 round, address voter, uint8 choice) internal {
        bytes32 hash = rounds.hashVote(round, voter, choice, SALT);
        vm.prank(voter);
        rounds.commitVote(round, hash);
    }

    function reveal(Rounds rounds, uint256 round, address voter, uint8 choice) internal {
        vm.prank(voter);
        rounds.revealVote(round, choice, SALT);
    }

    function toCommitment(Rounds rounds, uint256 round) internal {
        vm.warp(rounds.roundOf(round).submitUntil + 1);
    }

    function toReveal(Rounds rounds, uint256 round) internal {
        vm.warp(rounds.roundOf(round).commitUntil + 1);
    }

    function toTally(Rounds rounds, uint256 round) internal {
        vm.warp(rounds.roundOf(round).revealUntil + 1);
    }

    /// @dev A round about `manifest` alone in which A, B, C and D vote as given (255: not at all), unclosed.
    function vote(Rounds rounds, bytes32 manifest, uint8[4] memory choices) internal returns (uint256 round) {
        round = open(rounds);
        submit(rounds, round, manifest);
        cast(rounds, round, choices);
    }

    function cast(Rounds rounds, uint256 round, uint8[4] memory choices) internal {
        address[4] memory voters = [A, B, C, D];
        toCommitment(rounds, round);
        for (uint256 i; i < 4; ++i) {
            if (choices[i] != 255) commit(rounds, round, voters[i], choices[i]);
        }
        toReveal(rounds, round);
        for (uint256 i; i < 4; ++i) {
            if (choices[i] != 255) reveal(rounds, round, voters[i], choices[i]);
        }
        toTally(rounds, round);
    }

    /// @dev A round that accepts `manifest`.
    function accept(Rounds rounds, bytes32 manifest) internal returns (uint256 round) {
        round = vote(rounds, manifest, [uint8(1), 1, 255, 255]);
        require(rounds.closeRound(round) == Rounds.Outcome.Accepted, "accepted");
    }

    function expectPhase(uint256 round, Rounds.Phase phase, Rounds.Phase needed) internal {
        vm.expectRevert(abi.encodeWithSelector(Rounds.WrongPhase.selector, round, phase, needed));
    }

    function equal(uint256 got, uint256 wanted, string memory what) internal pure {
        require(got == wanted, what);
    }

    function equal(address got, address wanted, string memory what) internal pure {
        require(got == wanted, what);
    }

    function equal(bytes32 got, bytes32 wanted, string memory what) internal pure {
        require(got == wanted, what);
    }
}
