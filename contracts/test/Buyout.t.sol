// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Payouts} from "../src/Payouts.sol";
import {Reserve} from "../src/Reserve.sol";
import {Splitter} from "../src/Splitter.sol";
import {Vault} from "../src/Vault.sol";
import {Vm} from "./Base.sol";
import {VaultBase} from "./VaultBase.sol";

/// @title Buying a vault's work out, taking it out with 95 %, and redeeming.
contract BuyoutTest is VaultBase {
    // -- Starting and bidding ----------------------------------------------------------------

    function testABuyoutStartsAtTheReserve() public {
        votes(ANN, 8 ether, 600e18);
        equal(vault.leastBid(), 8 ether, "the reserve");
        vm.expectRevert(abi.encodeWithSelector(Vault.BidTooLow.selector, 8 ether - 1, 8 ether));
        starts(BUYER, 8 ether - 1);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Vault.BuyoutStarted(address(vault), BUYER, 8 ether, uint64(START + 7 days));
        starts(BUYER, 8 ether);
        (address bidder, uint64 endTime, uint256 amount) = vault.buyout();
        equal(bidder, BUYER, "bidder");
        equal(endTime, START + 7 days, "end");
        equal(amount, 8 ether, "amount");
        require(vault.phase() == Reserve.Phase.Buyout, "phase");
    }

    function testABuyoutNeedsHalfOfAllSharesBehindVotes() public {
        votes(ANN, 8 ether, 500e18 - 1);
        vm.expectRevert(abi.encodeWithSelector(Vault.QuorumMissing.selector, 500e18 - 1, 500e18));
        starts(BUYER, 100 ether);
        votes(CLEO, 8 ether, 1);
        starts(BUYER, 8 ether);
    }

    function testABuyoutCostsTheMinimumAtLeast() public {
        (vault, tokenId) = opened(COLLECTOR, 1); // one wei
        vm.prank(COLLECTOR);
        vault.vote(1, SUPPLY);
        equal(vault.leastBid(), 0.001 ether, "more than the reserve");
        vm.expectRevert(abi.encodeWithSelector(Vault.BidTooLow.selector, 1, 0.001 ether));
        starts(BUYER, 1);
        starts(BUYER, 0.001 ether);
    }

    function testOneBuyoutAtATime() public {
        started();
        vm.expectRevert(wrongPhase(Reserve.Phase.Buyout, Reserve.Phase.Open));
        starts(CREATOR, 100 ether);
    }

    function testWithoutABuyoutNobodyBidsOrSettles() public {
        vm.expectRevert(wrongPhase(Reserve.Phase.Open, Reserve.Phase.Buyout));
        bids(BUYER, 100 ether);
        vm.expectRevert(wrongPhase(Reserve.Phase.Open, Reserve.Phase.Buyout));
        vault.settle();
    }

    function testABidIsFivePerCentMoreAndTheLoserIsCredited() public {
        started();
        equal(vault.leastBid(), 8.4 ether, "five per cent more");
        vm.expectRevert(abi.encodeWithSelector(Vault.BidTooLow.selector, 8.4 ether - 1, 8.4 ether));
        bids(CREATOR, 8.4 ether - 1);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Payouts.Paid(tokenId, BUYER, 6, 8 ether, true);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Vault.BuyoutBid(address(vault), CREATOR, 8.4 ether, uint64(START + 7 days));
        bids(CREATOR, 8.4 ether);
        equal(vault.refunds(BUYER), 8 ether, "all of it");
        vm.prank(BUYER);
        vault.withdraw();
        equal(BUYER.balance, 1_000 ether, "back");
    }

    function testTheStepIsRoundedUp() public {
        votes(ANN, 8 ether + 1, 600e18);
        starts(BUYER, 8 ether + 1);
        equal(vault.leastBid(), 8.4 ether + 2, "a twentieth of a wei is a wei");
    }

    function testALateBidLeavesOthersAQuarterOfAnHour() public {
        started();
        vm.warp(START + 7 days - 15 minutes);
        bids(CREATOR, 10 ether);
        (, uint64 endTime,) = vault.buyout();
        equal(endTime, START + 7 days, "in time");
        vm.warp(START + 7 days);
        bids(ANN, 20 ether);
        (, endTime,) = vault.buyout();
        equal(endTime, START + 7 days + 15 minutes, "late");
    }

    // -- Settling ----------------------------------------------------------------------------

    function testSettlingGivesTheWorkToTheWinnerAndTheRoyaltyToTheSplitter() public {
        started();
        vm.warp(START + 7 days + 1);
        uint256 before = royaltiesOf(tokenId);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Vault.BuyoutSettled(address(vault), BUYER, 8 ether, 0.6 ether);
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReceived(tokenId, address(vault), 0.6 ether, 5);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Payouts.Paid(tokenId, address(splitter), 1, 0.6 ether, false);
        vault.settle();
        equal(artwork.ownerOf(tokenId), BUYER, "the work");
        equal(royaltiesOf(tokenId) - before, 0.6 ether, "7.5 %");
        equal(vault.proceeds(), 7.4 ether, "the rest is the holders'");
        equal(vault.soldFor(), 8 ether, "known for the next vault");
        require(vault.phase() == Reserve.Phase.Over, "over");
    }

    function testNothingIsSettledTwice() public {
        settled();
        vm.expectRevert(wrongPhase(Reserve.Phase.Over, Reserve.Phase.Buyout));
        vault.settle();
        vm.expectRevert(wrongPhase(Reserve.Phase.Over, Reserve.Phase.Buyout));
        bids(CREATOR, 100 ether);
        vm.expectRevert(wrongPhase(Reserve.Phase.Over, Reserve.Phase.Open));
        starts(CREATOR, 100 ether);
    }

    function testAGreedyArtworkGetsATenthAtMost() public {
        becomeGreedy();
        Vault.Holding memory held = Vault.Holding(artwork, splitter, TREASURY, 0, ANN, VALUATION);
        held.tokenId = work(COLLECTOR);
        vault = new Vault(held, "Shares", "SHR", SUPPLY);
        vm.prank(COLLECTOR);
        artwork.transferFrom(COLLECTOR, address(vault), held.tokenId);
        votes(ANN, 10 ether, SUPPLY);
        starts(BUYER, 10 ether);
        vm.warp(START + 7 days + 1);
        vault.settle();
        equal(vault.proceeds(), 9 ether, "not half");
    }

    function testAWorkWithoutRoyaltyIsSettledWithoutALeg() public {
        tokenId = workBy(CREATOR, COLLECTOR, 0);
        vault = reopened(COLLECTOR, tokenId, VALUATION);
        votes(COLLECTOR, 10 ether, SUPPLY);
        starts(BUYER, 10 ether);
        vm.warp(START + 7 days + 1);
        vm.recordLogs();
        vault.settle();
        equal(vm.getRecordedLogs().length, 2, "BuyoutSettled and Transfer");
        equal(vault.proceeds(), 10 ether, "all");
    }

    // -- Redeeming ---------------------------------------------------------------------------

    function testHoldersFetchTheirPartByBurningTheirShares() public {
        settled();
        equal(vault.redemptionOf(BEN), 2.22 ether, "30 % of 7.4");
        vm.expectEmit(true, true, true, true, address(vault));
        emit Vault.SharesRedeemed(address(vault), BEN, 300e18, 2.22 ether);
        equal(redeems(BEN), 2.22 ether, "paid");
        equal(BEN.balance, 1_002.22 ether, "really");
        equal(vault.balanceOf(BEN), 0, "burned");
        equal(redeems(ANN), 4.44 ether, "locked shares too");
        vm.prank(CLEO);
        equal(vault.redeemTo(PLATFORM), 0.74 ether, "to whom she says");
        equal(PLATFORM.balance, 0.74 ether, "paid");
        equal(address(vault).balance, 0, "all out");
        equal(vault.totalSupply(), 0, "all gone");
    }

    function testSharesBoughtAfterTheBuyoutRedeemToo() public {
        settled();
        vm.prank(ANN);
        vault.transfer(BEN, 600e18);
        equal(redeems(BEN), 6.66 ether, "90 %");
        vm.expectRevert(abi.encodeWithSelector(Vault.NothingToRedeem.selector, ANN));
        redeems(ANN);
    }

    function testNothingIsRedeemedBefore() public {
        equal(vault.redemptionOf(ANN), 0, "nothing to get");
        vm.expectRevert(wrongPhase(Reserve.Phase.Open, Reserve.Phase.Over));
        redeems(ANN);
        started();
        vm.expectRevert(wrongPhase(Reserve.Phase.Buyout, Reserve.Phase.Over));
        redeems(ANN);
    }

    function testWhatIsRoundedDownGoesToTheTreasuryWithTheLastShares() public {
        vm.prank(ANN);
        vault.transfer(BEN, 1); // 600 - 1, 300 + 1 and 100: no part divides
        votes(ANN, 8 ether + 7, 600e18 - 1);
        starts(BUYER, 8 ether + 7);
        vm.warp(START + 7 days + 1);
        vault.settle();
        uint256 paid = redeems(ANN) + redeems(BEN);
        uint256 last = vault.redemptionOf(CLEO);
        uint256 dust = vault.proceeds() - paid - last;
        require(dust > 0 && dust < 3, "less than a wei per holder");
        vm.expectEmit(true, true, true, true, address(vault));
        emit Payouts.Paid(tokenId, TREASURY, 7, dust, false);
        redeems(CLEO);
        equal(TREASURY.balance, dust, "the treasury's");
        equal(vault.redeemed(), vault.proceeds(), "all accounted for");
    }

    function testSharesOfNoValueCanBeBurned() public {
        vm.prank(CLEO);
        vault.transfer(PLATFORM, 1);
        votes(ANN, 2 ether, 600e18);
        starts(BUYER, 2 ether);
        vm.warp(START + 7 days + 1);
        vault.settle();
        equal(redeems(PLATFORM), 0, "a 10^-21st of 2 ether is no wei");
        equal(vault.balanceOf(PLATFORM), 0, "gone");
    }

    function testDividendsStayClaimableAndNoneComeWhenTheWorkIsGone() public {
        vault.distribute{value: 1 ether}();
        settled();
        vm.expectRevert(wrongPhase(Reserve.Phase.Over, Reserve.Phase.Open));
        vault.distribute{value: 1 ether}();
        redeems(BEN);
        equal(vault.dividendOf(BEN), 0.3 ether, "without a share left");
        vm.prank(BEN);
        vault.claimDividend();
        equal(BEN.balance, 1_000 ether + 2.22 ether + 0.3 ether, "both");
    }

    /// @dev The order of redemptions changes nobody's amount; parts against exact fractions.
    function testFuzzRedemptionIsTheExactPartRoundedDownInAnyOrder(
        uint96 price,
        uint96 first,
        uint96 second,
        uint256 order
    ) public {
        first = 1 + first % 400e18; // who has no share has nothing to vote with, nor to redeem
        second = second % 200e18;
        vm.prank(ANN);
        vault.transfer(PLATFORM, first);
        vm.prank(BEN);
        vault.transfer(PLATFORM, second);
        votes(ANN, 2 ether, vault.balanceOf(ANN));
        votes(BEN, 2 ether, vault.balanceOf(BEN));
        votes(PLATFORM, 2 ether, vault.balanceOf(PLATFORM));
        uint256 amount = 2 ether + uint256(price);
        vm.deal(BUYER, amount);
        starts(BUYER, amount);
        vm.warp(START + 7 days + 1);
        vault.settle();
        uint256 rest = amount - (amount * ROYALTY_BPS) / 10_000;
        address[4] memory holders = [ANN, BEN, CLEO, PLATFORM];
        uint256 paid;
        for (uint256 i; i < 4; ++i) {
            address holder = holders[(i + order % 4) % 4];
            uint256 part = (rest * vault.balanceOf(holder)) / SUPPLY;
            equal(redeems(holder), part, "floor(rest * shares / supply)");
            paid += part;
        }
        require(rest - paid < 4, "dust");
        equal(TREASURY.balance, rest - paid, "to the treasury");
        equal(address(vault).balance, 0, "nothing stays");
    }

    // -- Taking out with 95 % ------------------------------------------------------------------

    function testWhoHasAllSharesTakesTheWorkOutForNothing() public {
        (vault, tokenId) = opened(COLLECTOR, VALUATION);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Vault.BuyoutSettled(address(vault), COLLECTOR, 0, 0);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Vault.SharesRedeemed(address(vault), COLLECTOR, SUPPLY, 0);
        uint256 before = COLLECTOR.balance;
        vm.prank(COLLECTOR);
        vault.takeOut{value: 1 ether}();
        equal(artwork.ownerOf(tokenId), COLLECTOR, "out");
        equal(vault.totalSupply(), 0, "gone");
        equal(COLLECTOR.balance, before, "all came back");
        equal(vault.soldFor(), 0, "no sale");
    }

    function testNinetyFivePerCentTakeTheWorkOutAndPayTheOthersTheValuation() public {
        _gather(950e18);
        equal(vault.takeOutPrice(ANN), 0.5 ether, "5 % of the valuation");
        uint256 before = royaltiesOf(tokenId);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Vault.BuyoutSettled(address(vault), ANN, 0.5 ether, 0.0375 ether);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Payouts.Paid(tokenId, ANN, 3, 0.1 ether, false);
        vm.prank(ANN);
        vault.takeOut{value: 0.6 ether}();
        equal(ANN.balance, 999.5 ether, "the excess came back");
        equal(artwork.ownerOf(tokenId), ANN, "out");
        equal(vault.balanceOf(ANN), 0, "her shares are gone");
        equal(royaltiesOf(tokenId) - before, 0.0375 ether, "7.5 % of what she paid");
        equal(redeems(CLEO), 0.4625 ether, "the rest");
        equal(address(vault).balance, 0, "all out");
    }

    function testTakingOutCostsTheReserveIfItIsMore() public {
        _gather(950e18);
        votes(ANN, 5 ether, 950e18);
        equal(vault.takeOutPrice(ANN), 0.5 ether, "a low vote of her own does not help");
        votes(ANN, 20 ether, 950e18);
        votes(CLEO, 40 ether, 50e18);
        equal(vault.reserve(), 21 ether, "0.95 * 20 + 0.05 * 40");
        equal(vault.takeOutPrice(ANN), 1.05 ether, "5 % of it");
        vm.expectRevert(abi.encodeWithSelector(Vault.TakeOutUnpaid.selector, 1.05 ether - 1, 1.05 ether));
        vm.prank(ANN);
        vault.takeOut{value: 1.05 ether - 1}();
        vm.prank(ANN);
        vault.takeOut{value: 1.05 ether}();
        equal(redeems(CLEO), 0.97125 ether, "locked or not");
    }

    function testLessThanNinetyFivePerCentTakeNothingOut() public {
        _gather(950e18 - 1);
        vm.expectRevert(abi.encodeWithSelector(Vault.TooFewShares.selector, ANN, 950e18 - 1, 950e18));
        vm.prank(ANN);
        vault.takeOut{value: 100 ether}();
    }

    function testNobodyTakesAWorkOutOfARunningBuyoutOrTwice() public {
        _gather(950e18);
        votes(ANN, 8 ether, 600e18);
        starts(BUYER, 8 ether);
        vm.expectRevert(wrongPhase(Reserve.Phase.Buyout, Reserve.Phase.Open));
        vm.prank(ANN);
        vault.takeOut{value: 100 ether}();
        vm.warp(START + 7 days + 1);
        vault.settle();
        vm.expectRevert(wrongPhase(Reserve.Phase.Over, Reserve.Phase.Open));
        vm.prank(ANN);
        vault.takeOut{value: 100 ether}();
    }

    function testThePriceOfTakingOutIsRoundedUpForTheOthers() public {
        _gather(SUPPLY - 1);
        equal(vault.takeOutPrice(ANN), 1, "a wei for 10^-18 of a share");
        vm.prank(ANN);
        vault.takeOut{value: 1}();
        equal(redeems(CLEO), 1, "no royalty fits into a wei");
    }

    // -- Legs ----------------------------------------------------------------------------------

    /// @dev What came in as bids is, from the vault's logs alone: royalty, parts, dust and refunds.
    function testFuzzABuyoutBalancesFromLogsAlone(uint64[3] memory raises, uint96 moved) public {
        vm.prank(ANN);
        vault.transfer(BEN, moved % 100e18);
        votes(ANN, 8 ether, 500e18);
        vm.recordLogs();
        uint256 amount = 8 ether;
        starts(BUYER, amount);
        uint256 paidIn = amount;
        for (uint256 i; i < 3; ++i) {
            amount = vault.leastBid() + raises[i];
            vm.deal(CREATOR, amount);
            bids(CREATOR, amount);
            paidIn += amount;
        }
        vm.warp(START + 7 days + 1);
        vault.settle();
        redeems(ANN);
        redeems(BEN);
        redeems(CLEO);
        equal(_legs(vm.getRecordedLogs(), amount), paidIn, "in == out or credited");
    }

    function _legs(Vm.Log[] memory logs, uint256 winning) private view returns (uint256 sum) {
        uint256 sale;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(vault)) continue;
            if (logs[i].topics[0] == Payouts.Paid.selector) {
                (uint256 amount,) = abi.decode(logs[i].data, (uint256, bool));
                uint256 role = uint256(logs[i].topics[3]);
                require(role == 1 || role == 6 || role == 7, "role");
                if (role != 6) sale += amount;
                sum += amount;
            } else if (logs[i].topics[0] == Vault.SharesRedeemed.selector) {
                (, uint256 amount) = abi.decode(logs[i].data, (uint256, uint256));
                sale += amount;
                sum += amount;
            }
        }
        equal(sale, winning, "royalty + parts + dust == the winning bid");
    }

    /// @dev ANN gets `shares`, CLEO the rest.
    function _gather(uint256 shares) private {
        vm.prank(BEN);
        vault.transfer(ANN, 300e18);
        if (shares > 900e18) {
            vm.prank(CLEO);
            vault.transfer(ANN, shares - 900e18);
        }
    }

    receive() external payable {}
}
