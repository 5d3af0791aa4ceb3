// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";
import {Splitter} from "./Splitter.sol";
import {Venue} from "./Venue.sol";
import {Vrgda} from "./Vrgda.sol";

/// @title Drops: up to 64 works of one seller, sold one by one at a price that follows demand.
/// @notice The works wait here. All works of a drop cost the same at any moment (see `Vrgda`): more after each sale,
/// less while nothing is sold, within the drop's floor and cap. A buyer names the work and the highest price.
/// @dev The governor, a timelock, sets bounds for the parameters: they bind whoever opens or reprices a drop later,
/// and change no drop that runs. It has no power over works or money.
contract Drops is Venue {
    /// @notice A drop; `repricedAt` is 0 before the first repricing, `left` counts the works that wait here.
    struct Drop {
        address seller;
        uint40 startTime;
        uint40 repricedAt;
        uint8 sold;
        uint8 left;
        Vrgda.Params params;
    }

    /// @notice What parameters may be: prices in wei, decay a day times 10^18, step in basis points.
    struct Bounds {
        uint96 minFloor;
        uint96 maxCap;
        uint64 minDecay;
        uint64 maxDecay;
        uint16 maxStepBps;
    }

    /// @notice `kind` of a work in a drop in `Listed` and `Sold`.
    uint8 public constant KIND_DROP = 2;

    /// @notice Most works in a drop.
    uint256 public constant MAX_WORKS = 64;

    /// @notice A drop begins at most that many seconds after it was opened.
    uint256 public constant MAX_LEAD = 365 days;

    /// @notice A drop is repriced at most once in that many seconds.
    uint256 public constant REPRICING_PAUSE = 1 days;

    /// @dev What rounding may add to a step of the price, in wei: a wei for each price that was rounded down.
    uint256 private constant ROUNDING = 2;

    /// @notice Who sets the bounds.
    address public immutable governor;

    /// @notice The bounds for later openings and repricings.
    Bounds public bounds;

    /// @notice Drops opened so far; the next gets this number plus 1.
    uint256 public dropCount;

    /// @notice The drop in which a work waits; 0 for none.
    mapping(uint256 tokenId => uint256 dropId) public dropOfToken;

    mapping(uint256 dropId => Drop) private _drops;

    /// @notice A drop was opened; `Dropped` and `Listed` follow for each of its `works`. `startTime` is the first
    /// second to buy.
    event DropOpened(uint256 indexed dropId, address indexed seller, uint256 works, uint64 startTime);

    /// @notice A work is in a drop.
    event Dropped(uint256 indexed dropId, uint256 indexed tokenId);

    /// @notice The drop's price from now on: start in wei, decay a day and works a day times 10^18.
    event PriceParamsSet(uint256 indexed dropId, int256 start, int256 decay, int256 rate);

    /// @notice Lowest and highest price of the drop in wei; follows `PriceParamsSet`.
    event PriceRangeSet(uint256 indexed dropId, uint256 floor, uint256 cap);

    /// @notice The governor set the bounds for later openings and repricings.
    event PriceBoundsSet(
        uint256 minFloor, uint256 maxCap, uint256 minDecay, uint256 maxDecay, uint256 maxStepBps
    );

    error GovernorMissing();
    error NotGovernor(address caller, address governor);
    error BoundsInvalid(Bounds bounds);
    error FloorTooLow(uint256 floor, uint256 minFloor);
    error CapTooHigh(uint256 cap, uint256 maxCap);
    error DecayOutOfBounds(uint256 decay, uint256 minDecay, uint256 maxDecay);
    error StepTooLarge(uint256 from, uint256 to, uint256 maxStepBps);
    error WorksOutOfRange(uint256 works, uint256 maxWorks);
    error StartTooLate(uint256 startTime, uint256 latest);
    error NoDrop(uint256 dropId);
    error NotSellerOfDrop(uint256 dropId, address caller, address seller);
    error NotInDrop(uint256 dropId, uint256 tokenId);
    error DropNotStarted(uint256 dropId, uint256 startTime, uint256 time);
    error RepricedTooSoon(uint256 dropId, uint256 nextTime, uint256 time);

    constructor(
        Artwork artwork_,
        Splitter splitter_,
        address feeRecipient_,
        uint256 feeBps_,
        address governor_
    ) Venue(artwork_, splitter_, feeRecipient_, feeBps_, KIND_DROP) {
        if (governor_ == address(0)) revert GovernorMissing();
        governor = governor_;
        _setBounds(Bounds(0.0001 ether, 10_000 ether, 0.01e18, 0.9e18, 2_000));
    }

    /// @notice Sets the bounds that later openings and repricings have to keep.
    function setBounds(Bounds calldata bounds_) external {
        if (msg.sender != governor) revert NotGovernor(msg.sender, governor);
        _setBounds(bounds_);
    }

    /// @notice Takes the caller's works and sells them from `startTime` on; a time that has passed is now.
    /// @dev The works must be approved for this contract. About 110,000 gas per work.
    function open(uint256[] calldata tokenIds, Vrgda.Params calldata params, uint64 startTime)
        external
        nonReentrant
        returns (uint256 dropId)
    {
        uint256 works = tokenIds.length;
        if (works == 0 || works > MAX_WORKS) revert WorksOutOfRange(works, MAX_WORKS);
        if (startTime < block.timestamp) startTime = uint64(block.timestamp);
        uint256 latest = block.timestamp + MAX_LEAD;
        if (startTime > latest) revert StartTooLate(startTime, latest);
        _requireInBounds(params);
        dropId = ++dropCount;
        // Exact casts: neither is larger than its bound.
        // forge-lint: disable-next-line(unsafe-typecast)
        _drops[dropId] = Drop(msg.sender, uint40(startTime), 0, 0, uint8(works), params);
        emit DropOpened(dropId, msg.sender, works, startTime);
        _announce(dropId, params);
        for (uint256 i; i < works; ++i) {
            _takeIn(dropId, tokenIds[i], params.start);
        }
    }

    /// @notice Gives the seller works back that were not sold.
    function takeBack(uint256 dropId, uint256[] calldata tokenIds) external nonReentrant {
        Drop storage drop = _ownDrop(dropId);
        for (uint256 i; i < tokenIds.length; ++i) {
            _remove(drop, dropId, tokenIds[i]);
            emit ListingCancelled(tokenIds[i], msg.sender);
            artwork.transferFrom(address(this), msg.sender, tokenIds[i]);
        }
    }

    /// @notice Changes the price of the seller's drop, at most once a day: neither the start price nor the price of
    /// this moment may move by more than the governed step.
    function reprice(uint256 dropId, Vrgda.Params calldata params) external nonReentrant {
        Drop storage drop = _ownDrop(dropId);
        uint256 next = drop.repricedAt == 0 ? 0 : drop.repricedAt + REPRICING_PAUSE;
        if (block.timestamp < next) revert RepricedTooSoon(dropId, next, block.timestamp);
        _requireInBounds(params);
        _requireStep(drop.params.start, params.start, 0);
        uint256 before = _priceOf(drop);
        // Seconds fit 40 bits for 34,000 years.
        // forge-lint: disable-next-line(unsafe-typecast)
        (drop.params, drop.repricedAt) = (params, uint40(block.timestamp));
        _requireStep(before, _priceOf(drop), ROUNDING);
        _announce(dropId, params);
    }

    /// @notice Buys a work of a drop for `recipient` (zero: the caller) if it costs at most `maxPrice`.
    /// @dev What was sent above the price comes back as a `Paid` leg of role 3.
    function buy(uint256 dropId, uint256 tokenId, uint256 maxPrice, address recipient)
        external
        payable
        nonReentrant
    {
        Drop storage drop = _dropAt(dropId);
        if (block.timestamp < drop.startTime) {
            revert DropNotStarted(dropId, drop.startTime, block.timestamp);
        }
        uint256 price = _priceOf(drop);
        _remove(drop, dropId, tokenId);
        ++drop.sold;
        _sellNow(Sale(tokenId, address(this), drop.seller, recipient, price), maxPrice);
    }

    /// @notice Wei of the next work of a drop, at this second; before its start what the first will cost.
    function priceOf(uint256 dropId) external view returns (uint256) {
        return _priceOf(_dropAt(dropId));
    }

    /// @notice A drop as it stands.
    function dropOf(uint256 dropId) external view returns (Drop memory) {
        return _dropAt(dropId);
    }

    function _setBounds(Bounds memory b) private {
        bool prices = b.minFloor > 0 && b.minFloor <= b.maxCap;
        bool decays =
            b.minDecay >= Vrgda.MIN_DECAY && b.minDecay <= b.maxDecay && b.maxDecay <= Vrgda.MAX_DECAY;
        if (!prices || !decays || b.maxStepBps > ALL_BPS) revert BoundsInvalid(b);
        bounds = b;
        emit PriceBoundsSet(b.minFloor, b.maxCap, b.minDecay, b.maxDecay, b.maxStepBps);
    }

    /// @dev A work that is named twice belongs to this contract the second time, and the transfer reverts.
    function _takeIn(uint256 dropId, uint256 tokenId, uint256 start) private {
        dropOfToken[tokenId] = dropId;
        emit Dropped(dropId, tokenId);
        emit Listed(tokenId, msg.sender, KIND_DROP, start, 0);
        artwork.transferFrom(msg.sender, address(this), tokenId);
    }

    function _remove(Drop storage drop, uint256 dropId, uint256 tokenId) private {
        if (dropOfToken[tokenId] != dropId) revert NotInDrop(dropId, tokenId);
        delete dropOfToken[tokenId];
        --drop.left;
    }

    function _announce(uint256 dropId, Vrgda.Params calldata params) private {
        emit PriceParamsSet(
            dropId, int256(uint256(params.start)), int256(uint256(params.decay)), int256(uint256(params.rate))
        );
        emit PriceRangeSet(dropId, params.floor, params.cap);
    }

    function _requireInBounds(Vrgda.Params calldata params) private view {
        Vrgda.requireValid(params);
        Bounds memory b = bounds;
        if (params.floor < b.minFloor) revert FloorTooLow(params.floor, b.minFloor);
        if (params.cap > b.maxCap) revert CapTooHigh(params.cap, b.maxCap);
        if (params.decay < b.minDecay || params.decay > b.maxDecay) {
            revert DecayOutOfBounds(params.decay, b.minDecay, b.maxDecay);
        }
    }

    function _requireStep(uint256 from, uint256 to, uint256 rounding) private view {
        uint256 step = to > from ? to - from : from - to;
        uint256 most = (from * bounds.maxStepBps) / ALL_BPS + rounding;
        if (step > most) revert StepTooLarge(from, to, bounds.maxStepBps);
    }

    function _ownDrop(uint256 dropId) private view returns (Drop storage drop) {
        drop = _dropAt(dropId);
        if (drop.seller != msg.sender) revert NotSellerOfDrop(dropId, msg.sender, drop.seller);
    }

    function _dropAt(uint256 dropId) private view returns (Drop storage drop) {
        drop = _drops[dropId];
        if (drop.seller == address(0)) revert NoDrop(dropId);
    }

    function _priceOf(Drop storage drop) private view returns (uint256) {
        uint256 start = drop.startTime;
        uint256 elapsed = block.timestamp > start ? block.timestamp - start : 0;
        // forge-lint: disable-next-line(unsafe-typecast)
        return Vrgda.price(drop.params, drop.sold, uint64(elapsed));
    }
}
