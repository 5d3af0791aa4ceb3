// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Reserve} from "../src/Reserve.sol";
import {Vault} from "../src/Vault.sol";
import {Base} from "./Base.sol";

/// @dev A vault valued at 10 ether, whose shares ANN has 60 %, BEN 30 % and CLEO 10 % of.
abstract contract VaultBase is Base {
    address internal constant ANN = address(0xA1);
    address internal constant BEN = address(0xA2);
    address internal constant CLEO = address(0xA3);
    uint256 internal constant VALUATION = 10 ether;

    Vault internal vault;
    uint256 internal tokenId;

    function setUp() public virtual override {
        super.setUp();
        (vault, tokenId) = opened(COLLECTOR, VALUATION);
        share(ANN, 600e18);
        share(BEN, 300e18);
        share(CLEO, 100e18);
        vm.deal(ANN, 1_000 ether);
        vm.deal(BEN, 1_000 ether);
        vm.deal(CLEO, 1_000 ether);
    }

    function opened(address owner, uint256 valuation) internal returns (Vault fresh, uint256 token) {
        token = work(owner);
        return (reopened(owner, token, valuation), token);
    }

    function reopened(address owner, uint256 token, uint256 valuation) internal returns (Vault) {
        uint256 royalty = factory.royaltyDue(token, valuation);
        vm.prank(owner);
        return Vault(factory.open{value: royalty}(token, "Shares", "SHR", SUPPLY, valuation));
    }

    function share(address to, uint256 shares) internal {
        vm.prank(COLLECTOR);
        vault.transfer(to, shares);
    }

    function votes(address voter, uint256 price, uint256 shares) internal {
        vm.prank(voter);
        vault.vote(price, shares);
    }

    function starts(address bidder, uint256 amount) internal {
        vm.prank(bidder);
        vault.startBuyout{value: amount}();
    }

    function bids(address bidder, uint256 amount) internal {
        vm.prank(bidder);
        vault.bid{value: amount}();
    }

    function redeems(address holder) internal returns (uint256) {
        vm.prank(holder);
        return vault.redeem();
    }

    /// @dev ANN votes 8 ether, BUYER starts the buyout with it.
    function started() internal {
        votes(ANN, 8 ether, 600e18);
        starts(BUYER, 8 ether);
    }

    function settled() internal {
        started();
        vm.warp(START + 7 days + 1);
        vault.settle();
    }

    function wrongPhase(Reserve.Phase phase, Reserve.Phase needed) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(Reserve.WrongPhase.selector, phase, needed);
    }
}
