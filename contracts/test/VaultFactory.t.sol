// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Auctions} from "../src/Auctions.sol";
import {Payouts} from "../src/Payouts.sol";
import {ICreators, Splitter} from "../src/Splitter.sol";
import {Vault} from "../src/Vault.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {Venue} from "../src/Venue.sol";
import {Base, Vm} from "./Base.sol";

contract VaultFactoryTest is Base {
    function opened(address owner) internal returns (Vault vault, uint256 tokenId) {
        tokenId = work(owner);
        vm.prank(owner);
        vault = Vault(factory.open{value: 0.75 ether}(tokenId, "Shares", "SHR", SUPPLY, 10 ether));
    }

    function testWorkGoesInAndAllSharesGoToTheCurator() public {
        (Vault vault, uint256 tokenId) = opened(COLLECTOR);
        equal(artwork.ownerOf(tokenId), address(vault), "the vault holds the work");
        equal(vault.totalSupply(), SUPPLY, "supply");
        equal(vault.balanceOf(COLLECTOR), SUPPLY, "all to the curator");
        equal(vault.curator(), COLLECTOR, "curator");
        equal(vault.tokenId(), tokenId, "token");
        equal(factory.tokenOfVault(address(vault)), tokenId, "known to the factory");
        equal(factory.tokenOfVault(address(this)), 0, "others are not");
        equal(address(factory.vaultOf(tokenId)), address(vault), "and the other way round");
        equal(vault.valuation(), 10 ether, "valuation");
        equal(vault.treasury(), TREASURY, "treasury");
        equal(address(vault.splitter()), address(splitter), "splitter");
    }

    function testFuzzRoyaltyOnTheValuationIsPaidAtOnce(uint128 valuation, uint96 bps, uint128 excess) public {
        vm.assume(valuation > 0 && bps <= 1_000);
        uint256 tokenId = workBy(CREATOR, COLLECTOR, bps);
        uint256 royalty = (uint256(valuation) * bps) / 10_000;
        vm.deal(COLLECTOR, royalty + excess);
        vm.recordLogs();
        vm.prank(COLLECTOR);
        address vault = factory.open{value: royalty + excess}(tokenId, "Shares", "SHR", SUPPLY, valuation);
        equal(royaltiesOf(tokenId), royalty, "royalty");
        equal(COLLECTOR.balance, excess, "change");
        equal(address(factory).balance, 0, "nothing stays");
        _checkLogs(vm.getRecordedLogs(), vault, tokenId, royalty, excess);
    }

    function _checkLogs(Vm.Log[] memory logs, address vault, uint256 tokenId, uint256 royalty, uint256 excess)
        private
        view
    {
        bool announced;
        uint256 legs;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == VaultFactory.VaultOpened.selector) {
                announced = logs[i].emitter == address(factory)
                    && logs[i].topics[1] == bytes32(uint256(uint160(vault)))
                    && uint256(logs[i].topics[2]) == tokenId;
                (uint256 supply, uint256 paid) = abi.decode(logs[i].data, (uint256, uint256));
                equal(supply, SUPPLY, "announced supply");
                equal(paid, royalty, "announced royalty");
            }
            if (logs[i].topics[0] == Payouts.Paid.selector) {
                uint256 role = uint256(logs[i].topics[3]);
                (uint256 amount,) = abi.decode(logs[i].data, (uint256, bool));
                require(role == 1 || role == 3, "role");
                equal(amount, role == 1 ? royalty : excess, "leg");
                ++legs;
            }
        }
        require(announced, "VaultOpened comes from the factory");
        equal(legs, (royalty > 0 ? 1 : 0) + (excess > 0 ? 1 : 0), "one leg per payment");
    }

    function testCuratorWhoIsTheCreatorOwesTheRoyaltyToo() public {
        uint256 tokenId = work(CREATOR);
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReceived(tokenId, address(factory), 0.75 ether, 4);
        vm.prank(CREATOR);
        factory.open{value: 0.75 ether}(tokenId, "Shares", "SHR", SUPPLY, 10 ether);
    }

    function testMissingRoyaltyIsRefused() public {
        uint256 tokenId = work(COLLECTOR);
        vm.expectRevert(
            abi.encodeWithSelector(VaultFactory.RoyaltyUnpaid.selector, 0.75 ether - 1, 0.75 ether)
        );
        vm.prank(COLLECTOR);
        factory.open{value: 0.75 ether - 1}(tokenId, "Shares", "SHR", SUPPLY, 10 ether);
    }

    function testValuationBelowTheLastPriceIsRefused() public {
        uint256 tokenId = listed(COLLECTOR, 2 ether);
        vm.prank(BUYER);
        market.buy{value: 2 ether}(tokenId, 2 ether, address(0));
        approve(BUYER);
        vm.expectRevert(
            abi.encodeWithSelector(
                VaultFactory.ValuationOutOfRange.selector, 2 ether - 1, 2 ether, type(uint128).max
            )
        );
        vm.prank(BUYER);
        factory.open{value: 1 ether}(tokenId, "Shares", "SHR", SUPPLY, 2 ether - 1);
        vm.prank(BUYER);
        factory.open{value: 0.15 ether}(tokenId, "Shares", "SHR", SUPPLY, 2 ether);
    }

    function testValuationOfNothingIsRefused() public {
        uint256 tokenId = work(COLLECTOR);
        vm.expectRevert(
            abi.encodeWithSelector(VaultFactory.ValuationOutOfRange.selector, 0, 1, type(uint128).max)
        );
        vm.prank(COLLECTOR);
        factory.open(tokenId, "Shares", "SHR", SUPPLY, 0);
    }

    function testFuzzSupplyStaysFixedWhateverIsTransferred(uint256 a, uint256 b) public {
        (Vault vault,) = opened(COLLECTOR);
        a %= SUPPLY;
        b %= a + 1;
        vm.prank(COLLECTOR);
        vault.transfer(BUYER, a);
        vm.prank(BUYER);
        vault.transfer(PLATFORM, b);
        equal(
            vault.balanceOf(COLLECTOR) + vault.balanceOf(BUYER) + vault.balanceOf(PLATFORM),
            vault.totalSupply(),
            "balances are the supply"
        );
        equal(vault.totalSupply(), SUPPLY, "which is fixed");
    }

    function testValuationIsAtLeastTheHighestLastPriceOfAllVenues() public {
        Auctions house = new Auctions(artwork, splitter, PLATFORM, FEE_BPS);
        Venue[] memory venues = new Venue[](2);
        (venues[0], venues[1]) = (market, house);
        factory = new VaultFactory(artwork, splitter, venues, TREASURY);
        uint256 tokenId = listed(COLLECTOR, 2 ether);
        vm.prank(BUYER);
        market.buy{value: 2 ether}(tokenId, 2 ether, address(0));
        equal(factory.lastPrice(tokenId), 2 ether, "of the market");
        vm.startPrank(BUYER);
        artwork.setApprovalForAll(address(house), true);
        house.open(tokenId, 3 ether, 1 days);
        vm.stopPrank();
        vm.prank(COLLECTOR);
        house.bid{value: 3 ether}(tokenId);
        vm.warp(START + 1 days + 1);
        house.settle(tokenId);
        equal(factory.lastPrice(tokenId), 3 ether, "of the auction");
        vm.expectRevert(
            abi.encodeWithSelector(
                VaultFactory.ValuationOutOfRange.selector, 3 ether - 1, 3 ether, type(uint128).max
            )
        );
        factory.royaltyDue(tokenId, 3 ether - 1);
    }

    function testValuationIsAtLeastWhatABuyoutBroughtHoweverManyVaultsAgo() public {
        (Vault first, uint256 tokenId) = opened(COLLECTOR);
        vm.prank(COLLECTOR);
        first.vote(20 ether, SUPPLY);
        vm.prank(BUYER);
        first.startBuyout{value: 20 ether}();
        equal(factory.lastPrice(tokenId), 0, "not before it is settled");
        vm.warp(START + 7 days + 1);
        first.settle();
        approve(BUYER);
        for (uint256 i; i < 2; ++i) {
            equal(factory.lastPrice(tokenId), 20 ether, "the buyout");
            vm.startPrank(BUYER);
            Vault next = Vault(factory.open{value: 1.5 ether}(tokenId, "Next", "NXT", SUPPLY, 20 ether));
            next.takeOut(); // no sale: leaves the last price as it was
            vm.stopPrank();
        }
        equal(factory.lastPrice(tokenId), 20 ether, "still");
    }

    function testAWorkThatWasTakenOutCanBeFractionalisedAgain() public {
        (Vault first, uint256 tokenId) = opened(COLLECTOR);
        vm.prank(COLLECTOR);
        first.takeOut();
        vm.prank(COLLECTOR);
        address second = factory.open{value: 0.75 ether}(tokenId, "Again", "AGN", SUPPLY, 10 ether);
        require(second != address(first), "a new vault");
        equal(artwork.ownerOf(tokenId), second, "holds the work");
        equal(factory.tokenOfVault(address(first)), tokenId, "the old one stays known");
    }

    function testAFactoryOfPartsThatDoNotBelongTogetherIsRefused() public {
        Venue[] memory venues = new Venue[](1);
        venues[0] = market;
        Splitter other = new Splitter(ICreators(address(artwork)), TREASURY);
        vm.expectRevert(
            abi.encodeWithSelector(VaultFactory.SplitterOfAnother.selector, address(other), address(splitter))
        );
        new VaultFactory(artwork, other, venues, TREASURY);
        vm.expectRevert(abi.encodeWithSelector(VaultFactory.TreasuryMissing.selector));
        new VaultFactory(artwork, splitter, venues, address(0));
        (Artwork works, Splitter split) = (artwork, splitter);
        becomeGreedy(); // another Artwork, with a market of its own
        venues[0] = market;
        vm.expectRevert(
            abi.encodeWithSelector(VaultFactory.VenueOfAnother.selector, address(venues[0]), address(artwork))
        );
        new VaultFactory(works, split, venues, TREASURY);
    }
}
