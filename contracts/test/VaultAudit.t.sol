// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC20Errors, IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Payouts} from "../src/Payouts.sol";
import {Reserve} from "../src/Reserve.sol";
import {Vault} from "../src/Vault.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {Bookkeeper, Donor, GasBurner, Reentrant, Refuser, ReturnBomb} from "./Hostile.sol";
import {VaultBase} from "./VaultBase.sol";

/// @title Published audit findings of vaults and buyouts, each as a test that ours do not share them.
contract VaultAuditTest is VaultBase {
    // -- Fractional v2 -------------------------------------------------------------------------

    function testFractionalH04H11SupplySoLargeThatPricesRoundToZeroIsRefused() public {
        uint256 token = work(COLLECTOR);
        uint256[3] memory supplies = [uint256(0), 1e18 - 1, 1e27 + 1];
        for (uint256 i; i < supplies.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(VaultFactory.SupplyOutOfRange.selector, supplies[i], 1e18, 1e27)
            );
            vm.prank(COLLECTOR);
            factory.open{value: 1 ether}(token, "Shares", "SHR", supplies[i], 10 ether);
        }
    }

    function testFractionalH04H11AShareOfTheLargestSupplyHasItsPartOfTheLowestBid() public {
        tokenId = work(COLLECTOR);
        vm.prank(COLLECTOR);
        vault = Vault(factory.open(tokenId, "Shares", "SHR", 1e27, 1));
        share(CLEO, 1e18);
        vm.prank(COLLECTOR);
        vault.vote(1, 6e26);
        starts(BUYER, 0.001 ether);
        vm.warp(START + 7 days + 1);
        vault.settle();
        equal(redeems(CLEO), 925_000, "a billionth of 0.000925 ether");
    }

    function testFractionalH08RedeemingTwiceOrThroughAnotherTakesNothingOfThePot() public {
        settled();
        redeems(CLEO);
        vm.expectRevert(abi.encodeWithSelector(Vault.NothingToRedeem.selector, CLEO));
        redeems(CLEO);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, CLEO, 0, 1));
        vm.prank(CLEO);
        vault.transfer(PLATFORM, 1);
        equal(vault.redemptionOf(ANN), 4.44 ether, "by the supply of the settlement, not by what is left");
        equal(vault.redemptionOf(BEN), 2.22 ether, "each");
    }

    function testFractionalH10NobodyPutsAnothersWorkIntoAVault() public {
        uint256 token = work(COLLECTOR); // its owner has approved the factory for everything
        vm.expectRevert(abi.encodeWithSelector(VaultFactory.NotOwner.selector, token, BUYER, COLLECTOR));
        vm.prank(BUYER);
        factory.open{value: 1 ether}(token, "Shares", "SHR", SUPPLY, 10 ether);
    }

    function testFractionalH10TheWorkLeavesToTheHighestBidderOnly() public {
        started();
        bids(CREATOR, 10 ether);
        vm.warp(START + 7 days + 1);
        vm.prank(BUYER); // the one who was outbid settles
        vault.settle();
        equal(artwork.ownerOf(tokenId), CREATOR, "the winner's");
    }

    function testFractionalH12NoAllowanceIsLeftOnAVaultsWork() public {
        equal(artwork.getApproved(tokenId), address(0), "no approval on the work");
        require(!artwork.isApprovedForAll(address(vault), address(factory)), "none for the factory");
        require(!artwork.isApprovedForAll(address(vault), COLLECTOR), "none for the curator");
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, COLLECTOR, tokenId)
        );
        vm.prank(COLLECTOR);
        artwork.transferFrom(address(vault), COLLECTOR, tokenId);
    }

    function testFractionalH13H16ReentryByTheCuratorOpensNothingTwice() public {
        Reentrant curator = new Reentrant();
        uint256 token = work(address(curator));
        vm.deal(address(curator), 2 ether);
        curator.arm(address(factory), abi.encodeCall(factory.open, (token, "Again", "AGN", SUPPLY, 10 ether)));
        vm.prank(address(curator));
        address first = factory.open{value: 2 ether}(token, "Shares", "SHR", SUPPLY, 10 ether);
        require(curator.tried() && !curator.succeeded(), "re-entry was tried and refused");
        equal(artwork.ownerOf(token), first, "one vault holds the work");
        equal(address(curator).balance, 1.25 ether, "the change came once");
    }

    function testFractionalH13H16AHolderWhoIsPaidCannotCallBackIn() public {
        bytes[4] memory attacks = [
            abi.encodeCall(vault.redeem, ()),
            abi.encodeCall(vault.redeemTo, (PLATFORM)),
            abi.encodeCall(vault.claimDividend, ()),
            abi.encodeCall(vault.claimDividendTo, (PLATFORM))
        ];
        Reentrant[4] memory holders;
        for (uint256 i; i < attacks.length; ++i) {
            holders[i] = new Reentrant();
            vm.prank(BEN);
            vault.transfer(address(holders[i]), 10e18);
            holders[i].arm(address(vault), attacks[i]);
        }
        vault.distribute{value: 1 ether}();
        settled();
        for (uint256 i; i < attacks.length; ++i) {
            redeems(address(holders[i]));
            require(holders[i].tried() && !holders[i].succeeded(), "re-entry was tried and refused");
            equal(address(holders[i]).balance, 0.074 ether, "its part, once");
            equal(vault.dividendOf(address(holders[i])), 0.01 ether, "its dividend waits");
        }
    }

    function testFractionalH15H17AnOldBidIsNeverTakenUpAgain() public {
        started();
        bids(CREATOR, 10 ether);
        vm.warp(START + 7 days + 1);
        vault.settle();
        vm.prank(CREATOR);
        artwork.setApprovalForAll(address(factory), true);
        Vault next = reopened(CREATOR, tokenId, 10 ether);
        vm.expectRevert(wrongPhase(Reserve.Phase.Open, Reserve.Phase.Buyout));
        next.settle();
        equal(next.reserve(), 0, "no vote came along");
        equal(next.balanceOf(ANN), 0, "nor a share");
    }

    function testFractionalH18WorkSentStraightToAVaultChangesNothing() public {
        uint256 other = work(BUYER);
        vm.prank(BUYER);
        artwork.transferFrom(BUYER, address(vault), other);
        equal(vault.totalSupply(), SUPPLY, "no share was made");
        equal(vault.tokenId(), tokenId, "the vault is about its own work");
    }

    function testFractionalH18SharesAreNotSentStraightToAVault() public {
        started();
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(vault)));
        vm.prank(BEN);
        vault.transfer(address(vault), 1);
    }

    function testFractionalM04RoyaltyIsPaidWhenAWorkIsFractionalisedAndWhenItIsBoughtOut() public {
        equal(royaltiesOf(tokenId), 0.75 ether, "7.5 % of 10 ether");
        settled();
        equal(royaltiesOf(tokenId), 0.75 ether + 0.6 ether, "and of 8 ether");
    }

    function testFractionalM05M07NobodyCanMintOrBurnSharesDuringABuyout() public {
        started();
        bytes4[5] memory changers = [
            bytes4(0x40c10f19), bytes4(0x1249c58b), bytes4(0x4e6ec247), bytes4(0x42966c68), bytes4(0x9dc29fac)
        ];
        for (uint256 i; i < changers.length; ++i) {
            vm.prank(ANN);
            (bool done,) = address(vault).call(abi.encodeWithSelector(changers[i], ANN, 1));
            require(!done, "mint(address,uint256), mint(), _mint, burn(uint256), burn(address,uint256)");
        }
        vm.expectRevert(wrongPhase(Reserve.Phase.Buyout, Reserve.Phase.Over));
        redeems(ANN);
        equal(vault.totalSupply(), SUPPLY, "supply");
    }

    function testFractionalM11HoldersMayNeedMoreGasThanTransferGives() public {
        Bookkeeper holder = new Bookkeeper();
        vm.prank(BEN);
        vault.transfer(address(holder), 100e18);
        settled();
        redeems(address(holder));
        equal(holder.received(), 0.74 ether, "booked");
    }

    function testFractionalM12OneWeiDoesNotBlockABuyout() public {
        votes(ANN, 8 ether, 600e18);
        vm.expectRevert(abi.encodeWithSelector(Vault.BidTooLow.selector, 1, 8 ether));
        starts(CREATOR, 1);
        starts(CREATOR, 8 ether); // and whoever does start one can be outbid at once
        bids(BUYER, 8.4 ether);
        vm.warp(START + 7 days + 1);
        vault.settle();
        equal(artwork.ownerOf(tokenId), BUYER, "bought out");
    }

    // -- Party ---------------------------------------------------------------------------------

    function testPartyH01SharesVoteOnceHoweverTheyAreMoved() public {
        votes(ANN, 8 ether, 600e18);
        vm.expectRevert(abi.encodeWithSelector(Reserve.SharesLocked.selector, ANN, 600e18, 600e18));
        vm.prank(ANN);
        vault.transfer(PLATFORM, 600e18);
        vm.prank(ANN);
        vault.unvote();
        vm.prank(ANN);
        vault.transfer(PLATFORM, 600e18);
        votes(PLATFORM, 8 ether, 600e18);
        equal(vault.lockedShares(), 600e18, "their weight is in the mean once");
    }

    /// @dev 90 % vote as low as they may and bid it themselves: the others outbid them, or are paid.
    function testPartyH03H05H06AMajorityDoesNotGetTheWorkBelowWhatOthersWouldPay() public {
        vm.prank(BEN);
        vault.transfer(ANN, 300e18);
        vm.expectRevert(abi.encodeWithSelector(Vault.TooFewShares.selector, ANN, 900e18, 950e18));
        vm.prank(ANN);
        vault.takeOut{value: 100 ether}();
        (uint256 least,) = vault.voteBounds(ANN, 900e18);
        votes(ANN, least, 900e18);
        starts(ANN, least);
        bids(CLEO, 9 ether);
        vm.warp(START + 7 days + 1);
        vault.settle();
        equal(artwork.ownerOf(tokenId), CLEO, "a minority of 10 % bought it");
        equal(redeems(ANN), 7.4925 ether, "the majority has 90 % of 8.325 ether");
    }

    function testPartyH07ForcedEtherChangesNothing() public {
        vm.deal(address(this), 9 ether);
        new Donor{value: 3 ether}(payable(address(vault)));
        started();
        new Donor{value: 3 ether}(payable(address(vault)));
        vm.warp(START + 7 days + 1);
        vault.settle();
        new Donor{value: 3 ether}(payable(address(vault)));
        equal(redeems(ANN) + redeems(BEN) + redeems(CLEO), 7.4 ether, "the bid less the royalty");
        equal(vault.dividendsPaid(), 0, "no dividend");
        equal(address(vault).balance, 9 ether, "the donations are nobody's");
    }

    function testPartyH07EtherThatIsNoBidIsRefused() public {
        vm.deal(address(this), 1 ether);
        (bool sent,) = address(vault).call{value: 1 ether}("");
        require(!sent, "a vault has no use for it");
    }

    function testPartyM12ExcessEtherGoesBackToThePayer() public {
        (Vault whole,) = opened(BUYER, VALUATION);
        uint256 before = BUYER.balance;
        vm.prank(BUYER);
        whole.takeOut{value: 7 ether}();
        equal(BUYER.balance, before, "all of it");
    }

    // -- Tessera -------------------------------------------------------------------------------

    function testTesseraH01FailedPaymentIsNeverTakenForPaid() public {
        Refuser holder = new Refuser();
        vm.prank(BEN);
        vault.transfer(address(holder), 100e18);
        settled();
        vm.expectRevert(abi.encodeWithSelector(Vault.RedemptionRefused.selector, holder, 0.74 ether));
        redeems(address(holder));
        equal(vault.balanceOf(address(holder)), 100e18, "the shares are still there");
        vm.prank(address(holder));
        vault.redeemTo(PLATFORM);
        equal(PLATFORM.balance, 0.74 ether, "and so is the money");
    }

    function testTesseraH03OneOutcomeAtTheBoundarySecond() public {
        started();
        vm.warp(START + 7 days);
        vm.expectRevert(abi.encodeWithSelector(Vault.BuyoutRunning.selector, START + 7 days, START + 7 days));
        vault.settle();
        bids(CREATOR, 10 ether); // the last second is for bids
        vm.warp(START + 7 days + 15 minutes + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                Vault.BuyoutEnded.selector, START + 7 days + 15 minutes, START + 7 days + 15 minutes + 1
            )
        );
        bids(BUYER, 100 ether);
        vault.settle(); // the next one for settling
    }

    function testTesseraH04H06H07RefundsBelongToWhoBidAndCanBeTaken() public {
        Refuser bidder = new Refuser();
        vm.deal(address(bidder), 8 ether);
        votes(ANN, 8 ether, 600e18);
        starts(address(bidder), 8 ether);
        bids(CREATOR, 9 ether);
        bids(BUYER, 10 ether);
        bids(CREATOR, 11 ether);
        equal(vault.refunds(address(bidder)), 8 ether, "his");
        equal(vault.refunds(CREATOR), 9 ether, "his first");
        equal(vault.refunds(BUYER), 10 ether, "his");
        vm.warp(START + 7 days + 1);
        vault.settle();
        redeems(ANN);
        redeems(BEN);
        redeems(CLEO);
        equal(address(vault).balance, 27 ether, "refunds were not paid out to holders");
        bidder.withdrawTo(vault, PLATFORM);
        vm.prank(CREATOR);
        vault.withdraw();
        vm.prank(BUYER);
        vault.withdraw();
        equal(address(vault).balance, 0, "nothing is stuck");
    }

    function testTesseraH05HostileBiddersAndHoldersBlockNobody() public {
        address[3] memory hostile =
            [address(new Refuser()), address(new GasBurner()), address(new ReturnBomb())];
        votes(ANN, 8 ether, 600e18);
        for (uint256 i; i < hostile.length; ++i) {
            vm.prank(BEN);
            vault.transfer(hostile[i], 10e18);
            vm.deal(hostile[i], 100 ether);
            if (i == 0) starts(hostile[i], vault.leastBid());
            else bids(hostile[i], vault.leastBid());
        }
        vm.prank(BUYER);
        vault.bid{value: 50 ether, gas: 200_000}();
        vm.warp(START + 7 days + 1);
        vault.settle();
        equal(artwork.ownerOf(tokenId), BUYER, "bought out");
        equal(redeems(CLEO), 4.625 ether, "redeemed");
    }

    function testTesseraH05AHostileTreasuryBlocksNoRedemption() public {
        Vault.Holding memory held =
            Vault.Holding(artwork, splitter, address(new GasBurner()), work(ANN), ANN, VALUATION);
        vault = new Vault(held, "Shares", "SHR", 3);
        vm.prank(ANN);
        artwork.transferFrom(ANN, address(vault), held.tokenId);
        vm.prank(ANN);
        vault.transfer(BEN, 1);
        votes(ANN, 10 ether, 2);
        starts(BUYER, 10 ether);
        vm.warp(START + 7 days + 1);
        vault.settle();
        redeems(ANN);
        vm.prank(BEN);
        vault.redeem{gas: 400_000}();
        equal(vault.refunds(held.treasury), 1, "a third of a wei and two thirds");
    }

    // -- Escher --------------------------------------------------------------------------------

    function testEscherH03ABidderCannotTakeARefundTwice() public {
        Reentrant bidder = new Reentrant();
        vm.deal(address(bidder), 8 ether);
        votes(ANN, 8 ether, 600e18);
        starts(address(bidder), 8 ether);
        bids(BUYER, 10 ether);
        bytes[2] memory attacks =
            [abi.encodeCall(vault.withdraw, ()), abi.encodeCall(vault.withdrawTo, (address(bidder)))];
        bidder.arm(address(vault), attacks[0]);
        bidder.withdraw(vault);
        require(bidder.tried() && !bidder.succeeded(), "tried and refused");
        equal(address(bidder).balance, 8 ether, "once");
        vm.expectRevert(abi.encodeWithSelector(Payouts.NothingToWithdraw.selector, address(bidder)));
        bidder.withdraw(vault);
    }

    function testEscherM12NothingIsBidAfterTheEnd() public {
        started();
        vm.warp(START + 365 days);
        vm.expectRevert(abi.encodeWithSelector(Vault.BuyoutEnded.selector, START + 7 days, START + 365 days));
        bids(CREATOR, 100 ether);
    }

    function testTakingOutReentersNothing() public {
        Reentrant whale = new Reentrant();
        (Vault whole, uint256 token) = opened(COLLECTOR, VALUATION);
        vm.prank(COLLECTOR);
        whole.transfer(address(whale), 990e18);
        vm.deal(address(whale), 5 ether);
        whale.arm(address(whole), abi.encodeCall(whole.takeOut, ()));
        vm.prank(address(whale));
        whole.takeOut{value: 5 ether}();
        require(whale.tried() && !whale.succeeded(), "tried and refused");
        equal(address(whale).balance, 4.9 ether, "1 % of 10 ether");
        equal(artwork.ownerOf(token), address(whale), "out");
    }
}
