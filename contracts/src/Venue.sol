// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";
import {Payouts} from "./Payouts.sol";
import {Royalties} from "./Royalties.sol";
import {Splitter} from "./Splitter.sol";

/// @title What all places that sell works of one Artwork contract have in common: how a sale is settled, in ETH.
/// @notice Seller, royalty and platform are paid in one call and add up to the price, to the wei. The royalty goes
/// to the Splitter, which cannot refuse it; seller and platform are credited when they refuse theirs.
/// @dev No owner, no pause, no upgrade: fee and fee recipient are fixed for ever.
abstract contract Venue is Payouts {
    /// @dev `holder` has the work until now: the seller, or this contract where works are in escrow.
    struct Sale {
        uint256 tokenId;
        address holder;
        address seller;
        address buyer;
        uint256 price;
    }

    /// @notice Highest platform fee, 5 %.
    uint256 public constant MAX_FEE_BPS = 500;

    /// @notice `source` of the royalty of a work sold by its creator.
    uint8 public constant SOURCE_PRIMARY = 1;
    /// @notice `source` of the royalty of a work sold by somebody else.
    uint8 public constant SOURCE_RESALE = 2;
    /// @notice `source` of the royalty of a work sold in an auction, by whomever.
    uint8 public constant SOURCE_AUCTION = 3;

    uint256 internal constant ALL_BPS = 10_000;

    /// @notice The works sold here.
    Artwork public immutable artwork;

    /// @notice Who receives the royalties.
    Splitter public immutable splitter;

    /// @notice Who gets the platform fee.
    address public immutable feeRecipient;

    /// @notice Platform fee on every sale, in basis points of the price.
    uint256 public immutable feeBps;

    /// @notice How works are sold here, as in `Listed` and `Sold`: 0 fixed price, 1 auction, 2 drop.
    uint8 public immutable kind;

    /// @notice Price in wei of the last sale between two accounts; 0 before the first. The least that a vault may
    /// value the work at. A sale to oneself leaves it as it was.
    mapping(uint256 tokenId => uint256) public lastPrice;

    /// @notice A work is offered. `price` is what is asked, in an auction the reserve, in a drop the start price;
    /// `endTime` the last second of the offer, 0: no end.
    event Listed(uint256 indexed tokenId, address indexed seller, uint8 kind, uint256 price, uint64 endTime);

    /// @notice The offer ended without a sale.
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
    error SplitterOfAnother(address splitter, address splitterOfArtwork);
    error NotSeller(uint256 tokenId, address caller, address seller);
    error PriceAboveMax(uint256 price, uint256 maxPrice);
    error PaymentTooLow(uint256 sent, uint256 price);

    constructor(Artwork artwork_, Splitter splitter_, address feeRecipient_, uint256 feeBps_, uint8 kind_) {
        if (feeBps_ > MAX_FEE_BPS) revert FeeTooHigh(feeBps_, MAX_FEE_BPS);
        if (feeRecipient_ == address(0)) revert FeeRecipientMissing();
        address expected = address(artwork_.splitter());
        if (address(splitter_) != expected) revert SplitterOfAnother(address(splitter_), expected);
        (artwork, splitter, feeRecipient, feeBps, kind) = (artwork_, splitter_, feeRecipient_, feeBps_, kind_);
    }

    /// @dev A sale on the spot: checks what was sent, settles, gives the change to the payer.
    function _sellNow(Sale memory sale, uint256 maxPrice) internal {
        if (sale.price > maxPrice) revert PriceAboveMax(sale.price, maxPrice);
        if (msg.value < sale.price) revert PaymentTooLow(msg.value, sale.price);
        if (sale.buyer == address(0)) sale.buyer = msg.sender;
        bool toOneself = sale.buyer == sale.seller || msg.sender == sale.seller;
        bool primary = sale.seller == artwork.creatorOf(sale.tokenId);
        _settleSale(sale, primary ? SOURCE_PRIMARY : SOURCE_RESALE, toOneself);
        _pay(sale.tokenId, msg.sender, ROLE_REFUND, msg.value - sale.price);
    }

    /// @dev Announces the sale, hands the work over and pays everybody. The offer must be gone before.
    function _settleSale(Sale memory sale, uint8 source, bool toOneself) internal {
        uint256 royalty = Royalties.due(artwork, sale.tokenId, sale.price);
        uint256 fee = (sale.price * feeBps) / ALL_BPS;
        if (!toOneself) lastPrice[sale.tokenId] = sale.price;
        emit Sold(sale.tokenId, sale.seller, sale.buyer, kind, sale.price, royalty, fee);
        artwork.transferFrom(sale.holder, sale.buyer, sale.tokenId);
        _pay(sale.tokenId, sale.seller, ROLE_SELLER, sale.price - royalty - fee);
        _payRoyalty(splitter, sale.tokenId, royalty, source);
        _pay(sale.tokenId, feeRecipient, ROLE_PLATFORM, fee);
    }
}
