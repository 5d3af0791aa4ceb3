// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {StudioShares} from "../src/StudioShares.sol";
import {StudioBase} from "./StudioBase.sol";

contract StudioSharesTest is StudioBase {
    function setUp() public {
        shareOut();
    }

    function testABalanceCanBeAskedForEverySecondThatIsOver() public {
        equal(shares.balanceOfAt(A, uint64(START - 1)), 0, "before there were shares");
        equal(shares.balanceOfAt(A, uint64(START)), 500e18, "after all changes of that second");
        vm.prank(A);
        shares.transfer(STRANGER, 100e18);
        uint64 time = uint64(block.timestamp);
        equal(shares.balanceOfAt(A, time - 1), 500e18, "before");
        vm.warp(time + 1);
        equal(shares.balanceOfAt(A, time), 400e18, "after");
        equal(shares.balanceOfAt(STRANGER, time), 100e18, "received");
        vm.warp(time + 400 days);
        equal(shares.balanceOfAt(A, time - 1), 500e18, "unchanged by time");
        equal(shares.balanceOfAt(address(0), time), 0, "nobody");
    }

    function testTheSecondThatRunsCannotBeAskedFor() public {
        uint64 time = uint64(block.timestamp);
        for (uint64 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(StudioShares.TimeNotOver.selector, time + i, time));
            shares.balanceOfAt(A, time + i);
        }
    }

    function testAFlashLoanLeavesNoTrace() public {
        vm.prank(A);
        shares.transfer(STRANGER, 500e18);
        vm.prank(STRANGER);
        shares.transfer(A, 500e18);
        vm.warp(block.timestamp + 1);
        equal(shares.balanceOfAt(STRANGER, uint64(block.timestamp - 1)), 0, "gone by the end of the second");
        equal(shares.balanceOfAt(A, uint64(block.timestamp - 1)), 500e18, "back");
    }

    function testATransferToOneselfChangesNothing() public {
        vm.prank(A);
        shares.transfer(A, 500e18);
        vm.warp(block.timestamp + 1);
        equal(shares.balanceOfAt(A, uint64(block.timestamp - 1)), 500e18, "the same");
    }

    /// @dev Anybody may send nothing from anybody to anybody; a note of it would cost the later readers.
    function testSendingNothingLeavesNoTrace() public {
        uint256 cost = _costOfAsking();
        for (uint256 i; i < 64; ++i) {
            vm.warp(block.timestamp + 1);
            vm.prank(STRANGER);
            shares.transferFrom(A, B, 0);
        }
        vm.warp(block.timestamp + 1);
        equal(_costOfAsking(), cost, "as before");
    }

    function _costOfAsking() private view returns (uint256 cost) {
        uint64 time = uint64(block.timestamp - 1);
        shares.balanceOfAt(A, time); // warm
        cost = gasleft();
        shares.balanceOfAt(A, time);
        cost -= gasleft();
    }

    function testHoldersDivideWhatIsPaid() public {
        vm.deal(address(this), 10 ether);
        shares.distribute{value: 10 ether}();
        equal(shares.dividendOf(A), 5 ether, "half");
        vm.prank(D);
        shares.claimDividend();
        equal(D.balance, 0.5 ether, "5 %");
    }

    function testFuzzAnswersAreThoseOfALedger(uint96[8] memory amounts, uint16[8] memory waits) public {
        uint256[9] memory ofA;
        uint64[9] memory times;
        (ofA[0], times[0]) = (500e18, uint64(block.timestamp));
        for (uint256 i; i < 8; ++i) {
            vm.warp(block.timestamp + 1 + waits[i]);
            bool gives = amounts[i] % 2 == 0;
            (address from, address to) = gives ? (A, B) : (B, A);
            uint256 part = amounts[i] % (shares.balanceOf(from) + 1);
            vm.prank(from);
            shares.transfer(to, part);
            ofA[i + 1] = gives ? ofA[i] - part : ofA[i] + part;
            times[i + 1] = uint64(block.timestamp);
        }
        vm.warp(block.timestamp + 1);
        for (uint256 i; i < 9; ++i) {
            equal(shares.balanceOfAt(A, times[i]), ofA[i], "A");
            equal(shares.balanceOfAt(B, times[i]), 750e18 - ofA[i], "B has the rest");
            if (i > 0) equal(shares.balanceOfAt(A, times[i] - 1), ofA[i - 1], "until the second before");
        }
    }
}
