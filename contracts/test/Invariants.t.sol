// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Market} from "../src/Market.sol";
import {Payouts} from "../src/Payouts.sol";
import {Vault} from "../src/Vault.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {Venue} from "../src/Venue.sol";
import {Base, FuzzSelector, USED_DATASET, USED_MODEL, USED_PROCESS, Vm} from "./Base.sol";
import {Refuser} from "./Hostile.sol";

/// @dev Drives all contracts at random with five accounts, one of which refuses ETH, and keeps its own books.
/// Steps that make no sense at the moment are skipped, so that every revert is a failure.
contract Handler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Artwork public immutable artwork;
    Market public immutable market;
    VaultFactory public immutable factory;
    address[5] public accounts;

    /// @dev Ghosts: what the books must say.
    uint256 public sales;
    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public brokenSplits;
    uint256 public reusedPixels;
    uint256[] public burned;
    Vault[] public vaults;
    uint256[] public supplies;
    bytes32[] public pixels;

    constructor(Artwork artwork_, Market market_, VaultFactory factory_) {
        (artwork, market, factory) = (artwork_, market_, factory_);
        accounts = [address(0xA1), address(0xA2), address(0xA3), address(0xA4), address(new Refuser())];
        for (uint256 i; i < accounts.length; ++i) {
            vm.startPrank(accounts[i]);
            artwork.setApprovalForAll(address(market), true);
            artwork.setApprovalForAll(address(factory), true);
            vm.stopPrank();
        }
    }

    function mint(uint256 who, uint256 creator, uint16 bps, uint8 pixelSeed, uint256 parent) external {
        Artwork.Mint memory m;
        m.to = _account(who);
        m.manifest = keccak256(abi.encode(who, creator, bps, pixelSeed, parent));
        m.pixelHash = keccak256(abi.encode("pixels", pixelSeed % 16));
        (m.model, m.dataset, m.process) = (USED_MODEL, USED_DATASET, USED_PROCESS);
        m.royaltyBps = bps % 1_001;
        uint256 known = artwork.minted();
        if (known > 0 && _owner(parent = 1 + parent % known) != address(0)) {
            m.parents = new Artwork.Parent[](1);
            m.parents[0] = Artwork.Parent(address(artwork), parent, 0, bps % 8_950);
        }
        bool used = artwork.pixelHashUsed(m.pixelHash);
        vm.prank(_account(creator));
        (bool done,) = address(artwork).call(abi.encodeCall(artwork.mint, (m)));
        if (done && used) ++reusedPixels;
        if (done) pixels.push(m.pixelHash);
        require(done || used, "a mint failed for another reason");
    }

    function burn(uint256 token) external {
        (uint256 tokenId, address owner) = _token(token);
        if (!_isAccount(owner)) return;
        vm.prank(owner);
        artwork.burn(tokenId, 0);
        burned.push(tokenId);
    }

    function move(uint256 token, uint256 to) external {
        (uint256 tokenId, address owner) = _token(token);
        if (!_isAccount(owner)) return;
        vm.prank(owner);
        artwork.transferFrom(owner, _account(to), tokenId);
    }

    function list(uint256 token, uint96 price, uint16 duration) external {
        (uint256 tokenId, address owner) = _token(token);
        if (!_isAccount(owner) || price == 0) return;
        uint64 endTime = duration % 3 == 0 ? 0 : uint64(block.timestamp + duration);
        vm.prank(owner);
        market.list(tokenId, price, endTime);
    }

    function buy(uint256 token, uint256 who, uint256 recipient, uint64 excess, uint16 later) external {
        vm.warp(block.timestamp + later);
        (uint256 tokenId,) = _token(token);
        (address seller, uint256 price,, bool live) = market.listingOf(tokenId);
        if (!live) return;
        address payer = _account(who);
        vm.deal(payer, price + excess);
        vm.recordLogs();
        vm.prank(payer);
        market.buy{value: price + excess}(tokenId, price, _account(recipient));
        ++sales;
        paidIn += price + excess;
        if (!_splitIsExact(vm.getRecordedLogs(), seller, price, excess)) ++brokenSplits;
    }

    function openVault(uint256 token, uint96 supply, uint96 premium, uint64 excess) external {
        (uint256 tokenId, address owner) = _token(token);
        if (!_isAccount(owner)) return;
        uint256 shares = 1e18 + supply % (1e27 - 1e18 + 1);
        uint256 valuation = market.lastPrice(tokenId) + 1 + premium;
        uint256 royalty = factory.royaltyDue(tokenId, valuation);
        vm.deal(owner, royalty + excess);
        vm.prank(owner);
        vaults.push(Vault(factory.open{value: royalty + excess}(tokenId, "Shares", "SHR", shares, valuation)));
        supplies.push(shares);
    }

    function moveShares(uint256 which, uint256 from, uint256 to, uint256 amount) external {
        if (vaults.length == 0) return;
        Vault vault = vaults[which % vaults.length];
        address holder = _account(from);
        uint256 part = amount % (vault.balanceOf(holder) + 1);
        vm.prank(holder);
        vault.transfer(_account(to), part);
    }

    function redeem(uint256 which, uint256 who) external {
        if (vaults.length == 0) return;
        Vault vault = vaults[which % vaults.length];
        address holder = _account(who);
        uint256 supply = vault.totalSupply();
        if (supply == 0 || vault.balanceOf(holder) != supply) return;
        vm.prank(holder);
        vault.takeOut();
    }

    function withdraw(uint256 who, bool fromMarket) external {
        Payouts payouts = fromMarket ? Payouts(market) : Payouts(factory);
        address account = _account(who);
        if (payouts.refunds(account) == 0) return;
        vm.prank(account);
        payouts.withdrawTo(address(0xCA5));
    }

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    function burnedCount() external view returns (uint256) {
        return burned.length;
    }

    function vaultCount() external view returns (uint256) {
        return vaults.length;
    }

    function pixelCount() external view returns (uint256) {
        return pixels.length;
    }

    /// @dev Reads the logs as an indexer would: legs of role 0 to 2 are the price, role 3 is the change.
    function _splitIsExact(Vm.Log[] memory logs, address seller, uint256 price, uint256 excess)
        private
        returns (bool)
    {
        uint256[4] memory byRole;
        uint256 royalty;
        uint256 fee;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == Venue.Sold.selector) {
                uint256 announced;
                (, announced, royalty, fee) = abi.decode(logs[i].data, (uint8, uint256, uint256, uint256));
                if (announced != price || logs[i].topics[2] != bytes32(uint256(uint160(seller)))) {
                    return false;
                }
            } else if (logs[i].topics[0] == Payouts.Paid.selector) {
                (uint256 amount,) = abi.decode(logs[i].data, (uint256, bool));
                if (amount == 0) return false;
                byRole[uint256(logs[i].topics[3])] += amount;
                paidOut += amount;
            }
        }
        return byRole[0] + byRole[1] + byRole[2] == price && byRole[1] == royalty && byRole[2] == fee
            && byRole[3] == excess && royalty * 10 <= price;
    }

    function _account(uint256 seed) private view returns (address) {
        return accounts[seed % accounts.length];
    }

    function _isAccount(address who) private view returns (bool) {
        for (uint256 i; i < accounts.length; ++i) {
            if (accounts[i] == who) return true;
        }
        return false;
    }

    function _token(uint256 seed) private view returns (uint256 tokenId, address owner) {
        uint256 known = artwork.minted();
        if (known == 0) return (0, address(0));
        tokenId = 1 + seed % known;
        owner = _owner(tokenId);
    }

    function _owner(uint256 tokenId) private view returns (address) {
        try artwork.ownerOf(tokenId) returns (address owner) {
            return owner;
        } catch {
            return address(0);
        }
    }
}

contract InvariantsTest is Base {
    Handler private handler;

    function setUp() public override {
        super.setUp();
        handler = new Handler(artwork, market, factory);
    }

    /// @dev Tells forge to call the handler only, and of it only the steps.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](9);
        steps[0] = Handler.mint.selector;
        steps[1] = Handler.burn.selector;
        steps[2] = Handler.move.selector;
        steps[3] = Handler.list.selector;
        steps[4] = Handler.buy.selector;
        steps[5] = Handler.openVault.selector;
        steps[6] = Handler.moveShares.selector;
        steps[7] = Handler.redeem.selector;
        steps[8] = Handler.withdraw.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), steps);
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerSellsToAndFromARefuserAndOpensVaults() external {
        handler.mint(4, 1, 1_000, 1, 0); // to the account that refuses ETH
        handler.list(0, 1 ether, 0);
        handler.buy(0, 2, 2, 5, 0);
        equal(handler.sales(), 1, "sold");
        equal(_owed(market), 0.875 ether, "the seller refused 87.5 %");
        handler.openVault(0, 0, 0, 1);
        equal(handler.vaultCount(), 1, "opened");
        handler.redeem(0, 2);
        equal(artwork.ownerOf(1), handler.accounts(2), "redeemed");
        handler.burn(0);
        equal(handler.burnedCount(), 1, "burned");
    }

    function invariantEverySaleSplitsExactly() external view {
        equal(handler.brokenSplits(), 0, "seller + royalty + fee == price, royalty <= 10 %");
        equal(handler.paidIn(), handler.paidOut(), "what came in went out or is credited");
    }

    function invariantContractsHoldExactlyWhatTheyOwe() external view {
        equal(address(market).balance, _owed(market), "market");
        equal(address(factory).balance, _owed(factory), "factory");
    }

    function invariantPixelsServeOnceEver() external view {
        equal(handler.reusedPixels(), 0, "no pixel hash was minted twice");
        equal(handler.pixelCount(), artwork.minted(), "one hash per work");
        for (uint256 i; i < handler.pixelCount(); ++i) {
            equal(
                artwork.tokenOfPixelHash(handler.pixels(i)), i + 1, "each hash names its first work for ever"
            );
        }
    }

    function invariantBurnedIdsNeverReturn() external {
        for (uint256 i; i < handler.burnedCount(); ++i) {
            try artwork.ownerOf(handler.burned(i)) {
                revert("a burned work has an owner");
            } catch {}
        }
    }

    function invariantVaultSupplyIsFixedOrGone() external view {
        for (uint256 i; i < handler.vaultCount(); ++i) {
            Vault vault = handler.vaults(i);
            uint256 supply = vault.totalSupply();
            require(supply == handler.supplies(i) || supply == 0, "fixed, or all redeemed");
            uint256 held;
            for (uint256 j; j < handler.accountCount(); ++j) {
                held += vault.balanceOf(handler.accounts(j));
            }
            equal(held, supply, "balances are the supply");
            if (supply > 0) equal(artwork.ownerOf(vault.tokenId()), address(vault), "backed by its work");
        }
    }

    function _owed(Payouts payouts) private view returns (uint256 sum) {
        for (uint256 i; i < handler.accountCount(); ++i) {
            sum += payouts.refunds(handler.accounts(i));
        }
        sum += payouts.refunds(PLATFORM) + payouts.refunds(CREATOR);
    }
}
