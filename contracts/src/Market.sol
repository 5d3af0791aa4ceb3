// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";
import {Payouts} from "./Payouts.sol";
import {Royalties} from "./Royalties.sol";

/// @title Fixed-price market of one Artwork contract, in ETH.
/// @notice Takes no custody: works stay with their owners until sold. Seller, royalty and platform are paid in the
/// buyer's transaction and add up to the price exactly; whoever refuses ETH is credited and withdraws later.
/// @dev No owner, no pause, no upgrade: fee and fee recipient are fixed for ever.
contract Market is Payouts {
    struct Listing {
        address seller;
        uint64 endTime;
        uint128 price;
        uint128 transferCount;
    }

    /// @notice Highest platform fee, 5 %.
    uint256 public constant MAX_FEE_BPS = 500;

    /// @notice `kind` of a fixed-price listing and sale in `Listed` and `Sold`.
    uint8 public constant KIND_FIXED_PRICE = 0;

    uint256 private constant ALL_BPS = 10_000;

    /// @notice The works sold here.
    Artwork public immutable artwork;

    /// @notice Who gets the platform fee.
    address public immutable feeRecipient;

    /// @notice Platform fee on every sale, in basis points of the price.
    uint256 public immutable feeBps;

    mapping(uint256 tokenId => Listing) private _listings;

    /// @notice Price in wei of the last sale between two accounts; 0 before the first. The least that a vault may
    /// value the work at. A sale to oneself leaves it as it was.
    mapping(uint256 tokenId => uint256) public lastPrice;

    /// @notice A work is offered. `endTime` is the last second in which it can be bought; 0: no end.
    event Listed(uint256 indexed tokenId, address indexed seller, uint8 kind, uint256 price, uint64 endTime);

    /// @notice The seller took the offer back.
    event ListingCancelled(uint256 indexed tokenId, address indexed seller);

    /// @notice A work was sold; `buyer` received it. Seller gets `price - royalty - fee`. `Paid` legs follow.
    event Sold(
        uint256 indexed tokenId,
        address indexed seller,
        address indexed buyer,
        uint8 kind,
        uint256 price,
        uint256 royalty,
        uint256 fee
    );

    error FeeTooHigh(uint256 feeBps, uint256 maxFeeBps);
    error FeeRecipientMissing();
    error NotOwner(uint256 tokenId, address caller, address owner);
    error NotSeller(uint256 tokenId, address caller, address seller);
    error NotApproved(uint256 tokenId, address owner);
    error PriceOutOfRange(uint256 price, uint256 maxPrice);
    error EndTimePassed(uint64 endTime, uint256 time);
    error NotListed(uint256 tokenId);
    error ListingExpired(uint256 tokenId, uint64 endTime, uint256 time);
    error ListingVoid(uint256 tokenId, address seller);
    error PriceAboveMax(uint256 price, uint256 maxPrice);
    error PaymentTooLow(uint256 sent, uint256 price);

    constructor(Artwork artwork_, address feeRecipient_, uint256 feeBps_) {
        if (feeBps_ > MAX_FEE_BPS) revert FeeTooHigh(feeBps_, MAX_FEE_BPS);
        if (feeRecipient_ == address(0)) revert FeeRecipientMissing();
        artwork = artwork_;
        feeRecipient = feeRecipient_;
        feeBps = feeBps_;
    }

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
        uint256 price = listing.price;
        if (price > maxPrice) revert PriceAboveMax(price, maxPrice);
        if (msg.value < price) revert PaymentTooLow(msg.value, price);
        address buyer = recipient == address(0) ? msg.sender : recipient;
        (address royaltyTo, uint256 royalty) = Royalties.due(artwork, tokenId, price, listing.seller);
        uint256 fee = (price * feeBps) / ALL_BPS;

        delete _listings[tokenId];
        if (buyer != listing.seller && msg.sender != listing.seller) lastPrice[tokenId] = price;
        emit Sold(tokenId, listing.seller, buyer, KIND_FIXED_PRICE, price, royalty, fee);

        artwork.transferFrom(listing.seller, buyer, tokenId);
        _pay(tokenId, listing.seller, ROLE_SELLER, price - royalty - fee);
        _pay(tokenId, royaltyTo, ROLE_ROYALTY, royalty);
        _pay(tokenId, feeRecipient, ROLE_PLATFORM, fee);
        _pay(tokenId, msg.sender, ROLE_REFUND, msg.value - price);
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
