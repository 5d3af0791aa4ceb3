// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Artwork} from "../src/Artwork.sol";
import {Cid} from "../src/Cid.sol";
import {Registry} from "../src/Registry.sol";
import {Splitter} from "../src/Splitter.sol";
import {Base, USED_MODEL, USED_PROCESS} from "./Base.sol";

contract ArtworkTest is Base {
    function testMintGivesIdsFromOneUpwards() public {
        equal(work(COLLECTOR), 1, "first id");
        equal(work(COLLECTOR), 2, "second id");
        equal(artwork.ownerOf(2), COLLECTOR, "owner");
        equal(artwork.creatorOf(2), CREATOR, "creator is who called mint, not who owns");
    }

    function testFuzzUriAndCreatorComeBackFromTheDataContract(bytes32 word, uint16 length, address caller)
        public
    {
        vm.assume(caller != address(0) && caller != address(splitter)); // which owes nothing to itself
        bytes memory text = new bytes(length % 24_524);
        for (uint256 i; i < text.length; i += 32) {
            text[i] = word[i % 32];
        }
        work(COLLECTOR); // so that ids and data contracts must keep step
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.uri = string(text);
        vm.prank(caller);
        uint256 tokenId = artwork.mint(m);
        require(keccak256(bytes(artwork.tokenURI(tokenId))) == keccak256(text), "uri");
        equal(artwork.creatorOf(tokenId), caller, "creator");
        equal(artwork.creatorOf(1), CREATOR, "creator of the earlier work");
    }

    function testUriOfOneByteTooMuchIsRefused() public {
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.uri = string(new bytes(24_524));
        vm.expectRevert(abi.encodeWithSelector(Artwork.UriTooLong.selector, 24_524, 24_523));
        artwork.mint(m);
    }

    /// @dev A refused mint must not use up a nonce, or every later URI would be lost.
    function testRefusedMintLeavesIdsAndDataContractsInStep() public {
        work(COLLECTOR);
        Artwork.Mint memory m = order(COLLECTOR, 1_001);
        vm.expectRevert(abi.encodeWithSelector(Artwork.RoyaltyTooHigh.selector, 1_001, 1_000));
        artwork.mint(m);
        m.royaltyBps = 1_000;
        m.uri = "after";
        uint256 tokenId = artwork.mint(m);
        equal(tokenId, 2, "id");
        require(keccak256(bytes(artwork.tokenURI(2))) == keccak256("after"), "uri");
    }

    function testManifestIsTheStoredWordAndSurvivesBurning() public {
        Artwork.Mint memory m = order(COLLECTOR, 0);
        uint256 tokenId = artwork.mint(m);
        require(artwork.manifestOf(tokenId) == m.manifest, "manifest");
        vm.prank(COLLECTOR);
        artwork.burn(tokenId, 1);
        require(artwork.manifestOf(tokenId) == m.manifest, "manifest after burn");
        require(artwork.manifestOf(0) == 0 && artwork.manifestOf(tokenId + 1) == 0, "none for no work");
    }

    function testManifestAndPixelHashMustBeGiven() public {
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.manifest = 0;
        vm.expectRevert(Artwork.ManifestMissing.selector);
        artwork.mint(m);
        m = order(COLLECTOR, 0);
        m.pixelHash = 0;
        vm.expectRevert(Artwork.PixelHashMissing.selector);
        artwork.mint(m);
    }

    function testFuzzPixelHashServesOnceEverEvenAfterBurning(bytes32 pixels, bool burned) public {
        vm.assume(pixels != 0);
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.pixelHash = pixels;
        require(!artwork.pixelHashUsed(pixels), "fresh");
        uint256 tokenId = artwork.mint(m);
        if (burned) {
            vm.prank(COLLECTOR);
            artwork.burn(tokenId, 0);
        }
        require(artwork.pixelHashUsed(pixels), "used");
        equal(artwork.tokenOfPixelHash(pixels), tokenId, "token of the pixels");
        m.manifest = keccak256("another manifest for the same pixels");
        vm.expectRevert(abi.encodeWithSelector(Artwork.PixelHashTaken.selector, pixels, tokenId));
        artwork.mint(m);
    }

    function testBurnedIdsNeverReturn() public {
        uint256 tokenId = work(COLLECTOR);
        vm.expectEmit(true, true, true, true, address(artwork));
        emit Artwork.ArtworkBurned(tokenId, COLLECTOR, artwork.manifestOf(tokenId), 2);
        vm.prank(COLLECTOR);
        artwork.burn(tokenId, 2);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, tokenId));
        artwork.ownerOf(tokenId);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, tokenId));
        artwork.tokenURI(tokenId);
        equal(work(COLLECTOR), tokenId + 1, "the next id");
        equal(artwork.creatorOf(tokenId), CREATOR, "the creator stays known");
    }

    function testOnlyOwnerOrApprovedBurns() public {
        uint256 tokenId = work(COLLECTOR);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, BUYER, tokenId)
        );
        vm.prank(BUYER);
        artwork.burn(tokenId, 0);
        vm.prank(COLLECTOR);
        artwork.approve(BUYER, tokenId);
        vm.prank(BUYER);
        artwork.burn(tokenId, 0);
        equal(artwork.balanceOf(COLLECTOR), 0, "burned");
    }

    function testFuzzRoyaltyIsWhatWasAskedUpToTheCap(uint96 bps, uint128 price) public {
        Artwork.Mint memory m = order(COLLECTOR, bps);
        if (bps > 1_000) {
            vm.expectRevert(abi.encodeWithSelector(Artwork.RoyaltyTooHigh.selector, bps, 1_000));
            artwork.mint(m);
            return;
        }
        uint256 tokenId = artwork.mint(m);
        (address to, uint256 amount) = artwork.royaltyInfo(tokenId, price);
        equal(amount, (uint256(price) * bps) / 10_000, "royalty");
        equal(to, address(splitter), "recipient");
    }

    function testOnlyTheCreatorChangesTheRoyalty() public {
        uint256 tokenId = work(COLLECTOR);
        vm.expectRevert(abi.encodeWithSelector(Artwork.NotCreator.selector, tokenId, COLLECTOR, CREATOR));
        vm.prank(COLLECTOR);
        artwork.setRoyalty(tokenId, 100);

        vm.expectEmit(true, true, true, true, address(artwork));
        emit Artwork.RoyaltySet(tokenId, address(splitter), 1_000);
        vm.prank(CREATOR);
        artwork.setRoyalty(tokenId, 1_000);
        (address to, uint256 amount) = artwork.royaltyInfo(tokenId, 1 ether);
        equal(to, address(splitter), "recipient");
        equal(amount, 0.1 ether, "amount");

        vm.expectRevert(abi.encodeWithSelector(Artwork.RoyaltyTooHigh.selector, 1_001, 1_000));
        vm.prank(CREATOR);
        artwork.setRoyalty(tokenId, 1_001);

        vm.prank(CREATOR);
        artwork.setRoyalty(tokenId, 0);
        (to, amount) = artwork.royaltyInfo(tokenId, 1 ether);
        equal(to, address(splitter), "still the recipient");
        equal(amount, 0, "no royalty");
    }

    function testMintEmitsEverythingThatIsNotStored() public {
        uint256 parent = work(COLLECTOR);
        Artwork.Mint memory m = order(COLLECTOR, 500);
        m.parents = new Artwork.Parent[](2);
        m.parents[0] = Artwork.Parent(address(artwork), parent, 1, 6_000);
        m.parents[1] = Artwork.Parent(address(0xA11), 77, 2, 0);
        vm.expectEmit(true, true, true, true, address(artwork));
        emit Artwork.ArtworkMinted(
            2, m.manifest, CREATOR, m.pixelHash, m.model, m.dataset, m.process, m.seed, m.uri
        );
        vm.expectEmit(true, true, true, true, address(artwork));
        emit Artwork.LineageEdge(2, 0, address(artwork), parent, 1, 6_000);
        vm.expectEmit(true, true, true, true, address(artwork));
        emit Artwork.LineageEdge(2, 1, address(0xA11), 77, 2, 0);
        vm.expectEmit(true, true, true, true, address(artwork));
        emit Artwork.RoyaltySet(2, address(splitter), 500);
        vm.prank(CREATOR);
        artwork.mint(m);
    }

    function testParentsMustExistBeforeTheChild() public {
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.parents = new Artwork.Parent[](1);
        m.parents[0] = Artwork.Parent(address(artwork), 1, 0, 0); // the id that this mint would get
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        artwork.mint(m);
        m.parents[0].collection = address(0);
        vm.expectRevert(abi.encodeWithSelector(Artwork.ParentCollectionMissing.selector, 0));
        artwork.mint(m);
    }

    function testFuzzParentSharesLeaveTheCreatorSomething(uint16 a, uint16 b) public {
        uint256 parent = work(COLLECTOR);
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.parents = new Artwork.Parent[](2);
        m.parents[0] = Artwork.Parent(address(artwork), parent, 0, a);
        m.parents[1] = Artwork.Parent(address(artwork), parent, 0, b);
        uint256 sum = uint256(a) + b;
        uint256 most = 10_000 - MODEL_BPS - DATASET_BPS - TREASURY_BPS - 1;
        if (sum > most) {
            uint256 found = a > most ? a : sum;
            vm.expectRevert(abi.encodeWithSelector(Artwork.ParentSharesTooHigh.selector, found, most));
        }
        artwork.mint(m);
    }

    function testEveryChangeOfOwnerIsCounted() public {
        uint256 tokenId = work(COLLECTOR);
        equal(artwork.transferCount(tokenId), 0, "minting is no change of hands");
        vm.prank(COLLECTOR);
        artwork.transferFrom(COLLECTOR, BUYER, tokenId);
        vm.prank(BUYER);
        artwork.transferFrom(BUYER, BUYER, tokenId);
        equal(artwork.transferCount(tokenId), 2, "two transfers, one to oneself");
    }

    function testInterfacesAreDeclared() public view {
        require(artwork.supportsInterface(0x01ffc9a7), "ERC-165");
        require(artwork.supportsInterface(0x80ac58cd), "ERC-721");
        require(artwork.supportsInterface(0x5b5e139f), "ERC-721 metadata");
        require(artwork.supportsInterface(0x2a55205a), "ERC-2981");
        require(artwork.supportsInterface(0x49064906), "ERC-4906");
        require(!artwork.supportsInterface(0xffffffff), "the invalid id");
    }

    // -- What a work was made with ---------------------------------------------------------------------

    function testUnregisteredAssetsAndThoseOfAnotherKindAreRefused() public {
        bytes32 unknown = keccak256("nobody registered this");
        for (uint256 i; i < 3; ++i) {
            Artwork.Mint memory m = order(COLLECTOR, 0);
            (bytes32 wrong, uint8 kind) = (i % 2 == 0 ? unknown : USED_PROCESS, uint8(i + 1));
            if (i == 0) m.model = wrong;
            else if (i == 1) m.dataset = wrong; // registered, but as a process
            else m.process = wrong;
            vm.expectRevert(abi.encodeWithSelector(Registry.AssetUnknown.selector, wrong, kind));
            artwork.mint(m);
        }
    }

    function testTaintedAssetsAreRefusedAndTheirDescendantsToo() public {
        bytes32 child = keccak256("fine-tuned");
        bytes32[] memory parents = new bytes32[](1);
        parents[0] = USED_MODEL;
        vm.prank(MODELLER);
        registry.register(child, 1, 0, "", parents);
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.model = child;
        artwork.mint(m);
        registry.openDispute(USED_MODEL, "evidence");
        work(COLLECTOR); // an open dispute stops nothing
        registry.resolveDispute(USED_MODEL, "evidence", 2);
        m = order(COLLECTOR, 0);
        vm.expectRevert(abi.encodeWithSelector(Registry.AssetTainted.selector, USED_MODEL, USED_MODEL));
        artwork.mint(m);
        m.model = child;
        vm.expectRevert(abi.encodeWithSelector(Registry.AssetTainted.selector, child, USED_MODEL));
        artwork.mint(m);
    }

    // -- Who shares the royalties --------------------------------------------------------------------

    function testMintSetsTheSplitOfAllWhoMadeTheWorkPossible() public {
        uint256 parent = workBy(BUYER, COLLECTOR, 0);
        Artwork.Mint memory m = order(COLLECTOR, 500);
        m.parents = new Artwork.Parent[](2);
        m.parents[0] = Artwork.Parent(address(artwork), parent, 0, 1_200);
        m.parents[1] = Artwork.Parent(address(0xA11), 77, 2, 0); // named, without a share
        address[] memory payees = new address[](5);
        uint16[] memory bps = new uint16[](5);
        (payees[0], payees[1], payees[2]) = (CREATOR, MODELLER, ARCHIVIST);
        (payees[3], payees[4]) = (BUYER, TREASURY);
        (bps[0], bps[1], bps[2], bps[3], bps[4]) = (7_750, MODEL_BPS, DATASET_BPS, 1_200, TREASURY_BPS);
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.SplitSet(2, payees, bps);
        vm.prank(CREATOR);
        artwork.mint(m);
        splitter.receiveRoyalty{value: 10_000}(2, 0);
        for (uint256 i; i < 5; ++i) {
            equal(splitter.releasable(2, address(0), payees[i]), bps[i], "their share of 10,000");
        }
    }

    /// @dev Whoever has several parts in a work has one place with the sum.
    function testOneAccountHasOnePlace() public {
        uint256 parent = workBy(MODELLER, MODELLER, 0);
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.parents = new Artwork.Parent[](3);
        m.parents[0] = Artwork.Parent(address(artwork), parent, 0, 100);
        m.parents[1] = Artwork.Parent(address(artwork), parent, 1, 10);
        m.parents[2] = Artwork.Parent(address(artwork), workBy(TREASURY, TREASURY, 0), 0, 1);
        vm.prank(ARCHIVIST);
        (address[] memory payees, uint16[] memory bps) = splitter.splitOf(artwork.mint(m));
        require(payees.length == 3 && bps.length == 3, "three accounts");
        equal(payees[0], ARCHIVIST, "creator, and registrant of the dataset");
        equal(bps[0], 10_000 - MODEL_BPS - 111 - TREASURY_BPS, "the rest and the dataset's");
        equal(payees[1], MODELLER, "registrant of the model, and creator of a parent");
        equal(bps[1], MODEL_BPS + 110, "both");
        equal(payees[2], TREASURY, "treasury, and creator of a parent");
        equal(bps[2], TREASURY_BPS + 1, "both");
    }

    function testPartsOfNothingGetNoPlace() public {
        splitter = splitterOfTheNext();
        artwork = new Artwork("Raisonne", "RSN", registry, splitter, Artwork.Terms(0, 0, 0, TREASURY));
        (address[] memory payees, uint16[] memory bps) = splitter.splitOf(work(COLLECTOR));
        require(payees.length == 1 && payees[0] == CREATOR && bps[0] == 10_000, "all is the creator's");
    }

    function testAtMostEightParentsArePaidAndAnyNumberIsNamed() public {
        for (uint256 i; i < 9; ++i) {
            workBy(address(uint160(0xA0 + i)), COLLECTOR, 0);
        }
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.parents = new Artwork.Parent[](9);
        for (uint256 i; i < 9; ++i) {
            m.parents[i] = Artwork.Parent(address(artwork), i + 1, 0, 1);
        }
        vm.expectRevert(abi.encodeWithSelector(Artwork.TooManyPaidParents.selector, 8));
        vm.prank(CREATOR);
        artwork.mint(m);
        m.parents[4].shareBps = 0;
        vm.prank(CREATOR);
        uint256 tokenId = artwork.mint(m);
        (address[] memory payees,) = splitter.splitOf(tokenId);
        equal(payees.length, splitter.MAX_SEATS(), "twelve places");
    }

    function testParentOfAnotherContractCanHaveNoShare() public {
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.parents = new Artwork.Parent[](1);
        m.parents[0] = Artwork.Parent(address(0xA11), 1, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(Artwork.ParentShareUnpayable.selector, 0, address(0xA11), 1));
        artwork.mint(m);
    }

    function testCreatorKeepsAtLeastABasisPoint() public {
        uint256 parent = work(COLLECTOR);
        uint16 most = 10_000 - MODEL_BPS - DATASET_BPS - TREASURY_BPS - 1;
        Artwork.Mint memory m = order(COLLECTOR, 0);
        m.parents = new Artwork.Parent[](1);
        m.parents[0] = Artwork.Parent(address(artwork), parent, 0, most + 1);
        vm.expectRevert(abi.encodeWithSelector(Artwork.ParentSharesTooHigh.selector, most + 1, most));
        vm.prank(BUYER);
        artwork.mint(m);
        m.parents[0].shareBps = most;
        vm.prank(BUYER);
        uint256 tokenId = artwork.mint(m);
        (, uint16[] memory bps) = splitter.splitOf(tokenId);
        equal(bps[0], 1, "the creator's");
    }

    /// @dev The terms are for whoever makes the work: nobody sets another split before or after the mint.
    function testNobodyReplacesTheSplitOfAMint() public {
        uint256 tokenId = work(COLLECTOR);
        (address[] memory payees, uint16[] memory bps) = (new address[](1), new uint16[](1));
        (payees[0], bps[0]) = (CREATOR, 10_000);
        vm.startPrank(CREATOR);
        vm.expectRevert(abi.encodeWithSelector(Splitter.SplitAlreadySet.selector, tokenId));
        splitter.setSplit(tokenId, payees, bps);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, tokenId + 1));
        splitter.setSplit(tokenId + 1, payees, bps);
        vm.stopPrank();
        work(COLLECTOR); // nor could anybody keep the next mint from setting it
    }

    function testTermsThatLeaveTheCreatorNothingOrPayNobodyAreRefused() public {
        Artwork.Terms[3] memory t = [
            Artwork.Terms(9_000, 750, 250, TREASURY),
            Artwork.Terms(0, 0, 0, address(0)),
            Artwork.Terms(9_000, 749, 250, TREASURY)
        ];
        splitter = splitterOfTheNext();
        vm.expectRevert(abi.encodeWithSelector(Artwork.TermsTooHigh.selector, 10_000, 10_000));
        new Artwork("Raisonne", "RSN", registry, splitter, t[0]);
        splitter = splitterOfTheNext();
        vm.expectRevert(abi.encodeWithSelector(Artwork.TreasuryInvalid.selector, address(0)));
        new Artwork("Raisonne", "RSN", registry, splitter, t[1]);
        splitter = splitterOfTheNext();
        artwork = new Artwork("Raisonne", "RSN", registry, splitter, t[2]);
        equal(artwork.modelBps(), 9_000, "model");
        equal(artwork.datasetBps(), 749, "dataset");
        equal(artwork.treasuryBps(), 250, "treasury");
        equal(artwork.treasury(), TREASURY, "whose");
        require(artwork.registry() == registry && artwork.splitter() == splitter, "its contracts");
    }

    function testSplitterMustServeTheArtworkAndIsNoTreasury() public {
        Artwork.Terms memory t = terms();
        vm.expectRevert(abi.encodeWithSelector(Artwork.SplitterOfAnother.selector, address(artwork)));
        new Artwork("Raisonne", "RSN", registry, splitter, t);
        Splitter own = splitterOfTheNext();
        t.treasury = address(own);
        vm.expectRevert(abi.encodeWithSelector(Artwork.TreasuryInvalid.selector, address(own)));
        new Artwork("Raisonne", "RSN", registry, own, t);
    }

    // -- ERC-7053 ------------------------------------------------------------------------------------

    function testCidIsThatOfRawBytesWithTheDigest() public pure {
        bytes32 counting = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f;
        bytes32[4] memory digests = [sha256(""), bytes32(0), bytes32(type(uint256).max), counting];
        string[4] memory cids = [
            "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
            "bafkreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "bafkreih777777777777777777777777777777777777777777777777774",
            "bafkreiaaaebagbafaydqqcikbmga2dqpcaireeyuculbogazdinryhi6d4"
        ];
        for (uint256 i; i < 4; ++i) {
            require(keccak256(bytes(Cid.ofSha256(digests[i]))) == keccak256(bytes(cids[i])), cids[i]);
        }
    }

    function testMintCommitsThePixelsAndTheManifest() public {
        Artwork.Mint memory m = order(COLLECTOR, 0);
        vm.expectEmit(true, true, true, true, address(artwork));
        emit Artwork.Commit(CREATOR, Cid.ofSha256(m.pixelHash), Cid.ofSha256(m.manifest));
        vm.prank(CREATOR);
        artwork.mint(m);
    }
}
