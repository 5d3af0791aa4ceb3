// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {LibRLP} from "solady/src/utils/LibRLP.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";

/// @title Works of the studio: ERC-721 with ERC-2981 royalties and a lineage that cannot be rewritten.
/// @notice One word per token, the manifest hash, stands for everything that made the work. The rest of the
/// lineage is emitted once, in `ArtworkMinted` and `LineageEdge`, and is therefore as permanent as the chain.
/// @dev The URI never changes. It lives, behind the creator's address, in the code of a data contract (SSTORE2):
/// 200 gas per byte instead of about 690 in storage slots. Each mint makes exactly one CREATE and nothing else
/// here creates, so the data contract of token `n` is the one made with nonce `n`: no pointer is stored.
contract Artwork is ERC721, ERC2981, IERC4906 {
    /// @notice A work that this one was made from. `relation`: 0 derived, 1 variation, 2 inspired, 3 style cell.
    struct Parent {
        address collection;
        uint256 tokenId;
        uint8 relation;
        uint16 shareBps;
    }

    /// @notice All that is said about a work when it is minted.
    struct Mint {
        address to;
        bytes32 manifest;
        bytes32 pixelHash;
        bytes32 model;
        bytes32 dataset;
        bytes32 process;
        uint256 seed;
        address royaltyRecipient;
        uint96 royaltyBps;
        string uri;
        Parent[] parents;
    }

    /// @notice Highest royalty, 10 %: EIP-2981 itself allows 100 %.
    uint96 public constant MAX_ROYALTY_BPS = 1_000;

    /// @notice Longest URI in bytes: a data contract holds 24,576, less its stop byte and the creator's address.
    uint256 public constant MAX_URI_BYTES = 24_555;

    uint256 private constant CREATOR_BYTES = 20;
    uint256 private constant ALL_SHARES_BPS = 10_000;
    bytes4 private constant ERC4906_ID = 0x49064906;

    /// @notice Ids given so far, burned ones included; the next work gets `minted + 1`.
    uint256 public minted;

    /// @notice SHA-256 of the work's lineage manifest; kept when the work is burned.
    mapping(uint256 tokenId => bytes32) public manifestOf;

    /// @notice The one token that ever had these pixels; 0 if none. Kept when the work is burned.
    mapping(bytes32 pixelHash => uint256 tokenId) public tokenOfPixelHash;

    /// @notice How often the token changed hands since its mint: an offer made at another count is void.
    mapping(uint256 tokenId => uint256) public transferCount;

    /// @notice Emitted once per work. `creator` called `mint`; the other words are digests, `seed` the noise seed.
    event ArtworkMinted(
        uint256 indexed tokenId,
        bytes32 indexed manifest,
        address indexed creator,
        bytes32 pixelHash,
        bytes32 model,
        bytes32 dataset,
        bytes32 process,
        uint256 seed,
        string uri
    );

    /// @notice Emitted at mint (also when there is no royalty) and whenever the creator changes the terms.
    event RoyaltySet(uint256 indexed tokenId, address recipient, uint96 bps);

    /// @notice Emitted once per parent, in the order given; `ordinal` counts from 0.
    event LineageEdge(
        uint256 indexed child,
        uint256 indexed ordinal,
        address indexed parentContract,
        uint256 parentToken,
        uint8 relation,
        uint16 shareBps
    );

    /// @notice Emitted when a work is destroyed. `reason`: 0 unstated, 1 withdrawn, 2 defect, 3 lost dispute.
    event ArtworkBurned(uint256 indexed tokenId, address indexed by, bytes32 manifest, uint8 reason);

    error ManifestMissing();
    error PixelHashMissing();
    error PixelHashTaken(bytes32 pixelHash, uint256 tokenId);
    error RoyaltyTooHigh(uint96 bps, uint96 maxBps);
    error RoyaltyRecipientMissing(uint96 bps);
    error UriTooLong(uint256 length, uint256 maxLength);
    error ParentCollectionMissing(uint256 ordinal);
    error ParentSharesTooHigh(uint256 sharesBps, uint256 maxBps);
    error NotCreator(uint256 tokenId, address caller, address creator);

    constructor(string memory name_, string memory symbol_) ERC721(name_, symbol_) {}

    /// @notice Mints a work for `m.to`; the caller is its creator for ever.
    /// @dev Makes no call into foreign code, hence no receiver hook: a contract as `to` must know ERC-721.
    function mint(Mint calldata m) external returns (uint256 tokenId) {
        if (m.manifest == 0) revert ManifestMissing();
        if (m.pixelHash == 0) revert PixelHashMissing();
        uint256 taken = tokenOfPixelHash[m.pixelHash];
        if (taken != 0) revert PixelHashTaken(m.pixelHash, taken);
        if (bytes(m.uri).length > MAX_URI_BYTES) revert UriTooLong(bytes(m.uri).length, MAX_URI_BYTES);

        tokenId = ++minted;
        manifestOf[tokenId] = m.manifest;
        tokenOfPixelHash[m.pixelHash] = tokenId;
        assert(SSTORE2.write(abi.encodePacked(msg.sender, m.uri)) == _dataOf(tokenId));
        _emitMinted(tokenId, m);
        _emitLineage(tokenId, m.parents);
        _setRoyalty(tokenId, m.royaltyRecipient, m.royaltyBps);
        _mint(m.to, tokenId);
    }

    /// @notice Changes the royalty of a work; only its creator may, and never above 10 %.
    function setRoyalty(uint256 tokenId, address recipient, uint96 bps) external {
        _requireOwned(tokenId);
        address creator = creatorOf(tokenId);
        if (creator != msg.sender) revert NotCreator(tokenId, msg.sender, creator);
        _setRoyalty(tokenId, recipient, bps);
    }

    /// @notice Destroys a work; its owner or an approved operator may. Id, manifest and pixel hash stay taken.
    function burn(uint256 tokenId, uint8 reason) external {
        _update(address(0), tokenId, msg.sender);
        emit ArtworkBurned(tokenId, msg.sender, manifestOf[tokenId], reason);
    }

    /// @notice Whether any work, burned ones included, ever had these pixels.
    function pixelHashUsed(bytes32 pixelHash) external view returns (bool) {
        return tokenOfPixelHash[pixelHash] != 0;
    }

    /// @notice Who minted the work; also answers for burned works.
    function creatorOf(uint256 tokenId) public view returns (address) {
        if (tokenId == 0 || tokenId > minted) revert ERC721NonexistentToken(tokenId);
        return address(bytes20(SSTORE2.read(_dataOf(tokenId), 0, CREATOR_BYTES)));
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        return string(SSTORE2.read(_dataOf(tokenId), CREATOR_BYTES));
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 interfaceId)
        public
        view
        override(ERC721, ERC2981, IERC165)
        returns (bool)
    {
        return interfaceId == ERC4906_ID || super.supportsInterface(interfaceId);
    }

    /// @dev Counts every change of owner, also to oneself, so that offers made before it are void.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (from != address(0)) ++transferCount[tokenId];
    }

    function _setRoyalty(uint256 tokenId, address recipient, uint96 bps) private {
        if (bps > MAX_ROYALTY_BPS) revert RoyaltyTooHigh(bps, MAX_ROYALTY_BPS);
        if (bps == 0) {
            _resetTokenRoyalty(tokenId);
        } else {
            if (recipient == address(0)) revert RoyaltyRecipientMissing(bps);
            _setTokenRoyalty(tokenId, recipient, bps);
        }
        emit RoyaltySet(tokenId, recipient, bps);
    }

    function _emitMinted(uint256 tokenId, Mint calldata m) private {
        emit ArtworkMinted(
            tokenId, m.manifest, msg.sender, m.pixelHash, m.model, m.dataset, m.process, m.seed, m.uri
        );
    }

    /// @dev A parent in this contract must exist already, and the child does not yet: the graph has no cycles.
    function _emitLineage(uint256 child, Parent[] calldata parents) private {
        uint256 sharesBps;
        for (uint256 i; i < parents.length; ++i) {
            Parent calldata parent = parents[i];
            if (parent.collection == address(0)) revert ParentCollectionMissing(i);
            if (parent.collection == address(this)) _requireOwned(parent.tokenId);
            sharesBps += parent.shareBps;
            emit LineageEdge(child, i, parent.collection, parent.tokenId, parent.relation, parent.shareBps);
        }
        if (sharesBps > ALL_SHARES_BPS) revert ParentSharesTooHigh(sharesBps, ALL_SHARES_BPS);
    }

    function _dataOf(uint256 tokenId) private view returns (address) {
        return LibRLP.computeAddress(address(this), tokenId);
    }
}
