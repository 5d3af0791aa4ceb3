// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Auctions} from "../src/Auctions.sol";
import {Payouts} from "../src/Payouts.sol";
import {Base, FuzzSelector, USED_DATASET, USED_MODEL, USED_PROCESS, Vm} from "./Base.sol";
import {Refuser} from "./Hostile.sol";

/// @dev Auctions works among five accounts, one of which refuses ETH, and keeps its own books. Steps that make no
/// sense at the moment are skipped, so that every revert is a failure.
contract AuctionsHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Auctions public immutable house;
    Artwork public immutable artwork;
    address[5] public accounts;

    /// @dev Ghosts: wei of all bids, of those that won and of those that were outbid; and what must be 0.
    uint256 public paidIn;
    uint256 public soldFor;
    uint256 public sales;
    uint256 public outbid;
    uint256 public outbidWei;
    uint256 public wrongSplits;
    uint256 public wrongOutcomes;
    mapping(address account => uint256) public lost;

    constructor(Auctions house_, Artwork artwork_) {
        (house, artwork) = (house_, artwork_);
        accounts = [address(0xA1), address(0xA2), address(0xA3), address(0xA4), address(new Refuser())];
        for (uint256 i; i < accounts.length; ++i) {
            vm.prank(accounts[i]);
            artwork.setApprovalForAll(address(house), true);
        }
    }

    function mint(uint256 who, uint256 creator, uint16 bps) external {
        Artwork.Mint memory m;
        m.to = _account(who);
        m.manifest = keccak256(abi.encode(artwork.minted()));
        m.pixelHash = m.manifest;
        (m.model, m.dataset, m.process) = (USED_MODEL, USED_DATASET, USED_PROCESS);
        m.royaltyBps = bps % 1_001;
        vm.prank(_account(creator));
        artwork.mint(m);
    }

    function open(uint256 token, uint64 reserve, uint16 duration) external {
        (uint256 tokenId, address owner) = _token(token);
        if (tokenId == 0 || owner == address(house)) return;
        vm.prank(owner);
        house.open(tokenId, uint256(reserve) + 1, 1 hours + uint256(duration));
    }

    function cancel(uint256 token) external {
        (uint256 tokenId, address owner) = _token(token);
        if (owner != address(house)) return;
        (address seller,, address bidder,,) = house.auctionOf(tokenId);
        if (bidder != address(0)) return;
        vm.prank(seller);
        house.cancel(tokenId);
        if (artwork.ownerOf(tokenId) != seller) ++wrongOutcomes;
    }

    function bid(uint256 token, uint256 who, uint64 above) external {
        (uint256 tokenId, address owner) = _token(token);
        address bidder = _account(who);
        if (owner != address(house)) return;
        (address seller, uint64 endTime, address leader,, uint256 leading) = house.auctionOf(tokenId);
        if (bidder == seller || block.timestamp > endTime) return;
        uint256 amount = house.leastBid(tokenId) + above;
        vm.deal(bidder, amount);
        vm.prank(bidder);
        house.bid{value: amount}(tokenId);
        paidIn += amount;
        lost[leader] += leading;
        outbidWei += leading;
        if (leader != address(0)) ++outbid;
    }

    /// @dev Tries to bid and to settle at the same second: exactly one may work.
    function end(uint256 token, uint16 later) external {
        (uint256 tokenId, address owner) = _token(token);
        if (owner != address(house)) return;
        (address seller, uint64 endTime, address leader,, uint256 price) = house.auctionOf(tokenId);
        if (endTime >= block.timestamp && later % 2 == 0) vm.warp(endTime + later % 3);
        else vm.warp(block.timestamp + later);
        bool over = block.timestamp > endTime;
        vm.recordLogs();
        (bool settled,) = address(house).call(abi.encodeCall(house.settle, (tokenId)));
        if (settled != over) ++wrongOutcomes;
        if (!settled) return;
        if (artwork.ownerOf(tokenId) != (leader == address(0) ? seller : leader)) ++wrongOutcomes;
        if (leader == address(0)) return;
        ++sales;
        soldFor += price;
        if (!_splitIsExact(vm.getRecordedLogs(), price)) ++wrongSplits;
    }

    /// @dev Whoever lost gets at least what they lost.
    function withdraw(uint256 who) external {
        address account = _account(who);
        uint256 waiting = house.refunds(account);
        if (waiting < lost[account]) ++wrongOutcomes;
        if (waiting == 0) return;
        vm.prank(account);
        house.withdrawTo(address(0xCA5));
        lost[account] = 0;
    }

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    function _splitIsExact(Vm.Log[] memory logs, uint256 price) private pure returns (bool) {
        uint256 legs;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != Payouts.Paid.selector) continue;
            (uint256 amount,) = abi.decode(logs[i].data, (uint256, bool));
            legs += amount;
        }
        return legs == price;
    }

    function _account(uint256 seed) private view returns (address) {
        return accounts[seed % accounts.length];
    }

    function _token(uint256 seed) private view returns (uint256 tokenId, address owner) {
        uint256 known = artwork.minted();
        if (known == 0) return (0, address(0));
        tokenId = 1 + seed % known;
        owner = artwork.ownerOf(tokenId);
    }
}

contract AuctionsInvariantsTest is Base {
    AuctionsHandler private handler;
    Auctions private house;

    function setUp() public override {
        super.setUp();
        house = new Auctions(artwork, splitter, PLATFORM, FEE_BPS);
        handler = new AuctionsHandler(house, artwork);
    }

    /// @dev Tells forge to call the handler only, and of it only the steps.
    function targetContracts() external view returns (address[] memory only) {
        only = new address[](1);
        only[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](6);
        steps[0] = AuctionsHandler.mint.selector;
        steps[1] = AuctionsHandler.open.selector;
        steps[2] = AuctionsHandler.cancel.selector;
        steps[3] = AuctionsHandler.bid.selector;
        steps[4] = AuctionsHandler.end.selector;
        steps[5] = AuctionsHandler.withdraw.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), steps);
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerSellsOutbidsAndGivesBack() external {
        handler.mint(0, 1, 1_000);
        handler.open(0, 100, 0);
        handler.bid(0, 4, 0);
        handler.bid(0, 2, 5);
        equal(handler.outbid(), 1, "outbid");
        equal(house.refunds(handler.accounts(4)), 101, "credited");
        handler.end(0, 2);
        equal(handler.sales(), 1, "sold");
        handler.withdraw(4);
        handler.open(0, 100, 0);
        handler.cancel(0);
        handler.open(0, 100, 0);
        handler.end(0, 2);
        equal(artwork.ownerOf(1), handler.accounts(2), "back, unsold");
        equal(handler.wrongOutcomes() + handler.wrongSplits(), 0, "all as they must be");
    }

    function invariantEveryAuctionEndsAsItMust() external view {
        equal(handler.wrongOutcomes(), 0, "bids until the end, settled after it, losers whole");
        equal(handler.wrongSplits(), 0, "seller + royalty + fee == price");
    }

    function invariantTheHouseHoldsLeadingBidsAndCreditsExactly() external view {
        uint256 owed = house.refunds(PLATFORM);
        for (uint256 i; i < handler.accountCount(); ++i) {
            owed += house.refunds(handler.accounts(i));
        }
        uint256 leading;
        for (uint256 tokenId = 1; tokenId <= artwork.minted(); ++tokenId) {
            (address seller,,,, uint256 amount) = house.auctionOf(tokenId);
            leading += amount;
            bool here = artwork.ownerOf(tokenId) == address(house);
            require((seller != address(0)) == here, "a work is here while it is in an auction");
        }
        equal(address(house).balance, owed + leading, "balance");
        equal(handler.paidIn(), handler.soldFor() + handler.outbidWei() + leading, "every bid is somewhere");
    }
}
