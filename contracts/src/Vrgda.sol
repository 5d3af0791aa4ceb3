// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Linear variable-rate gradual Dutch auction, with a floor and a cap.
/// @notice Sells `rate` works a day: `start * (1 - decay)^(t - n / rate)`, t days after the start, n works sold, kept
/// within floor and cap. Ahead of schedule the price climbs, behind it falls.
/// @dev Formula: transmissions11, "VRGDA", Paradigm, 2022. Within the bounds of `requireValid` no `sold` and no
/// `elapsed` makes a call revert, and the price never falls with `sold` nor climbs with `elapsed`.
library Vrgda {
    /// @notice Prices in wei; `decay` is the part of the price lost in a day without sales, `rate` the works sold in
    /// a day on schedule, both times 10^18. Two storage slots.
    struct Params {
        uint96 start;
        uint96 floor;
        uint64 decay;
        uint96 cap;
        uint96 rate;
    }

    /// @notice Smallest decay, 0.1 % a day: with less, 18 decimals of its logarithm would show in the price.
    uint256 internal constant MIN_DECAY = 1e15;

    /// @notice Largest decay, 99 % a day.
    uint256 internal constant MAX_DECAY = 0.99e18;

    /// @notice Slowest sale: a work in a million days.
    uint256 internal constant MIN_RATE = 1e12;

    /// @notice Fastest sale: a million works a day.
    uint256 internal constant MAX_RATE = 1e24;

    uint256 private constant WAD = 1e18;
    uint256 private constant DAY = 86_400;

    /// @dev e^67 > 2^96: so far off schedule, any start price from 1 to 2^96 - 1 leaves that range, and the clamp
    /// decides. `expWad` could go on to 135.3 and reverts there.
    uint256 private constant DECISIVE = 67e18;

    error DecayOutOfRange(uint256 decay, uint256 minDecay, uint256 maxDecay);
    error RateOutOfRange(uint256 rate, uint256 minRate, uint256 maxRate);
    error PricesOutOfOrder(uint256 floor, uint256 start, uint256 cap);

    /// @notice Refuses parameters outside the bounds: for whoever stores them, once.
    function requireValid(Params memory p) internal pure {
        if (p.decay < MIN_DECAY || p.decay > MAX_DECAY) {
            revert DecayOutOfRange(p.decay, MIN_DECAY, MAX_DECAY);
        }
        if (p.rate < MIN_RATE || p.rate > MAX_RATE) revert RateOutOfRange(p.rate, MIN_RATE, MAX_RATE);
        if (p.floor == 0 || p.floor > p.start || p.start > p.cap) {
            revert PricesOutOfOrder(p.floor, p.start, p.cap);
        }
    }

    /// @notice Wei of the next work when `sold` were sold in `elapsed` seconds.
    /// @dev Within one wei and one part in 10^12 of the formula. The exponential is always of a positive number: by
    /// it the price is multiplied ahead of schedule, and divided behind it, so that small prices keep all digits
    /// and a sale on schedule costs exactly `start`.
    function price(Params memory p, uint64 sold, uint64 elapsed) internal pure returns (uint256) {
        uint256 scheduled = (uint256(sold) * WAD * WAD) / p.rate;
        uint256 passed = (uint256(elapsed) * WAD) / DAY;
        bool ahead = scheduled > passed;
        uint256 off = ahead ? scheduled - passed : passed - scheduled;
        // Exact casts, here and below: decay < 10^18, and what is off was found to be less than 67 * 10^18.
        // forge-lint: disable-start(unsafe-typecast)
        uint256 perDay = uint256(-FixedPointMathLib.lnWad(int256(WAD - p.decay)));
        off = (off * perDay) / WAD;
        if (off >= DECISIVE) return ahead ? p.cap : p.floor;
        uint256 factor = uint256(FixedPointMathLib.expWad(int256(off)));
        // forge-lint: disable-end(unsafe-typecast)
        if (!ahead) return FixedPointMathLib.max(p.floor, (p.start * WAD) / factor);
        return FixedPointMathLib.min(p.cap, (p.start * factor) / WAD);
    }

    /// @notice Wei of the next `count` works bought together: what they would cost one after the other in the same
    /// second. The clamps leave no closed form, so it takes about 2,500 gas per work: callers bound `count`.
    function priceOfMany(Params memory p, uint64 sold, uint64 elapsed, uint64 count)
        internal
        pure
        returns (uint256 sum)
    {
        for (uint64 i; i < count; ++i) {
            sum += price(p, sold + i, elapsed);
        }
    }
}
