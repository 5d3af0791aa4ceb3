// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Drops} from "../src/Drops.sol";
import {Payouts} from "../src/Payouts.sol";
import {Splitter} from "../src/Splitter.sol";
import {Venue} from "../src/Venue.sol";
import {Vrgda} from "../src/Vrgda.sol";
import {DropsBase} from "./DropsBase.sol";
import {Donor, GasBurner, Reentrant, Refuser, ReturnBomb} from "./Hostile.sol";

contract DropsTest is DropsBase {
    // -- Opening -------------------------------------------------------------------------------------

    function testOpenTakesTheWorksAndAnnouncesEachAndThePrice() public {
        uint256[] memory tokenIds = worksOf(CREATOR, 2);
        vm.expectEmit(true, true, true, true, address(drops));
        emit Drops.DropOpened(1, CREATOR, 2, uint64(START + 60));
        vm.expectEmit(true, true, true, true, address(drops));
        emit Drops.PriceParamsSet(1, 1 ether, 0.3e18, 2e18);
        vm.expectEmit(true, true, true, true, address(drops));
        emit Drops.PriceRangeSet(1, FLOOR, CAP);
        for (uint256 i; i < 2; ++i) {
            vm.expectEmit(true, true, true, true, address(drops));
            emit Drops.Dropped(1, tokenIds[i]);
            vm.expectEmit(true, true, true, true, address(drops));
            emit Venue.Listed(tokenIds[i], CREATOR, 2, 1 ether, 0);
        }
        vm.prank(CREATOR);
        equal(drops.open(tokenIds, usual(), uint64(START + 60)), 1, "id");
        Drops.Drop memory drop = drops.dropOf(1);
        equal(drop.seller, CREATOR, "seller");
        equal(drop.startTime, START + 60, "start");
        equal(drop.left, 2, "two wait");
        equal(drop.sold, 0, "none is sold");
        equal(drops.dropOfToken(tokenIds[1]), 1, "in the drop");
        equal(artwork.ownerOf(tokenIds[1]), address(drops), "in escrow");
        equal(drops.kind(), 2, "kind");
    }

    function testDropHoldsOneToSixtyFourWorks() public {
        _refusedToOpen(0, abi.encodeWithSelector(Drops.WorksOutOfRange.selector, 0, 64));
        _refusedToOpen(65, abi.encodeWithSelector(Drops.WorksOutOfRange.selector, 65, 64));
        (uint256 dropId,) = openedBy(CREATOR, 64);
        equal(drops.dropOf(dropId).left, 64, "the most");
    }

    function testFractionalH10NobodyDropsAnothersWorkNorOneTwice() public {
        uint256[] memory tokenIds = worksOf(CREATOR, 2);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, BUYER, tokenIds[0], CREATOR)
        );
        vm.prank(BUYER);
        drops.open(tokenIds, usual(), 0);
        tokenIds[1] = tokenIds[0];
        bytes memory twice = abi.encodeWithSelector(
            IERC721Errors.ERC721IncorrectOwner.selector, CREATOR, tokenIds[0], address(drops)
        );
        vm.expectRevert(twice);
        vm.prank(CREATOR);
        drops.open(tokenIds, usual(), 0);
    }

    function testStartThatHasPassedIsNowAndAYearIsTheMost() public {
        (uint256 dropId,) = openedBy(CREATOR, 1);
        equal(drops.dropOf(dropId).startTime, START, "now");
        uint256[] memory tokenIds = worksOf(CREATOR, 1);
        uint64 latest = uint64(START + 365 days);
        vm.expectRevert(abi.encodeWithSelector(Drops.StartTooLate.selector, latest + 1, latest));
        vm.prank(CREATOR);
        drops.open(tokenIds, usual(), latest + 1);
        vm.prank(CREATOR);
        drops.open(tokenIds, usual(), latest);
    }

    function testUnknownDropsAreRefused() public {
        bytes memory none = abi.encodeWithSelector(Drops.NoDrop.selector, 1);
        vm.expectRevert(none);
        drops.priceOf(1);
        vm.expectRevert(none);
        drops.dropOf(1);
        vm.expectRevert(none);
        drops.buy(1, 1, 1, address(0));
        vm.expectRevert(none);
        drops.reprice(1, usual());
        vm.expectRevert(none);
        drops.takeBack(1, only(1));
    }

    // -- Buying --------------------------------------------------------------------------------------

    function testPriceClimbsWithEachSaleAndFallsWithTime() public {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 3);
        equal(drops.priceOf(dropId), 1 ether, "on schedule");
        buy(dropId, tokenIds[0]);
        uint256 second = drops.priceOf(dropId);
        require(second > 1.19522860933439e18 && second < 1.1952286093344e18, "0.7^-0.5: half a day ahead");
        vm.warp(START + 12 hours);
        equal(drops.priceOf(dropId), 1 ether, "on schedule again");
        vm.warp(START + 36 hours);
        uint256 later = drops.priceOf(dropId);
        require(later <= 0.7 ether && later + 1e6 > 0.7 ether, "a day behind");
        vm.warp(START + 365 days);
        equal(drops.priceOf(dropId), FLOOR, "never below the floor");
    }

    function testSaleAnnouncesItsPartsAndPaysEverybody() public {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 1);
        uint256 before = CREATOR.balance;
        vm.expectEmit(true, true, true, true, address(drops));
        emit Venue.Sold(tokenIds[0], CREATOR, COLLECTOR, 2, 1 ether, 0.075 ether, 0.025 ether);
        vm.expectEmit(true, true, true, true, address(drops));
        emit Payouts.Paid(tokenIds[0], CREATOR, 0, 0.9 ether, false);
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReceived(tokenIds[0], address(drops), 0.075 ether, 1);
        vm.expectEmit(true, true, true, true, address(drops));
        emit Payouts.Paid(tokenIds[0], address(splitter), 1, 0.075 ether, false);
        vm.expectEmit(true, true, true, true, address(drops));
        emit Payouts.Paid(tokenIds[0], PLATFORM, 2, 0.025 ether, false);
        vm.expectEmit(true, true, true, true, address(drops));
        emit Payouts.Paid(tokenIds[0], BUYER, 3, 0.5 ether, false);
        vm.prank(BUYER);
        drops.buy{value: 1.5 ether}(dropId, tokenIds[0], 1 ether, COLLECTOR);
        equal(CREATOR.balance - before, 0.9 ether, "seller");
        equal(royaltiesOf(tokenIds[0]), 0.075 ether, "royalty");
        equal(PLATFORM.balance, 0.025 ether, "platform");
        equal(address(drops).balance, 0, "nothing stays");
        equal(artwork.ownerOf(tokenIds[0]), COLLECTOR, "bought for somebody else");
        equal(drops.lastPrice(tokenIds[0]), 1 ether, "last price");
        equal(drops.dropOfToken(tokenIds[0]), 0, "gone");
        Drops.Drop memory drop = drops.dropOf(dropId);
        require(drop.sold == 1 && drop.left == 0, "counted");
    }

    /// @dev Source 2 where somebody else than the creator sells.
    function testCollectorsDropIsAResale() public {
        uint256[] memory tokenIds = only(work(COLLECTOR));
        vm.startPrank(COLLECTOR);
        artwork.setApprovalForAll(address(drops), true);
        uint256 dropId = drops.open(tokenIds, usual(), 0);
        vm.stopPrank();
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReceived(tokenIds[0], address(drops), 0.075 ether, 2);
        buy(dropId, tokenIds[0]);
    }

    function testBuyerNeverPaysAboveTheMaximumNorTooLittle() public {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 2);
        uint256 expected = drops.priceOf(dropId);
        vm.prank(COLLECTOR); // comes first
        drops.buy{value: 1 ether}(dropId, tokenIds[1], 1 ether, address(0));
        uint256 price = drops.priceOf(dropId);
        vm.expectRevert(abi.encodeWithSelector(Venue.PriceAboveMax.selector, price, expected));
        vm.prank(BUYER);
        drops.buy{value: 2 ether}(dropId, tokenIds[0], expected, address(0));
        vm.expectRevert(abi.encodeWithSelector(Venue.PaymentTooLow.selector, price - 1, price));
        vm.prank(BUYER);
        drops.buy{value: price - 1}(dropId, tokenIds[0], price, address(0));
    }

    function testWorksOfAnotherDropAndThoseThatAreGoneAreRefused() public {
        (uint256 first, uint256[] memory mine) = openedBy(CREATOR, 2);
        (uint256 second, uint256[] memory others) = openedBy(COLLECTOR, 1);
        buy(first, mine[0]);
        uint256[3] memory wrong = [mine[0], others[0], 999];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Drops.NotInDrop.selector, first, wrong[i]));
            vm.prank(BUYER);
            drops.buy{value: 9 ether}(first, wrong[i], 9 ether, address(0));
            vm.expectRevert(abi.encodeWithSelector(Drops.NotInDrop.selector, first, wrong[i]));
            vm.prank(CREATOR);
            drops.takeBack(first, only(wrong[i]));
        }
        equal(drops.dropOf(second).left, 1, "untouched");
    }

    function testFuzzEveryWeiOfEverySaleGoesToItsOwner(uint96 start, uint64 excess, uint16 bps, uint32 later)
        public
    {
        Vrgda.Params memory p = usual();
        p.floor = 0.0001 ether;
        p.start = uint96(p.floor + start % (p.cap - p.floor + 1));
        uint256 tokenId = workBy(CREATOR, COLLECTOR, bps % 1_001);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(drops), tokenId);
        uint256 dropId = drops.open(only(tokenId), p, 0);
        vm.stopPrank();
        vm.warp(START + later);
        uint256 price = drops.priceOf(dropId);
        require(price >= p.floor && price <= p.cap, "within floor and cap");
        vm.deal(BUYER, price + excess);
        uint256 before = COLLECTOR.balance;
        vm.prank(BUYER);
        drops.buy{value: price + excess}(dropId, tokenId, price, address(0));
        equal(BUYER.balance, excess, "change");
        uint256 seller = COLLECTOR.balance - before;
        equal(seller + royaltiesOf(tokenId) + PLATFORM.balance, price, "the legs are the price");
        equal(royaltiesOf(tokenId), (price * (bps % 1_001)) / 10_000, "royalty");
    }

    // -- Taking back ---------------------------------------------------------------------------------

    function testSellerTakesBackWhatIsNotSold() public {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 3);
        buy(dropId, tokenIds[0]);
        uint256 price = drops.priceOf(dropId);
        vm.expectRevert(abi.encodeWithSelector(Drops.NotSellerOfDrop.selector, dropId, BUYER, CREATOR));
        vm.prank(BUYER);
        drops.takeBack(dropId, only(tokenIds[1]));
        vm.expectEmit(true, true, true, true, address(drops));
        emit Venue.ListingCancelled(tokenIds[1], CREATOR);
        vm.prank(CREATOR);
        drops.takeBack(dropId, only(tokenIds[1]));
        equal(artwork.ownerOf(tokenIds[1]), CREATOR, "back");
        equal(drops.dropOf(dropId).left, 1, "one is left");
        equal(drops.priceOf(dropId), price, "which costs the same");
        vm.prank(CREATOR);
        drops.open(only(tokenIds[1]), usual(), 0);
        equal(drops.dropOfToken(tokenIds[1]), 2, "and may be dropped again");
    }

    // -- Governed bounds -----------------------------------------------------------------------------

    function testOnlyTheGovernorSetsBoundsAndTheyAreAnnounced() public {
        Drops.Bounds memory b = Drops.Bounds(1, 2 ether, 0.1e18, 0.5e18, 1_000);
        vm.expectRevert(abi.encodeWithSelector(Drops.NotGovernor.selector, CREATOR, GOVERNOR));
        vm.prank(CREATOR);
        drops.setBounds(b);
        vm.expectEmit(true, true, true, true, address(drops));
        emit Drops.PriceBoundsSet(1, 2 ether, 0.1e18, 0.5e18, 1_000);
        vm.prank(GOVERNOR);
        drops.setBounds(b);
        (uint96 minFloor, uint96 maxCap, uint64 minDecay, uint64 maxDecay, uint16 step) = drops.bounds();
        require(minFloor == 1 && maxCap == 2 ether && step == 1_000, "prices and step");
        require(minDecay == 0.1e18 && maxDecay == 0.5e18, "decays");
    }

    function testBoundsThatAllowNothingOrTooMuchAreRefused() public {
        Drops.Bounds[6] memory wrong = [
            Drops.Bounds(0, 2 ether, 0.1e18, 0.5e18, 1_000),
            Drops.Bounds(2 ether + 1, 2 ether, 0.1e18, 0.5e18, 1_000),
            Drops.Bounds(1, 2 ether, 0.001e18 - 1, 0.5e18, 1_000),
            Drops.Bounds(1, 2 ether, 0.5e18 + 1, 0.5e18, 1_000),
            Drops.Bounds(1, 2 ether, 0.1e18, 0.99e18 + 1, 1_000),
            Drops.Bounds(1, 2 ether, 0.1e18, 0.5e18, 10_001)
        ];
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Drops.BoundsInvalid.selector, wrong[i]));
            vm.prank(GOVERNOR);
            drops.setBounds(wrong[i]);
        }
        vm.prank(GOVERNOR);
        drops.setBounds(Drops.Bounds(1, 1, 0.001e18, 0.99e18, 10_000)); // the extremes themselves
    }

    function testParametersOutsideTheBoundsAreRefusedAtOpeningAndRepricing() public {
        (uint256 dropId,) = openedBy(CREATOR, 1);
        vm.prank(GOVERNOR);
        drops.setBounds(Drops.Bounds(0.5 ether, 2 ether, 0.1e18, 0.5e18, 10_000));
        Vrgda.Params[6] memory wrong;
        bytes[6] memory reasons;
        for (uint256 i; i < 6; ++i) {
            wrong[i] = Vrgda.Params(1 ether, 0.5 ether, 0.3e18, 2 ether, 2e18);
        }
        (wrong[0].floor, wrong[1].cap) = (0.5 ether - 1, 2 ether + 1);
        (wrong[2].decay, wrong[3].decay) = (0.1e18 - 1, 0.5e18 + 1);
        (wrong[4].rate, wrong[5].start) = (1e12 - 1, 0.5 ether - 1);
        reasons[0] = abi.encodeWithSelector(Drops.FloorTooLow.selector, 0.5 ether - 1, 0.5 ether);
        reasons[1] = abi.encodeWithSelector(Drops.CapTooHigh.selector, 2 ether + 1, 2 ether);
        reasons[2] = abi.encodeWithSelector(Drops.DecayOutOfBounds.selector, 0.1e18 - 1, 0.1e18, 0.5e18);
        reasons[3] = abi.encodeWithSelector(Drops.DecayOutOfBounds.selector, 0.5e18 + 1, 0.1e18, 0.5e18);
        reasons[4] = abi.encodeWithSelector(Vrgda.RateOutOfRange.selector, 1e12 - 1, 1e12, 1e24);
        reasons[5] =
            abi.encodeWithSelector(Vrgda.PricesOutOfOrder.selector, 0.5 ether, 0.5 ether - 1, 2 ether);
        uint256[] memory tokenIds = worksOf(CREATOR, 1);
        for (uint256 i; i < 6; ++i) {
            vm.expectRevert(reasons[i]);
            vm.prank(CREATOR);
            drops.open(tokenIds, wrong[i], 0);
            vm.expectRevert(reasons[i]);
            vm.prank(CREATOR);
            drops.reprice(dropId, wrong[i]);
        }
    }

    function testLaterBoundsLeaveRunningDropsAsTheyAre() public {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 1);
        vm.prank(GOVERNOR);
        drops.setBounds(Drops.Bounds(2 ether, 2 ether, 0.5e18, 0.5e18, 0));
        equal(drops.priceOf(dropId), 1 ether, "below the new floor");
        buy(dropId, tokenIds[0]);
    }

    function testDropsNeedAGovernor() public {
        vm.expectRevert(Drops.GovernorMissing.selector);
        new Drops(artwork, splitter, PLATFORM, FEE_BPS, address(0));
    }

    // -- Repricing -----------------------------------------------------------------------------------

    function testSellerRepricesWithinTheStepAtMostOnceADay() public {
        (uint256 dropId,) = openedBy(CREATOR, 2);
        Vrgda.Params memory p = usual();
        p.start = 1.2 ether;
        vm.expectRevert(abi.encodeWithSelector(Drops.NotSellerOfDrop.selector, dropId, BUYER, CREATOR));
        vm.prank(BUYER);
        drops.reprice(dropId, p);
        vm.expectEmit(true, true, true, true, address(drops));
        emit Drops.PriceParamsSet(dropId, 1.2 ether, 0.3e18, 2e18);
        vm.expectEmit(true, true, true, true, address(drops));
        emit Drops.PriceRangeSet(dropId, FLOOR, CAP);
        vm.prank(CREATOR);
        drops.reprice(dropId, p);
        equal(drops.priceOf(dropId), 1.2 ether, "20 % more");
        vm.warp(START + 1 days - 1);
        p.start = 1 ether;
        vm.expectRevert(
            abi.encodeWithSelector(Drops.RepricedTooSoon.selector, dropId, START + 1 days, START + 1 days - 1)
        );
        vm.prank(CREATOR);
        drops.reprice(dropId, p);
        vm.warp(START + 1 days);
        vm.prank(CREATOR);
        drops.reprice(dropId, p);
        equal(drops.dropOf(dropId).repricedAt, START + 1 days, "a day later");
    }

    function testStartMovesByTheStepAndNotAWeiMore() public {
        (uint256 dropId,) = openedBy(CREATOR, 1);
        Vrgda.Params memory p = usual();
        uint96[2] memory beyond = [uint96(1.2 ether + 1), 0.8 ether - 1];
        for (uint256 i; i < 2; ++i) {
            p.start = beyond[i];
            vm.expectRevert(abi.encodeWithSelector(Drops.StepTooLarge.selector, 1 ether, beyond[i], 2_000));
            vm.prank(CREATOR);
            drops.reprice(dropId, p);
        }
        p.start = 0.8 ether;
        vm.prank(CREATOR);
        drops.reprice(dropId, p);
        equal(drops.priceOf(dropId), 0.8 ether, "20 % less");
    }

    /// @dev Decay, rate and floor move the price of the moment as well: no way round the step.
    function testNoOtherParameterMovesThePriceBeyondTheStep() public {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 3);
        buy(dropId, tokenIds[0]);
        vm.warp(START + 2 days);
        uint256 price = drops.priceOf(dropId); // 0.7^1.5: a day and a half behind
        Vrgda.Params[3] memory wrong = [usual(), usual(), usual()];
        (wrong[0].decay, wrong[1].floor, wrong[2].rate) = (0.5e18, 0.8 ether, 0.5e18);
        for (uint256 i; i < 3; ++i) {
            (bool done, bytes memory reason) = _reprice(dropId, wrong[i]);
            require(!done && bytes4(reason) == Drops.StepTooLarge.selector, "the price would jump");
        }
        equal(drops.priceOf(dropId), price, "as before");
        Vrgda.Params memory p = usual();
        p.rate = 1.8e18;
        (bool accepted,) = _reprice(dropId, p);
        require(accepted && drops.priceOf(dropId) > price, "within the step");
    }

    function testFuzzRepricingKeepsStepRangeAndBounds(uint96 start, uint64 decay, uint96 floor_, uint32 later)
        public
    {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 3);
        buy(dropId, tokenIds[0]);
        vm.warp(START + later % 10 days);
        uint256 price = drops.priceOf(dropId);
        Vrgda.Params memory p = usual();
        p.start = uint96(0.7 ether + start % 0.7 ether);
        p.decay = uint64(0.01e18 + decay % 0.89e18);
        p.floor = uint96(1 + floor_ % p.start);
        (bool done,) = _reprice(dropId, p);
        uint256 moved = drops.priceOf(dropId);
        if (!done) return equal(moved, price, "refused: as before");
        require(p.start >= 0.8 ether && p.start <= 1.2 ether && p.floor >= 0.0001 ether, "start and floor");
        require(moved * 10 <= price * 12 + 20 && moved * 10 + 20 >= price * 8, "20 % at most");
    }

    /// @dev Moving the start alone is never refused for how prices are rounded.
    function testFuzzAFullStepOfTheStartIsAlwaysPossible(uint96 start, uint32 later, bool up, uint8 sales)
        public
    {
        Vrgda.Params memory p = usual();
        p.floor = 0.0001 ether;
        p.start = uint96(p.floor * 2 + start % (p.cap / 2));
        uint256[] memory tokenIds = worksOf(CREATOR, 4);
        vm.prank(CREATOR);
        uint256 dropId = drops.open(tokenIds, p, 0);
        vm.deal(BUYER, 1_000 ether);
        for (uint256 i; i < sales % 4; ++i) {
            buy(dropId, tokenIds[i]);
        }
        vm.warp(START + later % 30 days);
        uint96 step = uint96((uint256(p.start) * 2_000) / 10_000);
        p.start = up ? p.start + step : p.start - step;
        (bool done,) = _reprice(dropId, p);
        require(done, "a step of the start is a step of the price");
    }

    // -- Published findings --------------------------------------------------------------------------

    function testEscherH02NoMomentBricksADrop() public {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 64);
        for (uint256 i; i < 63; ++i) {
            uint256 price = drops.priceOf(dropId);
            require(price >= FLOOR && price <= CAP, "within floor and cap");
            vm.deal(BUYER, price);
            buy(dropId, tokenIds[i]);
        }
        equal(drops.priceOf(dropId), CAP, "all sold at once: the cap");
        vm.warp(START + 3_650_000 days);
        equal(drops.priceOf(dropId), FLOOR, "ten thousand years: the floor");
        vm.deal(BUYER, FLOOR);
        buy(dropId, tokenIds[63]);
        equal(drops.dropOf(dropId).left, 0, "sold out");
    }

    function testEscherH03ReceiverCannotTakeChangeOrAWorkTwice() public {
        Reentrant buyer = new Reentrant();
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 2);
        buyer.arm{value: 2 ether}(
            address(drops), abi.encodeCall(drops.buy, (dropId, tokenIds[1], 2 ether, address(buyer)))
        );
        vm.deal(address(buyer), 6 ether);
        vm.prank(address(buyer));
        drops.buy{value: 4 ether}(dropId, tokenIds[0], 1 ether, address(0));
        require(buyer.tried() && !buyer.succeeded(), "re-entry was tried and refused");
        equal(address(buyer).balance, 5 ether, "changed once");
        equal(artwork.ownerOf(tokenIds[1]), address(drops), "still for sale");
        equal(address(drops).balance, 0, "nothing stays");
    }

    function testReentrantSellerCannotChangeTheDropWhileItSells() public {
        Reentrant seller = new Reentrant();
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(address(seller), 4);
        bytes[3] memory attacks = [
            abi.encodeCall(drops.takeBack, (dropId, only(tokenIds[3]))),
            abi.encodeCall(drops.reprice, (dropId, usual())),
            abi.encodeCall(drops.open, (only(tokenIds[0]), usual(), 0))
        ];
        for (uint256 i; i < 3; ++i) {
            seller.arm(address(drops), attacks[i]);
            buy(dropId, tokenIds[i]);
            require(seller.tried() && !seller.succeeded(), "re-entry was tried and refused");
        }
    }

    /// @dev A buyer can only move the price up, against the others, and pays for it; what a sale costs is fixed by
    /// the sales before it, never by later ones.
    function testEscherM06NoBuyerLowersAPriceAndNobodyChangesAPastOne() public {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 3);
        uint256 paid = buy(dropId, tokenIds[0]);
        require(drops.priceOf(dropId) > paid, "climbs");
        vm.startPrank(CREATOR);
        uint256 price = drops.priceOf(dropId);
        drops.buy{value: price}(dropId, tokenIds[1], price, address(0)); // from oneself
        vm.stopPrank();
        equal(drops.lastPrice(tokenIds[0]), paid, "as it was sold");
        equal(drops.lastPrice(tokenIds[1]), 0, "a sale to oneself is no price");
    }

    function testEscherM12NothingIsSoldBeforeTheStartNorWhenAllIsGone() public {
        uint256[] memory tokenIds = worksOf(CREATOR, 1);
        vm.prank(CREATOR);
        uint256 dropId = drops.open(tokenIds, usual(), uint64(START + 100));
        equal(drops.priceOf(dropId), 1 ether, "what the first will cost");
        vm.warp(START + 99);
        vm.expectRevert(
            abi.encodeWithSelector(Drops.DropNotStarted.selector, dropId, START + 100, START + 99)
        );
        vm.prank(BUYER);
        drops.buy{value: 1 ether}(dropId, tokenIds[0], 1 ether, address(0));
        vm.warp(START + 100);
        buy(dropId, tokenIds[0]);
        vm.expectRevert(abi.encodeWithSelector(Drops.NotInDrop.selector, dropId, tokenIds[0]));
        vm.prank(BUYER);
        drops.buy{value: 2 ether}(dropId, tokenIds[0], 2 ether, address(0));
    }

    function testPartyH07DonatedEtherStopsNothingAndBelongsToNobody() public {
        new Donor{value: 3 ether}(payable(address(drops)));
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 1);
        buy(dropId, tokenIds[0]);
        equal(address(drops).balance, 3 ether, "only the donation is there");
    }

    function testPartyM12ExcessEtherGoesBackToThePayer() public {
        (uint256 dropId, uint256[] memory tokenIds) = openedBy(CREATOR, 1);
        uint256 before = BUYER.balance;
        vm.prank(BUYER);
        drops.buy{value: 5 ether}(dropId, tokenIds[0], 1 ether, COLLECTOR);
        equal(before - BUYER.balance, 1 ether, "the payer, not the receiver, gets the change");
    }

    function testTesseraH05HostilePayeesBlockNoDrop() public {
        address[3] memory hostile =
            [address(new Refuser()), address(new GasBurner()), address(new ReturnBomb())];
        for (uint256 i; i < 3; ++i) {
            drops = new Drops(artwork, splitter, hostile[(i + 1) % 3], FEE_BPS, GOVERNOR);
            (uint256 dropId, uint256[] memory tokenIds) = openedBy(hostile[i], 1);
            vm.prank(BUYER);
            drops.buy{value: 1 ether, gas: 800_000}(dropId, tokenIds[0], 1 ether, address(0));
            equal(artwork.ownerOf(tokenIds[0]), BUYER, "sold");
            equal(drops.refunds(hostile[i]), 0.9 ether, "the proceeds wait");
            equal(drops.refunds(hostile[(i + 1) % 3]), 0.025 ether, "the fee waits");
        }
    }

    function testPlainEtherIsRefused() public {
        vm.prank(BUYER);
        (bool sent,) = address(drops).call{value: 1 ether}("");
        require(!sent, "money without a purpose would be stuck");
    }

    function _refusedToOpen(uint256 count, bytes memory reason) private {
        uint256[] memory tokenIds = worksOf(CREATOR, count);
        vm.expectRevert(reason);
        vm.prank(CREATOR);
        drops.open(tokenIds, usual(), 0);
    }

    function _reprice(uint256 dropId, Vrgda.Params memory p) private returns (bool, bytes memory) {
        vm.prank(CREATOR);
        return address(drops).call(abi.encodeCall(drops.reprice, (dropId, p)));
    }
}
