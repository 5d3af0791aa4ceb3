// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Vrgda} from "../src/Vrgda.sol";

/// @dev The library's internal functions, made callable: for forge and for tests/contracts/test_vrgda.py.
contract VrgdaHarness {
    function requireValid(Vrgda.Params memory p) external pure {
        Vrgda.requireValid(p);
    }

    function price(Vrgda.Params memory p, uint64 sold, uint64 elapsed) external pure returns (uint256) {
        return Vrgda.price(p, sold, elapsed);
    }

    function priceOfMany(Vrgda.Params memory p, uint64 sold, uint64 elapsed, uint64 count)
        external
        pure
        returns (uint256)
    {
        return Vrgda.priceOfMany(p, sold, elapsed, count);
    }

    /// @dev One parameter set, many moments, in one call.
    function prices(Vrgda.Params memory p, uint64[] memory sold, uint64[] memory elapsed)
        external
        pure
        returns (uint256[] memory answers)
    {
        answers = new uint256[](sold.length);
        for (uint256 i; i < sold.length; ++i) {
            answers[i] = Vrgda.price(p, sold[i], elapsed[i]);
        }
    }
}
