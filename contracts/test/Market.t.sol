// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Market} from "../src/Market.sol";
import {Payouts} from "../src/Payouts.sol";
import {Splitter} from "../src/Splitter.sol";
import {Venue} from "../src/Venue.sol";
import {Base, Vm} from "./Base.sol";
import {Reentrant, Refuser} from "./Hostile.sol";

contract MarketTest is Base {
    function testFuzzSellerRoyaltyAndFeeAddUpToThePrice(uint128 price, uint96 bps, uint128 excess) public {
        vm.assume(price > 0 && bps <= 1_000);
        uint256 tokenId = workBy(CREATOR, COLLECTOR, bps);
        vm.prank(COLLECTOR);
        market.list(tokenId, price, 0);
        uint256 sent = uint256(price) + excess;
        vm.deal(BUYER, sent);
        uint256 seller = COLLECTOR.balance;

        vm.prank(BUYER);
        market.buy{value: sent}(tokenId, price, address(0));

        uint256 royalty = royaltiesOf(tokenId);
        equal(royalty, (uint256(price) * bps) / 10_000, "royalty");
        equal(PLATFORM.balance, (uint256(price) * FEE_BPS) / 10_000, "fee");
        equal(COLLECTOR.balance - seller + royalty + PLATFORM.balance, price, "the legs are the price");
        equal(BUYER.balance, excess, "the change came back");
        equal(address(market).balance, 0, "nothing stays");
        equal(artwork.ownerOf(tokenId), BUYER, "the work is the buyer's");
        equal(market.lastPrice(tokenId), price, "last price");
    }

    /// @dev The logs alone must tell who got what: one `Sold`, then one `Paid` per leg that is not zero.
    function testEveryWeiHasALegEvent() public {
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        vm.recordLogs();
        vm.prank(BUYER);
        market.buy{value: 1.5 ether}(tokenId, 1 ether, address(0));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        require(logs[0].topics[0] == Venue.Sold.selector, "the sale comes first");
        uint256[4] memory byRole;
        uint256 legs;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != Payouts.Paid.selector) continue;
            require(uint256(logs[i].topics[1]) == tokenId, "token");
            (uint256 amount, bool credited) = abi.decode(logs[i].data, (uint256, bool));
            require(!credited, "sent");
            byRole[uint256(logs[i].topics[3])] += amount;
            ++legs;
        }
        equal(legs, 4, "four legs");
        equal(byRole[0], 0.9 ether, "seller");
        equal(byRole[1], 0.075 ether, "royalty");
        equal(byRole[2], 0.025 ether, "platform");
        equal(byRole[3], 0.5 ether, "refund");
    }

    function testSaleIsAnnouncedWithItsParts() public {
        uint256 tokenId = work(COLLECTOR);
        vm.expectEmit(true, true, true, true, address(market));
        emit Venue.Listed(tokenId, COLLECTOR, 0, 1 ether, uint64(START + 7));
        vm.prank(COLLECTOR);
        market.list(tokenId, 1 ether, uint64(START + 7));
        vm.expectEmit(true, true, true, true, address(market));
        emit Venue.Sold(tokenId, COLLECTOR, PLATFORM, 0, 1 ether, 0.075 ether, 0.025 ether);
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, PLATFORM);
        equal(artwork.ownerOf(tokenId), PLATFORM, "bought for somebody else");
    }

    /// @dev A creator's own sale owes it, too: model, data, parents and treasury have their part in it.
    function testCreatorsOwnSalePaysTheRoyaltyToTheSplit() public {
        uint256 tokenId = listed(CREATOR, 1 ether);
        vm.expectEmit(true, true, true, true, address(market));
        emit Venue.Sold(tokenId, CREATOR, BUYER, 0, 1 ether, 0.075 ether, 0.025 ether);
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReceived(tokenId, address(market), 0.075 ether, 1);
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
        equal(CREATOR.balance, 1_000 ether + 0.9 ether, "proceeds");
    }

    function testBuyerNeverPaysAboveTheMaximum() public {
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        vm.prank(COLLECTOR);
        market.list(tokenId, 2 ether, 0); // raised just before the purchase
        vm.expectRevert(abi.encodeWithSelector(Venue.PriceAboveMax.selector, 2 ether, 1 ether));
        vm.prank(BUYER);
        market.buy{value: 2 ether}(tokenId, 1 ether, address(0));
    }

    function testTooLittleMoneyIsRefused() public {
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(Venue.PaymentTooLow.selector, 1 ether - 1, 1 ether));
        vm.prank(BUYER);
        market.buy{value: 1 ether - 1}(tokenId, 1 ether, address(0));
    }

    function testOnlyTheOwnerLists() public {
        uint256 tokenId = work(COLLECTOR);
        vm.expectRevert(abi.encodeWithSelector(Market.NotOwner.selector, tokenId, BUYER, COLLECTOR));
        vm.prank(BUYER);
        market.list(tokenId, 1, 0);
    }

    function testListingNeedsApprovalPriceAndFuture() public {
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        vm.expectRevert(abi.encodeWithSelector(Market.PriceOutOfRange.selector, 0, type(uint128).max));
        market.list(tokenId, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(Market.PriceOutOfRange.selector, 1 << 128, type(uint128).max));
        market.list(tokenId, 1 << 128, 0);
        vm.expectRevert(abi.encodeWithSelector(Market.EndTimePassed.selector, START - 1, START));
        market.list(tokenId, 1, uint64(START - 1));
        artwork.setApprovalForAll(address(market), false);
        vm.expectRevert(abi.encodeWithSelector(Market.NotApproved.selector, tokenId, COLLECTOR));
        market.list(tokenId, 1, 0);
        artwork.approve(address(market), tokenId); // a single approval will do
        market.list(tokenId, 1, 0);
        vm.stopPrank();
    }

    function testCancelledListingCannotBeBought() public {
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(Venue.NotSeller.selector, tokenId, BUYER, COLLECTOR));
        vm.prank(BUYER);
        market.cancel(tokenId);
        vm.expectEmit(true, true, true, true, address(market));
        emit Venue.ListingCancelled(tokenId, COLLECTOR);
        vm.prank(COLLECTOR);
        market.cancel(tokenId);
        vm.expectRevert(abi.encodeWithSelector(Market.NotListed.selector, tokenId));
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
        vm.expectRevert(abi.encodeWithSelector(Market.NotListed.selector, tokenId));
        vm.prank(COLLECTOR);
        market.cancel(tokenId);
    }

    /// @dev The stale-listing trap of approval-based markets: the work comes home and the old price wakes up.
    function testListingDiesForGoodWhenTheWorkMoves() public {
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        vm.prank(COLLECTOR);
        artwork.transferFrom(COLLECTOR, BUYER, tokenId);
        vm.prank(BUYER);
        artwork.transferFrom(BUYER, COLLECTOR, tokenId);
        (address seller,,, bool live) = market.listingOf(tokenId);
        equal(seller, COLLECTOR, "still stored");
        require(!live, "but dead");
        vm.expectRevert(abi.encodeWithSelector(Market.ListingVoid.selector, tokenId, COLLECTOR));
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
        vm.prank(COLLECTOR);
        market.list(tokenId, 2 ether, 0);
        (,,, live) = market.listingOf(tokenId);
        require(live, "a new offer lives");
    }

    function testListingIsVoidWithoutApproval() public {
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        vm.prank(COLLECTOR);
        artwork.setApprovalForAll(address(market), false);
        vm.expectRevert(abi.encodeWithSelector(Market.ListingVoid.selector, tokenId, COLLECTOR));
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
    }

    function testBurnedWorkCannotBeBought() public {
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        vm.prank(COLLECTOR);
        artwork.burn(tokenId, 0);
        vm.expectRevert(abi.encodeWithSelector(Market.ListingVoid.selector, tokenId, COLLECTOR));
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
    }

    function testRefusedProceedsAreCreditedAndCanBeTakenElsewhere() public {
        Refuser seller = new Refuser();
        uint256 tokenId = work(address(seller));
        seller.offer(artwork, market, tokenId, 1 ether);
        vm.expectEmit(true, true, true, true, address(market));
        emit Payouts.Paid(tokenId, address(seller), 0, 0.9 ether, true);
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
        equal(market.refunds(address(seller)), 0.9 ether, "credited");
        vm.expectRevert(
            abi.encodeWithSelector(Payouts.WithdrawalRefused.selector, address(seller), 0.9 ether)
        );
        seller.withdraw(market);
        vm.expectEmit(true, true, true, true, address(market));
        emit Payouts.Withdrawn(address(seller), address(0xCA5), 0.9 ether);
        seller.withdrawTo(market, address(0xCA5));
        equal(address(0xCA5).balance, 0.9 ether, "taken elsewhere");
        equal(address(market).balance, 0, "nothing stays");
        vm.expectRevert(abi.encodeWithSelector(Payouts.NothingToWithdraw.selector, address(seller)));
        seller.withdrawTo(market, address(0xCA5));
    }

    function testMarketPaysNoMoreThanTenPercentWhateverTheWorkAsks() public {
        becomeGreedy();
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
        equal(royaltiesOf(tokenId), 0.1 ether, "asked for half, got a tenth");
    }

    function testFeeIsCappedAndNeedsARecipient() public {
        vm.expectRevert(abi.encodeWithSelector(Venue.FeeTooHigh.selector, 501, 500));
        new Market(artwork, splitter, PLATFORM, 501);
        vm.expectRevert(Venue.FeeRecipientMissing.selector);
        new Market(artwork, splitter, address(0), 250);
        equal(new Market(artwork, splitter, PLATFORM, 500).feeBps(), 500, "the cap itself is allowed");
    }

    function testRoyaltiesGoToTheSplitterOfTheWorksOnly() public {
        Splitter another = new Splitter(splitter.artwork(), TREASURY);
        vm.expectRevert(
            abi.encodeWithSelector(Venue.SplitterOfAnother.selector, address(another), address(splitter))
        );
        new Market(artwork, another, PLATFORM, FEE_BPS);
        require(market.splitter() == splitter && market.kind() == 0, "its own");
    }

    /// @dev The one way a royalty could be refused: its Splitter is busy paying the very account that buys.
    function testPayeeWhoBuysWhileTheSplitterPaysThemStopsOnlyThemselves() public {
        Reentrant creator = new Reentrant();
        uint256 tokenId = workBy(address(creator), COLLECTOR, 1_000);
        vm.prank(COLLECTOR);
        market.list(tokenId, 1 ether, 0);
        splitter.receiveRoyalty{value: 1 ether}(tokenId, 0);
        creator.arm{value: 1 ether}(
            address(market), abi.encodeCall(market.buy, (tokenId, 1 ether, address(creator)))
        );
        uint256[] memory tokenIds = new uint256[](1);
        tokenIds[0] = tokenId;
        uint256 due = splitter.releasable(tokenId, address(0), address(creator));
        splitter.release(tokenIds, address(0), address(creator));
        require(creator.tried() && !creator.succeeded(), "not while being paid");
        equal(address(creator).balance, due + 1 ether, "but paid, and nothing lost");
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
        equal(artwork.ownerOf(tokenId), BUYER, "the work is sold as ever");
    }

    function testPlainEtherIsRefused() public {
        vm.prank(BUYER);
        (bool sent,) = address(market).call{value: 1 ether}("");
        require(!sent, "money without a purpose would be stuck");
    }
}
