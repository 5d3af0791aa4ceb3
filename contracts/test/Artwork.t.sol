// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Artwork} from "../src/Artwork.sol";
import {Base} from "./Base.sol";

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
        vm.assume(caller != address(0));
        bytes memory text = new bytes(length % 24_556);
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
        m.uri = string(new bytes(24_556));
        vm.expectRevert(abi.encodeWithSelector(Artwork.UriTooLong.selector, 24_556, 24_555));
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
}
