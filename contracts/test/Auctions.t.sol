// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Artwork} from "../src/Artwork.sol";
import {Auctions} from "../src/Auctions.sol";
import {Payouts} from "../src/Payouts.sol";
import {Splitter} from "../src/Splitter.sol";
import {Venue} from "../src/Venue.sol";
import {Base} from "./Base.sol";
import {Bookkeeper, Donor, GasBurner, Reentrant, Refuser, ReturnBomb} from "./Hostile.sol";

contract AuctionsTest is Base {
    uint256 private constant RESERVE = 1 ether;
    uint256 private constant DURATION = 1 days;
    uint256 private constant END = START + DURATION;
    address private constant RIVAL = address(0x41BA1);

    Auctions private house;

    function setUp() public override {
        super.setUp();
        house = new Auctions(artwork, splitter, PLATFORM, FEE_BPS);
        vm.deal(RIVAL, 1_000 ether);
    }

    // -- Opening and taking back ---------------------------------------------------------------

    function testOpenTakesTheWorkAndAnnouncesTheAuction() public {
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(house), tokenId);
        vm.expectEmit(true, true, true, true, address(house));
        emit Venue.Listed(tokenId, COLLECTOR, 1, RESERVE, uint64(END));
        house.open(tokenId, RESERVE, DURATION);
        vm.stopPrank();
        equal(artwork.ownerOf(tokenId), address(house), "in escrow");
        (address seller, uint64 endTime, address bidder, uint96 reserve, uint256 amount) =
            house.auctionOf(tokenId);
        equal(seller, COLLECTOR, "seller");
        equal(endTime, END, "end");
        equal(bidder, address(0), "no bidder");
        equal(reserve, RESERVE, "reserve");
        equal(amount, 0, "no bid");
        equal(house.leastBid(tokenId), RESERVE, "the first bid is the reserve");
    }

    function testFuzzTermsOutsideTheirBoundsAreRefused(uint256 reserve, uint256 duration) public {
        (reserve, duration) = (reserve % 2 ** 97, duration % 180 days);
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(house), tokenId);
        if (reserve == 0 || reserve > type(uint96).max) {
            vm.expectRevert(
                abi.encodeWithSelector(Auctions.ReserveOutOfRange.selector, reserve, type(uint96).max)
            );
        } else if (duration < 1 hours || duration > 90 days) {
            vm.expectRevert(
                abi.encodeWithSelector(Auctions.DurationOutOfRange.selector, duration, 1 hours, 90 days)
            );
        }
        house.open(tokenId, reserve, duration);
        vm.stopPrank();
    }

    function testBoundsThemselvesAreAllowedAndNothingBeyond() public {
        uint256 most = type(uint96).max;
        bytes4 reserve = Auctions.ReserveOutOfRange.selector;
        bytes4 duration = Auctions.DurationOutOfRange.selector;
        _openOn(1, 1 hours, "");
        _openOn(most, 90 days, "");
        _openOn(0, 1 days, abi.encodeWithSelector(reserve, 0, most));
        _openOn(most + 1, 1 days, abi.encodeWithSelector(reserve, most + 1, most));
        _openOn(1, 1 hours - 1, abi.encodeWithSelector(duration, 1 hours - 1, 1 hours, 90 days));
        _openOn(1, 90 days + 1, abi.encodeWithSelector(duration, 90 days + 1, 1 hours, 90 days));
    }

    function testSellerTakesTheWorkBackBeforeTheFirstBidOnly() public {
        uint256 tokenId = _opened(COLLECTOR);
        vm.expectRevert(abi.encodeWithSelector(Venue.NotSeller.selector, tokenId, BUYER, COLLECTOR));
        vm.prank(BUYER);
        house.cancel(tokenId);
        vm.expectEmit(true, true, true, true, address(house));
        emit Venue.ListingCancelled(tokenId, COLLECTOR);
        vm.prank(COLLECTOR);
        house.cancel(tokenId);
        equal(artwork.ownerOf(tokenId), COLLECTOR, "back");
        vm.expectRevert(abi.encodeWithSelector(Auctions.NoAuction.selector, tokenId));
        vm.prank(COLLECTOR);
        house.cancel(tokenId);

        uint256 second = _opened(COLLECTOR);
        _bid(second, BUYER, RESERVE);
        vm.expectRevert(abi.encodeWithSelector(Auctions.HasBid.selector, second, BUYER, RESERVE));
        vm.prank(COLLECTOR);
        house.cancel(second);
    }

    function testFeeAndItsRecipientAreBounded() public {
        vm.expectRevert(abi.encodeWithSelector(Venue.FeeTooHigh.selector, 501, 500));
        new Auctions(artwork, splitter, PLATFORM, 501);
        vm.expectRevert(Venue.FeeRecipientMissing.selector);
        new Auctions(artwork, splitter, address(0), 500);
        equal(new Auctions(artwork, splitter, PLATFORM, 500).feeBps(), 500, "the highest is allowed");
    }

    // -- Bids ----------------------------------------------------------------------------------

    function testFirstBidIsTheReserveAndEachFurtherOneFivePercentMore() public {
        uint256 tokenId = _opened(COLLECTOR);
        _bidTooLow(tokenId, RESERVE - 1, RESERVE);
        vm.expectEmit(true, true, true, true, address(house));
        emit Auctions.BidPlaced(tokenId, BUYER, RESERVE, uint64(END));
        _bid(tokenId, BUYER, RESERVE);
        equal(house.leastBid(tokenId), 1.05 ether, "5 %");
        _bidTooLow(tokenId, 1.05 ether - 1, 1.05 ether);
        _bid(tokenId, RIVAL, 1.05 ether);
        _bid(tokenId, RIVAL, 2 ether); // oneself can be outbid
        equal(house.refunds(RIVAL), 1.05 ether, "and gets the first bid back");
    }

    function testSellerDoesNotBid() public {
        uint256 tokenId = _opened(COLLECTOR);
        vm.expectRevert(abi.encodeWithSelector(Auctions.SellerBids.selector, tokenId, COLLECTOR));
        vm.prank(COLLECTOR);
        house.bid{value: RESERVE}(tokenId);
    }

    function testLateBidLeavesOthersAQuarterOfAnHour() public {
        uint256 tokenId = _opened(COLLECTOR);
        vm.warp(END - 15 minutes);
        _bid(tokenId, BUYER, RESERVE);
        equal(_endOf(tokenId), END, "exactly enough is left");
        vm.warp(END - 15 minutes + 1);
        _bid(tokenId, RIVAL, 2 ether);
        equal(_endOf(tokenId), END + 1, "a second more");
        vm.warp(END + 1);
        vm.expectEmit(true, true, true, true, address(house));
        emit Auctions.BidPlaced(tokenId, BUYER, 3 ether, uint64(END + 1 + 15 minutes));
        _bid(tokenId, BUYER, 3 ether);
    }

    function testThereIsNothingToDoWithoutAnAuction() public {
        bytes memory none = abi.encodeWithSelector(Auctions.NoAuction.selector, 7);
        vm.expectRevert(none);
        house.bid{value: 1}(7);
        vm.expectRevert(none);
        house.settle(7);
        vm.expectRevert(none);
        house.leastBid(7);
    }

    // -- Ends ----------------------------------------------------------------------------------

    function testSettleSellsToTheHighestBidderAndPaysEverybodyAtOnce() public {
        uint256 tokenId = _opened(COLLECTOR);
        _bid(tokenId, RIVAL, 2 ether);
        _bid(tokenId, BUYER, 4 ether);
        uint256 seller = COLLECTOR.balance;
        vm.warp(END + 1);
        vm.expectEmit(true, true, true, true, address(house));
        emit Venue.Sold(tokenId, COLLECTOR, BUYER, 1, 4 ether, 0.3 ether, 0.1 ether);
        vm.expectEmit(true, true, true, true, address(house));
        emit Payouts.Paid(tokenId, COLLECTOR, 0, 3.6 ether, false);
        vm.expectEmit(true, true, true, true, address(house));
        emit Payouts.Paid(tokenId, address(splitter), 1, 0.3 ether, false);
        vm.expectEmit(true, true, true, true, address(house));
        emit Payouts.Paid(tokenId, PLATFORM, 2, 0.1 ether, false);
        house.settle(tokenId);
        equal(artwork.ownerOf(tokenId), BUYER, "sold");
        equal(COLLECTOR.balance - seller, 3.6 ether, "seller");
        equal(royaltiesOf(tokenId), 0.3 ether, "royalty, 7.5 %");
        equal(PLATFORM.balance, 0.1 ether, "fee, 2.5 %");
        equal(address(house).balance, 2 ether, "the loser's bid waits");
        equal(house.lastPrice(tokenId), 4 ether, "last price");
        vm.expectRevert(abi.encodeWithSelector(Auctions.NoAuction.selector, tokenId));
        house.settle(tokenId);
    }

    function testAuctionWithoutABidGivesTheWorkBackToItsSeller() public {
        uint256 tokenId = _opened(COLLECTOR);
        vm.warp(END + 1);
        vm.expectEmit(true, true, true, true, address(house));
        emit Venue.ListingCancelled(tokenId, COLLECTOR);
        house.settle(tokenId);
        equal(artwork.ownerOf(tokenId), COLLECTOR, "back");
        equal(house.lastPrice(tokenId), 0, "not sold");
    }

    function testCreatorsOwnSalePaysTheRoyaltyToTheSplit() public {
        uint256 tokenId = _opened(CREATOR);
        _bid(tokenId, BUYER, 4 ether);
        uint256 before = CREATOR.balance;
        vm.warp(END + 1);
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReceived(tokenId, address(house), 0.3 ether, 3);
        house.settle(tokenId);
        equal(CREATOR.balance - before, 3.6 ether, "less royalty and fee");
    }

    function testRoyaltyIsCappedWhateverTheWorkAsksFor() public {
        becomeGreedy();
        Auctions other = new Auctions(artwork, splitter, PLATFORM, 500);
        Artwork.Mint memory m = order(COLLECTOR, 0);
        uint256 tokenId = artwork.mint(m);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(other), tokenId);
        other.open(tokenId, RESERVE, DURATION);
        vm.stopPrank();
        vm.prank(BUYER);
        other.bid{value: 10 ether}(tokenId);
        vm.warp(END + 1);
        other.settle(tokenId);
        equal(royaltiesOf(tokenId), 1 ether, "10 %");
    }

    function testFuzzEveryWeiOfEveryBidGoesToItsOwner(uint128 reserve, uint64 first, uint64 second) public {
        uint256 least = 1 + uint256(reserve) % type(uint96).max;
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(house), tokenId);
        house.open(tokenId, least, DURATION);
        vm.stopPrank();
        uint256 lower = least + first;
        uint256 higher = lower + (lower * 500 + 9_999) / 10_000 + second;
        require(higher > lower, "the step is at least a wei");
        vm.deal(RIVAL, lower);
        vm.deal(BUYER, higher);
        vm.deal(COLLECTOR, 0);
        _bid(tokenId, RIVAL, lower);
        _bidTooLow(tokenId, higher - second - 1, higher - second);
        vm.deal(BUYER, higher);
        _bid(tokenId, BUYER, higher);
        vm.warp(END + 1);
        house.settle(tokenId);
        vm.prank(RIVAL);
        house.withdraw();
        equal(RIVAL.balance, lower, "the loser has exactly what was bid");
        equal(COLLECTOR.balance + royaltiesOf(tokenId) + PLATFORM.balance, higher, "the price is all paid");
        equal(royaltiesOf(tokenId), (higher * ROYALTY_BPS) / 10_000, "royalty");
        equal(PLATFORM.balance, (higher * FEE_BPS) / 10_000, "fee");
        equal(address(house).balance, 0, "nothing stays");
    }

    // -- Published findings --------------------------------------------------------------------

    function testFractionalH10NobodyAuctionsAnothersWork() public {
        uint256 tokenId = work(COLLECTOR);
        vm.prank(COLLECTOR);
        artwork.setApprovalForAll(address(house), true);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, BUYER, tokenId, COLLECTOR)
        );
        vm.prank(BUYER);
        house.open(tokenId, RESERVE, DURATION);
        vm.prank(COLLECTOR);
        house.open(tokenId, RESERVE, DURATION);
        _bid(tokenId, BUYER, RESERVE);
        address[2] memory again = [COLLECTOR, RIVAL];
        for (uint256 i; i < again.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IERC721Errors.ERC721IncorrectOwner.selector, again[i], tokenId, address(house)
                )
            );
            vm.prank(again[i]);
            house.open(tokenId, RESERVE, DURATION); // would wipe the bid out
        }
    }

    function testFractionalM11BiddersAndSellersMayNeedMoreGasThanTransferGives() public {
        Bookkeeper seller = new Bookkeeper();
        uint256 tokenId = _opened(address(seller));
        _bid(tokenId, BUYER, 4 ether);
        vm.warp(END + 1);
        house.settle(tokenId);
        equal(seller.received(), 3.6 ether, "booked");
    }

    function testFractionalM12OneWeiMoreDoesNotTakeAnAuctionOver() public {
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(house), tokenId);
        house.open(tokenId, 1, DURATION);
        vm.stopPrank();
        _bid(tokenId, BUYER, 1);
        _bidTooLow(tokenId, 1, 2);
        _bid(tokenId, RIVAL, 1 ether);
        _bidTooLow(tokenId, 1 ether + 1, 1.05 ether);
    }

    function testPartyH07DonatedEtherStopsNothingAndBelongsToNobody() public {
        new Donor{value: 3 ether}(payable(address(house)));
        uint256 tokenId = _opened(COLLECTOR);
        _bid(tokenId, BUYER, RESERVE);
        vm.warp(END + 1);
        house.settle(tokenId);
        equal(address(house).balance, 3 ether, "only the donation is there");
    }

    function testTesseraH03ExactlyOneOfBidAndSettleAtEverySecond() public {
        uint256 tokenId = _opened(COLLECTOR);
        vm.warp(END);
        vm.expectRevert(abi.encodeWithSelector(Auctions.AuctionRunning.selector, tokenId, END, END));
        house.settle(tokenId);
        _bid(tokenId, BUYER, RESERVE); // extends
        uint256 last = END + 15 minutes;
        vm.warp(last);
        vm.expectRevert(abi.encodeWithSelector(Auctions.AuctionRunning.selector, tokenId, last, last));
        house.settle(tokenId);
        vm.warp(last + 1);
        vm.expectRevert(abi.encodeWithSelector(Auctions.AuctionOver.selector, tokenId, last, last + 1));
        vm.prank(RIVAL);
        house.bid{value: 2 ether}(tokenId);
        house.settle(tokenId);
        equal(artwork.ownerOf(tokenId), BUYER, "settled");
    }

    function testTesseraH04H06H07EachRefundBelongsToWhoWasOutbid() public {
        uint256 tokenId = _opened(COLLECTOR);
        Refuser refuser = new Refuser();
        vm.deal(address(refuser), 2 ether);
        _bid(tokenId, address(refuser), 2 ether);
        vm.expectEmit(true, true, true, true, address(house));
        emit Payouts.Paid(tokenId, address(refuser), 6, 2 ether, true);
        _bid(tokenId, RIVAL, 3 ether);
        _bid(tokenId, BUYER, 4 ether);
        equal(house.refunds(address(refuser)), 2 ether, "the first's");
        equal(house.refunds(RIVAL), 3 ether, "the second's");
        equal(house.refunds(BUYER), 0, "the leader has none");
        refuser.withdrawTo(house, CREATOR);
        vm.prank(RIVAL);
        house.withdraw();
        equal(address(house).balance, 4 ether, "the leading bid stays, whoever withdraws");
    }

    function testTesseraH05HostileBiddersAndPayeesBlockNothing() public {
        address[3] memory hostile =
            [address(new Refuser()), address(new GasBurner()), address(new ReturnBomb())];
        for (uint256 i; i < hostile.length; ++i) {
            vm.warp(START);
            uint256 tokenId = _opened(hostile[i]);
            vm.deal(hostile[(i + 1) % 3], RESERVE);
            _bid(tokenId, hostile[(i + 1) % 3], RESERVE);
            vm.prank(BUYER);
            house.bid{value: 4 ether, gas: 200_000}(tokenId);
            vm.warp(END + 1);
            uint256 before = house.refunds(hostile[i]);
            house.settle{gas: 500_000}(tokenId);
            equal(artwork.ownerOf(tokenId), BUYER, "sold");
            equal(house.refunds(hostile[i]) - before, 3.6 ether, "the proceeds wait");
        }
    }

    function testEscherH03ReceiverCannotTakeARefundOrAWorkTwice() public {
        Reentrant seller = new Reentrant();
        uint256 tokenId = _opened(address(seller));
        uint256 other = _opened(COLLECTOR);
        uint256 mine = _opened(address(seller));
        vm.deal(address(seller), 1 ether);
        _bid(other, address(seller), 1 ether);
        _bid(other, BUYER, 2 ether); // the seller of the first has a credit of 1 ether
        _bid(tokenId, BUYER, 4 ether);
        vm.warp(END + 1);
        seller.arm(address(house), abi.encodeCall(house.withdraw, ()));
        house.settle(tokenId);
        require(seller.tried() && !seller.succeeded(), "re-entry was tried and refused");
        seller.arm(address(house), abi.encodeCall(house.cancel, (mine)));
        seller.withdraw(house);
        require(!seller.succeeded(), "also while withdrawing");
        equal(address(seller).balance, 4.6 ether, "paid once, refunded once");
        equal(address(house).balance, 2 ether, "the other auction's bid is untouched");
        vm.prank(address(seller));
        house.cancel(mine); // only the re-entry was wrong with it
    }

    function testEscherM06NoLaterBidOrWithdrawalChangesWhatTheWinnerPays() public {
        uint256 tokenId = _opened(COLLECTOR);
        _bid(tokenId, RIVAL, 2 ether);
        _bid(tokenId, BUYER, 3 ether);
        vm.prank(RIVAL);
        house.withdraw();
        vm.expectRevert(abi.encodeWithSelector(Payouts.NothingToWithdraw.selector, BUYER));
        vm.prank(BUYER);
        house.withdraw(); // a leading bid cannot be taken back
        vm.warp(END + 1);
        house.settle(tokenId);
        equal(house.lastPrice(tokenId), 3 ether, "the bid itself");
    }

    function testEscherM12NothingIsBidAfterTheEnd() public {
        uint256 tokenId = _opened(COLLECTOR);
        vm.warp(END + 365 days);
        vm.expectRevert(abi.encodeWithSelector(Auctions.AuctionOver.selector, tokenId, END, END + 365 days));
        vm.prank(BUYER);
        house.bid{value: RESERVE}(tokenId);
    }

    function _opened(address seller) private returns (uint256 tokenId) {
        tokenId = work(seller);
        vm.startPrank(seller);
        artwork.approve(address(house), tokenId);
        house.open(tokenId, RESERVE, DURATION);
        vm.stopPrank();
    }

    function _openOn(uint256 reserve, uint256 duration, bytes memory reason) private {
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(house), tokenId);
        if (reason.length > 0) vm.expectRevert(reason);
        house.open(tokenId, reserve, duration);
        vm.stopPrank();
    }

    function _bid(uint256 tokenId, address bidder, uint256 amount) private {
        vm.prank(bidder);
        house.bid{value: amount}(tokenId);
    }

    function _bidTooLow(uint256 tokenId, uint256 amount, uint256 least) private {
        vm.expectRevert(abi.encodeWithSelector(Auctions.BidTooLow.selector, amount, least));
        vm.prank(BUYER);
        house.bid{value: amount}(tokenId);
    }

    function _endOf(uint256 tokenId) private view returns (uint256 endTime) {
        (, endTime,,,) = house.auctionOf(tokenId);
    }
}
