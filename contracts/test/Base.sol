// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {LibRLP} from "solady/src/utils/LibRLP.sol";
import {Artwork} from "../src/Artwork.sol";
import {Market} from "../src/Market.sol";
import {PriceFeed} from "../src/PriceFeed.sol";
import {Registry} from "../src/Registry.sol";
import {ICreators, Splitter} from "../src/Splitter.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {Venue} from "../src/Venue.sol";
import {GreedyArtwork} from "./Hostile.sol";

/// @dev What the works of the tests are made with, registered by MODELLER, ARCHIVIST and MODELLER again.
bytes32 constant USED_MODEL = keccak256("the model in use");
bytes32 constant USED_DATASET = keccak256("the dataset in use");
bytes32 constant USED_PROCESS = keccak256("the process in use");

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
    function getNonce(address account) external view returns (uint64);
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
    address internal constant MODELLER = address(0x30DE113);
    address internal constant ARCHIVIST = address(0xA2C41);
    address internal constant TREASURY = address(0x7EA5);
    uint256 internal constant START = 1_767_571_200;
    uint96 internal constant ROYALTY_BPS = 750;
    uint256 internal constant FEE_BPS = 250;
    uint256 internal constant SUPPLY = 1_000e18;
    uint16 internal constant MODEL_BPS = 500;
    uint16 internal constant DATASET_BPS = 300;
    uint16 internal constant TREASURY_BPS = 250;

    Registry internal registry;
    Splitter internal splitter;
    Artwork internal artwork;
    Market internal market;
    VaultFactory internal factory;
    PriceFeed internal feed;

    uint256 private _counter;

    function setUp() public virtual {
        vm.warp(START);
        _deployRegistry();
        splitter = splitterOfTheNext();
        artwork = new Artwork("Raisonne", "RSN", registry, splitter, terms());
        market = new Market(artwork, splitter, PLATFORM, FEE_BPS);
        Venue[] memory venues = new Venue[](1);
        venues[0] = market;
        factory = new VaultFactory(artwork, splitter, venues, TREASURY);
        feed = new PriceFeed(address(this), "ETH / USD");
        vm.deal(CREATOR, 1_000 ether);
        vm.deal(COLLECTOR, 1_000 ether);
        vm.deal(BUYER, 1_000 ether);
    }

    function terms() internal pure returns (Artwork.Terms memory) {
        return Artwork.Terms(MODEL_BPS, DATASET_BPS, TREASURY_BPS, TREASURY);
    }

    function order(address to, uint96 bps) internal returns (Artwork.Mint memory m) {
        m.to = to;
        m.manifest = keccak256(abi.encode("manifest", ++_counter));
        m.pixelHash = keccak256(abi.encode("pixels", _counter));
        (m.model, m.dataset, m.process) = (USED_MODEL, USED_DATASET, USED_PROCESS);
        m.seed = _counter;
        m.royaltyBps = bps;
        m.uri = "data:application/json,{}";
    }

    /// @dev A work of CREATOR with the usual royalty, owned by `owner`, approved for market and factory.
    function work(address owner) internal returns (uint256 tokenId) {
        return workBy(CREATOR, owner, ROYALTY_BPS);
    }

    function workBy(address creator, address owner, uint96 bps) internal returns (uint256 tokenId) {
        Artwork.Mint memory m = order(owner, bps);
        vm.prank(creator);
        tokenId = artwork.mint(m);
        approve(owner);
    }

    /// @dev What the Splitter ever received for a work, in wei.
    function royaltiesOf(uint256 tokenId) internal view returns (uint256) {
        return splitter.received(tokenId, address(0));
    }

    /// @dev Replaces the works by those of a contract that asks for half of every price.
    function becomeGreedy() internal {
        splitter = splitterOfTheNext();
        artwork = new GreedyArtwork(registry, splitter, terms());
        market = new Market(artwork, splitter, PLATFORM, FEE_BPS);
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

    function _deployRegistry() private {
        address[] memory registrars = new address[](2);
        (registrars[0], registrars[1]) = (MODELLER, ARCHIVIST);
        registry = new Registry(address(this), registrars);
        vm.startPrank(MODELLER);
        registry.register(USED_MODEL, registry.KIND_MODEL(), 0, "", new bytes32[](0));
        registry.register(USED_PROCESS, registry.KIND_PROCESS(), 0, "", new bytes32[](0));
        vm.stopPrank();
        vm.startPrank(ARCHIVIST);
        registry.register(USED_DATASET, registry.KIND_DATASET(), 0, "", new bytes32[](0));
        vm.stopPrank();
    }

    /// @dev The Splitter of the contract that is deployed right after it.
    function splitterOfTheNext() internal returns (Splitter) {
        address next = LibRLP.computeAddress(address(this), vm.getNonce(address(this)) + 1);
        return new Splitter(ICreators(next), TREASURY);
    }

    function equal(uint256 got, uint256 wanted, string memory what) internal pure {
        require(got == wanted, what);
    }

    function equal(address got, address wanted, string memory what) internal pure {
        require(got == wanted, what);
    }
}
