// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Market} from "../src/Market.sol";
import {PriceFeed} from "../src/PriceFeed.sol";
import {Vault} from "../src/Vault.sol";
import {VaultFactory} from "../src/VaultFactory.sol";

/// @dev The few of forge's cheat codes that the tests use; forge-std is not needed for them.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function assume(bool condition) external pure;
    function deal(address account, uint256 wei_) external;
    function expectEmit(bool topic1, bool topic2, bool topic3, bool data, address emitter) external;
    function expectRevert(bytes calldata reason) external;
    function expectRevert(bytes4 selector) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function warp(uint256 time) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
}

/// @dev What `targetSelectors` of an invariant test returns.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// @dev A platform with one creator, one collector and one buyer, each with ETH.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address internal constant PLATFORM = address(0xFEE);
    address internal constant CREATOR = address(0xC0FFEE);
    address internal constant COLLECTOR = address(0xC011EC);
    address internal constant BUYER = address(0xB0B);
    uint256 internal constant START = 1_767_571_200;
    uint96 internal constant ROYALTY_BPS = 750;
    uint256 internal constant FEE_BPS = 250;
    uint256 internal constant SUPPLY = 1_000e18;

    Artwork internal artwork;
    Market internal market;
    VaultFactory internal factory;
    PriceFeed internal feed;

    uint256 private _counter;

    function setUp() public virtual {
        vm.warp(START);
        artwork = new Artwork("Raisonne", "RSN");
        market = new Market(artwork, PLATFORM, FEE_BPS);
        factory = new VaultFactory(artwork, market);
        feed = new PriceFeed(address(this), "ETH / USD");
        vm.deal(CREATOR, 1_000 ether);
        vm.deal(COLLECTOR, 1_000 ether);
        vm.deal(BUYER, 1_000 ether);
    }

    function order(address to, address royaltyTo, uint96 bps) internal returns (Artwork.Mint memory m) {
        m.to = to;
        m.manifest = keccak256(abi.encode("manifest", ++_counter));
        m.pixelHash = keccak256(abi.encode("pixels", _counter));
        m.seed = _counter;
        m.royaltyRecipient = royaltyTo;
        m.royaltyBps = bps;
        m.uri = "data:application/json,{}";
    }

    /// @dev A work of CREATOR with the usual royalty, owned by `owner`, approved for market and factory.
    function work(address owner) internal returns (uint256 tokenId) {
        return workPaying(owner, CREATOR, ROYALTY_BPS);
    }

    function workPaying(address owner, address royaltyTo, uint96 bps) internal returns (uint256 tokenId) {
        Artwork.Mint memory m = order(owner, royaltyTo, bps);
        vm.prank(CREATOR);
        tokenId = artwork.mint(m);
        approve(owner);
    }

    function approve(address owner) internal {
        vm.startPrank(owner);
        artwork.setApprovalForAll(address(market), true);
        artwork.setApprovalForAll(address(factory), true);
        vm.stopPrank();
    }

    function listed(address owner, uint256 price) internal returns (uint256 tokenId) {
        tokenId = work(owner);
        vm.prank(owner);
        market.list(tokenId, price, 0);
    }

    function equal(uint256 got, uint256 wanted, string memory what) internal pure {
        require(got == wanted, what);
    }

    function equal(address got, address wanted, string memory what) internal pure {
        require(got == wanted, what);
    }
}
