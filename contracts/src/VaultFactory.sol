// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "./Artwork.sol";
import {Payouts} from "./Payouts.sol";
import {Royalties} from "./Royalties.sol";
import {Splitter} from "./Splitter.sol";
import {Vault} from "./Vault.sol";
import {Venue} from "./Venue.sol";

/// @title Opens vaults: a work in, its royalty paid, all shares to the curator.
/// @notice Turning a work into shares is a sale in all but name, so the ERC-2981 royalty on the curator's valuation
/// is due here, in the same call, and the valuation may not lie below the last price at any venue or in a buyout.
contract VaultFactory is Payouts {
    /// @notice Fewest shares, in smallest units: one whole share of 18 decimals.
    uint256 public constant MIN_SUPPLY = 1e18;

    /// @notice Most shares: so many that no price per share can round to nothing.
    uint256 public constant MAX_SUPPLY = 1e27;

    /// @notice The works that can be put into vaults.
    Artwork public immutable artwork;

    /// @notice Who receives the royalties.
    Splitter public immutable splitter;

    /// @notice Who gets what redemptions round down.
    address public immutable treasury;

    /// @notice `source` of the royalty of a work that is turned into shares.
    uint8 public constant SOURCE_FRACTIONALIZATION = 4;

    /// @notice The places whose last prices bound the valuation from below.
    Venue[] public venues;

    /// @notice The work of a vault opened here; 0 for any other address.
    mapping(address vault => uint256 tokenId) public tokenOfVault;

    /// @notice The vault opened last for a work; it may be over.
    mapping(uint256 tokenId => Vault) public vaultOf;

    /// @dev Price of the last buyout of a work from a vault before `vaultOf`.
    mapping(uint256 tokenId => uint256) private _boughtOutFor;

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
    error TreasuryMissing();
    error VenueOfAnother(address venue, address artworkOfVenue);
    error SplitterOfAnother(address splitter, address splitterOfArtwork);

    constructor(Artwork artwork_, Splitter splitter_, Venue[] memory venues_, address treasury_) {
        address expected = address(artwork_.splitter());
        if (address(splitter_) != expected) revert SplitterOfAnother(address(splitter_), expected);
        if (treasury_ == address(0)) revert TreasuryMissing();
        for (uint256 i; i < venues_.length; ++i) {
            address sold = address(venues_[i].artwork());
            if (sold != address(artwork_)) revert VenueOfAnother(address(venues_[i]), sold);
        }
        (artwork, splitter, treasury) = (artwork_, splitter_, treasury_);
        venues = venues_;
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
        uint256 royalty = royaltyDue(tokenId, valuationWei);
        if (msg.value < royalty) revert RoyaltyUnpaid(msg.value, royalty);

        Vault.Holding memory held = Vault.Holding(artwork, splitter, treasury, tokenId, owner, valuationWei);
        Vault opened = new Vault(held, name, symbol, supply);
        _boughtOutFor[tokenId] = _lastBuyout(tokenId);
        (vaultOf[tokenId], vault) = (opened, address(opened));
        tokenOfVault[vault] = tokenId;
        emit VaultOpened(vault, tokenId, owner, supply, royalty);

        artwork.transferFrom(owner, vault, tokenId);
        _payRoyalty(splitter, tokenId, royalty, SOURCE_FRACTIONALIZATION);
        _pay(tokenId, owner, ROLE_REFUND, msg.value - royalty);
    }

    /// @notice Wei of the royalty that `open` asks for; refuses too low a valuation.
    function royaltyDue(uint256 tokenId, uint256 valuationWei) public view returns (uint256 royalty) {
        uint256 least = lastPrice(tokenId);
        if (least == 0) least = 1;
        if (valuationWei < least || valuationWei > type(uint128).max) {
            revert ValuationOutOfRange(valuationWei, least, type(uint128).max);
        }
        return Royalties.due(artwork, tokenId, valuationWei);
    }

    /// @notice The highest of a work's last prices in wei: at each venue, and in a buyout from a vault.
    function lastPrice(uint256 tokenId) public view returns (uint256 highest) {
        highest = _lastBuyout(tokenId);
        for (uint256 i; i < venues.length; ++i) {
            uint256 price = venues[i].lastPrice(tokenId);
            if (price > highest) highest = price;
        }
    }

    function _lastBuyout(uint256 tokenId) private view returns (uint256 price) {
        Vault last = vaultOf[tokenId];
        if (address(last) != address(0)) price = last.soldFor();
        if (price == 0) price = _boughtOutFor[tokenId];
    }
}
