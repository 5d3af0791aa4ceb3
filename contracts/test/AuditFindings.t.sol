// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Market} from "../src/Market.sol";
import {Payouts} from "../src/Payouts.sol";
import {Base} from "./Base.sol";
import {Bookkeeper, Donor, GasBurner, Overpayer, Reentrant, Refuser, ReturnBomb} from "./Hostile.sol";

/// @title Published audit findings of related projects, each as a test that our contracts do not share them.
/// @dev Only those that apply to fixed-price sales; vaults, auctions and loans have theirs beside their tests.
contract AuditFindingsTest is Base {
    // -- Fractional v2 -------------------------------------------------------------------------

    function testFractionalM11PayeesMayNeedMoreGasThanTransferGives() public {
        Bookkeeper seller = new Bookkeeper();
        uint256 tokenId = work(address(seller));
        seller.offer(artwork, market, tokenId, 1 ether);
        _buy(tokenId, 1 ether);
        equal(seller.received(), 0.9 ether, "booked");
        equal(seller.payments(), 1, "in one payment");
        equal(market.refunds(address(seller)), 0, "not credited");
    }

    // -- Party ---------------------------------------------------------------------------------

    function testPartyH07DonatedEtherStopsNothingAndBelongsToNobody() public {
        new Donor{value: 3 ether}(payable(address(market)));
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        _buy(tokenId, 1 ether);
        equal(address(market).balance, 3 ether, "only the donation is there");
        vm.expectRevert(abi.encodeWithSelector(Payouts.NothingToWithdraw.selector, address(this)));
        market.withdraw();
    }

    function testPartyM12ExcessEtherGoesBackToThePayer() public {
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        uint256 before = BUYER.balance;
        vm.prank(BUYER);
        market.buy{value: 5 ether}(tokenId, 1 ether, PLATFORM);
        equal(before - BUYER.balance, 1 ether, "the payer, not the recipient, gets the change");
    }

    // -- Tessera -------------------------------------------------------------------------------

    function testTesseraH01FailedPaymentIsNeverTakenForPaid() public {
        Refuser platform = new Refuser();
        market = new Market(artwork, splitter, address(platform), FEE_BPS);
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        vm.expectEmit(true, true, true, true, address(market));
        emit Payouts.Paid(tokenId, address(platform), 2, 0.025 ether, true);
        _buy(tokenId, 1 ether);
        equal(market.refunds(address(platform)), 0.025 ether, "kept for it");
        equal(address(market).balance, 0.025 ether, "and really there");
    }

    function testTesseraH03OneOutcomeAtTheBoundarySecond() public {
        uint256 tokenId = work(COLLECTOR);
        vm.prank(COLLECTOR);
        market.list(tokenId, 1 ether, uint64(START + 100));
        vm.warp(START + 101);
        (,,, bool live) = market.listingOf(tokenId);
        require(!live, "dead one second later");
        vm.expectRevert(
            abi.encodeWithSelector(Market.ListingExpired.selector, tokenId, uint64(START + 100), START + 101)
        );
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
        vm.warp(START + 100);
        (,,, live) = market.listingOf(tokenId);
        require(live, "alive in the last second");
        _buy(tokenId, 1 ether);
    }

    function testTesseraH04H06H07RefundsBelongToWhoPaidAndCanBeTaken() public {
        Overpayer payer = new Overpayer();
        vm.deal(address(payer), 3 ether);
        uint256 tokenId = listed(COLLECTOR, 1 ether);
        payer.buy(market, tokenId, 1 ether, 3 ether);
        equal(market.refunds(address(payer)), 2 ether, "the change was refused and kept");
        equal(market.refunds(COLLECTOR), 0, "for nobody else");
        payer.withdraw(market);
        equal(address(payer).balance, 2 ether, "taken");
        equal(address(market).balance, 0, "nothing is stuck");
    }

    function testTesseraH05HostilePayeesCannotBlockASale() public {
        address[3] memory payees =
            [address(new Refuser()), address(new GasBurner()), address(new ReturnBomb())];
        for (uint256 i; i < payees.length; ++i) {
            market = new Market(artwork, splitter, payees[i], FEE_BPS);
            uint256 tokenId = workBy(payees[i], payees[(i + 1) % 3], 1_000);
            vm.prank(payees[(i + 1) % 3]);
            market.list(tokenId, 1 ether, 0);
            vm.prank(BUYER);
            market.buy{value: 1 ether, gas: 800_000}(tokenId, 1 ether, address(0));
            equal(artwork.ownerOf(tokenId), BUYER, "sold");
            equal(market.refunds(payees[i]), 0.025 ether, "the fee waits");
            equal(market.refunds(payees[(i + 1) % 3]), 0.875 ether, "the proceeds wait");
            equal(
                royaltiesOf(tokenId), 0.1 ether, "the royalty waits elsewhere, for a creator who refuses it"
            );
        }
    }

    // -- Escher --------------------------------------------------------------------------------

    function testEscherH02SmallestAndLargestPricesSell() public {
        uint256[2] memory prices = [uint256(1), type(uint128).max];
        for (uint256 i; i < prices.length; ++i) {
            uint256 tokenId = workBy(CREATOR, COLLECTOR, 1_000);
            vm.prank(COLLECTOR);
            market.list(tokenId, prices[i], 0);
            vm.deal(BUYER, prices[i]);
            _buy(tokenId, prices[i]);
            equal(artwork.ownerOf(tokenId), BUYER, "sold");
        }
    }

    function testEscherH03ReceiverCannotTakeARefundTwice() public {
        Reentrant seller = new Reentrant();
        uint256 tokenId = work(address(seller));
        seller.offer(artwork, market, tokenId, 1 ether);
        Refuser other = new Refuser(); // somebody else's money that could be stolen
        uint256 second = work(address(other));
        other.offer(artwork, market, second, 10 ether);
        _buy(second, 10 ether);

        seller.arm(address(market), abi.encodeCall(market.withdraw, ()));
        _buy(tokenId, 1 ether);
        require(seller.tried() && !seller.succeeded(), "re-entry was tried and refused");
        equal(address(seller).balance, 0.9 ether, "paid once");
        equal(address(market).balance, 9 ether, "the other's money is untouched");
    }

    function testEscherM06LastPriceIsNotLoweredBySellingToOneself() public {
        uint256 tokenId = listed(COLLECTOR, 5 ether);
        _buy(tokenId, 5 ether);
        approve(BUYER);
        vm.startPrank(BUYER);
        market.list(tokenId, 1, 0);
        market.buy{value: 1}(tokenId, 1, address(0)); // to himself
        market.list(tokenId, 1, 0);
        market.buy{value: 1}(tokenId, 1, COLLECTOR); // paid by himself for another
        vm.stopPrank();
        equal(market.lastPrice(tokenId), 5 ether, "still the price between two");
    }

    function testEscherM12NothingIsSoldAfterTheEnd() public {
        uint256 tokenId = work(COLLECTOR);
        vm.prank(COLLECTOR);
        market.list(tokenId, 1 ether, uint64(START));
        vm.warp(START + 365 days);
        vm.expectRevert(
            abi.encodeWithSelector(Market.ListingExpired.selector, tokenId, uint64(START), START + 365 days)
        );
        vm.prank(BUYER);
        market.buy{value: 1 ether}(tokenId, 1 ether, address(0));
    }

    // -- Re-entrancy on every paying call (3.5, 8) ------------------------------------------------

    function testSellerCannotBuyOrListInTheMiddleOfASale() public {
        Reentrant seller = new Reentrant();
        uint256 tokenId = work(address(seller));
        uint256 other = listed(COLLECTOR, 1);
        bytes[3] memory attacks = [
            abi.encodeCall(market.buy, (other, 1, address(seller))),
            abi.encodeCall(market.list, (tokenId, 1, 0)),
            abi.encodeCall(market.cancel, (tokenId))
        ];
        for (uint256 i; i < attacks.length; ++i) {
            seller.offer(artwork, market, tokenId, 1 ether);
            seller.arm{value: i == 0 ? 1 : 0}(address(market), attacks[i]);
            _buy(tokenId, 1 ether);
            require(seller.tried() && !seller.succeeded(), "re-entry was tried and refused");
            vm.prank(BUYER);
            artwork.transferFrom(BUYER, address(seller), tokenId);
        }
    }

    function testReentrantWithdrawalTakesOnlyItsOwn() public {
        Refuser other = new Refuser();
        uint256 second = work(address(other));
        other.offer(artwork, market, second, 10 ether);
        _buy(second, 10 ether);
        GreedyWithdrawer greedy = new GreedyWithdrawer(market);
        uint256 tokenId = work(address(greedy));
        greedy.offer(artwork, market, tokenId, 1 ether);
        _buy(tokenId, 1 ether);
        equal(market.refunds(address(greedy)), 0.9 ether, "refused at first");
        greedy.attack();
        equal(address(greedy).balance, 0.9 ether, "its own");
        equal(market.refunds(address(greedy)), 0, "once");
        equal(address(market).balance, 9 ether, "the rest is the other's");
    }

    function _buy(uint256 tokenId, uint256 price) private {
        vm.prank(BUYER);
        market.buy{value: price}(tokenId, price, address(0));
    }
}

/// @dev Refuses a sale's money, then withdraws and asks again while being paid.
contract GreedyWithdrawer is Refuser {
    Market private immutable market;
    bool private attacking;

    constructor(Market market_) {
        market = market_;
    }

    function attack() external {
        attacking = true;
        market.withdraw();
    }

    receive() external payable {
        require(attacking, "not yet");
        (bool again,) = address(market).call(abi.encodeCall(market.withdraw, ()));
        require(!again, "withdrawn twice");
    }
}
