// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";
import {Splitter} from "./Splitter.sol";
import {Venue} from "./Venue.sol";

/// @title English auctions of one Artwork contract, in ETH.
/// @notice The work waits here while it is bid for. A bid can only be outbid, never taken back; who is outbid is
/// credited in the same call and withdraws. Settling pays seller, royalty and platform at once, to the wei.
/// @dev A bid calls nobody, so no bidder can stop the next. A work has at most one auction at a time, under its own
/// id: a bid is for that work whatever the chain has reorganised.
contract Auctions is Venue {
    struct Auction {
        address seller;
        uint64 endTime;
        address bidder;
        uint96 reserve;
        uint256 bid;
    }

    /// @notice A bid is at least that much above the last: so a wei more does not take an auction over.
    uint256 public constant STEP_BPS = 500;

    /// @notice A bid leaves others at least that many seconds.
    uint256 public constant EXTENSION = 15 minutes;

    /// @notice Shortest auction.
    uint256 public constant MIN_DURATION = 1 hours;

    /// @notice Longest auction, before extensions.
    uint256 public constant MAX_DURATION = 90 days;

    /// @notice `kind` of an auction in `Listed` and `Sold`.
    uint8 public constant KIND_AUCTION = 1;

    /// @notice `role` of a bidder who was outbid.
    uint8 public constant ROLE_OUTBID = 6;

    /// @notice The auction of a work; zeros when there is none. `bidder` is zero before the first bid.
    mapping(uint256 tokenId => Auction) public auctionOf;

    /// @notice `bidder` leads. `endTime` is the last second to bid from now on.
    event BidPlaced(uint256 indexed tokenId, address indexed bidder, uint256 amount, uint64 endTime);

    error ReserveOutOfRange(uint256 reserve, uint256 maxReserve);
    error DurationOutOfRange(uint256 duration, uint256 minDuration, uint256 maxDuration);
    error NoAuction(uint256 tokenId);
    error SellerBids(uint256 tokenId, address seller);
    error BidTooLow(uint256 sent, uint256 least);
    error HasBid(uint256 tokenId, address bidder, uint256 bid);
    error AuctionOver(uint256 tokenId, uint256 endTime, uint256 time);
    error AuctionRunning(uint256 tokenId, uint256 endTime, uint256 time);

    constructor(Artwork artwork_, Splitter splitter_, address feeRecipient_, uint256 feeBps_)
        Venue(artwork_, splitter_, feeRecipient_, feeBps_, KIND_AUCTION)
    {}

    /// @notice Puts the caller's work up for `duration` seconds; the first bid is at least `reserveWei`.
    /// @dev The work must be approved for this contract.
    function open(uint256 tokenId, uint256 reserveWei, uint256 duration) external nonReentrant {
        if (reserveWei == 0 || reserveWei > type(uint96).max) {
            revert ReserveOutOfRange(reserveWei, type(uint96).max);
        }
        if (duration < MIN_DURATION || duration > MAX_DURATION) {
            revert DurationOutOfRange(duration, MIN_DURATION, MAX_DURATION);
        }
        // Exact casts: the reserve was checked, and seconds fit 64 bits. No auction is overwritten: a work that is
        // in one belongs to this contract, and the transfer from the caller reverts.
        // forge-lint: disable-start(unsafe-typecast)
        uint64 endTime = uint64(block.timestamp + duration);
        auctionOf[tokenId] = Auction(msg.sender, endTime, address(0), uint96(reserveWei), 0);
        // forge-lint: disable-end(unsafe-typecast)
        emit Listed(tokenId, msg.sender, KIND_AUCTION, reserveWei, endTime);
        artwork.transferFrom(msg.sender, address(this), tokenId);
    }

    /// @notice Takes the caller's work back; only before the first bid.
    function cancel(uint256 tokenId) external nonReentrant {
        Auction memory auction = _auction(tokenId);
        if (auction.seller != msg.sender) revert NotSeller(tokenId, msg.sender, auction.seller);
        if (auction.bidder != address(0)) revert HasBid(tokenId, auction.bidder, auction.bid);
        _giveBack(tokenId, auction.seller);
    }

    /// @notice Bids what is sent, until the end second inclusive. The bidder before is credited with their bid.
    function bid(uint256 tokenId) external payable nonReentrant {
        Auction memory auction = _auction(tokenId);
        if (block.timestamp > auction.endTime) {
            revert AuctionOver(tokenId, auction.endTime, block.timestamp);
        }
        if (msg.sender == auction.seller) revert SellerBids(tokenId, msg.sender);
        uint256 least = _leastBid(auction);
        if (msg.value < least) revert BidTooLow(msg.value, least);
        uint64 endTime = auction.endTime;
        // forge-lint: disable-next-line(unsafe-typecast)
        if (endTime - block.timestamp < EXTENSION) endTime = uint64(block.timestamp + EXTENSION);
        Auction storage stored = auctionOf[tokenId];
        (stored.bidder, stored.bid, stored.endTime) = (msg.sender, msg.value, endTime);
        if (auction.bidder != address(0)) {
            refunds[auction.bidder] += auction.bid;
            emit Paid(tokenId, auction.bidder, ROLE_OUTBID, auction.bid, true);
        }
        emit BidPlaced(tokenId, msg.sender, msg.value, endTime);
    }

    /// @notice Ends an auction from the second after its end on; anybody may. The work goes to the highest bidder
    /// and the bid to seller, royalty and platform; without a bid the work goes back.
    function settle(uint256 tokenId) external nonReentrant {
        Auction memory auction = _auction(tokenId);
        if (block.timestamp <= auction.endTime) {
            revert AuctionRunning(tokenId, auction.endTime, block.timestamp);
        }
        if (auction.bidder == address(0)) return _giveBack(tokenId, auction.seller);
        delete auctionOf[tokenId];
        Sale memory sale = Sale(tokenId, address(this), auction.seller, auction.bidder, auction.bid);
        _settleSale(sale, SOURCE_AUCTION, false);
    }

    /// @notice Wei of the lowest bid that would be taken next.
    function leastBid(uint256 tokenId) external view returns (uint256) {
        return _leastBid(_auction(tokenId));
    }

    function _giveBack(uint256 tokenId, address seller) private {
        delete auctionOf[tokenId];
        emit ListingCancelled(tokenId, seller);
        artwork.transferFrom(address(this), seller, tokenId);
    }

    function _auction(uint256 tokenId) private view returns (Auction memory auction) {
        auction = auctionOf[tokenId];
        if (auction.seller == address(0)) revert NoAuction(tokenId);
    }

    /// @dev The step is rounded up, so that it is at least one wei.
    function _leastBid(Auction memory auction) private pure returns (uint256) {
        if (auction.bidder == address(0)) return auction.reserve;
        return auction.bid + (auction.bid * STEP_BPS + ALL_BPS - 1) / ALL_BPS;
    }
}
