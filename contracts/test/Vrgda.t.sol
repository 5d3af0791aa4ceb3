// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Vrgda} from "../src/Vrgda.sol";
import {Vm} from "./Base.sol";
import {VrgdaHarness} from "./VrgdaHarness.sol";

contract VrgdaTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    VrgdaHarness private house;

    function setUp() public {
        house = new VrgdaHarness();
    }

    // -- Known prices --------------------------------------------------------------------------

    function testPriceOnScheduleIsTheStartPriceExactly() public view {
        Vrgda.Params memory p = _usual();
        _equal(house.price(p, 0, 0), 1 ether, "first second");
        _equal(house.price(p, 2, 1 days), 1 ether, "two a day, after one");
        _equal(house.price(p, 2_000_000, 1_000_000 days), 1 ether, "after a million");
        p.start = p.cap = type(uint96).max;
        _equal(house.price(p, 2, 1 days), type(uint96).max, "the largest too");
    }

    function testADayBehindLosesTheDecayAndADayAheadGainsItsInverse() public view {
        Vrgda.Params memory p = _usual();
        _near(house.price(p, 0, 1 days), 0.7 ether);
        _near(house.price(p, 0, 2 days), 0.49 ether);
        _near(house.price(p, 2, 0), uint256(1 ether) * 10 / 7);
        _near(house.price(p, 4, 0), uint256(1 ether) * 100 / 49);
        _near(house.price(p, 3, 1 days), 1_195_228_609_334_393_640); // 0.7^-0.5
    }

    function testPriceStaysWithinFloorAndCap() public view {
        Vrgda.Params memory p = _usual();
        p.floor = 0.5 ether;
        p.cap = 2 ether;
        _near(house.price(p, 0, 1 days), 0.7 ether);
        _equal(house.price(p, 0, 2 days), 0.5 ether, "0.49 is below");
        _near(house.price(p, 3, 0), 1_707_469_441_906_276_629); // 0.7^-1.5
        _equal(house.price(p, 4, 0), 2 ether, "2.04 is above");
    }

    // -- Findings ------------------------------------------------------------------------------

    function testEscherH02NoMomentMakesThePriceRevert() public view {
        Vrgda.Params[4] memory corners = _corners();
        uint64[7] memory moments =
            [0, 1, 86_400, 379 * 86_400, uint64(type(uint32).max), 2 ** 63, type(uint64).max];
        for (uint256 i; i < corners.length; ++i) {
            for (uint256 j; j < moments.length; ++j) {
                for (uint256 k; k < moments.length; ++k) {
                    uint256 price = house.price(corners[i], moments[j], moments[k]);
                    require(price >= corners[i].floor && price <= corners[i].cap, "within floor and cap");
                }
            }
            _equal(house.price(corners[i], type(uint64).max, 0), corners[i].cap, "sold out at once: cap");
            _equal(house.price(corners[i], 0, type(uint64).max), corners[i].floor, "never sold: floor");
        }
    }

    /// @dev Art Gobblers #150: the bare formula reverts from 135.3 / -ln(1 - 0.3) = 379.3 units ahead on.
    function testArtGobblers150MassMintingClampsToTheCapWhereTheExponentialOverflows() public view {
        Vrgda.Params memory p = _usual();
        p.rate = 1e18;
        p.cap = type(uint96).max;
        for (uint64 sold = 60; sold < 400; ++sold) {
            uint256 price = house.price(p, sold, 0);
            require(sold < 71 || price == p.cap, "2^96 wei are passed at the 71st");
            require(sold > 70 || price < p.cap, "and not before");
        }
        p.decay = 0.9e18;
        for (uint64 sold = 50; sold < 70; ++sold) {
            _equal(house.price(p, sold, 0), p.cap, "59 units at k = 0.9");
        }
    }

    function testFuzzEscherH02AnyMomentHasAPriceWithinBounds(
        uint256 seed,
        uint64 sold,
        uint64 elapsed,
        uint8 magnitude
    ) public view {
        Vrgda.Params memory p = _params(seed);
        house.requireValid(p);
        uint256 price = house.price(p, sold >> (magnitude % 64), elapsed >> (magnitude / 4));
        require(price >= p.floor && price <= p.cap, "within floor and cap");
    }

    function testFuzzPriceNeverRisesWhileNothingIsSold(
        uint256 seed,
        uint64 sold,
        uint64 elapsed,
        uint64 later
    ) public view {
        Vrgda.Params memory p = _params(seed);
        (sold, elapsed) = _moment(p, seed, sold, elapsed);
        later = later % 2 == 0 ? later % 100_000 : later;
        if (later > type(uint64).max - elapsed) later = type(uint64).max - elapsed;
        require(house.price(p, sold, elapsed + later) <= house.price(p, sold, elapsed), "falls with time");
        if (elapsed > 0) {
            require(house.price(p, sold, elapsed) <= house.price(p, sold, elapsed - 1), "each second");
        }
    }

    function testFuzzPriceNeverFallsWhenMoreAreSold(uint256 seed, uint64 sold, uint64 elapsed, uint64 more)
        public
        view
    {
        Vrgda.Params memory p = _params(seed);
        (sold, elapsed) = _moment(p, seed, sold, elapsed);
        more = more % 2 == 0 ? more % 1_000 : more;
        if (more > type(uint64).max - sold) more = type(uint64).max - sold;
        require(house.price(p, sold + more, elapsed) >= house.price(p, sold, elapsed), "climbs with sales");
        if (sold > 0) {
            require(house.price(p, sold, elapsed) >= house.price(p, sold - 1, elapsed), "each one");
        }
    }

    /// @dev VRGDAs #21: a batch costs what its works would cost one by one, so that neither way is cheaper.
    function testFuzzManyCostWhatTheyCostOneByOne(uint256 seed, uint64 sold, uint64 elapsed, uint8 count)
        public
        view
    {
        Vrgda.Params memory p = _params(seed);
        (sold, elapsed) = _moment(p, seed, sold, elapsed);
        if (count > type(uint64).max - sold) sold -= count;
        uint256 sum;
        for (uint64 i; i < count % 16; ++i) {
            sum += house.price(p, sold + i, elapsed);
        }
        _equal(house.priceOfMany(p, sold, elapsed, count % 16), sum, "sum of single prices");
    }

    // -- Bounds --------------------------------------------------------------------------------

    function testParametersOutsideTheirBoundsAreRefused() public {
        _refused(1e15 - 1, 1e18, 1, 2, 3, _decay(1e15 - 1));
        _refused(0.99e18 + 1, 1e18, 1, 2, 3, _decay(0.99e18 + 1));
        _refused(0, 1e18, 1, 2, 3, _decay(0));
        _refused(type(uint64).max, 1e18, 1, 2, 3, _decay(type(uint64).max));
        _refused(0.3e18, 1e12 - 1, 1, 2, 3, _rate(1e12 - 1));
        _refused(0.3e18, 1e24 + 1, 1, 2, 3, _rate(1e24 + 1));
        _refused(0.3e18, 0, 1, 2, 3, _rate(0));
        _refused(0.3e18, 1e18, 0, 2, 3, _order(0, 2, 3));
        _refused(0.3e18, 1e18, 3, 2, 3, _order(3, 2, 3));
        _refused(0.3e18, 1e18, 1, 4, 3, _order(1, 4, 3));
    }

    function testBoundsThemselvesAreAllowed() public view {
        Vrgda.Params[4] memory corners = _corners();
        for (uint256 i; i < corners.length; ++i) {
            house.requireValid(corners[i]);
        }
        house.requireValid(Vrgda.Params({start: 5, floor: 5, cap: 5, decay: 0.3e18, rate: 1e18}));
    }

    /// @dev 1 ether, 30 % a day, two works a day, floor 1 wei, a cap that is far away.
    function _usual() private pure returns (Vrgda.Params memory) {
        return Vrgda.Params({start: 1 ether, floor: 1, cap: 1e6 ether, decay: 0.3e18, rate: 2e18});
    }

    function _corners() private pure returns (Vrgda.Params[4] memory) {
        uint96 most = type(uint96).max;
        return [
            Vrgda.Params({start: 1, floor: 1, cap: most, decay: 1e15, rate: 1e24}),
            Vrgda.Params({start: most, floor: 1, cap: most, decay: 0.99e18, rate: 1e12}),
            Vrgda.Params({start: most, floor: most, cap: most, decay: 1e15, rate: 1e12}),
            Vrgda.Params({start: 1 ether, floor: 1, cap: most, decay: 0.99e18, rate: 1e24})
        ];
    }

    /// @dev Any valid parameters.
    function _params(uint256 seed) private pure returns (Vrgda.Params memory p) {
        p.decay = uint64(1e15 + uint256(keccak256(abi.encode(seed, 1))) % (0.99e18 - 1e15 + 1));
        uint256 size = uint256(keccak256(abi.encode(seed, 2)));
        p.rate = uint96(1e12 * 10 ** (size % 12) * (1 + (size >> 128) % 10));
        p.start = uint96(1 + uint256(keccak256(abi.encode(seed, 3))) % (2 ** (1 + (size >> 8) % 96) - 1));
        p.floor = uint96(1 + uint256(keccak256(abi.encode(seed, 4))) % p.start);
        p.cap = uint96(p.start + uint256(keccak256(abi.encode(seed, 5))) % (2 ** 96 - p.start));
        if (seed % 2 == 0) (p.floor, p.cap) = (1, type(uint96).max);
    }

    /// @dev Half of the time a moment near the schedule, where the price is not clamped; else any.
    function _moment(Vrgda.Params memory p, uint256 seed, uint64 sold, uint64 elapsed)
        private
        pure
        returns (uint64, uint64)
    {
        if (seed % 3 == 0) return (sold, elapsed);
        elapsed = elapsed % 3_000 days;
        uint256 due = (uint256(elapsed) * p.rate) / (86_400 * 1e18);
        uint256 near = due + sold % 64;
        return (uint64(near < type(uint64).max ? near : type(uint64).max), elapsed);
    }

    function _refused(uint64 decay, uint96 rate, uint96 floor_, uint96 start, uint96 cap, bytes memory reason)
        private
    {
        vm.expectRevert(reason);
        house.requireValid(Vrgda.Params({start: start, floor: floor_, cap: cap, decay: decay, rate: rate}));
    }

    function _decay(uint256 value) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Vrgda.DecayOutOfRange.selector, value, 1e15, 0.99e18);
    }

    function _rate(uint256 value) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Vrgda.RateOutOfRange.selector, value, 1e12, 1e24);
    }

    function _order(uint256 floor_, uint256 start, uint256 cap) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Vrgda.PricesOutOfOrder.selector, floor_, start, cap);
    }

    function _equal(uint256 got, uint256 wanted, string memory what) private pure {
        require(got == wanted, what);
    }

    /// @dev One wei and one part in 10^12.
    function _near(uint256 got, uint256 wanted) private pure {
        uint256 off = got > wanted ? got - wanted : wanted - got;
        require(off <= 1 + wanted / 1e12, "near");
    }
}
