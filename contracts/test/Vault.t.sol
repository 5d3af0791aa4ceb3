// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Payouts} from "../src/Payouts.sol";
import {Splitter} from "../src/Splitter.sol";
import {Vault} from "../src/Vault.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {Base, Vm} from "./Base.sol";

contract VaultTest is Base {
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

    function testOnlyTheHolderOfAllSharesRedeems() public {
        (Vault vault, uint256 tokenId) = opened(COLLECTOR);
        vm.prank(COLLECTOR);
        vault.transfer(BUYER, 1);
        vm.expectRevert(abi.encodeWithSelector(Vault.NotAllShares.selector, COLLECTOR, SUPPLY - 1, SUPPLY));
        vm.prank(COLLECTOR);
        vault.redeem();
        vm.prank(COLLECTOR);
        vault.transfer(BUYER, SUPPLY - 1);
        vm.expectEmit(true, true, true, true, address(vault));
        emit Vault.SharesRedeemed(address(vault), BUYER, SUPPLY, 0);
        vm.prank(BUYER);
        vault.redeem();
        equal(artwork.ownerOf(tokenId), BUYER, "the work is out");
        equal(vault.totalSupply(), 0, "the shares are gone");
    }

    function testNobodyRedeemsTwice() public {
        (Vault vault,) = opened(COLLECTOR);
        vm.prank(COLLECTOR);
        vault.redeem();
        vm.expectRevert(abi.encodeWithSelector(Vault.NotAllShares.selector, COLLECTOR, 0, 0));
        vm.prank(COLLECTOR);
        vault.redeem();
    }

    function testRedeemedWorkCanBeFractionalisedAgain() public {
        (Vault first, uint256 tokenId) = opened(COLLECTOR);
        vm.prank(COLLECTOR);
        first.redeem();
        vm.prank(COLLECTOR);
        address second = factory.open{value: 0.75 ether}(tokenId, "Again", "AGN", SUPPLY, 10 ether);
        require(second != address(first), "a new vault");
        equal(artwork.ownerOf(tokenId), second, "holds the work");
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
}
