// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {Budgets} from "../src/Budgets.sol";
import {Governed} from "../src/Governed.sol";
import {Loop} from "../src/Loop.sol";
import {Timelock} from "../src/Timelock.sol";
import {StudioBase, Voting} from "./StudioBase.sol";

/// @title Roles, budgets and the loop: what the Studio is besides rounds and works.
contract GovernedTest is StudioBase {
    event OperatorSet(address indexed operator);
    event GuardianSet(address indexed guardian);
    event BudgetSet(uint8 indexed kind, uint256 perEpoch);
    event BudgetSpent(uint256 indexed epoch, uint8 indexed kind, uint256 amount, uint256 left);
    event LoopTransition(uint256 indexed loop, uint8 from, uint8 to, bytes32 anchor, address indexed by);

    uint8 private constant IMAGES = 130;
    Voting private studio;
    uint256 private _rows;

    function setUp() public {
        shareOut();
        studio = _studio(EPOCH);
    }

    function _studio(uint256 length) private returns (Voting) {
        Budgets.Budget[] memory budgets = new Budgets.Budget[](2);
        budgets[0] = Budgets.Budget(0, 2 ether);
        budgets[1] = Budgets.Budget(IMAGES, 100);
        return new Voting(shares, OWNER, OPERATOR, GUARDIAN, usualRules(), length, budgets);
    }

    // -- roles ---------------------------------------------------------------------------------

    function testTheOwnerNamesOperatorAndGuardian() public {
        vm.startPrank(OWNER);
        vm.expectEmit(true, true, true, true, address(studio));
        emit OperatorSet(A);
        studio.setOperator(A);
        vm.expectEmit(true, true, true, true, address(studio));
        emit GuardianSet(B);
        studio.setGuardian(B);
        vm.stopPrank();
        equal(studio.operator(), A, "operator");
        equal(studio.guardian(), B, "guardian");
        vm.expectRevert(abi.encodeWithSelector(Governed.NotGuardian.selector, GUARDIAN, B));
        vm.prank(GUARDIAN);
        studio.pause();
    }

    function testNobodyElseNamesThem() public {
        address[3] memory others = [OPERATOR, GUARDIAN, STRANGER];
        for (uint256 i; i < 3; ++i) {
            bytes memory refusal =
                abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refusal);
            studio.setOperator(STRANGER);
            vm.expectRevert(refusal);
            studio.setGuardian(STRANGER);
            vm.expectRevert(refusal);
            studio.setBudget(0, 1);
            vm.expectRevert(refusal);
            studio.unpause();
            vm.stopPrank();
        }
    }

    function testOnlyTheGuardianPausesAndOnlyTheOwnerEndsIt() public {
        address[3] memory others = [OWNER, OPERATOR, STRANGER];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Governed.NotGuardian.selector, others[i], GUARDIAN));
            vm.prank(others[i]);
            studio.pause();
        }
        vm.prank(GUARDIAN);
        studio.pause();
        vm.warp(block.timestamp + 90);
        vm.prank(OWNER);
        studio.unpause();
        equal(studio.pausedSeconds(), 90, "counted");
        vm.expectRevert(Pausable.ExpectedPause.selector);
        vm.prank(OWNER);
        studio.unpause();
    }

    function testTheOwnershipCannotBeThrownAway() public {
        vm.expectRevert(Governed.OwnerNeeded.selector);
        vm.prank(OWNER);
        studio.renounceOwnership();
        vm.prank(OWNER);
        studio.transferOwnership(A);
        equal(studio.owner(), OWNER, "until accepted");
        vm.prank(A);
        studio.acceptOwnership();
        equal(studio.owner(), A, "accepted");
    }

    function testATimelockOwnsAndActsAfterItsDelayOnly() public {
        address[] memory only = new address[](1);
        only[0] = A;
        Timelock timelock = new Timelock(2 days, only, only, address(0));
        vm.prank(OWNER);
        studio.transferOwnership(address(timelock));
        _through(timelock, abi.encodeCall(studio.acceptOwnership, ()));
        equal(studio.owner(), address(timelock), "owner");
        vm.prank(GUARDIAN);
        studio.pause();
        bytes memory call = abi.encodeCall(studio.unpause, ());
        vm.prank(A);
        timelock.schedule(address(studio), 0, call, 0, 0, 2 days);
        vm.warp(block.timestamp + 2 days - 1);
        vm.prank(A);
        (bool done,) =
            address(timelock).call(abi.encodeCall(timelock.execute, (address(studio), 0, call, 0, 0)));
        require(!done, "too early");
        vm.warp(block.timestamp + 1);
        vm.prank(A);
        timelock.execute(address(studio), 0, call, 0, 0);
        require(!studio.paused(), "goes on");
    }

    function _through(Timelock timelock, bytes memory call) private {
        vm.startPrank(A);
        timelock.schedule(address(studio), 0, call, 0, 0, 2 days);
        vm.warp(block.timestamp + 2 days);
        timelock.execute(address(studio), 0, call, 0, 0);
        vm.stopPrank();
    }

    // -- budgets -------------------------------------------------------------------------------

    function testWhatIsMeteredCountsUpToTheBudgetOfTheEpoch() public {
        vm.startPrank(OPERATOR);
        vm.expectEmit(true, true, true, true, address(studio));
        emit BudgetSpent(block.timestamp / EPOCH, IMAGES, 60, 40);
        studio.meter(IMAGES, 60);
        equal(studio.leftOf(IMAGES), 40, "left");
        vm.expectRevert(
            abi.encodeWithSelector(Budgets.BudgetExceeded.selector, studio.epoch(), IMAGES, 41, 40)
        );
        studio.meter(IMAGES, 41);
        studio.meter(IMAGES, 40);
        equal(studio.leftOf(IMAGES), 0, "all");
        vm.warp((studio.epoch() + 1) * EPOCH - 1);
        vm.expectRevert(abi.encodeWithSelector(Budgets.BudgetExceeded.selector, studio.epoch(), IMAGES, 1, 0));
        studio.meter(IMAGES, 1);
        vm.warp(block.timestamp + 1);
        studio.meter(IMAGES, 100);
        vm.stopPrank();
    }

    function testAnUnknownKindHasNoBudget() public {
        vm.expectRevert(abi.encodeWithSelector(Budgets.BudgetExceeded.selector, studio.epoch(), 255, 1, 0));
        vm.prank(OPERATOR);
        studio.meter(255, 1);
    }

    function testOnlyReportsAreMetered() public {
        uint8[3] memory kinds = [0, 128, 129];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Budgets.KindWrong.selector, kinds[i]));
            vm.prank(OPERATOR);
            studio.meter(kinds[i], 1);
        }
        vm.expectRevert(abi.encodeWithSelector(Governed.NotOperator.selector, A, OPERATOR));
        vm.prank(A);
        studio.meter(IMAGES, 1);
        vm.prank(GUARDIAN);
        studio.pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        vm.prank(OPERATOR);
        studio.meter(IMAGES, 1);
    }

    function testALoweredBudgetLeavesNothingAndTakesNothingBack() public {
        vm.prank(OPERATOR);
        studio.meter(IMAGES, 60);
        vm.expectEmit(true, true, true, true, address(studio));
        emit BudgetSet(IMAGES, 50);
        vm.prank(OWNER);
        studio.setBudget(IMAGES, 50);
        equal(studio.leftOf(IMAGES), 0, "nothing left");
        equal(studio.spentIn(studio.epoch(), IMAGES), 60, "as it was");
        vm.prank(OWNER);
        studio.setBudget(IMAGES, 61);
        equal(studio.leftOf(IMAGES), 1, "one more");
    }

    function testBurnsHaveTheirOwnLimit() public {
        vm.expectRevert(abi.encodeWithSelector(Budgets.KindWrong.selector, 128));
        vm.prank(OWNER);
        studio.setBudget(128, 1);
    }

    function testEpochsOfAnyLengthAreRefused() public {
        uint256[2] memory wrong = [uint256(1 hours - 1), 90 days + 1];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(Budgets.EpochOutOfRange.selector, wrong[i], 1 hours, 90 days)
            );
            _studio(wrong[i]);
        }
    }

    // -- the loop ------------------------------------------------------------------------------

    function _go(Loop.State to) private {
        bytes32 anchor = keccak256(abi.encode(++_rows));
        vm.prank(OPERATOR);
        studio.transition(to, anchor);
        require(studio.state() == to && studio.lastAnchor() == anchor, "taken");
    }

    /// @dev Goes the way round from Idle to `to`.
    function _goTo(Loop.State to) private {
        for (uint8 i = 1; i <= uint8(to); ++i) {
            _go(Loop.State(i));
        }
    }

    function _refuse(Loop.State to, address by) private {
        vm.expectRevert(abi.encodeWithSelector(Loop.TransitionIllegal.selector, studio.state(), to, by));
        vm.prank(by);
        studio.transition(to, keccak256("refused"));
    }

    function testTheWayRoundAndAgain() public {
        vm.expectEmit(true, true, true, true, address(studio));
        emit LoopTransition(1, 0, 1, keccak256(abi.encode(1)), OPERATOR);
        _goTo(Loop.State.Learn);
        _go(Loop.State.Idle);
        equal(studio.loop(), 1, "first");
        _goTo(Loop.State.Forecast);
        equal(studio.loop(), 2, "second");
    }

    /// @dev An independent table, as text: from each state, where the operator may go.
    function testExactlyTheTransitionsOfTheTableAreAllowed() public {
        uint256[18] memory allowed;
        for (uint256 i; i < 13; ++i) {
            allowed[i] = 1 << (i + 1);
        }
        allowed[13] = 1;
        allowed[16] = 1 << 13;
        uint8[8] memory rejectable = [1, 2, 3, 4, 5, 6, 7, 8];
        uint8[9] memory disputable = [4, 5, 6, 7, 8, 9, 10, 11, 12];
        uint8[4] memory spending = [2, 3, 9, 10];
        for (uint256 i; i < 8; ++i) {
            allowed[rejectable[i]] |= 1 << 16;
        }
        for (uint256 i; i < 9; ++i) {
            allowed[disputable[i]] |= 1 << 15;
        }
        for (uint256 i; i < 4; ++i) {
            allowed[spending[i]] |= 1 << 17;
        }
        for (uint8 from; from < 18; ++from) {
            if (from >= 14 && from != 16) continue; // those have tests of their own
            studio = _studio(EPOCH);
            if (from == 16) {
                _goTo(Loop.State.Forecast);
                _go(Loop.State.Rejected);
            } else {
                _goTo(Loop.State(from));
            }
            for (uint8 to; to < 18; ++to) {
                bool may = (allowed[from] >> to) & 1 == 1;
                require(studio.canMove(Loop.State(to), OPERATOR) == may, "table");
                require(!studio.canMove(Loop.State(to), OWNER), "not the owner");
                require(!studio.canMove(Loop.State(to), GUARDIAN), "not the guardian");
                if (!may) _refuse(Loop.State(to), OPERATOR);
            }
        }
    }

    function testAStepThatIsSentTwiceCountsOnce() public {
        _go(Loop.State.Forecast);
        bytes32 anchor = studio.lastAnchor();
        _refuse(Loop.State.Forecast, OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(Loop.AnchorInvalid.selector, anchor));
        vm.prank(OPERATOR);
        studio.transition(Loop.State.Plan, anchor);
        vm.expectRevert(abi.encodeWithSelector(Loop.AnchorInvalid.selector, 0));
        vm.prank(OPERATOR);
        studio.transition(Loop.State.Plan, 0);
    }

    function testADisputeIsEndedByTheOwnerOnly() public {
        _goTo(Loop.State.Sell);
        _go(Loop.State.Disputed);
        for (uint8 to; to < 18; ++to) {
            _refuse(Loop.State(to), OPERATOR);
            bool may = to == uint8(Loop.State.Sell) || to == uint8(Loop.State.Rejected);
            require(studio.canMove(Loop.State(to), OWNER) == may, "back or rejected");
        }
        _refuse(Loop.State.Settle, OWNER);
        vm.expectEmit(true, true, true, true, address(studio));
        emit LoopTransition(1, 15, 10, keccak256("dismissed"), OWNER);
        vm.prank(OWNER);
        studio.transition(Loop.State.Sell, keccak256("dismissed"));
        _go(Loop.State.Disputed);
        vm.prank(OWNER);
        studio.transition(Loop.State.Rejected, keccak256("upheld"));
        _go(Loop.State.Learn);
    }

    function testAnEmptyBudgetEndsWithItsEpochOrByTheOwner() public {
        _goTo(Loop.State.Generate);
        _go(Loop.State.BudgetOut);
        _refuse(Loop.State.Idle, OPERATOR);
        _refuse(Loop.State.Idle, STRANGER);
        vm.warp((studio.epoch() + 1) * EPOCH);
        _refuse(Loop.State.Generate, OPERATOR);
        _refuse(Loop.State.Idle, STRANGER);
        _go(Loop.State.Idle);
        _goTo(Loop.State.Plan);
        _go(Loop.State.BudgetOut);
        _refuse(Loop.State.Plan, OWNER);
        vm.prank(OWNER);
        studio.transition(Loop.State.Idle, keccak256("raised"));
        equal(uint8(studio.state()), 0, "idle");
    }

    function testAPauseIsSeenInTheLoopAndLeavesItWhereItWas() public {
        _goTo(Loop.State.Screen);
        bytes32 anchor = studio.lastAnchor();
        vm.expectEmit(true, true, true, true, address(studio));
        emit LoopTransition(1, 4, 14, 0, GUARDIAN);
        vm.prank(GUARDIAN);
        studio.pause();
        for (uint8 to; to < 18; ++to) {
            require(!studio.canMove(Loop.State(to), OPERATOR), "nowhere");
        }
        vm.expectRevert(Pausable.EnforcedPause.selector);
        vm.prank(OPERATOR);
        studio.transition(Loop.State.Shortlist, SALT);
        vm.expectEmit(true, true, true, true, address(studio));
        emit LoopTransition(1, 14, 4, 0, OWNER);
        vm.prank(OWNER);
        studio.unpause();
        equal(studio.lastAnchor(), anchor, "the anchor stays");
        _go(Loop.State.Shortlist);
    }

    function testAPauseInADisputeLeavesTheDispute() public {
        _goTo(Loop.State.Mint);
        _go(Loop.State.Disputed);
        vm.prank(GUARDIAN);
        studio.pause();
        vm.prank(OWNER);
        studio.unpause();
        require(studio.state() == Loop.State.Disputed, "still");
        vm.prank(OWNER);
        studio.transition(Loop.State.Mint, SALT);
    }
}
