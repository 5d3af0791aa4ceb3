// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Dividends} from "../src/Dividends.sol";
import {Base, FuzzSelector, Vm} from "./Base.sol";
import {Donor, GasBurner, Refuser, ReturnBomb} from "./Hostile.sol";

/// @dev The least that is a Dividends, with a way to burn.
contract Shares is Dividends {
    constructor(address holder, uint256 supply) Dividends("Shares", "SHR", holder, supply) {}

    function burn(uint256 shares) external {
        _burn(msg.sender, shares);
    }
}

/// @dev Claims again while it is being paid.
contract GreedyClaimer {
    Shares private immutable shares;
    bool public tried;

    constructor(Shares shares_) {
        shares = shares_;
    }

    function claim() external {
        shares.claimDividend();
    }

    receive() external payable {
        tried = true;
        (bool again,) = address(shares).call(abi.encodeCall(shares.claimDividend, ()));
        require(!again, "claimed twice");
        (again,) = address(shares).call(abi.encodeCall(shares.claimDividendTo, (address(this))));
        require(!again, "claimed twice");
    }
}

contract DividendsTest is Base {
    address private constant A = address(0xA1);
    address private constant B = address(0xA2);

    Shares private shares;

    function setUp() public override {
        super.setUp();
        shares = new Shares(A, 1_000e18);
    }

    function testAllSharesAreTheFirstHoldersAndAreAnnounced() public {
        vm.recordLogs();
        Shares fresh = new Shares(B, 7);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        equal(logs.length, 2, "Transfer and SharesMoved");
        require(logs[1].topics[0] == Dividends.SharesMoved.selector, "topic");
        require(logs[1].topics[1] == bytes32(uint256(uint160(address(fresh)))), "vault");
        require(logs[1].topics[2] == 0 && logs[1].topics[3] == bytes32(uint256(uint160(B))), "from nobody");
        equal(abi.decode(logs[1].data, (uint256)), 7, "all");
        equal(fresh.balanceOf(B), fresh.issued(), "his");
    }

    function testIssueOfNothingOrTooMuchIsRefused() public {
        uint256[2] memory wrong = [uint256(0), 1 << 128];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(Dividends.IssueOutOfRange.selector, wrong[i], type(uint128).max)
            );
            new Shares(A, wrong[i]);
        }
        new Shares(A, type(uint128).max);
    }

    function testHolderOfAllSharesGetsEveryWei() public {
        _pay(1 ether + 1);
        equal(shares.dividendOf(A), 1 ether + 1, "to the wei, though 1000 does not divide it");
        vm.expectEmit(true, true, true, true, address(shares));
        emit Dividends.DividendClaimed(address(shares), A, A, 1 ether + 1);
        vm.prank(A);
        equal(shares.claimDividend(), 1 ether + 1, "claimed");
        equal(A.balance, 1 ether + 1, "paid");
        equal(shares.dividendsClaimed(), shares.dividendsPaid(), "all");
    }

    function testDividendBelongsToWhoHeldWhenItCame() public {
        _pay(10);
        _move(A, B, 600e18);
        _pay(10);
        equal(shares.dividendOf(A), 14, "all of the first, 40 % of the second");
        equal(shares.dividendOf(B), 6, "60 % of the second");
        _move(B, A, 600e18);
        equal(shares.dividendOf(B), 6, "giving the shares away keeps what they brought");
    }

    function testClaimsLeaveFractionsToGrow() public {
        _move(A, B, 500e18);
        _pay(3); // one and a half each
        vm.prank(B);
        equal(shares.claimDividend(), 1, "rounded down");
        equal(shares.dividendOf(A), 1, "whether claimed or not");
        _pay(1);
        equal(shares.dividendOf(A), 2, "two halves made another wei");
        equal(shares.dividendOf(B), 1, "also for who had claimed");
    }

    function testAnybodyPaysInAndItIsAnnounced() public {
        vm.expectEmit(true, true, true, true, address(shares));
        emit Dividends.DividendPaid(address(shares), BUYER, 5);
        vm.prank(BUYER);
        shares.distribute{value: 5}();
        equal(shares.dividendsPaid(), 5, "in the books");
    }

    function testPaymentOfNothingOrTooMuchIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(Dividends.DividendOutOfRange.selector, 0, type(uint128).max));
        shares.distribute();
        _pay(1);
        vm.deal(address(this), 1 << 128);
        vm.expectRevert(
            abi.encodeWithSelector(
                Dividends.DividendOutOfRange.selector, type(uint128).max, type(uint128).max - 1
            )
        );
        shares.distribute{value: type(uint128).max}();
    }

    function testNothingIsPaidInOnceSharesAreBurnedAndWhatWasStaysClaimable() public {
        _pay(1_000);
        vm.prank(A);
        shares.burn(400e18);
        vm.deal(address(this), 5);
        vm.expectRevert(abi.encodeWithSelector(Dividends.SharesBurned.selector, 600e18, 1_000e18));
        shares.distribute{value: 5}();
        vm.prank(A);
        shares.burn(600e18);
        equal(shares.dividendOf(A), 1_000, "without a share left");
        vm.prank(A);
        shares.claimDividend();
        equal(address(shares).balance, 0, "all out");
    }

    function testNobodyClaimsWhatIsNotThere() public {
        vm.expectRevert(abi.encodeWithSelector(Dividends.NothingToClaim.selector, A));
        vm.prank(A);
        shares.claimDividend();
        _pay(5);
        vm.expectRevert(abi.encodeWithSelector(Dividends.NothingToClaim.selector, B));
        vm.prank(B);
        shares.claimDividendTo(B);
    }

    function testSharesAreNotTakenByTheContractItself() public {
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(shares)));
        vm.prank(A);
        shares.transfer(address(shares), 1);
    }

    function testATransferOfNothingAndToOneselfChangesNothing() public {
        _pay(9);
        _move(A, A, 1_000e18);
        equal(shares.dividendOf(A), 9, "once");
        vm.recordLogs();
        _move(A, B, 0);
        equal(vm.getRecordedLogs().length, 1, "Transfer only");
    }

    function testHolderThatRefusesEtherIsPaidElsewhereAndHindersNobody() public {
        address[3] memory hostile =
            [address(new Refuser()), address(new GasBurner()), address(new ReturnBomb())];
        for (uint256 i; i < hostile.length; ++i) {
            _move(A, hostile[i], 1e18);
        }
        _pay(1_000);
        for (uint256 i; i < hostile.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Dividends.ClaimRefused.selector, hostile[i], 1));
            vm.prank(hostile[i]);
            shares.claimDividend{gas: 300_000}();
            vm.prank(hostile[i]);
            shares.claimDividendTo(B);
        }
        equal(B.balance, 3, "where they said");
        vm.prank(A);
        equal(shares.claimDividend(), 997, "the others have theirs");
    }

    function testHolderCannotClaimTwiceWhileBeingPaid() public {
        GreedyClaimer greedy = new GreedyClaimer(shares);
        _move(A, address(greedy), 100e18);
        _pay(100);
        greedy.claim();
        require(greedy.tried(), "tried");
        equal(address(greedy).balance, 10, "its own, once");
    }

    function testPartyH07ForcedEtherIsNoDividend() public {
        _pay(10);
        vm.deal(address(this), 3 ether);
        new Donor{value: 3 ether}(payable(address(shares)));
        equal(shares.dividendOf(A), 10, "as before");
        _pay(10);
        equal(shares.dividendOf(A), 20, "nor later");
        equal(shares.dividendsPaid(), 20, "not booked");
    }

    function testFuzzPartsAreExactWhateverTheOrder(uint128 supply, uint64[6] memory amounts, uint128 moved)
        public
    {
        vm.assume(supply > 0);
        Shares fresh = new Shares(A, supply);
        uint256 owedA;
        uint256 owedB;
        for (uint256 i; i < amounts.length; ++i) {
            owedA += amounts[i] * fresh.balanceOf(A);
            owedB += amounts[i] * fresh.balanceOf(B);
            if (amounts[i] > 0) {
                vm.deal(address(this), amounts[i]);
                fresh.distribute{value: amounts[i]}();
            }
            (address from, address to) = i % 2 == 0 ? (A, B) : (B, A);
            uint256 part = uint256(keccak256(abi.encode(moved, i))) % (fresh.balanceOf(from) + 1);
            vm.prank(from);
            fresh.transfer(to, part);
            if (i == 3 && fresh.dividendOf(A) > 0) {
                vm.prank(A);
                fresh.claimDividend();
            }
        }
        equal(A.balance + fresh.dividendOf(A), owedA / supply, "rounded down once");
        equal(B.balance + fresh.dividendOf(B), owedB / supply, "rounded down once");
    }

    function _pay(uint256 amount) private {
        vm.deal(address(this), amount);
        shares.distribute{value: amount}();
    }

    function _move(address from, address to, uint256 part) private {
        vm.prank(from);
        shares.transfer(to, part);
    }
}

/// @dev Pays, moves and claims at random among five holders, one of whom refuses ETH, and keeps exact books.
contract DividendsHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 public constant SUPPLY = 1_000_003; // a prime: almost nothing divides without a rest

    Shares public immutable shares;
    address[5] public holders;

    /// @dev Ghosts: wei times shares that each holder earned, wei they got, wei that were forced in.
    mapping(address holder => uint256) public earned;
    mapping(address holder => uint256) public got;
    uint256 public paid;
    uint256 public forced;
    uint256 public claims;

    constructor() {
        holders = [address(0xA1), address(0xA2), address(0xA3), address(0xA4), address(new Refuser())];
        shares = new Shares(holders[0], SUPPLY);
    }

    function pay(uint64 amount, bool small) external {
        amount = small ? 1 + amount % 99 : amount / 2 + 1;
        for (uint256 i; i < 5; ++i) {
            earned[holders[i]] += amount * shares.balanceOf(holders[i]);
        }
        vm.deal(address(this), amount);
        shares.distribute{value: amount}();
        paid += amount;
    }

    function move(uint256 from, uint256 to, uint256 part) external {
        address holder = holders[from % 5];
        part %= shares.balanceOf(holder) + 1;
        vm.prank(holder);
        shares.transfer(holders[to % 5], part);
    }

    function force(uint64 amount) external {
        vm.deal(address(shares), address(shares).balance + amount);
        forced += amount;
    }

    function claim(uint256 who, bool elsewhere) external {
        address holder = holders[who % 5];
        uint256 due = shares.dividendOf(holder);
        if (due == 0) return;
        vm.prank(holder);
        if (elsewhere) {
            require(shares.claimDividendTo(address(0xCA5)) == due, "all that is due");
        } else if (who % 5 == 4) {
            vm.expectRevert(abi.encodeWithSelector(Dividends.ClaimRefused.selector, holder, due));
            shares.claimDividend();
            return;
        } else {
            require(shares.claimDividend() == due, "all that is due");
        }
        got[holder] += due;
        ++claims;
    }
}

/// @dev Families 1 and 5 for dividends: claimed + claimable + dust == paid in, and each holder has the exact part.
contract DividendsInvariantsTest is Base {
    DividendsHandler private handler;
    Shares private shares;

    function setUp() public override {
        handler = new DividendsHandler();
        shares = handler.shares();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](4);
        steps[0] = DividendsHandler.pay.selector;
        steps[1] = DividendsHandler.move.selector;
        steps[2] = DividendsHandler.force.selector;
        steps[3] = DividendsHandler.claim.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), steps);
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerPaysRefusesAndClaims() external {
        handler.move(0, 4, 400_000);
        handler.pay(18, false);
        handler.force(5);
        handler.claim(4, false);
        equal(handler.claims(), 0, "refused");
        handler.claim(4, true);
        handler.claim(0, false);
        equal(handler.claims(), 2, "claimed");
        equal(handler.paid(), 10, "paid");
        equal(handler.got(handler.holders(4)), 3, "3.99");
        invariantEveryHolderHasTheirExactPartRoundedDownOnce();
        invariantClaimedClaimableAndDustAreWhatWasPaidIn();
    }

    function invariantEveryHolderHasTheirExactPartRoundedDownOnce() public view {
        for (uint256 i; i < 5; ++i) {
            address holder = handler.holders(i);
            equal(
                handler.got(holder) + shares.dividendOf(holder),
                handler.earned(holder) / handler.SUPPLY(),
                "exact"
            );
        }
    }

    function invariantClaimedClaimableAndDustAreWhatWasPaidIn() public view {
        uint256 claimed;
        uint256 claimable;
        uint256 balances;
        for (uint256 i; i < 5; ++i) {
            claimed += handler.got(handler.holders(i));
            claimable += shares.dividendOf(handler.holders(i));
            balances += shares.balanceOf(handler.holders(i));
        }
        equal(balances, shares.totalSupply(), "sum of balances == supply");
        equal(shares.dividendsClaimed(), claimed, "claimed");
        equal(shares.dividendsPaid(), handler.paid(), "paid in");
        uint256 dust = handler.paid() - claimed - claimable;
        require(dust < 5, "less than a wei per holder");
        equal(address(shares).balance, claimable + dust + handler.forced(), "it is all there");
    }
}
