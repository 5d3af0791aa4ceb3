// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {LibRLP} from "solady/src/utils/LibRLP.sol";
import {Artwork} from "../src/Artwork.sol";
import {Budgets} from "../src/Budgets.sol";
import {Drops} from "../src/Drops.sol";
import {Registry} from "../src/Registry.sol";
import {ICreators, Splitter} from "../src/Splitter.sol";
import {Studio} from "../src/Studio.sol";
import {Vrgda} from "../src/Vrgda.sol";
import {USED_DATASET, USED_MODEL, USED_PROCESS} from "./Base.sol";
import {StudioBase} from "./StudioBase.sol";

/// @dev A Studio with all it works with: it is treasury and fee recipient, as in a real deployment.
abstract contract StudioWorld is StudioBase {
    uint256 internal constant RESERVE = 1 ether;
    uint256 internal constant STEP_BPS = 1_000;
    uint256 internal constant FEE_BPS = 250;
    uint8 internal constant COMPUTE = 0;

    Registry internal registry;
    Splitter internal splitter;
    Artwork internal artwork;
    Drops internal drops;
    Studio internal studio;

    function setUp() public virtual {
        shareOut();
        _register();
        uint64 nonce = vm.getNonce(address(this));
        splitter = new Splitter(ICreators(_made(nonce + 1)), _made(nonce + 3));
        artwork = new Artwork(
            "Raisonne", "RSN", registry, splitter, Artwork.Terms(500, 500, 250, _made(nonce + 3))
        );
        drops = newDrops(_made(nonce + 3));
        studio = newStudio(limits());
        equal(splitter.artwork() == ICreators(address(artwork)) ? 1 : 0, 1, "addresses as foreseen");
        equal(drops.feeRecipient(), address(studio), "addresses as foreseen");
    }

    function newDrops(address feeRecipient) internal returns (Drops) {
        return new Drops(artwork, splitter, feeRecipient, FEE_BPS, OWNER);
    }

    function newStudio(Studio.Limits memory l) internal returns (Studio) {
        return new Studio(artwork, drops, registry, shares, OWNER, OPERATOR, GUARDIAN, l);
    }

    function limits() internal pure returns (Studio.Limits memory l) {
        l.budgets = new Budgets.Budget[](2);
        l.budgets[0] = Budgets.Budget(COMPUTE, 2 ether);
        l.budgets[1] = Budgets.Budget(129, 10); // mints
        (l.epochLength, l.reserve, l.rules) = (EPOCH, RESERVE, usualRules());
        (l.burnsPerEpoch, l.priceStepBps) = (2, STEP_BPS);
    }

    function order(bytes32 manifest) internal view returns (Artwork.Mint memory m) {
        m.to = address(studio);
        m.manifest = manifest;
        m.pixelHash = keccak256(abi.encode("pixels", manifest));
        (m.model, m.dataset, m.process) = (USED_MODEL, USED_DATASET, USED_PROCESS);
        m.royaltyBps = 750;
        m.uri = "data:application/json,{}";
    }

    /// @dev A work that a round accepted and the Studio minted and holds.
    function minted(string memory name) internal returns (uint256 tokenId) {
        bytes32 manifest = keccak256(bytes(name));
        accept(studio, manifest);
        vm.prank(OPERATOR);
        tokenId = studio.mint(order(manifest));
    }

    function only(uint256 tokenId) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = tokenId;
    }

    /// @dev Prices that start at `start`; floor, cap and the rest stay as they are.
    function prices(uint256 start) internal pure returns (Vrgda.Params memory p) {
        p.start = uint96(start);
        (p.floor, p.cap, p.decay, p.rate) = (0.1 ether, 100 ether, 0.2e18, 1e18);
    }

    function dropped(uint256 tokenId, uint256 start) internal returns (uint256 dropId) {
        vm.prank(OPERATOR);
        dropId = studio.openDrop(only(tokenId), prices(start), uint64(block.timestamp));
    }

    function reprice(uint256 dropId, uint256 start) internal {
        vm.prank(OPERATOR);
        studio.repriceDrop(dropId, prices(start));
    }

    function nextEpoch() internal {
        vm.warp((studio.epoch() + 1) * EPOCH);
    }

    function _register() private {
        address[] memory registrars = new address[](1);
        registrars[0] = D;
        registry = new Registry(OWNER, registrars);
        vm.startPrank(D);
        registry.register(USED_MODEL, 1, 0, "", new bytes32[](0));
        registry.register(USED_DATASET, 2, 0, "", new bytes32[](0));
        registry.register(USED_PROCESS, 3, 0, "", new bytes32[](0));
        vm.stopPrank();
    }

    function _made(uint64 nonce) private view returns (address) {
        return LibRLP.computeAddress(address(this), nonce);
    }
}
