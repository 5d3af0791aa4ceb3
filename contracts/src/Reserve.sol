// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Dividends} from "./Dividends.sol";

/// @title Shares whose holders say together at what price the work may be bought out.
/// @notice A vote names a price and locks the shares that stand behind it: they cannot be given away, hence not
/// vote twice. The reserve is the mean of the prices, each with the weight of its locked shares.
/// @dev A vote must lie between a fifth and five times of what *everybody else* says, where shares that do not vote
/// say the valuation at which the vault was opened. So nobody can name an absurd price, and a handful of shares
/// cannot shift what the others may say; but the holders together can go anywhere, in some rounds.
abstract contract Reserve is Dividends {
    /// @dev `Open`: votes count; `Buyout`: bids count and votes stand still; `Over`: the work is gone.
    enum Phase {
        Open,
        Buyout,
        Over
    }

    struct Vote {
        uint128 price;
        uint128 shares;
    }

    /// @notice How many times what the others say a vote may be, at most, and which part of it, at least.
    uint256 public constant VOTE_RANGE = 5;

    /// @notice Price in wei for the whole work at which the vault was opened; no sale before was dearer.
    uint256 public immutable valuation;

    /// @notice What can be done now.
    Phase public phase;

    /// @notice Shares behind all votes.
    uint256 public lockedShares;

    /// @notice The price in wei that a holder named for the whole work, and the shares locked behind it.
    mapping(address voter => Vote) public voteOf;

    uint256 private _sharesTimesPrice;

    /// @notice `voter` names `price` for the whole work with `shares` locked; it replaces their earlier vote. Zeros:
    /// the vote was taken back.
    event ReserveVote(address indexed vault, address indexed voter, uint256 price, uint256 shares);

    error WrongPhase(Phase phase, Phase needed);
    error VotedSharesOutOfRange(uint256 shares, uint256 balance);
    error VotePriceOutOfRange(uint256 price, uint256 least, uint256 most);
    error NoVote(address voter);
    error SharesLocked(address holder, uint256 locked, uint256 balance);

    constructor(
        string memory name_,
        string memory symbol_,
        address holder,
        uint256 supply,
        uint256 valuation_
    ) Dividends(name_, symbol_, holder, supply) {
        valuation = valuation_;
    }

    /// @notice Names a price in wei for the whole work and locks `shares` of the caller's behind it.
    function vote(uint256 price, uint256 shares) external {
        _require(Phase.Open);
        uint256 balance = balanceOf(msg.sender);
        if (shares == 0 || shares > balance) revert VotedSharesOutOfRange(shares, balance);
        (uint256 least, uint256 most) = voteBounds(msg.sender, shares);
        if (price < least || price > most) revert VotePriceOutOfRange(price, least, most);
        // Exact: `most` and the supply are below 2^128.
        // forge-lint: disable-next-line(unsafe-typecast)
        _replace(Vote(uint128(price), uint128(shares)));
    }

    /// @notice Takes the caller's vote back and frees the shares behind it.
    function unvote() external {
        _require(Phase.Open);
        if (voteOf[msg.sender].shares == 0) revert NoVote(msg.sender);
        _replace(Vote(0, 0));
    }

    /// @notice Wei that the work may be bought out for: the mean of the votes by shares, rounded up; 0 without any.
    function reserve() public view returns (uint256) {
        uint256 locked = lockedShares;
        return locked == 0 ? 0 : _divideUp(_sharesTimesPrice, locked);
    }

    /// @notice Lowest and highest price that `voter` may name with `shares` now.
    function voteBounds(address voter, uint256 shares) public view returns (uint256 least, uint256 most) {
        Vote memory own = voteOf[voter];
        uint256 others = issued - shares;
        uint256 said = valuation;
        if (others != 0) {
            uint256 silent = others - (lockedShares - own.shares);
            uint256 voted = _sharesTimesPrice - uint256(own.price) * own.shares;
            said = (voted + silent * valuation) / others;
        }
        least = _divideUp(said, VOTE_RANGE);
        most = said * VOTE_RANGE;
        if (most > type(uint128).max) most = type(uint128).max;
    }

    /// @dev Locked shares stay with their holder, who keeps their dividends; the lock ends when the work is gone.
    function _update(address from, address to, uint256 shares) internal virtual override {
        uint256 locked = voteOf[from].shares;
        if (locked != 0 && phase != Phase.Over) {
            uint256 balance = balanceOf(from);
            if (shares + locked > balance) revert SharesLocked(from, locked, balance);
        }
        super._update(from, to, shares);
    }

    function _require(Phase needed) internal view {
        if (phase != needed) revert WrongPhase(phase, needed);
    }

    function _divideUp(uint256 a, uint256 b) internal pure returns (uint256) {
        return (a + b - 1) / b;
    }

    function _replace(Vote memory next) private {
        Vote memory last = voteOf[msg.sender];
        lockedShares = lockedShares - last.shares + next.shares;
        _sharesTimesPrice =
            _sharesTimesPrice - uint256(last.price) * last.shares + uint256(next.price) * next.shares;
        voteOf[msg.sender] = next;
        emit ReserveVote(address(this), msg.sender, next.price, next.shares);
    }
}
