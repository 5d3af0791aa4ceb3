// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Registry} from "../src/Registry.sol";
import {Base, FuzzSelector, Vm} from "./Base.sol";

/// @dev Makes the slots of an account cold again, as they are at the start of a transaction.
interface Cooler {
    function cool(address account) external;
}

contract RegistryTest is Base {
    bytes32 private constant MODEL = keccak256("weights");
    bytes32 private constant DATA = keccak256("images");
    bytes32 private constant CARD = keccak256("model card");
    bytes32 private constant EVIDENCE = keccak256("letter");
    bytes32 private constant REPORT = keccak256("report");

    function setUp() public override {
        super.setUp();
        registry = new Registry(PLATFORM, _registrars());
    }

    function testRegistrarsOfTheConstructorAreAdmittedAndAnnounced() public {
        address[] memory two = new address[](2);
        (two[0], two[1]) = (BUYER, COLLECTOR);
        vm.recordLogs();
        Registry own = new Registry(PLATFORM, two);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        equal(logs.length, 3, "the owner and two registrars");
        for (uint256 i; i < 2; ++i) {
            require(own.isRegistrar(two[i]), "admitted");
            require(logs[i + 1].topics[0] == Registry.RegistrarSet.selector, "announced");
            require(logs[i + 1].topics[1] == bytes32(uint256(uint160(two[i]))), "by name");
        }
        require(!own.isRegistrar(PLATFORM) && own.owner() == PLATFORM, "the owner is none of them");
    }

    // -- Assets ------------------------------------------------------------------------------------

    function testRegistrationIsKeptAndAnnouncedWithItsParents() public {
        _register(DATA, 2, new bytes32[](0));
        vm.expectEmit(true, true, true, true, address(registry));
        emit Registry.AssetRegistered(MODEL, 1, CREATOR, CARD, "ipfs://card");
        vm.expectEmit(true, true, true, true, address(registry));
        emit Registry.AssetParent(MODEL, DATA, 0);
        vm.prank(CREATOR);
        registry.register(MODEL, 1, CARD, "ipfs://card", _one(DATA));
        (address registrant, uint64 at, uint8 kind, uint8 parents) = registry.assetOf(MODEL);
        equal(registrant, CREATOR, "registrant");
        equal(at, START, "time");
        equal(kind, registry.KIND_MODEL(), "kind");
        equal(parents, 1, "parents");
        require(registry.parentsOf(MODEL)[0] == DATA, "its parent");
        equal(registry.parentsOf(DATA).length, 0, "none");
    }

    function testOnlyARegistrarRegisters() public {
        vm.expectRevert(abi.encodeWithSelector(Registry.NotRegistrar.selector, BUYER));
        vm.prank(BUYER);
        registry.register(MODEL, 1, CARD, "", new bytes32[](0));
        vm.prank(PLATFORM);
        vm.expectEmit(true, true, true, true, address(registry));
        emit Registry.RegistrarSet(CREATOR, false);
        registry.setRegistrar(CREATOR, false);
        vm.expectRevert(abi.encodeWithSelector(Registry.NotRegistrar.selector, CREATOR));
        vm.prank(CREATOR);
        registry.register(MODEL, 1, CARD, "", new bytes32[](0));
    }

    function testOnlyTheOwnerAdmitsRegistrarsAndJudges() public {
        bytes memory refusal = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, CREATOR);
        vm.expectRevert(refusal);
        vm.prank(CREATOR);
        registry.setRegistrar(BUYER, true);
        _dispute(MODEL, EVIDENCE);
        vm.expectRevert(refusal);
        vm.prank(CREATOR);
        registry.resolveDispute(MODEL, EVIDENCE, 1);
    }

    function testADigestIsRegisteredOnce() public {
        _register(MODEL, 1, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(Registry.AlreadyRegistered.selector, MODEL, CREATOR));
        _register(MODEL, 2, new bytes32[](0));
    }

    function testMissingDigestsAndUnknownKindsAreRefused() public {
        vm.expectRevert(Registry.DigestMissing.selector);
        _register(0, 1, new bytes32[](0));
        for (uint8 kind; kind < 6; ++kind) {
            bytes32 digest = keccak256(abi.encode(kind));
            bool known = kind > 0 && kind < 5;
            if (!known) vm.expectRevert(abi.encodeWithSelector(Registry.KindUnknown.selector, kind));
            _register(digest, kind, new bytes32[](0));
        }
    }

    function testAParentMustBeRegisteredBeforeSoThatThereAreNoCycles() public {
        vm.expectRevert(abi.encodeWithSelector(Registry.ParentUnknown.selector, DATA));
        _register(MODEL, 1, _one(DATA));
        vm.expectRevert(abi.encodeWithSelector(Registry.ParentUnknown.selector, MODEL));
        _register(MODEL, 1, _one(MODEL)); // itself
    }

    function testAParentIsNamedOnce() public {
        _register(DATA, 2, new bytes32[](0));
        bytes32[] memory twice = new bytes32[](2);
        (twice[0], twice[1]) = (DATA, DATA);
        vm.expectRevert(abi.encodeWithSelector(Registry.ParentNamedTwice.selector, DATA));
        _register(MODEL, 1, twice);
    }

    function testAncestorsOfADiamondAreCountedOnceParentsFirst() public {
        bytes32[3] memory ids = [keccak256("root"), keccak256("left"), keccak256("right")];
        _register(ids[0], 2, new bytes32[](0));
        _register(ids[1], 1, _one(ids[0]));
        _register(ids[2], 1, _one(ids[0]));
        bytes32[] memory both = new bytes32[](2);
        (both[0], both[1]) = (ids[1], ids[2]);
        _register(MODEL, 1, both);
        bytes32[] memory found = registry.ancestorsOf(MODEL);
        equal(found.length, 3, "left, right, root");
        require(found[0] == ids[1] && found[1] == ids[2] && found[2] == ids[0], "parents first");
        equal(registry.parentsOf(MODEL).length, 2, "two parents");
    }

    function testLineageIsBoundedAndItsDeepestAssetIsStillReadCheaply() public {
        bytes32 last = _chain(33); // 32 ancestors
        equal(registry.ancestorsOf(last).length, registry.MAX_ANCESTORS(), "as many as may be");
        vm.expectRevert(abi.encodeWithSelector(Registry.TooManyAncestors.selector, 32));
        _register(MODEL, 1, _one(last));

        bytes32[] memory many = new bytes32[](33);
        vm.expectRevert(abi.encodeWithSelector(Registry.TooManyAncestors.selector, 32));
        _register(MODEL, 1, many);
    }

    // -- Attestations -----------------------------------------------------------------------------

    function testAttestationsAreAppendedAndNeverReplaced() public {
        _attest(BUYER, MODEL, 2, REPORT, true);
        vm.warp(START + 60);
        vm.expectEmit(true, true, true, true, address(registry));
        emit Registry.Attested(MODEL, BUYER, 2, EVIDENCE, false);
        _attest(BUYER, MODEL, 2, EVIDENCE, false);
        equal(registry.attestationCount(MODEL), 2, "both");
        Registry.Attestation memory first = registry.attestationAt(MODEL, 0);
        require(first.passed && first.report == REPORT, "the first stands");
        equal(first.attester, BUYER, "attester");
        equal(first.attestedAt, START, "time");
        equal(first.level, 2, "level");
        require(!registry.attestationAt(MODEL, 1).passed, "the second too");
        equal(registry.attestationCount(DATA), 0, "of another digest");
    }

    function testAttestationsNeedADigestAReportAndALevel() public {
        vm.expectRevert(Registry.DigestMissing.selector);
        _attest(BUYER, 0, 2, REPORT, true);
        vm.expectRevert(Registry.ReportMissing.selector);
        _attest(BUYER, MODEL, 2, 0, true);
        vm.expectRevert(abi.encodeWithSelector(Registry.LevelUnknown.selector, 5, 4));
        _attest(BUYER, MODEL, 5, REPORT, true);
        _attest(BUYER, MODEL, 4, REPORT, true);
        equal(registry.attestationCount(MODEL), 1, "the highest level is one");
    }

    // -- Disputes ----------------------------------------------------------------------------------

    function testAnOpenDisputeContestsDescendantsAndAnUpheldOneTaintsThem() public {
        bytes32 last = _chain(4);
        bytes32 root = _link(0);
        vm.expectEmit(true, true, true, true, address(registry));
        emit Registry.DisputeOpened(root, BUYER, EVIDENCE);
        _dispute(root, EVIDENCE);
        require(registry.isContested(root) && registry.isContested(last), "contested");
        require(!registry.isTainted(root) && !registry.isTainted(last), "not tainted yet");
        registry.requireUsable(last, 1);

        vm.expectEmit(true, true, true, true, address(registry));
        emit Registry.DisputeResolved(root, 2);
        _resolve(root, EVIDENCE, 2);
        require(!registry.isContested(root) && !registry.isContested(last), "judged");
        require(registry.isTainted(root) && registry.isTainted(last), "tainted");
        require(registry.taintOf(last) == root && registry.taintOf(root) == root, "by the root");
        vm.expectRevert(abi.encodeWithSelector(Registry.AssetTainted.selector, last, root));
        registry.requireUsable(last, 1);
    }

    function testADisputeOfAChildLeavesItsParentAndSiblingsAlone() public {
        _register(DATA, 2, new bytes32[](0));
        _register(MODEL, 1, _one(DATA));
        _register(CARD, 1, _one(DATA));
        _dispute(MODEL, EVIDENCE);
        _resolve(MODEL, EVIDENCE, 2);
        require(registry.isTainted(MODEL), "itself");
        require(!registry.isTainted(DATA) && !registry.isTainted(CARD), "neither parent nor sibling");
    }

    function testAChildOfATaintedParentIsTaintedFromTheStart() public {
        _register(DATA, 2, new bytes32[](0));
        _dispute(DATA, EVIDENCE);
        _resolve(DATA, EVIDENCE, 2);
        _register(MODEL, 1, _one(DATA));
        require(registry.taintOf(MODEL) == DATA, "tainted");
    }

    function testADismissedDisputeTaintsNothingAndAnotherMayFollow() public {
        _dispute(MODEL, EVIDENCE); // of a digest that is not registered
        _resolve(MODEL, EVIDENCE, 1);
        require(!registry.isTainted(MODEL) && !registry.isContested(MODEL), "clear");
        _dispute(MODEL, REPORT);
        (address opener, uint64 at, uint8 state, bytes32 evidence) = registry.disputeOf(MODEL);
        equal(opener, BUYER, "opener");
        equal(at, START, "time");
        equal(state, registry.OPEN(), "state");
        require(evidence == REPORT, "evidence");
    }

    function testDisputesNeedADigestAndEvidence() public {
        vm.expectRevert(Registry.DigestMissing.selector);
        _dispute(0, EVIDENCE);
        vm.expectRevert(Registry.EvidenceMissing.selector);
        _dispute(MODEL, 0);
    }

    function testOneDisputeIsOpenAtATime() public {
        _dispute(MODEL, EVIDENCE);
        vm.expectRevert(abi.encodeWithSelector(Registry.DisputeAlreadyOpen.selector, MODEL, EVIDENCE));
        _dispute(MODEL, REPORT);
    }

    function testOnlyTheOpenDisputeIsJudgedAndOnlyWithAnOutcome() public {
        vm.expectRevert(abi.encodeWithSelector(Registry.DisputeNotOpen.selector, MODEL, EVIDENCE));
        _resolve(MODEL, EVIDENCE, 1);
        _dispute(MODEL, EVIDENCE);
        vm.expectRevert(abi.encodeWithSelector(Registry.DisputeNotOpen.selector, MODEL, REPORT));
        _resolve(MODEL, REPORT, 2);
        uint8[3] memory none = [0, 3, 4];
        for (uint256 i; i < none.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Registry.OutcomeUnknown.selector, none[i]));
            _resolve(MODEL, EVIDENCE, none[i]);
        }
    }

    function testUsableMeansRegisteredAsThatKind() public {
        _register(MODEL, 1, new bytes32[](0));
        equal(registry.requireUsable(MODEL, 1), CREATOR, "who registered it");
        vm.expectRevert(abi.encodeWithSelector(Registry.AssetUnknown.selector, MODEL, 2));
        registry.requireUsable(MODEL, 2);
        vm.expectRevert(abi.encodeWithSelector(Registry.AssetUnknown.selector, DATA, 1));
        registry.requireUsable(DATA, 1);
        vm.expectRevert(abi.encodeWithSelector(Registry.AssetUnknown.selector, DATA, 0));
        registry.requireUsable(DATA, 0); // an unknown digest is no asset of kind 0
    }

    // -- Audit findings (reference 3.2) ----------------------------------------------------------

    function testFractionalH15H17JudgedEvidenceIsNotBroughtAgain() public {
        _dispute(MODEL, EVIDENCE);
        _resolve(MODEL, EVIDENCE, 1);
        vm.expectRevert(abi.encodeWithSelector(Registry.EvidenceUsed.selector, MODEL, EVIDENCE));
        _dispute(MODEL, EVIDENCE);
        _dispute(DATA, EVIDENCE); // but against another digest
        vm.expectRevert(abi.encodeWithSelector(Registry.DisputeNotOpen.selector, MODEL, EVIDENCE));
        _resolve(MODEL, EVIDENCE, 2); // nor is the judgement repeated
    }

    function testTesseraH03ADisputeHasOneOutcome() public {
        _dispute(MODEL, EVIDENCE);
        _resolve(MODEL, EVIDENCE, 2);
        vm.expectRevert(abi.encodeWithSelector(Registry.DisputeNotOpen.selector, MODEL, EVIDENCE));
        _resolve(MODEL, EVIDENCE, 1);
        vm.expectRevert(abi.encodeWithSelector(Registry.DisputeUpheld.selector, MODEL));
        _dispute(MODEL, REPORT);
        require(registry.isTainted(MODEL), "for ever");
    }

    function testTesseraH05OpenDisputesStopNobodyAndDeepLineagesCostLittle() public {
        bytes32 last = _chain(33);
        for (uint256 i; i < 33; ++i) {
            _dispute(_link(i), EVIDENCE); // free to all, against everything
        }
        Cooler(address(vm)).cool(address(registry));
        uint256 before = gasleft();
        registry.requireUsable(last, 1);
        uint256 spent = before - gasleft();
        require(spent > 130_000, "measured on cold slots");
        require(spent < 160_000, "gas of the deepest lineage");
    }

    // -- Helpers -------------------------------------------------------------------------------------

    /// @dev Registers a line of models, each made from the one before, and returns the last.
    function _chain(uint256 length) private returns (bytes32) {
        _register(_link(0), 1, new bytes32[](0));
        for (uint256 i = 1; i < length; ++i) {
            _register(_link(i), 1, _one(_link(i - 1)));
        }
        return _link(length - 1);
    }

    function _link(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode("link", i));
    }

    function _one(bytes32 parent) private pure returns (bytes32[] memory parents) {
        parents = new bytes32[](1);
        parents[0] = parent;
    }

    function _register(bytes32 digest, uint8 kind, bytes32[] memory parents) private {
        vm.prank(CREATOR);
        registry.register(digest, kind, CARD, "", parents);
    }

    function _registrars() private pure returns (address[] memory registrars) {
        registrars = new address[](1);
        registrars[0] = CREATOR;
    }

    function _attest(address who, bytes32 digest, uint8 level, bytes32 report, bool passed) private {
        vm.prank(who);
        registry.attest(digest, level, report, passed);
    }

    function _dispute(bytes32 digest, bytes32 evidence) private {
        vm.prank(BUYER);
        registry.openDispute(digest, evidence);
    }

    function _resolve(bytes32 digest, bytes32 evidence, uint8 outcome) private {
        vm.prank(PLATFORM);
        registry.resolveDispute(digest, evidence, outcome);
    }
}

/// @dev Registers assets with up to three parents at random, disputes and judges them, and remembers what it did:
/// parents by number, and which were upheld.
contract RegistryHandler {
    Registry public immutable registry = new Registry(address(this), new address[](0));
    uint256[][] public parents;
    bool[] public upheld;
    bool[] public open;
    uint256 public attestations;
    uint256 private _evidence;

    constructor() {
        registry.setRegistrar(address(this), true);
    }

    function register(uint8 kind, uint256 first, uint256 second, uint256 third) external {
        uint256[3] memory seeds = [first, second, third];
        uint256 known = parents.length;
        uint256 wanted = known == 0 ? 0 : kind % 4;
        uint256[] memory chosen = new uint256[](wanted);
        bytes32[] memory digests = new bytes32[](wanted);
        for (uint256 i; i < wanted; ++i) {
            chosen[i] = seeds[i] % known;
            digests[i] = digestOf(chosen[i]);
            for (uint256 j; j < i; ++j) {
                if (chosen[j] == chosen[i]) return;
            }
        }
        try registry.register(digestOf(known), 1 + kind % 4, 0, "", digests) {
            parents.push(chosen);
            upheld.push(false);
            open.push(false);
        } catch (bytes memory reason) {
            require(bytes4(reason) == Registry.TooManyAncestors.selector, "refused for another reason");
        }
    }

    function dispute(uint256 which) external {
        if (parents.length == 0 || open[which %= parents.length] || upheld[which]) return;
        registry.openDispute(digestOf(which), bytes32(++_evidence));
        open[which] = true;
    }

    function resolve(uint256 which, bool uphold) external {
        if (parents.length == 0 || !open[which %= parents.length]) return;
        (,,, bytes32 evidence) = registry.disputeOf(digestOf(which));
        registry.resolveDispute(digestOf(which), evidence, uphold ? 2 : 1);
        (open[which], upheld[which]) = (false, uphold);
    }

    function attest(uint256 which, uint8 level, bool passed) external {
        registry.attest(digestOf(which % 8), level % 5, keccak256(abi.encode(which)), passed);
        ++attestations;
    }

    function assetCount() external view returns (uint256) {
        return parents.length;
    }

    function parentCount(uint256 which) external view returns (uint256) {
        return parents[which].length;
    }

    function digestOf(uint256 which) public pure returns (bytes32) {
        return keccak256(abi.encode("asset", which));
    }
}

/// @dev Invariant family 2 for assets: lineage is acyclic and immutable, and taint follows it exactly.
contract RegistryInvariantsTest {
    RegistryHandler private handler;
    Registry private registry;

    function setUp() public {
        handler = new RegistryHandler();
        registry = handler.registry();
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](6);
        (steps[0], steps[1]) = (RegistryHandler.register.selector, RegistryHandler.register.selector);
        (steps[2], steps[3]) = (RegistryHandler.register.selector, RegistryHandler.dispute.selector);
        (steps[4], steps[5]) = (RegistryHandler.resolve.selector, RegistryHandler.attest.selector);
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), steps);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev The invariant would hold of a handler that does nothing; this one does something.
    function testHandlerRegistersDisputesAndJudges() external {
        handler.register(0, 0, 0, 0);
        handler.register(1, 0, 0, 0);
        handler.dispute(0);
        handler.resolve(0, true);
        handler.attest(0, 1, true);
        require(handler.assetCount() == 2 && handler.attestations() == 1, "done");
        require(registry.isTainted(handler.digestOf(1)), "the child of the upheld one");
        invariantTaintFollowsLineage();
    }

    /// @dev The oracle goes by parents in order of registration, with no list of ancestors.
    function invariantTaintFollowsLineage() public view {
        uint256 count = handler.assetCount();
        bool[] memory tainted = new bool[](count);
        bool[] memory contested = new bool[](count);
        for (uint256 i; i < count; ++i) {
            (tainted[i], contested[i]) = (handler.upheld(i), handler.open(i));
            bytes32[] memory told = registry.parentsOf(handler.digestOf(i));
            require(told.length == handler.parentCount(i), "every parent, for ever");
            for (uint256 j; j < told.length; ++j) {
                uint256 parent = handler.parents(i, j);
                require(parent < i && told[j] == handler.digestOf(parent), "registered before its child");
                tainted[i] = tainted[i] || tainted[parent];
                contested[i] = contested[i] || contested[parent];
            }
            require(registry.isTainted(handler.digestOf(i)) == tainted[i], "taint");
            require(registry.isContested(handler.digestOf(i)) == contested[i], "contest");
        }
    }

    function invariantAttestationsOnlyGrow() external view {
        uint256 sum;
        for (uint256 i; i < 8; ++i) {
            sum += registry.attestationCount(handler.digestOf(i));
        }
        require(sum == handler.attestations(), "none is lost");
    }
}
