// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {Aigc, IERC7007} from "../src/Aigc.sol";
import {Artwork} from "../src/Artwork.sol";
import {Base} from "./Base.sol";

/// @dev The four faults of ERC-7007's reference code (reference 1.1) are each a test: FaultA to FaultD.
contract AigcTest is Base {
    address private constant VERIFIER = address(0x5EE);
    bytes32 private constant SALT = keccak256("salt");
    bytes private constant PROMPT = "a cat, \"image\":\"ipfs://other\"}";
    bytes32 private constant REPORT = keccak256("report");

    Aigc private aigc;

    function setUp() public override {
        super.setUp();
        aigc = new Aigc(artwork, VERIFIER, 2);
    }

    // -- Adding ------------------------------------------------------------------------------------

    function testTheCreatorAddsDataOnceAndItIsAnnounced() public {
        (uint256 tokenId, bytes memory data) = _work(SALT, PROMPT);
        bytes memory proof = _attested(data, 3, true);
        vm.expectEmit(true, true, true, true, address(aigc));
        emit IERC7007.AigcData(tokenId, PROMPT, data, proof);
        vm.expectEmit(true, true, true, true, address(aigc));
        emit Aigc.AigcAdded(tokenId, sha256(data), keccak256(PROMPT), keccak256(proof), 3);
        vm.prank(CREATOR);
        aigc.addAigcData(tokenId, PROMPT, data, proof);
        require(aigc.bindingOf(tokenId) == keccak256(abi.encode(PROMPT, data)), "bound");
        vm.expectRevert(abi.encodeWithSelector(Aigc.AlreadyAdded.selector, tokenId));
        vm.prank(CREATOR);
        aigc.addAigcData(tokenId, PROMPT, data, proof);
    }

    function testWorksThatNeverWereOrAreNoMoreGetNoData() public {
        (uint256 tokenId, bytes memory data) = _work(SALT, PROMPT);
        bytes memory proof = _attested(data, 3, true);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, tokenId + 1));
        vm.prank(CREATOR);
        aigc.addAigcData(tokenId + 1, PROMPT, data, proof);
        vm.prank(COLLECTOR);
        artwork.burn(tokenId, 0);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, tokenId));
        vm.prank(CREATOR);
        aigc.addAigcData(tokenId, PROMPT, data, proof);
    }

    function testWhatDoesNotVerifyIsNotAdded() public {
        (uint256 tokenId, bytes memory data) = _work(SALT, PROMPT);
        bytes memory proof = _attested(data, 1, true); // a level below what counts
        vm.expectRevert(abi.encodeWithSelector(Aigc.NotVerified.selector, tokenId));
        vm.prank(CREATOR);
        aigc.addAigcData(tokenId, PROMPT, data, proof);
    }

    // -- The faults of the reference code ------------------------------------------------------------

    /// @dev (a) Its event holds only hashes of what it tells; ours has a second one that an index can read.
    function testErc7007FaultADigestsCanBeReadFromTheLogs() public {
        (uint256 tokenId, bytes memory data) = _work(SALT, PROMPT);
        bytes memory proof = _attested(data, 2, true);
        vm.recordLogs();
        vm.prank(CREATOR);
        aigc.addAigcData(tokenId, PROMPT, data, proof);
        bytes memory told = vm.getRecordedLogs()[1].data;
        (bytes32 prompt, bytes32 proven, uint8 level) = abi.decode(told, (bytes32, bytes32, uint8));
        require(prompt == keccak256(PROMPT) && proven == keccak256(proof), "digests");
        equal(level, 2, "the level, always");
    }

    /// @dev (b) It lets anybody attach any valid triple to any token.
    function testErc7007FaultBNobodyElseAddsAndNotToAnotherWork() public {
        (uint256 tokenId, bytes memory data) = _work(SALT, PROMPT);
        bytes memory proof = _attested(data, 4, true);
        vm.expectRevert(abi.encodeWithSelector(Aigc.NotCreator.selector, tokenId, COLLECTOR, CREATOR));
        vm.prank(COLLECTOR);
        aigc.addAigcData(tokenId, PROMPT, data, proof);
        (uint256 other, bytes memory otherData) = _work(SALT, "another cat");
        vm.expectRevert(
            abi.encodeWithSelector(Aigc.ManifestDiffers.selector, other, sha256(data), sha256(otherData))
        );
        vm.prank(CREATOR);
        aigc.addAigcData(other, PROMPT, data, proof);
    }

    /// @dev (c) It joins two strings of any length: "a cat" + "ipfs://x" are the same bytes as "a catip" + "fs://x".
    function testFuzzErc7007FaultCNoBytesMoveBetweenPromptAndData(bytes memory prompt, uint256 moved) public {
        (uint256 tokenId, bytes memory data) = _work(SALT, prompt);
        bytes memory proof = _attested(data, 2, true);
        equal(aigc.assuranceOf(prompt, data, proof), 2, "as it was committed");
        moved = 1 + moved % data.length;
        (bytes memory longer, bytes memory rest) = _move(prompt, data, moved);
        equal(aigc.assuranceOf(longer, rest, proof), 0, "moved to the prompt");
        vm.prank(CREATOR);
        aigc.addAigcData(tokenId, prompt, data, proof);
        require(aigc.bindingOf(tokenId) != keccak256(abi.encodePacked(longer, rest)), "lengths count");
    }

    /// @dev (d) It joins prompts into JSON, where a quotation mark opens a key of the prompt's own.
    function testErc7007FaultDAPromptCannotPassForAnotherPartOfTheManifest() public {
        // The prompt's own text tells a commitment; canonical JSON puts a backslash before every quotation mark.
        bytes memory inner = _told(SALT, "what is not in the work");
        bytes memory escaped = bytes(LibString.escapeJSON(string(inner)));
        (, bytes memory data) = _work(SALT, escaped);
        _attested(data, 4, true);
        for (uint256 offset; offset < data.length; ++offset) {
            bytes memory proof = abi.encode(Aigc.Proof(SALT, offset, 0));
            require(!aigc.verify("what is not in the work", data, proof), "found within a string");
        }
        (bool answered,) = address(aigc).staticcall(abi.encodeWithSignature("tokenURI(uint256)", 1));
        require(!answered, "and no metadata is made here at all");
    }

    // -- What counts -------------------------------------------------------------------------------

    function testOnlyThePromptSaltAndPlaceOfTheCommitmentVerify() public {
        (, bytes memory data) = _work(SALT, PROMPT);
        bytes memory proof = _attested(data, 2, true);
        require(aigc.verify(PROMPT, data, proof), "right");
        require(!aigc.verify("a cat", data, proof), "another prompt");
        uint256 offset = _offset(data);
        require(!aigc.verify(PROMPT, data, abi.encode(bytes32(0), offset, 0)), "another salt");
        require(!aigc.verify(PROMPT, data, abi.encode(SALT, offset + 1, 0)), "another place");
        require(!aigc.verify(PROMPT, data, abi.encode(SALT, type(uint256).max, 0)), "no place");
        require(!aigc.verify(PROMPT, "{}", abi.encode(SALT, 0, 0)), "no room for a commitment");
        data[data.length - 2] ^= 0x01;
        require(!aigc.verify(PROMPT, data, proof), "not the manifest that was attested");
    }

    function testOnlyTheAttestersGoodWordAtTheLevelOrAboveCounts() public {
        (, bytes memory data) = _work(SALT, PROMPT);
        bytes32 manifest = sha256(data);
        vm.prank(CREATOR);
        registry.attest(manifest, 4, REPORT, true);
        require(!aigc.verify(PROMPT, data, _proof(data, 0)), "the creator's own word");
        require(!aigc.verify(PROMPT, data, _proof(data, 1)), "an attestation that is not there");
        _attested(data, 4, false);
        require(!aigc.verify(PROMPT, data, _proof(data, 1)), "it failed");
        _attested(data, 1, true);
        require(!aigc.verify(PROMPT, data, _proof(data, 2)), "too low");
        _attested(data, 2, true);
        equal(aigc.assuranceOf(PROMPT, data, _proof(data, 3)), 2, "just enough");
        _attested(data, 4, true);
        equal(aigc.assuranceOf(PROMPT, data, _proof(data, 4)), 4, "and more");
    }

    function testAnUpheldDisputeAboutTheManifestEndsIt() public {
        (, bytes memory data) = _work(SALT, PROMPT);
        bytes memory proof = _attested(data, 2, true);
        registry.openDispute(sha256(data), REPORT);
        require(aigc.verify(PROMPT, data, proof), "an open one stops nothing");
        registry.resolveDispute(sha256(data), REPORT, 2);
        require(!aigc.verify(PROMPT, data, proof), "upheld");
    }

    function testFuzzNoProofMakesVerifyRevert(bytes memory prompt, bytes memory data, bytes memory proof)
        public
        view
    {
        require(!aigc.verify(prompt, data, proof), "and none passes");
        bytes memory words = abi.encode(keccak256(proof), proof.length, data.length);
        require(!aigc.verify(prompt, data, words), "nor three words of the right size");
    }

    function testAttesterAndLevelAreChecked() public {
        vm.expectRevert(Aigc.AttesterMissing.selector);
        new Aigc(artwork, address(0), 2);
        uint8[2] memory levels = [0, 5];
        for (uint256 i; i < levels.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Aigc.LevelOutOfRange.selector, levels[i], 1, 4));
            new Aigc(artwork, VERIFIER, levels[i]);
        }
        equal(new Aigc(artwork, VERIFIER, 4).minLevel(), 4, "the highest");
    }

    function testTheInterfaceOfTheStandardIsDeclared() public view {
        require(type(IERC7007).interfaceId == 0x702c55a6, "as the standard computes it");
        require(aigc.supportsInterface(0x702c55a6), "ERC-7007");
        require(aigc.supportsInterface(0x01ffc9a7), "ERC-165");
        require(!aigc.supportsInterface(0xffffffff) && !aigc.supportsInterface(0x80ac58cd), "no other");
        equal(aigc.attester(), VERIFIER, "whose word");
        equal(address(aigc.registry()), address(registry), "where");
    }

    // -- Manifests ---------------------------------------------------------------------------------

    /// @dev A work whose manifest, in canonical JSON, commits to a prompt.
    function _work(bytes32 salt, bytes memory prompt) private returns (uint256 tokenId, bytes memory data) {
        data = abi.encodePacked('{"process":{', _told(salt, prompt), ',"text":"', prompt, '"},"seed":"7"}}');
        Artwork.Mint memory m = order(COLLECTOR, ROYALTY_BPS);
        m.manifest = sha256(data);
        vm.prank(CREATOR);
        tokenId = artwork.mint(m);
    }

    function _told(bytes32 salt, bytes memory prompt) private pure returns (bytes memory) {
        uint256 commitment = uint256(keccak256(abi.encodePacked(salt, prompt)));
        return abi.encodePacked('"prompt":{"commitment":"', LibString.toHexString(commitment, 32), '"');
    }

    function _offset(bytes memory data) private pure returns (uint256) {
        return LibString.indexOf(string(data), '"prompt":{"commitment":"');
    }

    function _proof(bytes memory data, uint256 attestation) private pure returns (bytes memory) {
        return abi.encode(Aigc.Proof(SALT, _offset(data), attestation));
    }

    function _attested(bytes memory data, uint8 level, bool passed) private returns (bytes memory proof) {
        bytes32 manifest = sha256(data); // before the prank, which a call of the precompile would use up
        proof = _proof(data, registry.attestationCount(manifest));
        vm.prank(VERIFIER);
        registry.attest(manifest, level, REPORT, passed);
    }

    /// @dev Takes the first bytes of the data to the end of the prompt.
    function _move(bytes memory prompt, bytes memory data, uint256 count)
        private
        pure
        returns (bytes memory longer, bytes memory rest)
    {
        longer = abi.encodePacked(prompt, bytes(LibString.slice(string(data), 0, count)));
        rest = bytes(LibString.slice(string(data), count));
    }
}
