// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// @title What works are made with: digests of models, datasets, processes and verifiers, and what is said of them.
/// @notice Everything here is added and nothing taken back. An asset names its parents once, when it is registered,
/// and they must be registered before it: the lineage has no cycles. A dispute that is upheld taints the asset and
/// all that descends from it, for ever; an open one only marks them as contested, so that opening disputes, which is
/// free to all, stops nobody.
/// @dev Registrars are admitted by the owner: the first claim about a digest stands, and whoever sees a registration
/// coming could otherwise make it first, with a wrong kind or false parents. Whoever says something of a digest
/// (attests, disputes) need not be admitted, and the digest need not be registered: it may be a work's manifest.
/// The owner, a timelock, judges disputes. The contract takes no ETH and calls no other.
contract Registry is Ownable2Step {
    /// @notice A registered asset; `kind` is 0 for a digest that is none.
    struct Asset {
        address registrant;
        uint64 registeredAt;
        uint8 kind;
        uint8 parentCount;
    }

    /// @notice What somebody found when checking a digest: the report's digest, at one level of assurance (0 to 4).
    struct Attestation {
        address attester;
        uint64 attestedAt;
        uint8 level;
        bool passed;
        bytes32 report;
    }

    /// @notice The latest dispute about a digest.
    struct Dispute {
        address opener;
        uint64 openedAt;
        uint8 state;
        bytes32 evidence;
    }

    /// @notice Weights of a model.
    uint8 public constant KIND_MODEL = 1;
    /// @notice Training data.
    uint8 public constant KIND_DATASET = 2;
    /// @notice A generation process: code, scheduler, settings.
    uint8 public constant KIND_PROCESS = 3;
    /// @notice A program that verifies works.
    uint8 public constant KIND_VERIFIER = 4;

    /// @notice State of a digest that was never disputed.
    uint8 public constant UNDISPUTED = 0;
    /// @notice Outcome: the dispute was dismissed. Another may be opened, with other evidence.
    uint8 public constant DISMISSED = 1;
    /// @notice Outcome: the dispute was upheld. Final: a corrected asset has another digest.
    uint8 public constant UPHELD = 2;
    /// @notice State while a dispute waits for its judgement.
    uint8 public constant OPEN = 3;

    /// @notice Highest level of assurance.
    uint8 public constant MAX_LEVEL = 4;

    /// @notice Most ancestors of an asset, each counted once: bounds the gas of `taintOf` at any depth.
    uint256 public constant MAX_ANCESTORS = 32;

    /// @notice Who may register assets.
    mapping(address account => bool) public isRegistrar;

    /// @notice The asset of a digest.
    mapping(bytes32 digest => Asset) public assetOf;

    /// @notice The latest dispute about a digest.
    mapping(bytes32 digest => Dispute) public disputeOf;

    /// @notice Whether evidence was already brought against a digest: it cannot be brought again.
    mapping(bytes32 digest => mapping(bytes32 evidence => bool)) public evidenceUsed;

    /// @dev All ancestors of an asset, each once; its parents come first, in the order given.
    mapping(bytes32 digest => bytes32[]) private _ancestors;

    mapping(bytes32 digest => Attestation[]) private _attestations;

    /// @notice Emitted once per asset. `metadata` is the SHA-256 of the document at `uri`.
    event AssetRegistered(
        bytes32 indexed digest, uint8 indexed kind, address indexed registrant, bytes32 metadata, string uri
    );

    /// @notice Emitted after `AssetRegistered`, once per parent, in the order given; `ordinal` counts from 0.
    event AssetParent(bytes32 indexed digest, bytes32 indexed parent, uint256 ordinal);

    /// @notice Somebody checked a digest. Whose word counts is for the reader to decide.
    event Attested(
        bytes32 indexed digest, address indexed attester, uint8 indexed level, bytes32 report, bool passed
    );

    /// @notice Somebody disputes a digest; `evidence` is the SHA-256 of what they bring.
    event DisputeOpened(bytes32 indexed digest, address indexed opener, bytes32 evidence);

    /// @notice The open dispute about a digest was judged: 1 dismissed, 2 upheld.
    event DisputeResolved(bytes32 indexed digest, uint8 outcome);

    /// @notice An account was admitted as a registrar, or is one no longer.
    event RegistrarSet(address indexed account, bool admitted);

    error NotRegistrar(address account);
    error DigestMissing();
    error KindUnknown(uint8 kind);
    error AlreadyRegistered(bytes32 digest, address registrant);
    error ParentUnknown(bytes32 parent);
    error ParentNamedTwice(bytes32 parent);
    error TooManyAncestors(uint256 most);
    error LevelUnknown(uint8 level, uint8 maxLevel);
    error ReportMissing();
    error EvidenceMissing();
    error EvidenceUsed(bytes32 digest, bytes32 evidence);
    error DisputeAlreadyOpen(bytes32 digest, bytes32 evidence);
    error DisputeUpheld(bytes32 digest);
    error DisputeNotOpen(bytes32 digest, bytes32 evidence);
    error OutcomeUnknown(uint8 outcome);
    error AssetUnknown(bytes32 digest, uint8 kind);
    error AssetTainted(bytes32 digest, bytes32 culprit);

    /// @param registrars Admitted from the start: an owner that is a timelock could admit nobody for a while.
    constructor(address owner_, address[] memory registrars) Ownable(owner_) {
        for (uint256 i; i < registrars.length; ++i) {
            _setRegistrar(registrars[i], true);
        }
    }

    /// @notice Admits a registrar, or dismisses one; what they registered stays.
    function setRegistrar(address account, bool admitted) external onlyOwner {
        _setRegistrar(account, admitted);
    }

    /// @notice Registers an asset under the digest of its content, with all the assets that it was made from.
    /// @dev A tainted parent is no obstacle: lineage is told as it is, and the child is tainted from the start.
    /// @param metadata SHA-256 of the document at `uri`; may be 0 when there is none.
    function register(
        bytes32 digest,
        uint8 kind,
        bytes32 metadata,
        string calldata uri,
        bytes32[] calldata parents
    ) external {
        if (!isRegistrar[msg.sender]) revert NotRegistrar(msg.sender);
        if (digest == 0) revert DigestMissing();
        if (kind == 0 || kind > KIND_VERIFIER) revert KindUnknown(kind);
        Asset storage asset = assetOf[digest];
        if (asset.kind != 0) revert AlreadyRegistered(digest, asset.registrant);
        if (parents.length > MAX_ANCESTORS) revert TooManyAncestors(MAX_ANCESTORS);

        emit AssetRegistered(digest, kind, msg.sender, metadata, uri);
        // The asset itself is still unknown here, so that it cannot be its own parent.
        _inherit(digest, parents);
        (asset.registrant, asset.registeredAt) = (msg.sender, uint64(block.timestamp));
        (asset.kind, asset.parentCount) = (kind, uint8(parents.length));
    }

    /// @notice Records that the caller checked a digest, with the digest of their report. Later ones do not replace it.
    function attest(bytes32 digest, uint8 level, bytes32 report, bool passed) external {
        if (digest == 0) revert DigestMissing();
        if (level > MAX_LEVEL) revert LevelUnknown(level, MAX_LEVEL);
        if (report == 0) revert ReportMissing();
        _attestations[digest].push(Attestation(msg.sender, uint64(block.timestamp), level, passed, report));
        emit Attested(digest, msg.sender, level, report, passed);
    }

    /// @notice Disputes a digest. One dispute is open at a time; whoever has more to say meanwhile attests it.
    function openDispute(bytes32 digest, bytes32 evidence) external {
        if (digest == 0) revert DigestMissing();
        if (evidence == 0) revert EvidenceMissing();
        Dispute storage dispute = disputeOf[digest];
        if (dispute.state == OPEN) revert DisputeAlreadyOpen(digest, dispute.evidence);
        if (dispute.state == UPHELD) revert DisputeUpheld(digest);
        if (evidenceUsed[digest][evidence]) revert EvidenceUsed(digest, evidence);
        evidenceUsed[digest][evidence] = true;
        (dispute.opener, dispute.openedAt) = (msg.sender, uint64(block.timestamp));
        (dispute.state, dispute.evidence) = (OPEN, evidence);
        emit DisputeOpened(digest, msg.sender, evidence);
    }

    /// @notice Judges the open dispute about a digest. The evidence is named, so that no other dispute is judged
    /// by a decision that a timelock made earlier.
    function resolveDispute(bytes32 digest, bytes32 evidence, uint8 outcome) external onlyOwner {
        if (outcome != DISMISSED && outcome != UPHELD) revert OutcomeUnknown(outcome);
        Dispute storage dispute = disputeOf[digest];
        if (dispute.state != OPEN || dispute.evidence != evidence) revert DisputeNotOpen(digest, evidence);
        dispute.state = outcome;
        emit DisputeResolved(digest, outcome);
    }

    /// @notice Who registered a digest. Reverts unless it is registered as this kind and is not tainted: what a mint
    /// asks of its model.
    function requireUsable(bytes32 digest, uint8 kind) external view returns (address registrant) {
        Asset storage asset = assetOf[digest];
        if (kind == 0 || asset.kind != kind) revert AssetUnknown(digest, kind);
        bytes32 culprit = taintOf(digest);
        if (culprit != 0) revert AssetTainted(digest, culprit);
        return asset.registrant;
    }

    /// @notice Whether a dispute about the digest or an ancestor of it was upheld.
    function isTainted(bytes32 digest) external view returns (bool) {
        return taintOf(digest) != 0;
    }

    /// @notice Whether a dispute about the digest or an ancestor of it is open.
    function isContested(bytes32 digest) external view returns (bool) {
        return _firstIn(digest, OPEN) != 0;
    }

    /// @notice The direct parents of an asset, in the order given.
    function parentsOf(bytes32 digest) external view returns (bytes32[] memory parents) {
        parents = new bytes32[](assetOf[digest].parentCount);
        for (uint256 i; i < parents.length; ++i) {
            parents[i] = _ancestors[digest][i];
        }
    }

    /// @notice All ancestors of an asset, each once, its parents first.
    function ancestorsOf(bytes32 digest) external view returns (bytes32[] memory) {
        return _ancestors[digest];
    }

    /// @notice How many attestations there are about a digest.
    function attestationCount(bytes32 digest) external view returns (uint256) {
        return _attestations[digest].length;
    }

    /// @notice One attestation about a digest, in the order they were made, from 0.
    function attestationAt(bytes32 digest, uint256 index) external view returns (Attestation memory) {
        return _attestations[digest][index];
    }

    /// @notice The digest whose upheld dispute taints this one: itself or an ancestor; 0 if it is not tainted.
    /// @dev At most `1 + MAX_ANCESTORS` verdicts are read, however deep the lineage: less than 160,000 gas.
    function taintOf(bytes32 digest) public view returns (bytes32 culprit) {
        return _firstIn(digest, UPHELD);
    }

    function _setRegistrar(address account, bool admitted) private {
        isRegistrar[account] = admitted;
        emit RegistrarSet(account, admitted);
    }

    /// @dev Copies the ancestors down at registration, when their number is known to be small, so that a verdict
    /// costs the same however many descend from the asset, and none of them has to be touched.
    function _inherit(bytes32 digest, bytes32[] calldata parents) private {
        bytes32[] memory found = new bytes32[](MAX_ANCESTORS);
        uint256 count;
        for (uint256 i; i < parents.length; ++i) {
            if (assetOf[parents[i]].kind == 0) revert ParentUnknown(parents[i]);
            if (_contains(found, count, parents[i])) revert ParentNamedTwice(parents[i]);
            found[count++] = parents[i];
            emit AssetParent(digest, parents[i], i);
        }
        for (uint256 i; i < parents.length; ++i) {
            bytes32[] storage inherited = _ancestors[parents[i]];
            uint256 length = inherited.length;
            for (uint256 j; j < length; ++j) {
                bytes32 ancestor = inherited[j];
                if (_contains(found, count, ancestor)) continue;
                if (count == MAX_ANCESTORS) revert TooManyAncestors(MAX_ANCESTORS);
                found[count++] = ancestor;
            }
        }
        bytes32[] storage ancestors = _ancestors[digest];
        for (uint256 i; i < count; ++i) {
            ancestors.push(found[i]);
        }
    }

    function _firstIn(bytes32 digest, uint8 state) private view returns (bytes32) {
        if (disputeOf[digest].state == state) return digest;
        bytes32[] storage ancestors = _ancestors[digest];
        uint256 length = ancestors.length;
        for (uint256 i; i < length; ++i) {
            bytes32 ancestor = ancestors[i];
            if (disputeOf[ancestor].state == state) return ancestor;
        }
        return 0;
    }

    function _contains(bytes32[] memory list, uint256 count, bytes32 wanted) private pure returns (bool) {
        for (uint256 i; i < count; ++i) {
            if (list[i] == wanted) return true;
        }
        return false;
    }
}
