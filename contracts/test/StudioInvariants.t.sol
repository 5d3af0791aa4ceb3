// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Drops} from "../src/Drops.sol";
import {Loop} from "../src/Loop.sol";
import {Studio} from "../src/Studio.sol";
import {Vrgda} from "../src/Vrgda.sol";
import {FuzzSelector, Vm} from "./Base.sol";
import {Bookkeeper, Donor, Reentrant, Refuser} from "./Hostile.sol";
import {StudioWorld} from "./StudioWorld.sol";

/// @dev Drives a Studio at random, with payees that refuse or call back. Steps that make no sense are skipped or
/// expected to fail; what happens against expectation is counted in `wrongs`.
contract StudioHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Studio public immutable studio;
    Drops public immutable drops;
    Artwork public immutable artwork;
    address private immutable _operator;
    address private immutable _guardian;
    address private immutable _owner;
    address[4] public payees;
    address public constant BUYER = address(0xB0B);

    /// @dev Ghosts: what came in and went out, the highest budget that an epoch ever had, the works by fate.
    uint256 public received;
    uint256 public spent;
    uint256 public shared;
    uint256 public wrongs;
    uint256 public steps;
    uint256 public immutable firstEpoch;
    mapping(uint256 epoch => mapping(uint8 kind => uint256)) public most;
    mapping(uint256 epoch => mapping(uint8 kind => uint256)) public paid;
    mapping(uint256 epoch => uint256) public burnedIn;
    uint256[] public held;
    uint256[] public dropIds;
    mapping(uint256 dropId => uint256 tokenId) public workIn;
    mapping(uint256 tokenId => uint256) public startBefore;
    mapping(uint256 tokenId => uint256) public startOf;
    mapping(uint256 tokenId => uint256) public epochOf;
    uint256 public sold;
    uint256 public burned;
    uint256[18] private _table;
    uint256 private _row;

    constructor(Studio studio_, address operator_, address guardian_, address owner_) {
        (studio, drops, artwork) = (studio_, studio_.drops(), studio_.artwork());
        (_operator, _guardian, _owner) = (operator_, guardian_, owner_);
        firstEpoch = studio_.epoch();
        payees = [address(0xA1), address(new Refuser()), address(new Reentrant()), address(new Bookkeeper())];
        Reentrant(payable(payees[2])).arm(address(studio), abi.encodeCall(studio.shareProceeds, ()));
        for (uint256 i; i < 13; ++i) {
            _table[i] = 1 << (i + 1);
            if (i > 0 && i < 9) _table[i] |= 1 << 16;
            if (i > 3) _table[i] |= 1 << 15;
            if (i == 2 || i == 3 || i == 9 || i == 10) _table[i] |= 1 << 17;
        }
        (_table[13], _table[16]) = (1, 1 << 13);
        _remember();
    }

    function take(uint256 tokenId) external {
        held.push(tokenId);
    }

    function give(uint96 amount) external {
        amount %= 3 ether;
        vm.deal(address(this), amount);
        if (amount % 2 == 0) {
            (bool done,) = address(studio).call{value: amount}("");
            if (!done) ++wrongs;
        } else {
            new Donor{value: amount}(payable(address(studio)));
        }
        received += amount;
    }

    function wait(uint24 time) external {
        vm.warp(block.timestamp + time % 8 days);
        _remember();
    }

    function setBudget(uint8 kind, uint96 perEpoch) external {
        vm.prank(_owner);
        studio.setBudget(kind % 3, perEpoch % 2 ether);
        _remember();
    }

    function spend(uint8 kind, uint256 to, uint96 amount) external {
        kind %= 4;
        amount %= 1.5 ether;
        uint256 before = address(studio).balance;
        bool fits = amount <= studio.leftOf(kind) && amount <= before && to % 4 != 1 && !studio.paused();
        bool done = _call(_operator, abi.encodeCall(studio.spend, (kind, payees[to % 4], amount)));
        if (done != fits) ++wrongs;
        if (!done) return;
        ++steps;
        spent += amount;
        paid[studio.epoch()][kind] += amount;
    }

    function share() external {
        uint256 balance = address(studio).balance;
        bool fits = balance > studio.reserve() && !studio.paused();
        if (_call(BUYER, abi.encodeCall(studio.shareProceeds, ())) != fits) ++wrongs;
        if (fits) shared += balance - studio.reserve();
    }

    function burn(uint256 which) external {
        if (held.length == 0) return;
        uint256 tokenId = held[which % held.length];
        bool fits = studio.leftOf(128) != 0 && !studio.paused();
        if (_call(_operator, abi.encodeCall(studio.burn, (tokenId, 0))) != fits) ++wrongs;
        if (!fits) return;
        _drop(which % held.length);
        ++burnedIn[studio.epoch()];
        ++burned;
    }

    function openDrop(uint256 which, uint96 start) external {
        if (held.length == 0) return;
        uint256 tokenId = held[which % held.length];
        uint256 price = _near(tokenId, start);
        bytes memory data =
            abi.encodeCall(studio.openDrop, (_only(tokenId), _prices(price), uint64(block.timestamp)));
        if (!_call(_operator, data)) return;
        ++steps;
        _drop(which % held.length);
        uint256 dropId = _lastDrop();
        dropIds.push(dropId);
        workIn[dropId] = tokenId;
        _asked(tokenId, price);
    }

    function reprice(uint256 which, uint96 start) external {
        if (dropIds.length == 0) return;
        uint256 dropId = dropIds[which % dropIds.length];
        uint256 price = _near(workIn[dropId], start);
        if (!_call(_operator, abi.encodeCall(studio.repriceDrop, (dropId, _prices(price))))) return;
        ++steps;
        if (workIn[dropId] != 0) _asked(workIn[dropId], price);
    }

    function withdraw(uint256 which) external {
        if (dropIds.length == 0) return;
        uint256 dropId = dropIds[which % dropIds.length];
        uint256 tokenId = workIn[dropId];
        if (tokenId == 0) return;
        if (!_call(_operator, abi.encodeCall(studio.withdrawDrop, (dropId, _only(tokenId))))) return;
        workIn[dropId] = 0;
        held.push(tokenId);
    }

    function buy(uint256 which) external {
        if (dropIds.length == 0) return;
        uint256 dropId = dropIds[which % dropIds.length];
        uint256 tokenId = workIn[dropId];
        if (tokenId == 0) return;
        uint256 price = drops.priceOf(dropId);
        uint256 before = address(studio).balance;
        vm.deal(BUYER, price);
        vm.prank(BUYER);
        drops.buy{value: price}(dropId, tokenId, price, BUYER);
        received += address(studio).balance - before;
        workIn[dropId] = 0;
        ++sold;
    }

    /// @dev Tries a step of the loop and compares with a table of its own.
    function move(uint8 to) external {
        to %= 18;
        uint8 from = uint8(studio.state());
        bool fits = !studio.paused() && (_table[from] >> to) & 1 == 1;
        if (from == 17 && to == 0) fits = !studio.paused() && studio.epoch() > studio.budgetOutIn();
        bytes32 anchor = keccak256(abi.encode(++_row));
        if (_call(_operator, abi.encodeCall(studio.transition, (Loop.State(to), anchor))) != fits) ++wrongs;
    }

    function judge(bool upheld) external {
        if (studio.paused() || studio.state() != Loop.State.Disputed) return;
        Loop.State to = upheld ? Loop.State.Rejected : studio.stateBeforeDispute();
        vm.prank(_owner);
        studio.transition(to, keccak256(abi.encode(++_row)));
    }

    /// @dev Paused a quarter of the time.
    function pause(uint8 seed) external {
        bool on = seed % 4 == 0;
        if (on == studio.paused()) return;
        vm.prank(on ? _guardian : _owner);
        if (on) studio.pause();
        else studio.unpause();
    }

    /// @dev The guardian tries everything; nothing must move.
    function guardianTries(uint256 which, uint96 amount) external {
        uint256 tokenId = held.length == 0 ? 1 : held[which % held.length];
        bytes[8] memory calls = [
            abi.encodeCall(studio.spend, (0, _guardian, amount)),
            abi.encodeCall(studio.burn, (tokenId, 0)),
            abi.encodeCall(studio.sendWork, (tokenId, _guardian)),
            abi.encodeCall(studio.sendToken, (studio.shares(), _guardian, 0)),
            abi.encodeCall(studio.setOperator, (_guardian)),
            abi.encodeCall(studio.setReserve, (0)),
            abi.encodeCall(studio.transition, (Loop.State.Idle, bytes32(which))),
            abi.encodeCall(studio.unpause, ())
        ];
        for (uint256 i; i < 8; ++i) {
            if (_call(_guardian, calls[i])) ++wrongs;
        }
    }

    function heldCount() external view returns (uint256) {
        return held.length;
    }

    function dropCount() external view returns (uint256) {
        return dropIds.length;
    }

    function _call(address by, bytes memory data) private returns (bool done) {
        vm.prank(by);
        (done,) = address(studio).call(data);
    }

    function _lastDrop() private view returns (uint256 dropId) {
        return drops.dropCount();
    }

    /// @dev Mostly within a step and a half of the price before.
    function _near(uint256 tokenId, uint96 seed) private view returns (uint256) {
        uint256 old = startOf[tokenId];
        if (old == 0) return 1 ether + seed % 5 ether;
        return (old * (850 + seed % 301)) / 1_000;
    }

    function _asked(uint256 tokenId, uint256 price) private {
        if (price == startOf[tokenId]) return;
        // A first price is no step.
        if (startOf[tokenId] != 0 && epochOf[tokenId] == studio.epoch()) ++wrongs;
        if (startOf[tokenId] != 0) epochOf[tokenId] = studio.epoch();
        (startBefore[tokenId], startOf[tokenId]) = (startOf[tokenId], price);
    }

    function _prices(uint256 start) private pure returns (Vrgda.Params memory p) {
        (p.start, p.floor, p.cap) = (uint96(start), 0.1 ether, 100 ether);
        (p.decay, p.rate) = (0.2e18, 1e18);
    }

    function _remember() private {
        uint256 epoch = studio.epoch();
        for (uint8 kind; kind < 4; ++kind) {
            if (studio.budgetOf(kind) > most[epoch][kind]) most[epoch][kind] = studio.budgetOf(kind);
        }
    }

    function _drop(uint256 index) private {
        held[index] = held[held.length - 1];
        held.pop();
    }

    function _only(uint256 tokenId) private pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = tokenId;
    }
}

/// @title Families 7 and 8: budgets hold, illegal steps revert, the guardian moves nothing, hostile payees neither.
contract StudioInvariantsTest is StudioWorld {
    StudioHandler internal handler;
    FuzzSelector[] private targets;

    function setUp() public override {
        super.setUp();
        handler = new StudioHandler(studio, OPERATOR, GUARDIAN, OWNER);
        string[6] memory names = ["a", "b", "c", "d", "e", "f"];
        for (uint256 i; i < 6; ++i) {
            handler.take(minted(names[i]));
        }
        handler.wait(0);
        bytes4[] memory steps = new bytes4[](14);
        steps[0] = StudioHandler.give.selector;
        steps[1] = StudioHandler.wait.selector;
        steps[2] = StudioHandler.setBudget.selector;
        steps[3] = StudioHandler.spend.selector;
        steps[4] = StudioHandler.share.selector;
        steps[5] = StudioHandler.burn.selector;
        steps[6] = StudioHandler.openDrop.selector;
        steps[7] = StudioHandler.reprice.selector;
        steps[8] = StudioHandler.withdraw.selector;
        steps[9] = StudioHandler.buy.selector;
        steps[10] = StudioHandler.move.selector;
        steps[11] = StudioHandler.judge.selector;
        steps[12] = StudioHandler.guardianTries.selector;
        steps[13] = StudioHandler.pause.selector;
        targets.push(FuzzSelector(address(handler), steps));
    }

    function targetContracts() external view returns (address[] memory targeted) {
        targeted = new address[](1);
        targeted[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory) {
        return targets;
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerDoesEverything() external {
        handler.give(2.5 ether);
        handler.spend(0, 3, 1 ether);
        handler.spend(0, 1, 0.2 ether); // refused
        handler.spend(0, 2, 0.2 ether); // calls back
        equal(handler.spent(), 1.2 ether, "spent");
        handler.share();
        equal(handler.shared(), 0.3 ether, "shared");
        handler.burn(0);
        equal(handler.burned(), 1, "burned");
        handler.openDrop(0, 1 ether);
        handler.wait(2 days);
        handler.reprice(0, 160);
        handler.buy(0);
        equal(handler.sold(), 1, "sold");
        handler.openDrop(0, 1 ether);
        handler.withdraw(1);
        equal(handler.heldCount(), 5 - 1, "held");
        handler.move(1);
        handler.pause(0);
        handler.guardianTries(0, 1);
        handler.move(2);
        handler.pause(1);
        handler.move(2);
        require(studio.state() == Loop.State.Plan, "moved");
        handler.setBudget(1, 1 ether);
        equal(studio.budgetOf(1), 1 ether, "set");
        equal(handler.wrongs(), 0, "all as they must be");
        require(handler.steps() > 4, "steps");
    }

    function invariantMoneyGoesOutWithinTheBudgetsOfEveryEpochOnly() external view {
        equal(handler.wrongs(), 0, "spending, steps, guardian, prices");
        for (uint256 e = handler.firstEpoch(); e <= studio.epoch(); ++e) {
            for (uint8 kind; kind < 4; ++kind) {
                equal(studio.spentIn(e, kind), handler.paid(e, kind), "booked as paid");
                require(handler.paid(e, kind) <= handler.most(e, kind), "within what was allowed");
            }
            equal(studio.spentIn(e, 128), handler.burnedIn(e), "burns");
            require(handler.burnedIn(e) <= 2, "within the limit");
        }
        uint256 left = handler.received() - handler.spent() - handler.shared();
        equal(address(studio).balance, left, "in less out");
        equal(shares.dividendsPaid(), handler.shared(), "to the holders");
    }

    function invariantWorksAreHeldOfferedSoldOrBurnedAndPricesMoveByAStep() external view {
        equal(artwork.balanceOf(address(studio)), handler.heldCount(), "held");
        equal(artwork.balanceOf(handler.BUYER()), handler.sold(), "sold");
        uint256 offered;
        for (uint256 i; i < handler.dropCount(); ++i) {
            if (handler.workIn(handler.dropIds(i)) != 0) ++offered;
        }
        equal(artwork.balanceOf(address(drops)), offered, "offered");
        equal(handler.heldCount() + offered + handler.sold() + handler.burned(), 6, "all");
        require(!artwork.isApprovedForAll(address(studio), address(drops)), "and no allowance is left");
        for (uint256 tokenId = 1; tokenId <= 6; ++tokenId) {
            (uint256 old, uint256 now_) = (handler.startBefore(tokenId), handler.startOf(tokenId));
            if (old == 0) continue;
            uint256 moved = now_ > old ? now_ - old : old - now_;
            require(moved * 10_000 <= old * STEP_BPS, "a step");
        }
    }
}
