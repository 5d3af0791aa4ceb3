// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";
import {Splitter} from "./Splitter.sol";
import {Venue} from "./Venue.sol";

/// @title Fixed-price market of one Artwork contract, in ETH.
/// @notice Takes no custody: works stay with their owners until sold. Seller, royalty and platform are paid in the
/// buyer's transaction and add up to the price exactly; whoever refuses ETH is credited and withdraws later.
contract Market is Venue {
    struct Listing {
        address seller;
        uint64 endTime;
        uint128 price;
        uint128 transferCount;
    }

    /// @notice `kind` of a fixed-price listing and sale in `Listed` and `Sold`.
    uint8 public constant KIND_FIXED_PRICE = 0;

    mapping(uint256 tokenId => Listing) private _listings;

    error NotOwner(uint256 tokenId, address caller, address owner);
    error NotApproved(uint256 tokenId, address owner);
    error PriceOutOfRange(uint256 price, uint256 maxPrice);
    error EndTimePassed(uint64 endTime, uint256 time);
    error NotListed(uint256 tokenId);
    error ListingExpired(uint256 tokenId, uint64 endTime, uint256 time);
    error ListingVoid(uint256 tokenId, address seller);

    constructor(Artwork artwork_, Splitter splitter_, address feeRecipient_, uint256 feeBps_)
        Venue(artwork_, splitter_, feeRecipient_, feeBps_, KIND_FIXED_PRICE)
    {}

    /// @notice Offers the caller's work at `priceWei` until `endTime` (0: no end); replaces an earlier offer.
    /// @dev The work must be approved for this contract, singly or for all.
    function list(uint256 tokenId, uint256 priceWei, uint64 endTime) external nonReentrant {
        address owner = artwork.ownerOf(tokenId);
        if (owner != msg.sender) revert NotOwner(tokenId, msg.sender, owner);
        if (!_approved(tokenId, owner)) revert NotApproved(tokenId, owner);
        if (priceWei == 0 || priceWei > type(uint128).max) {
            revert PriceOutOfRange(priceWei, type(uint128).max);
        }
        if (endTime != 0 && endTime < block.timestamp) revert EndTimePassed(endTime, block.timestamp);
        uint256 count = artwork.transferCount(tokenId);
        // Both casts are exact: the price was checked, and nobody makes 2^128 transfers.
        // forge-lint: disable-next-line(unsafe-typecast)
        _listings[tokenId] = Listing(owner, endTime, uint128(priceWei), uint128(count));
        emit Listed(tokenId, owner, KIND_FIXED_PRICE, priceWei, endTime);
    }

    /// @notice Takes the caller's offer back, live or not.
    function cancel(uint256 tokenId) external nonReentrant {
        address seller = _listings[tokenId].seller;
        if (seller == address(0)) revert NotListed(tokenId);
        if (seller != msg.sender) revert NotSeller(tokenId, msg.sender, seller);
        delete _listings[tokenId];
        emit ListingCancelled(tokenId, seller);
    }

    /// @notice Buys a listed work for `recipient` (zero: the caller) if it costs at most `maxPrice`.
    /// @dev What was sent above the price comes back as a `Paid` leg of role 3.
    function buy(uint256 tokenId, uint256 maxPrice, address recipient) external payable nonReentrant {
        Listing memory listing = _liveListing(tokenId);
        delete _listings[tokenId];
        _sellNow(Sale(tokenId, listing.seller, listing.seller, recipient, listing.price), maxPrice);
    }

    /// @notice The stored offer and whether `buy` would accept it now; zeros when there is none.
    function listingOf(uint256 tokenId)
        external
        view
        returns (address seller, uint256 price, uint64 endTime, bool live)
    {
        Listing memory listing = _listings[tokenId];
        live = listing.seller != address(0) && !_expired(listing) && !_void(tokenId, listing);
        return (listing.seller, listing.price, listing.endTime, live);
    }

    function _liveListing(uint256 tokenId) private view returns (Listing memory listing) {
        listing = _listings[tokenId];
        if (listing.seller == address(0)) revert NotListed(tokenId);
        if (_expired(listing)) revert ListingExpired(tokenId, listing.endTime, block.timestamp);
        if (_void(tokenId, listing)) revert ListingVoid(tokenId, listing.seller);
    }

    function _expired(Listing memory listing) private view returns (bool) {
        return listing.endTime != 0 && block.timestamp > listing.endTime;
    }

    /// @dev An offer dies for good when the work moves, even if it comes back, and when the approval is gone.
    function _void(uint256 tokenId, Listing memory listing) private view returns (bool) {
        return artwork.transferCount(tokenId) != listing.transferCount || !_approved(tokenId, listing.seller);
    }

    function _approved(uint256 tokenId, address owner) private view returns (bool) {
        return artwork.isApprovedForAll(owner, address(this)) || artwork.getApproved(tokenId) == address(this);
    }
}
