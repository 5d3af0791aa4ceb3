// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {Artwork} from "./Artwork.sol";
import {Registry} from "./Registry.sol";

/// @notice ERC-7007, "Verifiable AI-Generated Content Token", as far as it stands beside a token.
interface IERC7007 {
    event AigcData(uint256 indexed tokenId, bytes indexed prompt, bytes indexed aigcData, bytes proof);

    function addAigcData(uint256 tokenId, bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        external;

    function verify(bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        external
        view
        returns (bool success);
}

/// @title ERC-7007 beside the Artwork, for readers that know no other way to ask what made a work.
/// @notice `aigcData` is the work's lineage manifest, byte for byte: its SHA-256 is the word that the Artwork has
/// stored since the mint, and it holds a commitment to the prompt. What `verify` says is no proof of computation:
/// the one attester whom this contract names has recorded in the Registry that the manifest passed a check, at the
/// level of assurance that this contract asks for or above, and no dispute about the manifest was upheld.
/// @dev The commitment is Keccak-256 over 32 bytes of salt and the prompt. In canonical JSON (RFC 8785), where it
/// stands is unmistakable: within a string every quotation mark has a backslash before it. An attestation is never
/// withdrawn, and one that failed later does not count against it: an upheld dispute does. No metadata is made here.
contract Aigc is IERC7007, IERC165 {
    /// @notice The words of a proof, ABI-encoded: salt of the prompt's commitment, where in the manifest the
    /// prompt is told (the offset of its key's first quotation mark), and the number of the attestation.
    struct Proof {
        bytes32 salt;
        uint256 offset;
        uint256 attestation;
    }

    uint256 private constant PROOF_BYTES = 96;

    /// @dev What comes before the commitment's hex digits, without their 0x.
    bytes private constant KEY = '"prompt":{"commitment":';

    /// @dev The key, then 66 characters between quotation marks.
    uint256 private constant TOLD_BYTES = 23 + 68;

    /// @notice The works that are told about.
    Artwork public immutable artwork;

    /// @notice Where the attestations are.
    Registry public immutable registry;

    /// @notice Whose attestations count here.
    address public immutable attester;

    /// @notice Lowest level of assurance that counts here, 1 to 4.
    uint8 public immutable minLevel;

    /// @notice Hash of a work's prompt and manifest, both with their lengths, once they were added; else 0.
    mapping(uint256 tokenId => bytes32) public bindingOf;

    /// @notice Beside `AigcData`: what an index can read. `prompt` and `proof` are Keccak-256 digests, `manifest` the
    /// SHA-256 of the data; `level` is what the attestation says.
    event AigcAdded(
        uint256 indexed tokenId, bytes32 indexed manifest, bytes32 prompt, bytes32 proof, uint8 level
    );

    error AttesterMissing();
    error LevelOutOfRange(uint8 level, uint8 lowest, uint8 highest);
    error NotCreator(uint256 tokenId, address caller, address creator);
    error AlreadyAdded(uint256 tokenId);
    error ManifestDiffers(uint256 tokenId, bytes32 digest, bytes32 manifest);
    error NotVerified(uint256 tokenId);

    constructor(Artwork artwork_, address attester_, uint8 minLevel_) {
        (artwork, registry) = (artwork_, artwork_.registry());
        if (attester_ == address(0)) revert AttesterMissing();
        uint8 highest = registry.MAX_LEVEL();
        if (minLevel_ == 0 || minLevel_ > highest) revert LevelOutOfRange(minLevel_, 1, highest);
        (attester, minLevel) = (attester_, minLevel_);
    }

    /// @inheritdoc IERC7007
    /// @notice Tells prompt and manifest of a work, once, for ever and in public; only its creator may.
    function addAigcData(uint256 tokenId, bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        external
    {
        artwork.ownerOf(tokenId); // reverts for a work that never was, or is no more
        address creator = artwork.creatorOf(tokenId);
        if (creator != msg.sender) revert NotCreator(tokenId, msg.sender, creator);
        if (bindingOf[tokenId] != 0) revert AlreadyAdded(tokenId);
        (bytes32 digest, bytes32 manifest) = (sha256(aigcData), artwork.manifestOf(tokenId));
        if (digest != manifest) revert ManifestDiffers(tokenId, digest, manifest);
        uint8 level = assuranceOf(prompt, aigcData, proof);
        if (level == 0) revert NotVerified(tokenId);
        bindingOf[tokenId] = keccak256(abi.encode(prompt, aigcData));
        emit AigcData(tokenId, prompt, aigcData, proof);
        emit AigcAdded(tokenId, manifest, keccak256(prompt), keccak256(proof), level);
    }

    /// @inheritdoc IERC7007
    function verify(bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        external
        view
        returns (bool success)
    {
        return assuranceOf(prompt, aigcData, proof) != 0;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC7007).interfaceId || interfaceId == type(IERC165).interfaceId;
    }

    /// @notice The level of the attestation that a proof names; 0 when the manifest does not commit to the prompt, or
    /// the attestation does not count. Never reverts, whatever the proof.
    function assuranceOf(bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        public
        view
        returns (uint8 level)
    {
        if (proof.length != PROOF_BYTES) return 0;
        Proof memory p = abi.decode(proof, (Proof));
        if (!_commits(prompt, aigcData, p)) return 0;
        bytes32 manifest = sha256(aigcData);
        if (p.attestation >= registry.attestationCount(manifest)) return 0;
        Registry.Attestation memory told = registry.attestationAt(manifest, p.attestation);
        if (told.attester != attester || !told.passed || told.level < minLevel) return 0;
        return registry.isTainted(manifest) ? 0 : told.level;
    }

    /// @dev Only one of the two hashed together can vary in length, so no bytes move between salt and prompt.
    function _commits(bytes calldata prompt, bytes calldata aigcData, Proof memory p)
        private
        pure
        returns (bool)
    {
        if (aigcData.length < TOLD_BYTES || p.offset > aigcData.length - TOLD_BYTES) return false;
        uint256 commitment = uint256(keccak256(abi.encodePacked(p.salt, prompt)));
        bytes memory told = abi.encodePacked(KEY, '"', LibString.toHexString(commitment, 32), '"');
        return keccak256(told) == keccak256(aigcData[p.offset:p.offset + TOLD_BYTES]);
    }
}
