// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";
import {Dividends} from "./Dividends.sol";
import {Payouts} from "./Payouts.sol";
import {Reserve} from "./Reserve.sol";
import {Royalties} from "./Royalties.sol";
import {Splitter} from "./Splitter.sol";

/// @title One work held for the holders of a fixed number of shares, until somebody buys it out.
/// @notice Shares are minted once. Whoever bids the reserve that the holders voted opens an auction of the work;
/// what the winner pays, less the royalty, is frozen for the holders, who fetch their part by burning their shares.
/// Who has 95 % of the shares may take the work by paying the others at once.
/// @dev Only a vault announced by a `VaultOpened` of the project's factory is known to hold its work. No
/// delegatecall and no call but to its Artwork, its Splitter and payees. Every amount is booked, never read from a
/// balance: forced ETH changes nothing, and other ETH than bids and dividends is refused.
contract Vault is Reserve, Payouts {
    /// @notice What a vault is opened with; `treasury` gets what redemptions round down.
    struct Holding {
        Artwork artwork;
        Splitter splitter;
        address treasury;
        uint256 tokenId;
        address curator;
        uint256 valuation;
    }

    /// @notice The highest bid in wei, whose it is, and the last second in which it can be outbid.
    struct Buyout {
        address bidder;
        uint64 endTime;
        uint256 amount;
    }

    /// @notice Part of all shares that must be locked behind votes for a buyout to start.
    uint256 public constant QUORUM_BPS = 5_000;

    /// @notice Lowest bid: one that no part of a share can round to nothing.
    uint256 public constant MIN_BUYOUT = 0.001 ether;

    /// @notice Seconds from the first bid to the end, unless late bids extend it.
    uint256 public constant BUYOUT_DURATION = 7 days;

    /// @notice A bid leaves others at least these seconds.
    uint256 public constant EXTENSION = 15 minutes;

    /// @notice A bid is at least this much more than the last one, in basis points.
    uint256 public constant STEP_BPS = 500;

    /// @notice Part of all shares that lets their holder take the work out.
    uint256 public constant TAKE_OUT_BPS = 9_500;

    /// @notice `role` of who was outbid.
    uint8 public constant ROLE_OUTBID = 6;

    /// @notice `role` of the treasury that gets what redemptions rounded down.
    uint8 public constant ROLE_TREASURY = 7;

    /// @notice `source` of the royalty of a buyout.
    uint8 public constant SOURCE_BUYOUT = 5;

    uint256 private constant ALL_BPS = 10_000;

    /// @notice The contract of the work held.
    Artwork public immutable artwork;

    /// @notice Who receives the royalty.
    Splitter public immutable splitter;

    /// @notice Who gets what redemptions round down.
    address public immutable treasury;

    /// @notice The work held.
    uint256 public immutable tokenId;

    /// @notice Who brought the work in and got all shares.
    address public immutable curator;

    /// @notice The auction of the work; zeros before the first bid.
    Buyout public buyout;

    /// @notice Wei that `claimShares` shares divide since the work is gone.
    uint256 public proceeds;

    /// @notice Shares that divide the proceeds: those that existed when they were frozen.
    uint256 public claimShares;

    /// @notice Wei of the proceeds that were fetched or rounded down so far.
    uint256 public redeemed;

    /// @notice Somebody bid at least the reserve. `endTime` is the last second to bid from now on.
    event BuyoutStarted(address indexed vault, address indexed bidder, uint256 amount, uint64 endTime);

    /// @notice `bidder` leads. `endTime` is the last second to bid from now on.
    event BuyoutBid(address indexed vault, address indexed bidder, uint256 amount, uint64 endTime);

    /// @notice The work went to `winner`; `amount - royalty` is the holders'. Also for `takeOut`, with what was
    /// paid for the missing shares.
    event BuyoutSettled(address indexed vault, address indexed winner, uint256 amount, uint256 royalty);

    /// @notice `holder` burned `shares` for `amountWei`; 0 for the shares that `takeOut` burns.
    event SharesRedeemed(address indexed vault, address indexed holder, uint256 shares, uint256 amountWei);

    error QuorumMissing(uint256 lockedShares, uint256 needed);
    error BidTooLow(uint256 sent, uint256 least);
    error BuyoutEnded(uint256 endTime, uint256 time);
    error BuyoutRunning(uint256 endTime, uint256 time);
    error TooFewShares(address holder, uint256 shares, uint256 needed);
    error TakeOutUnpaid(uint256 sent, uint256 due);
    error NothingToRedeem(address holder);
    error RedemptionRefused(address to, uint256 amount);

    constructor(Holding memory held, string memory name_, string memory symbol_, uint256 supply)
        Reserve(name_, symbol_, held.curator, supply, held.valuation)
    {
        (artwork, splitter, treasury) = (held.artwork, held.splitter, held.treasury);
        (tokenId, curator) = (held.tokenId, held.curator);
    }

    /// @notice Opens the auction of the work with what is sent, at least `leastBid`.
    function startBuyout() external payable nonReentrant {
        _require(Phase.Open);
        uint256 needed = _divideUp(issued * QUORUM_BPS, ALL_BPS);
        if (lockedShares < needed) revert QuorumMissing(lockedShares, needed);
        _checkBid();
        // Exact: seconds fit 64 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 endTime = uint64(block.timestamp + BUYOUT_DURATION);
        phase = Phase.Buyout;
        buyout = Buyout(msg.sender, endTime, msg.value);
        emit BuyoutStarted(address(this), msg.sender, msg.value, endTime);
    }

    /// @notice Bids what is sent, until the end second inclusive. The bidder before is credited with their bid.
    function bid() external payable nonReentrant {
        _require(Phase.Buyout);
        Buyout memory last = buyout;
        if (block.timestamp > last.endTime) revert BuyoutEnded(last.endTime, block.timestamp);
        _checkBid();
        uint64 endTime = last.endTime;
        // forge-lint: disable-next-line(unsafe-typecast)
        if (endTime - block.timestamp < EXTENSION) endTime = uint64(block.timestamp + EXTENSION);
        buyout = Buyout(msg.sender, endTime, msg.value);
        refunds[last.bidder] += last.amount;
        emit Paid(tokenId, last.bidder, ROLE_OUTBID, last.amount, true);
        emit BuyoutBid(address(this), msg.sender, msg.value, endTime);
    }

    /// @notice Ends the auction from the second after its end on; anybody may. The work goes to the highest bidder.
    function settle() external nonReentrant {
        _require(Phase.Buyout);
        Buyout memory last = buyout;
        if (block.timestamp <= last.endTime) revert BuyoutRunning(last.endTime, block.timestamp);
        _handOver(last.bidder, last.amount, issued);
    }

    /// @notice Gives the work to a holder of at least 95 % of the shares, who sends at least `takeOutPrice` for the
    /// others'; the rest comes back. The holder of all shares pays nothing.
    function takeOut() external payable nonReentrant {
        _require(Phase.Open);
        uint256 shares = balanceOf(msg.sender);
        uint256 needed = _divideUp(issued * TAKE_OUT_BPS, ALL_BPS);
        if (shares < needed) revert TooFewShares(msg.sender, shares, needed);
        uint256 due = takeOutPrice(msg.sender);
        if (msg.value < due) revert TakeOutUnpaid(msg.value, due);
        _handOver(msg.sender, due, issued - shares);
        _burn(msg.sender, shares);
        emit SharesRedeemed(address(this), msg.sender, shares, 0);
        _pay(tokenId, msg.sender, ROLE_REFUND, msg.value - due);
    }

    /// @notice Burns the caller's shares and sends the caller their part of the proceeds.
    function redeem() external returns (uint256 amount) {
        return _redeem(msg.sender);
    }

    /// @notice The same, sent to `to`: the way out for a holder that cannot receive ETH.
    function redeemTo(address to) external returns (uint256 amount) {
        return _redeem(to);
    }

    /// @inheritdoc Dividends
    function distribute() public payable override {
        if (phase == Phase.Over) revert WrongPhase(phase, Phase.Open);
        super.distribute();
    }

    /// @notice Wei of the lowest bid that would be taken next, by `startBuyout` or by `bid`.
    function leastBid() public view returns (uint256) {
        if (phase == Phase.Open) return _max(reserve(), MIN_BUYOUT);
        return buyout.amount + _divideUp(buyout.amount * STEP_BPS, ALL_BPS);
    }

    /// @notice Wei that `holder` would have to pay to take the work out: the others' part of the reserve or, if it is
    /// more, of the valuation.
    function takeOutPrice(address holder) public view returns (uint256) {
        return _divideUp(_max(reserve(), valuation) * (issued - balanceOf(holder)), issued);
    }

    /// @notice Wei that `holder` would get for their shares: 0 as long as the work is here.
    function redemptionOf(address holder) public view returns (uint256) {
        return claimShares == 0 ? 0 : (proceeds * balanceOf(holder)) / claimShares;
    }

    /// @notice Wei that a buyout brought for the whole work; 0 before it is settled, and after `takeOut`.
    function soldFor() external view returns (uint256) {
        return phase == Phase.Over ? buyout.amount : 0;
    }

    /// @dev No step runs foreign code: `transferFrom` has no receiver hook, and the Splitter only books.
    function _handOver(address winner, uint256 amount, uint256 shares) private {
        uint256 royalty = Royalties.due(artwork, tokenId, amount);
        phase = Phase.Over;
        (proceeds, claimShares) = (amount - royalty, shares);
        emit BuyoutSettled(address(this), winner, amount, royalty);
        artwork.transferFrom(address(this), winner, tokenId);
        _payRoyalty(splitter, tokenId, royalty, SOURCE_BUYOUT);
    }

    /// @dev The part of the last shares is rounded down like all others; then what is left is the treasury's.
    function _redeem(address to) private nonReentrant returns (uint256 amount) {
        _require(Phase.Over);
        uint256 shares = balanceOf(msg.sender);
        if (shares == 0) revert NothingToRedeem(msg.sender);
        amount = redemptionOf(msg.sender);
        redeemed += amount;
        _burn(msg.sender, shares);
        emit SharesRedeemed(address(this), msg.sender, shares, amount);
        if (totalSupply() == 0) {
            uint256 dust = proceeds - redeemed;
            redeemed = proceeds;
            _pay(tokenId, treasury, ROLE_TREASURY, dust);
        }
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert RedemptionRefused(to, amount);
    }

    function _checkBid() private view {
        uint256 least = leastBid();
        if (msg.value < least) revert BidTooLow(msg.value, least);
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
