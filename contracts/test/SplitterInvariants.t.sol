// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Splitter} from "../src/Splitter.sol";
import {Base, FuzzSelector, Vm} from "./Base.sol";
import {Creators} from "./Creators.sol";
import {Refuser} from "./Hostile.sol";
import {FeeToken, PlainToken} from "./HostileTokens.sol";

/// @dev Divides royalties of three works at random among five payees, one of whom refuses ETH, in ETH, in an honest
/// token and in one that keeps a fee, and keeps its own books of what came and went.
contract SplitterHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 public constant WORKS = 3;

    Splitter public immutable splitter;
    address public immutable creator;
    address[5] public payees;
    address[3] public currencies;

    /// @dev Ghosts: booked and fetched, and lying there without having been booked.
    mapping(address currency => uint256) public came;
    mapping(address currency => uint256) public went;
    mapping(address currency => uint256) public loose;
    uint256 public refusals;

    constructor(Splitter splitter_, address creator_) {
        (splitter, creator) = (splitter_, creator_);
        payees = [address(0xA1), address(0xA2), address(0xA3), creator_, address(new Refuser())];
        currencies = [address(0), address(new PlainToken()), address(new FeeToken())];
    }

    function setSplit(uint256 token, uint256 count, uint256 seed) external {
        uint256 tokenId = 1 + token % WORKS;
        (address[] memory known,) = splitter.splitOf(tokenId);
        if (known.length != 0) return;
        count = 1 + count % splitter.MAX_SEATS();
        (address[] memory named, uint16[] memory bps) = (new address[](count), new uint16[](count));
        uint16 left = 10_000;
        for (uint256 i; i < count; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            named[i] = payees[word % 5]; // the same payee may have two places
            uint256 most = left - (count - i - 1); // everybody gets something
            bps[i] = i + 1 == count ? left : uint16(1 + (word >> 8) % most);
            left -= bps[i];
        }
        vm.prank(creator);
        splitter.setSplit(tokenId, named, bps);
    }

    function reassign(uint256 token, uint256 seat, uint256 to) external {
        uint256 tokenId = 1 + token % WORKS;
        (address[] memory named,) = splitter.splitOf(tokenId);
        if (named.length == 0) return;
        seat %= named.length;
        vm.prank(named[seat]);
        splitter.reassign(tokenId, seat, payees[to % 5]);
    }

    function payEth(uint256 token, uint96 amount, bool plain) external {
        uint256 tokenId = token % (WORKS + 1);
        vm.deal(address(this), amount);
        if (plain) {
            (bool sent,) = address(splitter).call{value: amount}("");
            require(sent, "plain ETH is taken");
        } else {
            splitter.receiveRoyalty{value: amount}(tokenId, 1);
        }
        came[address(0)] += amount;
    }

    function payToken(uint256 token, uint256 which, uint96 amount, bool silently) external {
        PlainToken currency = PlainToken(currencies[1 + which % 2]);
        currency.mint(address(this), amount);
        if (silently) {
            uint256 before = currency.balanceOf(address(splitter));
            currency.transfer(address(splitter), amount);
            loose[address(currency)] += currency.balanceOf(address(splitter)) - before;
            return;
        }
        currency.approve(address(splitter), amount);
        uint256 tokenId = token % (WORKS + 1);
        came[address(currency)] += splitter.receiveRoyaltyToken(tokenId, IERC20(address(currency)), amount, 1);
    }

    function forceEth(uint64 amount) external {
        vm.deal(address(splitter), address(splitter).balance + amount);
        loose[address(0)] += amount;
    }

    function collect(uint256 which) external {
        address currency = currencies[which % 3];
        require(splitter.collect(currency) == loose[currency], "collects exactly what is loose");
        (came[currency], loose[currency]) = (came[currency] + loose[currency], 0);
    }

    function release(uint256 token, uint256 which, uint256 who, bool elsewhere) external {
        (uint256[] memory tokenIds, address currency) = (new uint256[](2), currencies[which % 3]);
        (tokenIds[0], tokenIds[1]) = (token % (WORKS + 1), (token / 7) % (WORKS + 1));
        address payee = payees[who % 5];
        uint256 due = splitter.releasable(tokenIds[0], currency, payee);
        if (tokenIds[1] != tokenIds[0]) due += splitter.releasable(tokenIds[1], currency, payee);
        if (due == 0) return;
        if (elsewhere) {
            vm.prank(payee);
            require(splitter.releaseTo(tokenIds, currency, address(0xCA5)) == due, "all that is due");
        } else if (payee == payees[4] && currency == address(0)) {
            try splitter.release(tokenIds, currency, payee) {
                revert("a refuser was paid");
            } catch {
                ++refusals;
                return;
            }
        } else {
            require(splitter.release(tokenIds, currency, payee) == due, "all that is due");
        }
        went[currency] += due;
    }
}

/// @dev Invariant family 3: released + releasable + dust == received, in every currency, always.
contract SplitterInvariantsTest is Base {
    SplitterHandler private handler;

    function setUp() public override {
        super.setUp();
        Creators creators = new Creators(CREATOR);
        splitter = new Splitter(creators, TREASURY);
        handler = new SplitterHandler(splitter, CREATOR);
        for (uint256 i; i < handler.WORKS(); ++i) {
            creators.mint();
        }
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](7);
        steps[0] = SplitterHandler.setSplit.selector;
        steps[1] = SplitterHandler.reassign.selector;
        steps[2] = SplitterHandler.payEth.selector;
        steps[3] = SplitterHandler.payToken.selector;
        steps[4] = SplitterHandler.forceEth.selector;
        steps[5] = SplitterHandler.collect.selector;
        steps[6] = SplitterHandler.release.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), steps);
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerDividesRefusesAndPays() external {
        handler.payEth(1, 1_001, false); // before the split: the creator's
        handler.setSplit(0, 11, 7); // twelve places
        handler.payEth(1, 1_001, false);
        handler.payEth(1, 99, true);
        handler.payToken(1, 1, 1_001, false);
        handler.payToken(1, 1, 1_000, true);
        handler.forceEth(5);
        handler.collect(0);
        handler.collect(2);
        handler.release(1, 0, 3, false);
        handler.release(1, 0, 4, false);
        equal(handler.refusals(), 1, "one refuses");
        handler.release(1, 0, 4, true);
        require(handler.went(address(0)) > 1_001, "and is paid elsewhere");
        equal(handler.came(address(0)), 2_106, "ETH");
        equal(handler.came(handler.currencies(2)), 901 + 900, "less the fee");
        invariantReleasedReleasableAndDustAreWhatWasReceived();
        afterInvariant();
    }

    function invariantReleasedReleasableAndDustAreWhatWasReceived() public view {
        for (uint256 c; c < 3; ++c) {
            address currency = handler.currencies(c);
            uint256 sum;
            for (uint256 tokenId; tokenId <= handler.WORKS(); ++tokenId) {
                sum += splitter.dust(tokenId, currency);
                sum += splitter.releasable(tokenId, currency, TREASURY);
                for (uint256 i; i < 5; ++i) {
                    sum += splitter.releasable(tokenId, currency, handler.payees(i));
                }
            }
            equal(handler.went(currency) + sum, handler.came(currency), "to the unit");
            equal(sum, splitter.held(currency), "held");
            uint256 balance = currency == address(0)
                ? address(splitter).balance
                : IERC20(currency).balanceOf(address(splitter));
            equal(balance, sum + handler.loose(currency), "nothing is owed that is not there");
        }
    }

    /// @dev Run once at the end of every sequence: dear, and what holds at the end held before.
    function afterInvariant() public {
        _sharesAreWholeAndDustIsLessThanAUnitAPlace();
        _oneFailingPayeeBlocksNobody();
    }

    function _sharesAreWholeAndDustIsLessThanAUnitAPlace() private view {
        for (uint256 tokenId; tokenId <= handler.WORKS(); ++tokenId) {
            (address[] memory payees, uint16[] memory bps) = splitter.splitOf(tokenId);
            uint256 sum;
            for (uint256 i; i < bps.length; ++i) {
                sum += bps[i];
            }
            require(sum == (payees.length == 0 ? 0 : 10_000), "whole");
            for (uint256 c; c < 3; ++c) {
                uint256 rest = splitter.dust(tokenId, handler.currencies(c));
                require(rest == 0 || rest < payees.length, "dust");
            }
        }
    }

    /// @dev Whatever happened, everybody who takes money can be paid all of it, while the refuser never was.
    function _oneFailingPayeeBlocksNobody() private {
        uint256[] memory tokenIds = new uint256[](handler.WORKS() + 1);
        for (uint256 i; i < tokenIds.length; ++i) {
            tokenIds[i] = i;
        }
        for (uint256 c; c < 3; ++c) {
            for (uint256 i; i < 4; ++i) {
                address payee = handler.payees(i);
                uint256 due;
                for (uint256 t; t < tokenIds.length; ++t) {
                    due += splitter.releasable(t, handler.currencies(c), payee);
                }
                if (due == 0) continue;
                equal(splitter.release(tokenIds, handler.currencies(c), payee), due, "paid in full");
            }
        }
    }
}
