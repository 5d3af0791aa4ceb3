// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {LibRLP} from "solady/src/utils/LibRLP.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {Cid} from "./Cid.sol";
import {Registry} from "./Registry.sol";
import {Splitter} from "./Splitter.sol";

/// @title Works of the studio: ERC-721 with ERC-2981 royalties and a lineage that cannot be rewritten.
/// @notice One word per token, the manifest hash, stands for everything that made the work. The rest of the
/// lineage is emitted once, in `ArtworkMinted` and `LineageEdge`, and is therefore as permanent as the chain.
/// Royalties go to the Splitter, always, and every mint sets there who shares them: the creator, the registrants of
/// model and dataset, the creators of the parents, the treasury. A creator cannot cut the others out.
/// @dev Creator, manifest and URI never change. They live in the code of a data contract (SSTORE2): 200 gas per byte
/// instead of about 690 in storage slots. Each mint makes exactly one CREATE and nothing else
/// here creates, so the data contract of token `n` is the one made with nonce `n`: no pointer is stored.
contract Artwork is ERC721, IERC2981, IERC4906 {
    /// @notice What of every royalty goes to others than the creator and the parents' creators.
    struct Terms {
        uint16 modelBps;
        uint16 datasetBps;
        uint16 treasuryBps;
        address treasury;
    }

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
        uint96 royaltyBps;
        string uri;
        Parent[] parents;
    }

    /// @dev One slot: the royalty is written at the mint, so that the first transfer finds the slot in use.
    struct Changing {
        uint240 transferCount;
        uint16 royaltyBps;
    }

    /// @notice Highest royalty, 10 %: EIP-2981 itself allows 100 %.
    uint96 public constant MAX_ROYALTY_BPS = 1_000;

    /// @notice Longest URI in bytes: a data contract holds 24,576, less its stop byte, creator and manifest.
    uint256 public constant MAX_URI_BYTES = 24_523;

    /// @notice Most parents of a work whose creators share its royalties; any number may go without a share.
    uint256 public constant MAX_PAID_PARENTS = 8;

    uint256 private constant CREATOR_BYTES = 20;
    uint256 private constant URI_OFFSET = 52;
    uint256 private constant ALL_BPS = 10_000;
    uint256 private constant FIXED_SEATS = 4;
    uint8 private constant KIND_MODEL = 1;
    uint8 private constant KIND_DATASET = 2;
    uint8 private constant KIND_PROCESS = 3;
    bytes4 private constant ERC4906_ID = 0x49064906;

    /// @notice Where models, datasets and processes are registered.
    Registry public immutable registry;

    /// @notice Who receives the royalties of all works, and divides them.
    Splitter public immutable splitter;

    /// @notice Share of the registrant of a work's model, in basis points of every royalty.
    uint16 public immutable modelBps;

    /// @notice Share of the registrant of a work's dataset.
    uint16 public immutable datasetBps;

    /// @notice Share of the treasury.
    uint16 public immutable treasuryBps;

    /// @notice Who gets the treasury's share.
    address public immutable treasury;

    /// @notice Ids given so far, burned ones included; the next work gets `minted + 1`.
    uint256 public minted;

    /// @notice The one token that ever had these pixels; 0 if none. Kept when the work is burned.
    mapping(bytes32 pixelHash => uint256 tokenId) public tokenOfPixelHash;

    mapping(uint256 tokenId => Changing) private _changing;

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

    /// @notice ERC-7053, once per mint: `assetCid` is the CID of the pixels, `commitData` that of the manifest.
    event Commit(address indexed recorder, string indexed assetCid, string commitData);

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

    error SplitterOfAnother(address artwork);
    error TreasuryInvalid(address treasury);
    error TermsTooHigh(uint256 sumBps, uint256 lessThanBps);
    error ManifestMissing();
    error PixelHashMissing();
    error PixelHashTaken(bytes32 pixelHash, uint256 tokenId);
    error RoyaltyTooHigh(uint96 bps, uint96 maxBps);
    error UriTooLong(uint256 length, uint256 maxLength);
    error ParentCollectionMissing(uint256 ordinal);
    error ParentShareUnpayable(uint256 ordinal, address collection, uint16 shareBps);
    error ParentSharesTooHigh(uint256 sharesBps, uint256 maxBps);
    error TooManyPaidParents(uint256 most);
    error NotCreator(uint256 tokenId, address caller, address creator);

    /// @param splitter_ Deployed before, with the address that this contract will get.
    constructor(
        string memory name_,
        string memory symbol_,
        Registry registry_,
        Splitter splitter_,
        Terms memory terms
    ) ERC721(name_, symbol_) {
        address served = address(splitter_.artwork());
        if (served != address(this)) revert SplitterOfAnother(served);
        if (terms.treasury == address(0) || terms.treasury == address(splitter_)) {
            revert TreasuryInvalid(terms.treasury);
        }
        uint256 sumBps = uint256(terms.modelBps) + terms.datasetBps + terms.treasuryBps;
        if (sumBps >= ALL_BPS) revert TermsTooHigh(sumBps, ALL_BPS);
        (registry, splitter, treasury) = (registry_, splitter_, terms.treasury);
        (modelBps, datasetBps, treasuryBps) = (terms.modelBps, terms.datasetBps, terms.treasuryBps);
    }

    /// @notice Mints a work for `m.to`; the caller is its creator for ever.
    /// @dev Calls nothing but Registry and Splitter, hence no receiver hook: a contract as `to` must know ERC-721.
    function mint(Mint calldata m) external returns (uint256 tokenId) {
        if (m.manifest == 0) revert ManifestMissing();
        if (m.pixelHash == 0) revert PixelHashMissing();
        uint256 taken = tokenOfPixelHash[m.pixelHash];
        if (taken != 0) revert PixelHashTaken(m.pixelHash, taken);
        if (bytes(m.uri).length > MAX_URI_BYTES) revert UriTooLong(bytes(m.uri).length, MAX_URI_BYTES);

        tokenId = ++minted;
        tokenOfPixelHash[m.pixelHash] = tokenId;
        assert(SSTORE2.write(abi.encodePacked(msg.sender, m.manifest, m.uri)) == _dataOf(tokenId));
        _emitMinted(tokenId, m);
        emit Commit(msg.sender, Cid.ofSha256(m.pixelHash), Cid.ofSha256(m.manifest));
        _emitLineage(tokenId, m.parents);
        _setRoyalty(tokenId, m.royaltyBps);
        _setSplit(tokenId, m);
        _mint(m.to, tokenId);
    }

    /// @notice Changes the royalty of a work; only its creator may, and never above 10 %.
    function setRoyalty(uint256 tokenId, uint96 bps) external {
        _requireOwned(tokenId);
        address creator = creatorOf(tokenId);
        if (creator != msg.sender) revert NotCreator(tokenId, msg.sender, creator);
        _setRoyalty(tokenId, bps);
    }

    /// @notice Destroys a work; its owner or an approved operator may. Id, manifest and pixel hash stay taken.
    function burn(uint256 tokenId, uint8 reason) external {
        _update(address(0), tokenId, msg.sender);
        emit ArtworkBurned(tokenId, msg.sender, manifestOf(tokenId), reason);
    }

    /// @notice Whether any work, burned ones included, ever had these pixels.
    function pixelHashUsed(bytes32 pixelHash) external view returns (bool) {
        return tokenOfPixelHash[pixelHash] != 0;
    }

    /// @notice How often the token changed hands since its mint: an offer made at another count is void.
    function transferCount(uint256 tokenId) external view returns (uint256) {
        return _changing[tokenId].transferCount;
    }

    /// @inheritdoc IERC2981
    function royaltyInfo(uint256 tokenId, uint256 salePrice)
        public
        view
        virtual
        returns (address receiver, uint256 royaltyAmount)
    {
        return (address(splitter), (salePrice * _changing[tokenId].royaltyBps) / ALL_BPS);
    }

    /// @notice Who minted the work; also answers for burned works.
    function creatorOf(uint256 tokenId) public view returns (address) {
        if (tokenId == 0 || tokenId > minted) revert ERC721NonexistentToken(tokenId);
        return address(bytes20(SSTORE2.read(_dataOf(tokenId), 0, CREATOR_BYTES)));
    }

    /// @notice SHA-256 of the work's lineage manifest, also of a burned work; 0 for one that was never minted.
    function manifestOf(uint256 tokenId) public view returns (bytes32) {
        if (tokenId == 0 || tokenId > minted) return 0;
        return bytes32(SSTORE2.read(_dataOf(tokenId), CREATOR_BYTES, URI_OFFSET));
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        return string(SSTORE2.read(_dataOf(tokenId), URI_OFFSET));
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        return interfaceId == type(IERC2981).interfaceId || interfaceId == ERC4906_ID
            || super.supportsInterface(interfaceId);
    }

    /// @dev Counts every change of owner, also to oneself, so that offers made before it are void.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (from != address(0)) ++_changing[tokenId].transferCount;
    }

    function _setRoyalty(uint256 tokenId, uint96 bps) private {
        if (bps > MAX_ROYALTY_BPS) revert RoyaltyTooHigh(bps, MAX_ROYALTY_BPS);
        // An exact cast: 10 % fits.
        // forge-lint: disable-next-line(unsafe-typecast)
        _changing[tokenId].royaltyBps = uint16(bps);
        emit RoyaltySet(tokenId, address(splitter), bps);
    }

    /// @dev Asks the Registry about everything the work was made with, and tells the Splitter who shares its
    /// royalties. One place per account: whoever has several parts in a work gets them in one.
    function _setSplit(uint256 tokenId, Mint calldata m) private {
        uint256 most = FIXED_SEATS + MAX_PAID_PARENTS;
        (address[] memory payees, uint16[] memory bps) = (new address[](most), new uint16[](most));
        payees[0] = msg.sender;
        uint256 count = 1;
        count = _seat(payees, bps, count, registry.requireUsable(m.model, KIND_MODEL), modelBps);
        count = _seat(payees, bps, count, registry.requireUsable(m.dataset, KIND_DATASET), datasetBps);
        registry.requireUsable(m.process, KIND_PROCESS);
        count = _seatParents(payees, bps, count, m.parents);
        count = _seat(payees, bps, count, treasury, treasuryBps);
        uint256 othersBps = _sum(bps);
        // What the others leave is the creator's, beside what they have as one of the others. A cast of at most
        // 10,000: `_seatParents` refused more.
        // forge-lint: disable-next-line(unsafe-typecast)
        bps[0] += uint16(ALL_BPS - othersBps);
        assembly ("memory-safe") {
            mstore(payees, count)
            mstore(bps, count)
        }
        splitter.setSplit(tokenId, payees, bps);
    }

    /// @dev Only a work of this contract has a creator that can be asked for; the parents of parents get nothing.
    function _seatParents(
        address[] memory payees,
        uint16[] memory bps,
        uint256 count,
        Parent[] calldata parents
    ) private view returns (uint256) {
        uint256 paid;
        uint256 sharesBps;
        for (uint256 i; i < parents.length; ++i) {
            Parent calldata parent = parents[i];
            if (parent.shareBps == 0) continue;
            if (parent.collection != address(this)) {
                revert ParentShareUnpayable(i, parent.collection, parent.shareBps);
            }
            if (++paid > MAX_PAID_PARENTS) revert TooManyPaidParents(MAX_PAID_PARENTS);
            sharesBps += parent.shareBps;
            uint256 mostBps = ALL_BPS - 1 - modelBps - datasetBps - treasuryBps;
            if (sharesBps > mostBps) revert ParentSharesTooHigh(sharesBps, mostBps);
            count = _seat(payees, bps, count, creatorOf(parent.tokenId), parent.shareBps);
        }
        return count;
    }

    function _emitMinted(uint256 tokenId, Mint calldata m) private {
        emit ArtworkMinted(
            tokenId, m.manifest, msg.sender, m.pixelHash, m.model, m.dataset, m.process, m.seed, m.uri
        );
    }

    /// @dev A parent in this contract must exist already, and the child does not yet: the graph has no cycles.
    function _emitLineage(uint256 child, Parent[] calldata parents) private {
        for (uint256 i; i < parents.length; ++i) {
            Parent calldata parent = parents[i];
            if (parent.collection == address(0)) revert ParentCollectionMissing(i);
            if (parent.collection == address(this)) _requireOwned(parent.tokenId);
            emit LineageEdge(child, i, parent.collection, parent.tokenId, parent.relation, parent.shareBps);
        }
    }

    function _dataOf(uint256 tokenId) private view returns (address) {
        return LibRLP.computeAddress(address(this), tokenId);
    }

    /// @dev Adds to an account's place, or gives it the next one; nothing for nothing.
    function _seat(address[] memory payees, uint16[] memory bps, uint256 count, address payee, uint16 share)
        private
        pure
        returns (uint256)
    {
        if (share == 0) return count;
        uint256 place;
        while (place < count && payees[place] != payee) ++place;
        payees[place] = payee;
        bps[place] += share;
        return place == count ? count + 1 : count;
    }

    function _sum(uint16[] memory bps) private pure returns (uint256 sumBps) {
        for (uint256 i; i < bps.length; ++i) {
            sumBps += bps[i];
        }
    }
}
