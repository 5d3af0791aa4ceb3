// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";
import {Market} from "./Market.sol";
import {Payouts} from "./Payouts.sol";
import {Royalties} from "./Royalties.sol";
import {Vault} from "./Vault.sol";

/// @title Opens vaults: a work in, its royalty paid, all shares to the curator.
/// @notice Turning a work into shares is a sale in all but name, so the ERC-2981 royalty on the curator's valuation
/// is due here, in the same call, and the valuation may not lie below the last price on the market.
contract VaultFactory is Payouts {
    /// @notice Fewest shares, in smallest units: one whole share of 18 decimals.
    uint256 public constant MIN_SUPPLY = 1e18;

    /// @notice Most shares: so many that no price per share can round to nothing.
    uint256 public constant MAX_SUPPLY = 1e27;

    /// @notice The works that can be put into vaults.
    Artwork public immutable artwork;

    /// @notice The market whose last price bounds the valuation from below.
    Market public immutable market;

    /// @notice The work of a vault opened here; 0 for any other address.
    mapping(address vault => uint256 tokenId) public tokenOfVault;

    /// @notice A vault was opened; `royalty` wei were paid, see the `Paid` legs that follow. Only this contract's
    /// event is evidence: a contract that calls itself a vault may hold nothing.
    event VaultOpened(
        address indexed vault,
        uint256 indexed tokenId,
        address indexed curator,
        uint256 supply,
        uint256 royalty
    );

    error NotOwner(uint256 tokenId, address caller, address owner);
    error SupplyOutOfRange(uint256 supply, uint256 minSupply, uint256 maxSupply);
    error ValuationOutOfRange(uint256 valuation, uint256 minValuation, uint256 maxValuation);
    error RoyaltyUnpaid(uint256 sent, uint256 royalty);

    constructor(Artwork artwork_, Market market_) {
        artwork = artwork_;
        market = market_;
    }

    /// @notice Puts the caller's work into a new vault and mints `supply` share units to the caller.
    /// @dev The work must be approved for this contract; send at least `royaltyDue`, the rest comes back.
    function open(
        uint256 tokenId,
        string calldata name,
        string calldata symbol,
        uint256 supply,
        uint256 valuationWei
    ) external payable nonReentrant returns (address vault) {
        address owner = artwork.ownerOf(tokenId);
        if (owner != msg.sender) revert NotOwner(tokenId, msg.sender, owner);
        if (supply < MIN_SUPPLY || supply > MAX_SUPPLY) {
            revert SupplyOutOfRange(supply, MIN_SUPPLY, MAX_SUPPLY);
        }
        (address recipient, uint256 royalty) = royaltyDue(tokenId, valuationWei, owner);
        if (msg.value < royalty) revert RoyaltyUnpaid(msg.value, royalty);

        vault = address(new Vault(artwork, tokenId, owner, name, symbol, supply));
        tokenOfVault[vault] = tokenId;
        emit VaultOpened(vault, tokenId, owner, supply, royalty);

        artwork.transferFrom(owner, vault, tokenId);
        _pay(tokenId, recipient, ROLE_ROYALTY, royalty);
        _pay(tokenId, owner, ROLE_REFUND, msg.value - royalty);
    }

    /// @notice Recipient and wei of the royalty that `open` asks `curator` for; refuses too low a valuation.
    function royaltyDue(uint256 tokenId, uint256 valuationWei, address curator)
        public
        view
        returns (address recipient, uint256 royalty)
    {
        uint256 least = market.lastPrice(tokenId);
        if (least == 0) least = 1;
        if (valuationWei < least || valuationWei > type(uint128).max) {
            revert ValuationOutOfRange(valuationWei, least, type(uint128).max);
        }
        return Royalties.due(artwork, tokenId, valuationWei, curator);
    }
}
