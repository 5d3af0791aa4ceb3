// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Reserve} from "../src/Reserve.sol";
import {Vault} from "../src/Vault.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {Base, FuzzSelector, Vm} from "./Base.sol";
import {Refuser} from "./Hostile.sol";

/// @dev Drives the vaults of one work at random among five accounts, one of which refuses ETH: votes, buyouts to the
/// second of their end, redemptions, dividends, forced ETH. When a vault is over, whoever has the work opens the
/// next. Keeps its own books; steps that make no sense are skipped, so that every other revert is a failure.
contract VaultHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 public constant SUPPLY = 1e18 + 3;

    Artwork public immutable artwork;
    VaultFactory public immutable factory;
    uint256 public immutable tokenId;
    address[5] public accounts;
    Vault[] public vaults;

    /// @dev Ghosts, by vault: wei forced in, wei that losers of a buyout put in and did not take, wei redeemed.
    mapping(Vault vault => uint256) public forced;
    mapping(Vault vault => mapping(address bidder => uint256)) public lost;
    mapping(Vault vault => uint256) public fetched;
    uint256 public buyouts;
    uint256 public takeOuts;
    uint256 public redemptions;
    uint256 public refusals;

    constructor(Artwork artwork_, VaultFactory factory_, uint256 tokenId_, address refuser) {
        (artwork, factory, tokenId) = (artwork_, factory_, tokenId_);
        accounts = [address(0xA1), address(0xA2), address(0xA3), address(0xA4), refuser];
    }

    function open(uint96 premium) public {
        address owner = artwork.ownerOf(tokenId);
        if (vaults.length != 0 && owner == address(current())) return;
        uint256 valuation = factory.lastPrice(tokenId) + 1 + premium;
        uint256 royalty = factory.royaltyDue(tokenId, valuation);
        vm.deal(owner, royalty);
        vm.prank(owner);
        artwork.setApprovalForAll(address(factory), true);
        vm.prank(owner);
        vaults.push(Vault(factory.open{value: royalty}(tokenId, "Shares", "SHR", SUPPLY, valuation)));
    }

    function move(uint256 from, uint256 to, uint256 part) external {
        address holder = _account(from);
        Vault vault = current();
        uint256 free = vault.balanceOf(holder);
        if (vault.phase() != Reserve.Phase.Over) free -= _locked(holder);
        vm.prank(holder);
        vault.transfer(_account(to), part % (free + 1));
    }

    function vote(uint256 who, uint256 price, uint256 part) public {
        address holder = _account(who);
        uint256 balance = current().balanceOf(holder);
        if (balance == 0 || current().phase() != Reserve.Phase.Open) return;
        part = part % 4 == 0 ? 1 + part % balance : balance;
        (uint256 least, uint256 most) = current().voteBounds(holder, part);
        vm.prank(holder);
        current().vote(least + price % (most - least + 1), part);
    }

    function unvote(uint256 who) external {
        if (current().phase() != Reserve.Phase.Open || _locked(_account(who)) == 0) return;
        vm.prank(_account(who));
        current().unvote();
    }

    function start(uint256 who, uint64 more) external {
        Vault vault = current();
        if (vault.phase() != Reserve.Phase.Open || vault.lockedShares() * 2 < SUPPLY) return;
        uint256 amount = vault.leastBid() + more;
        vm.deal(_account(who), amount);
        vm.prank(_account(who));
        vault.startBuyout{value: amount}();
    }

    /// @dev Bids somewhere in the auction, often in the last second; in that second nobody can settle.
    function bid(uint256 who, uint64 more, uint256 when) external {
        Vault vault = current();
        if (vault.phase() != Reserve.Phase.Buyout) return;
        (address last, uint64 endTime, uint256 amount) = vault.buyout();
        if (when % 2 == 0) vm.warp(endTime);
        else vm.warp(block.timestamp + when % (endTime - block.timestamp + 1));
        vm.expectRevert(abi.encodeWithSelector(Vault.BuyoutRunning.selector, endTime, block.timestamp));
        vault.settle();
        uint256 next = vault.leastBid() + more;
        vm.deal(_account(who), next);
        vm.prank(_account(who));
        vault.bid{value: next}();
        lost[vault][last] += amount;
    }

    /// @dev Settles in the second after the end, in which nobody can bid.
    function settle() external {
        Vault vault = current();
        if (vault.phase() != Reserve.Phase.Buyout) return;
        (address winner, uint64 endTime,) = vault.buyout();
        vm.warp(endTime + 1);
        vm.deal(address(this), type(uint128).max);
        vm.expectRevert(abi.encodeWithSelector(Vault.BuyoutEnded.selector, endTime, block.timestamp));
        vault.bid{value: type(uint128).max}();
        vault.settle();
        require(artwork.ownerOf(tokenId) == winner, "the work is the winner's");
        ++buyouts;
    }

    function takeOut(uint256 who, uint64 more) external {
        Vault vault = current();
        address holder = _account(who);
        if (vault.phase() != Reserve.Phase.Open || vault.balanceOf(holder) * 20 < SUPPLY * 19) return;
        uint256 amount = vault.takeOutPrice(holder) + more;
        vm.deal(holder, amount);
        vm.prank(holder);
        vault.takeOut{value: amount}();
        lost[vault][holder] += vault.refunds(holder) - lost[vault][holder]; // a refuser's change
        require(artwork.ownerOf(tokenId) == holder, "the work is the holder's");
        ++takeOuts;
    }

    function redeem(uint256 which, uint256 who, bool elsewhere) public {
        Vault vault = vaults[which % vaults.length];
        address holder = _account(who);
        uint256 shares = vault.balanceOf(holder);
        if (shares == 0 || vault.phase() != Reserve.Phase.Over) return;
        uint256 part = (vault.proceeds() * shares) / vault.claimShares();
        bool refused = holder == accounts[4] && !elsewhere;
        vm.prank(holder);
        if (elsewhere) {
            require(vault.redeemTo(address(0xCA5)) == part, "the exact part, in any order");
        } else if (refused) {
            try vault.redeem() {
                revert("a refuser was paid");
            } catch {
                ++refusals;
                return;
            }
        } else {
            require(vault.redeem() == part, "the exact part, in any order");
        }
        fetched[vault] += part;
        ++redemptions;
    }

    function distribute(uint96 amount) external {
        if (amount == 0 || current().phase() == Reserve.Phase.Over) return;
        vm.deal(address(this), amount);
        current().distribute{value: amount}();
    }

    function claim(uint256 which, uint256 who) public {
        Vault vault = vaults[which % vaults.length];
        if (vault.dividendOf(_account(who)) == 0) return;
        vm.prank(_account(who));
        vault.claimDividendTo(address(0xCA5));
    }

    /// @dev Losing bidders get exactly what they put in.
    function withdraw(uint256 which, uint256 who) public {
        Vault vault = vaults[which % vaults.length];
        address bidder = _account(who);
        if (lost[vault][bidder] == 0) return;
        vm.prank(bidder);
        require(vault.withdrawTo(address(0xCA5)) == lost[vault][bidder], "exactly what they put in");
        lost[vault][bidder] = 0;
    }

    function force(uint256 which, uint64 amount) external {
        Vault vault = vaults[which % vaults.length];
        vm.deal(address(vault), address(vault).balance + amount);
        forced[vault] += amount;
    }

    function current() public view returns (Vault) {
        return vaults[vaults.length - 1];
    }

    function vaultCount() external view returns (uint256) {
        return vaults.length;
    }

    function _locked(address holder) private view returns (uint256 shares) {
        (, shares) = current().voteOf(holder);
    }

    function _account(uint256 seed) private view returns (address) {
        return accounts[seed % 5];
    }
}

/// @dev Families 1, 5 and 8 of the design's invariants, for vaults.
contract VaultInvariantsTest is Base {
    VaultHandler private handler;
    uint256 private token;

    function setUp() public override {
        super.setUp();
        token = work(address(0xA1));
        handler = new VaultHandler(artwork, factory, token, address(new Refuser()));
        handler.open(1 ether);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](15);
        steps[0] = VaultHandler.open.selector;
        steps[1] = VaultHandler.move.selector;
        steps[2] = VaultHandler.vote.selector;
        steps[3] = VaultHandler.unvote.selector;
        steps[4] = VaultHandler.start.selector;
        steps[5] = VaultHandler.bid.selector;
        steps[6] = VaultHandler.settle.selector;
        steps[7] = VaultHandler.takeOut.selector;
        steps[8] = VaultHandler.redeem.selector;
        steps[9] = VaultHandler.distribute.selector;
        steps[10] = VaultHandler.claim.selector;
        steps[11] = VaultHandler.withdraw.selector;
        steps[12] = VaultHandler.force.selector;
        // Twice as often, so that sequences of 48 steps come to buyouts:
        steps[13] = VaultHandler.vote.selector;
        steps[14] = VaultHandler.start.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), steps);
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerBuysOutTakesOutAndRedeems() external {
        handler.move(0, 4, SUPPLY / 3000);
        handler.vote(0, 7, 1);
        handler.distribute(1 ether);
        handler.start(1, 5);
        handler.bid(4, 5, 0);
        handler.bid(2, 5, 1 days + 1);
        handler.settle();
        equal(handler.buyouts(), 1, "bought out");
        handler.force(0, 9);
        handler.redeem(0, 0, false);
        handler.redeem(0, 4, false);
        equal(handler.refusals(), 1, "refused");
        handler.redeem(0, 4, true);
        equal(handler.redemptions(), 2, "redeemed");
        handler.withdraw(0, 4);
        handler.claim(0, 4);
        handler.open(3);
        equal(handler.vaultCount(), 2, "the winner opened another");
        require(handler.current().valuation() > handler.vaults(0).soldFor(), "not below the buyout");
        handler.move(2, 1, 5);
        handler.takeOut(2, 7);
        equal(handler.takeOuts(), 1, "taken out");
        handler.redeem(1, 1, false);
        invariantVaultsHoldExactlyWhatTheyOwe();
        invariantPayoutsAreAtMostTheProceeds();
        invariantSharesAreTheSupplyAndTheWorkIsThere();
        invariantVotesAreTheReserve();
        afterInvariant();
    }

    function invariantVaultsHoldExactlyWhatTheyOwe() public view {
        for (uint256 i; i < handler.vaultCount(); ++i) {
            Vault vault = handler.vaults(i);
            uint256 owed = vault.proceeds() - vault.redeemed();
            owed += vault.dividendsPaid() - vault.dividendsClaimed() + vault.refunds(TREASURY);
            for (uint256 j; j < 5; ++j) {
                address account = handler.accounts(j);
                equal(vault.refunds(account), handler.lost(vault, account), "what a loser put in");
                owed += vault.refunds(account);
            }
            if (vault.phase() == Reserve.Phase.Buyout) {
                (,, uint256 amount) = vault.buyout();
                owed += amount;
            }
            equal(address(vault).balance, owed + handler.forced(vault), "to the wei, with what was forced in");
        }
    }

    function invariantPayoutsAreAtMostTheProceeds() public view {
        for (uint256 i; i < handler.vaultCount(); ++i) {
            Vault vault = handler.vaults(i);
            uint256 fetched = handler.fetched(vault);
            uint256 waiting;
            for (uint256 j; j < 5; ++j) {
                waiting += vault.redemptionOf(handler.accounts(j));
            }
            require(fetched + waiting <= vault.proceeds(), "payouts <= proceeds");
            if (vault.phase() != Reserve.Phase.Over) equal(vault.proceeds(), 0, "none before");
            else if (vault.claimShares() != 0) require(vault.proceeds() - fetched - waiting < 5, "dust");
            if (vault.totalSupply() == 0) equal(vault.redeemed(), vault.proceeds(), "all went out");
            else equal(vault.redeemed(), fetched, "as the books say");
        }
    }

    function invariantSharesAreTheSupplyAndTheWorkIsThere() public view {
        for (uint256 i; i < handler.vaultCount(); ++i) {
            Vault vault = handler.vaults(i);
            uint256 held;
            for (uint256 j; j < 5; ++j) {
                held += vault.balanceOf(handler.accounts(j));
            }
            equal(held, vault.totalSupply(), "sum of balances == supply");
            if (vault.phase() == Reserve.Phase.Over) continue;
            equal(held, handler.SUPPLY(), "fixed");
            equal(artwork.ownerOf(token), address(vault), "backed by its work");
            equal(i + 1, handler.vaultCount(), "only the last one holds it");
        }
    }

    function invariantVotesAreTheReserve() public view {
        for (uint256 i; i < handler.vaultCount(); ++i) {
            Vault vault = handler.vaults(i);
            uint256 locked;
            uint256 sum;
            for (uint256 j; j < 5; ++j) {
                address voter = handler.accounts(j);
                (uint256 price, uint256 shares) = vault.voteOf(voter);
                if (vault.phase() != Reserve.Phase.Over) {
                    require(shares <= vault.balanceOf(voter), "locked shares are there");
                }
                locked += shares;
                sum += price * shares;
            }
            equal(vault.lockedShares(), locked, "each share counts once");
            uint256 mean = vault.reserve();
            require(mean * locked >= sum && (mean == 0 || (mean - 1) * locked < sum), "the mean, rounded up");
        }
    }

    /// @dev At the end of a sequence everybody fetches everything: what stays is what was forced in and dust.
    function afterInvariant() public {
        for (uint256 i; i < handler.vaultCount(); ++i) {
            Vault vault = handler.vaults(i);
            if (vault.phase() == Reserve.Phase.Buyout) handler.settle();
            for (uint256 j; j < 5; ++j) {
                handler.redeem(i, j, true);
                handler.claim(i, j);
                handler.withdraw(i, j);
            }
            uint256 left = address(vault).balance - handler.forced(vault);
            require(left < 5, "the fractions of dividends");
            equal(left, vault.dividendsPaid() - vault.dividendsClaimed(), "nothing else");
        }
    }
}
