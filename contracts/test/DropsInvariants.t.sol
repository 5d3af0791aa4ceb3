// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Drops} from "../src/Drops.sol";
import {Payouts} from "../src/Payouts.sol";
import {Vrgda} from "../src/Vrgda.sol";
import {FuzzSelector, USED_DATASET, USED_MODEL, USED_PROCESS, Vm} from "./Base.sol";
import {DropsBase} from "./DropsBase.sol";
import {Refuser} from "./Hostile.sol";

/// @dev Drops works among four accounts, one of which refuses ETH, buys, reprices, takes back and lets time pass, and
/// keeps its own books. Steps that make no sense at the moment are skipped, so that every revert is a failure.
contract DropsHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Drops public immutable drops;
    Artwork public immutable artwork;
    address public immutable governor;
    address[4] public accounts;

    /// @dev Ghosts: what was done, and what must be 0.
    uint256 public sales;
    uint256 public repricings;
    uint256 public takenBack;
    uint256 public sentIn;
    uint256 public legs;
    uint256 public wrongPrices;
    uint256 public wrongOutcomes;
    mapping(uint256 dropId => uint256) public works;
    mapping(uint256 dropId => uint256) public gone;

    constructor(Drops drops_, Artwork artwork_, address governor_) {
        (drops, artwork, governor) = (drops_, artwork_, governor_);
        accounts = [address(0xA1), address(0xA2), address(0xA3), address(new Refuser())];
        for (uint256 i; i < 4; ++i) {
            vm.prank(accounts[i]);
            artwork.setApprovalForAll(address(drops), true);
        }
    }

    function open(uint256 who, uint8 count, uint96 start, uint64 decay, uint96 rate, uint32 lead) external {
        address seller = accounts[who % 4];
        uint256[] memory tokenIds = new uint256[](1 + count % 3);
        for (uint256 i; i < tokenIds.length; ++i) {
            tokenIds[i] = _mint(seller);
        }
        (uint96 minFloor, uint96 maxCap, uint64 minDecay, uint64 maxDecay,) = drops.bounds();
        Vrgda.Params memory p;
        (p.floor, p.cap) = (minFloor, maxCap);
        p.start = uint96(minFloor + start % (uint256(maxCap) - minFloor + 1));
        p.decay = uint64(minDecay + decay % (uint256(maxDecay) - minDecay + 1));
        p.rate = uint96(1e12 + rate % 1e24);
        vm.prank(seller);
        uint256 dropId = drops.open(tokenIds, p, uint64(block.timestamp) + lead % 3 days);
        works[dropId] = tokenIds.length;
    }

    function buy(uint256 token, uint256 who, uint64 excess) external {
        (uint256 tokenId, uint256 dropId) = _waiting(token);
        if (dropId == 0 || block.timestamp < drops.dropOf(dropId).startTime) return;
        uint256 price = drops.priceOf(dropId);
        address payer = accounts[who % 4];
        vm.deal(payer, price + excess);
        vm.recordLogs();
        vm.prank(payer);
        drops.buy{value: price + excess}(dropId, tokenId, price, address(0));
        ++sales;
        ++gone[dropId];
        sentIn += price + excess;
        legs += _legs(vm.getRecordedLogs());
        if (drops.priceOf(dropId) < price) ++wrongPrices; // more sold at the same second: never cheaper
        if (artwork.ownerOf(tokenId) != payer) ++wrongOutcomes;
    }

    function pass(uint256 token, uint32 later) external {
        (, uint256 dropId) = _waiting(token);
        uint256 before = dropId == 0 ? 0 : drops.priceOf(dropId);
        vm.warp(block.timestamp + later % 10 days);
        if (dropId != 0 && drops.priceOf(dropId) > before) ++wrongPrices; // nothing sold: never dearer
    }

    function reprice(uint256 token, uint16 step, bool up, uint96 rate) external {
        (, uint256 dropId) = _waiting(token);
        if (dropId == 0) return;
        Drops.Drop memory drop = drops.dropOf(dropId);
        (uint96 minFloor, uint96 maxCap, uint64 minDecay, uint64 maxDecay, uint16 most) = drops.bounds();
        uint256 moved = (uint256(drop.params.start) * (step % (most + 1))) / 10_000;
        uint256 start = up ? drop.params.start + moved : drop.params.start - moved;
        drop.params.start = uint96(start < minFloor ? minFloor : start > maxCap ? maxCap : start);
        (drop.params.floor, drop.params.cap) = (minFloor, maxCap);
        if (drop.params.decay < minDecay || drop.params.decay > maxDecay) drop.params.decay = maxDecay;
        if (rate % 2 == 1) drop.params.rate = uint96(1e12 + rate % 1e24);
        uint256 before = drops.priceOf(dropId);
        vm.prank(drop.seller);
        (bool done,) = address(drops).call(abi.encodeCall(drops.reprice, (dropId, drop.params)));
        uint256 price = drops.priceOf(dropId);
        uint256 change = price > before ? price - before : before - price;
        if (change > (before * most) / 10_000 + 2 || (!done && change > 0)) ++wrongPrices;
        if (done && drop.repricedAt != 0 && block.timestamp < drop.repricedAt + 1 days) ++wrongOutcomes;
        if (done) ++repricings;
    }

    function takeBack(uint256 token) external {
        (uint256 tokenId, uint256 dropId) = _waiting(token);
        if (dropId == 0) return;
        address seller = drops.dropOf(dropId).seller;
        uint256[] memory tokenIds = new uint256[](1);
        tokenIds[0] = tokenId;
        vm.prank(seller);
        drops.takeBack(dropId, tokenIds);
        ++takenBack;
        ++gone[dropId];
        if (artwork.ownerOf(tokenId) != seller) ++wrongOutcomes;
    }

    function setBounds(uint96 floor_, uint96 cap, uint16 step) external {
        uint96 least = 1 + floor_ % 1 ether;
        uint96 most = least + cap % 10_000 ether;
        vm.prank(governor);
        drops.setBounds(Drops.Bounds(least, most, 0.01e18, 0.9e18, step % 10_001));
    }

    function withdraw(uint256 who) external {
        address account = accounts[who % 4];
        if (drops.refunds(account) == 0) return;
        vm.prank(account);
        drops.withdrawTo(address(0xCA5));
    }

    function _mint(address to) private returns (uint256) {
        Artwork.Mint memory m;
        m.to = to;
        m.manifest = keccak256(abi.encode(artwork.minted()));
        m.pixelHash = m.manifest;
        (m.model, m.dataset, m.process) = (USED_MODEL, USED_DATASET, USED_PROCESS);
        m.royaltyBps = uint96(artwork.minted() % 1_001);
        vm.prank(to);
        return artwork.mint(m);
    }

    function _legs(Vm.Log[] memory logs) private pure returns (uint256 sum) {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != Payouts.Paid.selector) continue;
            (uint256 amount,) = abi.decode(logs[i].data, (uint256, bool));
            sum += amount;
        }
    }

    function _waiting(uint256 seed) private view returns (uint256 tokenId, uint256 dropId) {
        uint256 known = artwork.minted();
        for (uint256 i; i < known && dropId == 0; ++i) {
            tokenId = 1 + addmod(seed, i, known);
            dropId = drops.dropOfToken(tokenId);
        }
    }
}

/// @dev Invariant family 4 for drops.
contract DropsInvariantsTest is DropsBase {
    DropsHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new DropsHandler(drops, artwork, GOVERNOR);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](8);
        (steps[0], steps[1]) = (DropsHandler.open.selector, DropsHandler.buy.selector);
        (steps[2], steps[3]) = (DropsHandler.buy.selector, DropsHandler.pass.selector);
        (steps[4], steps[5]) = (DropsHandler.reprice.selector, DropsHandler.takeBack.selector);
        (steps[6], steps[7]) = (DropsHandler.setBounds.selector, DropsHandler.withdraw.selector);
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), steps);
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerSellsRepricesAndTakesBack() external {
        handler.open(3, 2, 1 ether, 0.3e18, 1e18, 0);
        handler.buy(0, 1, 5);
        equal(handler.sales(), 1, "sold");
        require(drops.refunds(handler.accounts(3)) > 0, "by an account that refuses ETH");
        handler.pass(0, 1 days);
        handler.reprice(0, 1_000, true, 0);
        equal(handler.repricings(), 1, "repriced");
        handler.takeBack(0);
        equal(handler.takenBack(), 1, "taken back");
        handler.setBounds(1, 1 ether, 500);
        handler.withdraw(3);
        invariantNoPriceLeavesItsRangeOrMovesTheWrongWay();
        invariantEveryWeiIsPaidOutOrOwed();
        invariantWorksWaitHereExactlyWhileTheyAreInADrop();
    }

    function invariantNoPriceLeavesItsRangeOrMovesTheWrongWay() public view {
        equal(handler.wrongPrices(), 0, "up with sales, down with time, by a step at most when repriced");
        equal(handler.wrongOutcomes(), 0, "all as they must be");
        for (uint256 dropId = 1; dropId <= drops.dropCount(); ++dropId) {
            uint256 price = drops.priceOf(dropId);
            Drops.Drop memory drop = drops.dropOf(dropId);
            require(price >= drop.params.floor && price <= drop.params.cap, "within floor and cap");
        }
    }

    function invariantEveryWeiIsPaidOutOrOwed() public view {
        equal(handler.legs(), handler.sentIn(), "the legs are what was sent");
        uint256 owed = drops.refunds(PLATFORM);
        for (uint256 i; i < 4; ++i) {
            owed += drops.refunds(handler.accounts(i));
        }
        equal(address(drops).balance, owed, "and what is here is owed");
    }

    function invariantWorksWaitHereExactlyWhileTheyAreInADrop() public view {
        uint256 waiting;
        for (uint256 tokenId = 1; tokenId <= artwork.minted(); ++tokenId) {
            bool here = artwork.ownerOf(tokenId) == address(drops);
            require(here == (drops.dropOfToken(tokenId) != 0), "in escrow while in a drop");
            if (here) ++waiting;
        }
        for (uint256 dropId = 1; dropId <= drops.dropCount(); ++dropId) {
            uint256 left = drops.dropOf(dropId).left;
            equal(left + handler.gone(dropId), handler.works(dropId), "counted");
            waiting -= left;
        }
        equal(waiting, 0, "and nothing else");
    }
}
