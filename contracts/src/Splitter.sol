// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @notice What the Splitter asks of the contract of the works; reverts for a token that was never minted.
interface ICreators {
    function creatorOf(uint256 tokenId) external view returns (address);
}

/// @title Receiver of royalties: divides them, work by work, among those who made the work possible.
/// @notice A work's split names its payees (creator, model, data, the creators of its parents, treasury) with
/// shares that add up to 10,000 basis points. It is set once; afterwards a payee may hand on their own place and
/// nobody can touch another's. Every payment is divided when it arrives, hence by the split of that moment, and
/// waits until it is fetched: a payee who cannot be paid keeps nobody waiting.
/// @dev Until a split is set, the creator has the whole. Token 0, which is never minted, is the treasury's and
/// takes what says no token: plain ETH, and ERC-20 tokens sent without a call, once somebody calls `collect`.
/// Each currency has books of its own, so that a hostile token can only spoil its own. No owner, no approvals.
contract Splitter is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice One place in a split; `count`, in the first one only, is how many there are. A slot each.
    struct Seat {
        address payee;
        uint16 bps;
        uint8 count;
    }

    /// @notice The currency that stands for the chain's native coin.
    address public constant ETH = address(0);

    /// @notice The token of payments that name none.
    uint256 public constant UNATTRIBUTED = 0;

    /// @notice Most places in a split: creator, model, data, treasury and eight parents.
    uint256 public constant MAX_SEATS = 12;

    /// @notice `source` of a payment that does not say where it comes from. The others, as their payer claims them:
    /// 1 primary sale, 2 resale, 3 auction, 4 fractionalization, 5 buyout, 6 loan.
    uint8 public constant SOURCE_UNSTATED = 0;

    uint16 private constant ALL_BPS = 10_000;

    /// @notice Whose works these are.
    ICreators public immutable artwork;

    /// @notice What a payee can fetch, in the smallest unit of the currency.
    mapping(uint256 tokenId => mapping(address currency => mapping(address payee => uint256))) public
        releasable;

    /// @notice What a token received since its split was set, dust included. Only ever grows.
    mapping(uint256 tokenId => mapping(address currency => uint256)) public received;

    /// @notice All that is booked in a currency and was not fetched: every `releasable` and the dust.
    mapping(address currency => uint256) public held;

    mapping(uint256 tokenId => Seat[MAX_SEATS]) private _seats;

    /// @notice The split in force for later payments; emitted when it is set and when a place is handed on.
    event SplitSet(uint256 indexed tokenId, address[] payees, uint16[] bps);

    /// @notice ETH arrived for a token. `payer` is 0 when it was found by `collect`.
    event RoyaltyReceived(
        uint256 indexed tokenId, address indexed payer, uint256 amount, uint8 indexed source
    );

    /// @notice ETH of a payee went out.
    event RoyaltyReleased(uint256 indexed tokenId, address indexed payee, uint256 amount);

    /// @notice ERC-20 tokens arrived for a token: `amount` is what really came.
    event RoyaltyTokenReceived(
        uint256 indexed tokenId, address indexed payer, address indexed currency, uint256 amount, uint8 source
    );

    /// @notice ERC-20 tokens of a payee went out.
    event RoyaltyTokenReleased(
        uint256 indexed tokenId, address indexed payee, address indexed currency, uint256 amount
    );

    error NotCreator(uint256 tokenId, address caller, address creator);
    error SplitAlreadySet(uint256 tokenId);
    error SeatCountOutOfRange(uint256 payees, uint256 shares, uint256 most);
    error PayeeInvalid(address payee);
    error ShareMissing(uint256 seat);
    error SharesNotWhole(uint256 sumBps);
    error NotPayee(uint256 tokenId, uint256 seat, address caller);
    error NothingToRelease(address payee, address currency);
    error ReleaseRefused(address to, uint256 amount);

    /// @param artwork_ May not be deployed yet: it is asked only about tokens that have no split.
    constructor(ICreators artwork_, address treasury) {
        artwork = artwork_;
        _checkPayee(treasury);
        _seats[UNATTRIBUTED][0] = Seat(treasury, ALL_BPS, 1);
        _announce(UNATTRIBUTED);
    }

    /// @notice Takes ETH that names no token, as other markets pay it, for the treasury.
    receive() external payable {
        _receiveEth(UNATTRIBUTED, SOURCE_UNSTATED);
    }

    /// @notice Sets the split of a work, once: by the contract of the works, or by the work's creator.
    /// @dev What the creator was paid before stays theirs.
    function setSplit(uint256 tokenId, address[] calldata payees, uint16[] calldata bps) external {
        Seat[MAX_SEATS] storage seats = _seats[tokenId];
        if (seats[0].count != 0) revert SplitAlreadySet(tokenId);
        if (msg.sender != address(artwork)) {
            address creator = artwork.creatorOf(tokenId);
            if (msg.sender != creator) revert NotCreator(tokenId, msg.sender, creator);
        }
        if (payees.length == 0 || payees.length > MAX_SEATS || payees.length != bps.length) {
            revert SeatCountOutOfRange(payees.length, bps.length, MAX_SEATS);
        }
        uint256 sumBps;
        for (uint256 i; i < payees.length; ++i) {
            _checkPayee(payees[i]);
            if (bps[i] == 0) revert ShareMissing(i);
            sumBps += bps[i];
            // At most 12 fit.
            // forge-lint: disable-next-line(unsafe-typecast)
            seats[i] = Seat(payees[i], bps[i], i == 0 ? uint8(payees.length) : 0);
        }
        if (sumBps != ALL_BPS) revert SharesNotWhole(sumBps);
        emit SplitSet(tokenId, payees, bps);
    }

    /// @notice Hands the caller's place in a split on to another; what it was credited so far stays the caller's.
    function reassign(uint256 tokenId, uint256 seat, address payee) external {
        Seat[MAX_SEATS] storage seats = _seats[tokenId];
        if (seat >= seats[0].count || seats[seat].payee != msg.sender) {
            revert NotPayee(tokenId, seat, msg.sender);
        }
        _checkPayee(payee);
        seats[seat].payee = payee;
        _announce(tokenId);
    }

    /// @notice Takes ETH for a token. Does nothing, and emits nothing, for zero.
    function receiveRoyalty(uint256 tokenId, uint8 source) external payable {
        _receiveEth(tokenId, source);
    }

    /// @notice Takes up to `amount` of an ERC-20 token from the caller, who approved it, and returns what came.
    /// @dev Books what the balance grew by, so that a token that keeps a fee for itself promises nothing too much.
    function receiveRoyaltyToken(uint256 tokenId, IERC20 currency, uint256 amount, uint8 source)
        external
        nonReentrant
        returns (uint256 arrived)
    {
        uint256 before = currency.balanceOf(address(this));
        currency.safeTransferFrom(msg.sender, address(this), amount);
        arrived = currency.balanceOf(address(this)) - before;
        if (arrived == 0) return 0;
        _credit(tokenId, address(currency), arrived);
        emit RoyaltyTokenReceived(tokenId, msg.sender, address(currency), arrived, source);
    }

    /// @notice Books for the treasury what lies here in a currency and belongs to nobody: tokens sent without a
    /// call, forced ETH, what a rebasing token added. Anybody may call it.
    function collect(address currency) external nonReentrant returns (uint256 found) {
        uint256 balance = currency == ETH ? address(this).balance : IERC20(currency).balanceOf(address(this));
        uint256 booked = held[currency];
        if (balance <= booked) return 0;
        found = balance - booked;
        _credit(UNATTRIBUTED, currency, found);
        if (currency == ETH) emit RoyaltyReceived(UNATTRIBUTED, address(0), found, SOURCE_UNSTATED);
        else emit RoyaltyTokenReceived(UNATTRIBUTED, address(0), currency, found, SOURCE_UNSTATED);
    }

    /// @notice Sends a payee what waits for them from these works in one currency. Anybody may call it.
    function release(uint256[] calldata tokenIds, address currency, address payee)
        external
        returns (uint256 amount)
    {
        return _release(tokenIds, currency, payee, payee);
    }

    /// @notice Sends `to` what waits for the caller: the way out for a payee who cannot receive the currency.
    function releaseTo(uint256[] calldata tokenIds, address currency, address to)
        external
        returns (uint256 amount)
    {
        _checkPayee(to);
        return _release(tokenIds, currency, msg.sender, to);
    }

    /// @notice The split of a work in force, empty before it is set.
    function splitOf(uint256 tokenId) public view returns (address[] memory payees, uint16[] memory bps) {
        Seat[MAX_SEATS] storage seats = _seats[tokenId];
        uint256 count = seats[0].count;
        (payees, bps) = (new address[](count), new uint16[](count));
        for (uint256 i; i < payees.length; ++i) {
            (payees[i], bps[i]) = (seats[i].payee, seats[i].bps);
        }
    }

    /// @notice What a token received and could not divide yet: less than one unit per place.
    function dust(uint256 tokenId, address currency) external view returns (uint256 undivided) {
        Seat[MAX_SEATS] storage seats = _seats[tokenId];
        uint256 count = seats[0].count;
        uint256 total = received[tokenId][currency];
        undivided = total;
        for (uint256 i; i < count; ++i) {
            undivided -= _share(total, seats[i].bps);
        }
    }

    function _receiveEth(uint256 tokenId, uint8 source) private nonReentrant {
        if (msg.value == 0) return;
        _credit(tokenId, ETH, msg.value);
        emit RoyaltyReceived(tokenId, msg.sender, msg.value, source);
    }

    /// @dev Each place is owed its share of all that the token ever received, rounded down once: what one payment
    /// could not divide, a later one completes, and no order of payments gains or loses anybody a unit.
    function _credit(uint256 tokenId, address currency, uint256 amount) private {
        held[currency] += amount;
        Seat[MAX_SEATS] storage seats = _seats[tokenId];
        uint256 count = seats[0].count;
        if (count == 0) {
            releasable[tokenId][currency][artwork.creatorOf(tokenId)] += amount;
            return;
        }
        uint256 before = received[tokenId][currency];
        uint256 total = before + amount;
        received[tokenId][currency] = total;
        for (uint256 i; i < count; ++i) {
            Seat memory seat = seats[i];
            uint256 part = _share(total, seat.bps) - _share(before, seat.bps);
            if (part != 0) releasable[tokenId][currency][seat.payee] += part;
        }
    }

    function _release(uint256[] calldata tokenIds, address currency, address payee, address to)
        private
        nonReentrant
        returns (uint256 amount)
    {
        for (uint256 i; i < tokenIds.length; ++i) {
            uint256 part = releasable[tokenIds[i]][currency][payee];
            if (part == 0) continue;
            releasable[tokenIds[i]][currency][payee] = 0;
            amount += part;
            if (currency == ETH) emit RoyaltyReleased(tokenIds[i], payee, part);
            else emit RoyaltyTokenReleased(tokenIds[i], payee, currency, part);
        }
        if (amount == 0) revert NothingToRelease(payee, currency);
        held[currency] -= amount;
        if (currency != ETH) {
            IERC20(currency).safeTransfer(to, amount);
            return amount;
        }
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert ReleaseRefused(to, amount);
    }

    function _announce(uint256 tokenId) private {
        (address[] memory payees, uint16[] memory bps) = splitOf(tokenId);
        emit SplitSet(tokenId, payees, bps);
    }

    /// @dev Money that the Splitter owed to itself could never leave.
    function _checkPayee(address payee) private view {
        if (payee == address(0) || payee == address(this)) revert PayeeInvalid(payee);
    }

    function _share(uint256 total, uint16 bps) private pure returns (uint256) {
        return (total * bps) / ALL_BPS;
    }
}
