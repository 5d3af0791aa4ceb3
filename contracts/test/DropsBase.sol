// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Drops} from "../src/Drops.sol";
import {Vrgda} from "../src/Vrgda.sol";
import {Base} from "./Base.sol";

/// @dev The platform of Base with a house of drops. CREATOR sells, BUYER buys.
abstract contract DropsBase is Base {
    address internal constant GOVERNOR = address(0x60E);
    uint96 internal constant FLOOR = 0.1 ether;
    uint96 internal constant CAP = 100 ether;

    Drops internal drops;

    function setUp() public virtual override {
        super.setUp();
        drops = new Drops(artwork, splitter, PLATFORM, FEE_BPS, GOVERNOR);
    }

    /// @dev 1 ether, 30 % a day, two works a day.
    function usual() internal pure returns (Vrgda.Params memory) {
        return Vrgda.Params({start: 1 ether, floor: FLOOR, cap: CAP, decay: 0.3e18, rate: 2e18});
    }

    /// @dev New works of `seller`, who is their creator; not approved for the drops yet.
    function worksOf(address seller, uint256 count) internal returns (uint256[] memory tokenIds) {
        tokenIds = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            tokenIds[i] = workBy(seller, seller, ROYALTY_BPS);
        }
        vm.prank(seller);
        artwork.setApprovalForAll(address(drops), true);
    }

    function openedBy(address seller, uint256 count)
        internal
        returns (uint256 dropId, uint256[] memory tokenIds)
    {
        tokenIds = worksOf(seller, count);
        vm.prank(seller);
        dropId = drops.open(tokenIds, usual(), 0);
    }

    function buy(uint256 dropId, uint256 tokenId) internal returns (uint256 price) {
        price = drops.priceOf(dropId);
        vm.prank(BUYER);
        drops.buy{value: price}(dropId, tokenId, price, address(0));
    }

    function only(uint256 tokenId) internal pure returns (uint256[] memory tokenIds) {
        tokenIds = new uint256[](1);
        tokenIds[0] = tokenId;
    }
}
