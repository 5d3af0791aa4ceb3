// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Splitter} from "../src/Splitter.sol";
import {Base} from "./Base.sol";
import {Creators} from "./Creators.sol";
import {Bookkeeper, Donor, GasBurner, Refuser, Reentrant, ReturnBomb} from "./Hostile.sol";
import {FalseToken, FeeToken, HookToken, LyingToken} from "./HostileTokens.sol";
import {PlainToken, RebasingToken, SilentToken} from "./HostileTokens.sol";

/// @dev A splitter of the Artwork's works, and a work whose split is CREATOR 70 %, MODEL 20 %, TREASURY 10 %.
abstract contract SplitterBase is Base {
    address internal constant MODEL = address(0x30DE1);
    address internal constant ETH = address(0);

    Creators internal creators;
    PlainToken internal plain;

    function setUp() public virtual override {
        super.setUp();
        creators = new Creators(CREATOR);
        splitter = new Splitter(creators, TREASURY);
        plain = new PlainToken();
        plain.mint(BUYER, 1_000_000);
        vm.prank(BUYER);
        plain.approve(address(splitter), type(uint256).max);
    }

    function splitWork() internal returns (uint256 tokenId) {
        return splitAmong(CREATOR, MODEL, TREASURY);
    }

    function splitAmong(address first, address second, address third) internal returns (uint256 tokenId) {
        tokenId = creators.mint();
        (address[] memory payees, uint16[] memory bps) = (new address[](3), new uint16[](3));
        (payees[0], payees[1], payees[2]) = (first, second, third);
        (bps[0], bps[1], bps[2]) = (7_000, 2_000, 1_000);
        vm.prank(CREATOR);
        splitter.setSplit(tokenId, payees, bps);
    }

    function pay(uint256 tokenId, uint256 amount) internal {
        vm.prank(BUYER);
        splitter.receiveRoyalty{value: amount}(tokenId, 2);
    }

    function payToken(address currency, uint256 tokenId, uint256 amount) internal returns (uint256) {
        vm.prank(BUYER);
        return splitter.receiveRoyaltyToken(tokenId, IERC20(currency), amount, 2);
    }

    function only(uint256 tokenId) internal pure returns (uint256[] memory tokenIds) {
        tokenIds = new uint256[](1);
        tokenIds[0] = tokenId;
    }
}

contract SplitterTest is SplitterBase {
    // -- Setting a split -----------------------------------------------------------------------------

    function testTheCreatorSetsTheSplitOnceAndItIsAnnounced() public {
        uint256 tokenId = creators.mint();
        (address[] memory payees, uint16[] memory bps) = (new address[](2), new uint16[](2));
        (payees[0], payees[1], bps[0], bps[1]) = (CREATOR, MODEL, 9_999, 1);
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.SplitSet(tokenId, payees, bps);
        vm.prank(CREATOR);
        splitter.setSplit(tokenId, payees, bps);
        (address[] memory got, uint16[] memory shares) = splitter.splitOf(tokenId);
        require(got.length == 2 && shares.length == 2, "two places");
        equal(got[1], MODEL, "payee");
        equal(shares[0], 9_999, "share");
        vm.expectRevert(abi.encodeWithSelector(Splitter.SplitAlreadySet.selector, tokenId));
        vm.prank(CREATOR);
        splitter.setSplit(tokenId, payees, bps);
    }

    function testTheContractOfTheWorksSetsASplitEvenBeforeTheWorkExists() public {
        (address[] memory payees, uint16[] memory bps) = (new address[](1), new uint16[](1));
        (payees[0], bps[0]) = (MODEL, 10_000);
        vm.prank(address(creators));
        splitter.setSplit(77, payees, bps);
        pay(77, 5);
        equal(splitter.releasable(77, ETH, MODEL), 5, "credited");
    }

    function testNobodyElseSetsASplitNotEvenTheOwnerOfTheWork() public {
        uint256 tokenId = creators.mint();
        (address[] memory payees, uint16[] memory bps) = (new address[](1), new uint16[](1));
        (payees[0], bps[0]) = (COLLECTOR, 10_000);
        vm.expectRevert(abi.encodeWithSelector(Splitter.NotCreator.selector, tokenId, COLLECTOR, CREATOR));
        vm.prank(COLLECTOR);
        splitter.setSplit(tokenId, payees, bps);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, tokenId + 1));
        vm.prank(COLLECTOR);
        splitter.setSplit(tokenId + 1, payees, bps);
        vm.expectRevert(abi.encodeWithSelector(Splitter.SplitAlreadySet.selector, 0));
        vm.prank(address(creators));
        splitter.setSplit(0, payees, bps); // the treasury's
    }

    function testFuzzOnlySharesThatAddUpToTheWholeAreASplit(uint16[3] memory shares, bool whole) public {
        uint256 tokenId = creators.mint();
        if (whole) {
            (shares[0], shares[1]) = (shares[0] % 9_000, shares[1] % 1_000);
            shares[2] = 10_000 - shares[0] - shares[1];
        }
        (address[] memory payees, uint16[] memory bps) = (new address[](3), new uint16[](3));
        for (uint256 i; i < 3; ++i) {
            (payees[i], bps[i]) = (MODEL, shares[i]);
        }
        uint256 sum = uint256(bps[0]) + bps[1] + bps[2];
        if (bps[0] == 0 || bps[1] == 0 || bps[2] == 0) {
            uint256 at = bps[0] == 0 ? 0 : bps[1] == 0 ? 1 : 2;
            vm.expectRevert(abi.encodeWithSelector(Splitter.ShareMissing.selector, at));
        } else if (sum != 10_000) {
            vm.expectRevert(abi.encodeWithSelector(Splitter.SharesNotWhole.selector, sum));
        }
        vm.prank(CREATOR);
        splitter.setSplit(tokenId, payees, bps);
    }

    function testSplitsNeedPayeesWhoCanBePaidAndNotTooMany() public {
        uint256 tokenId = creators.mint();
        uint256[2][3] memory counts = [[uint256(0), 0], [uint256(13), 13], [uint256(2), 1]];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(Splitter.SeatCountOutOfRange.selector, counts[i][0], counts[i][1], 12)
            );
            vm.prank(CREATOR);
            splitter.setSplit(tokenId, new address[](counts[i][0]), new uint16[](counts[i][1]));
        }
        address[2] memory impossible = [address(0), address(splitter)];
        for (uint256 i; i < 2; ++i) {
            (address[] memory payees, uint16[] memory bps) = (new address[](1), new uint16[](1));
            (payees[0], bps[0]) = (impossible[i], 10_000);
            vm.expectRevert(abi.encodeWithSelector(Splitter.PayeeInvalid.selector, impossible[i]));
            vm.prank(CREATOR);
            splitter.setSplit(tokenId, payees, bps);
        }
        vm.expectRevert(abi.encodeWithSelector(Splitter.PayeeInvalid.selector, address(0)));
        new Splitter(creators, address(0));
    }

    function testAPayeeHandsOnTheirPlaceForLaterPaymentsOnly() public {
        uint256 tokenId = splitWork();
        pay(tokenId, 100);
        (address[] memory payees, uint16[] memory bps) = splitter.splitOf(tokenId);
        payees[1] = BUYER;
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.SplitSet(tokenId, payees, bps);
        vm.prank(MODEL);
        splitter.reassign(tokenId, 1, BUYER);
        pay(tokenId, 100);
        equal(splitter.releasable(tokenId, ETH, MODEL), 20, "what came before");
        equal(splitter.releasable(tokenId, ETH, BUYER), 20, "what came after");
        equal(splitter.releasable(tokenId, ETH, CREATOR), 140, "untouched");
    }

    function testNobodyHandsOnThePlaceOfAnother() public {
        uint256 tokenId = splitWork();
        uint256[2] memory seats = [uint256(1), 3];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Splitter.NotPayee.selector, tokenId, seats[i], CREATOR));
            vm.prank(CREATOR);
            splitter.reassign(tokenId, seats[i], CREATOR);
        }
        address[2] memory impossible = [address(0), address(splitter)];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Splitter.PayeeInvalid.selector, impossible[i]));
            vm.prank(MODEL);
            splitter.reassign(tokenId, 1, impossible[i]);
        }
    }

    // -- Receiving ---------------------------------------------------------------------------------

    function testEthIsDividedAnnouncedAndFetched() public {
        uint256 tokenId = splitWork();
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReceived(tokenId, BUYER, 1 ether, 2);
        pay(tokenId, 1 ether);
        equal(splitter.held(ETH), 1 ether, "held");
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReleased(tokenId, MODEL, 0.2 ether);
        equal(splitter.release(only(tokenId), ETH, MODEL), 0.2 ether, "by anybody");
        equal(MODEL.balance, 0.2 ether, "to the payee");
        equal(splitter.held(ETH), 0.8 ether, "the others' is there");
        equal(splitter.releasable(tokenId, ETH, MODEL), 0, "fetched");
    }

    function testTokensAreDividedAnnouncedAndFetched() public {
        uint256 tokenId = splitWork();
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyTokenReceived(tokenId, BUYER, address(plain), 1_000, 2);
        equal(payToken(address(plain), tokenId, 1_000), 1_000, "arrived");
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyTokenReleased(tokenId, CREATOR, address(plain), 700);
        splitter.release(only(tokenId), address(plain), CREATOR);
        equal(plain.balanceOf(CREATOR), 700, "paid");
        equal(splitter.held(address(plain)), 300, "held");
        equal(splitter.held(ETH), 0, "books apart");
    }

    function testBeforeASplitIsSetTheCreatorHasTheWhole() public {
        uint256 tokenId = creators.mint();
        pay(tokenId, 3);
        (address[] memory payees, uint16[] memory bps) = splitter.splitOf(tokenId);
        equal(payees.length + bps.length, 0, "no split");
        (payees, bps) = (new address[](2), new uint16[](2));
        (payees[0], payees[1], bps[0], bps[1]) = (MODEL, TREASURY, 5_000, 5_000);
        vm.prank(CREATOR);
        splitter.setSplit(tokenId, payees, bps);
        pay(tokenId, 3);
        equal(splitter.releasable(tokenId, ETH, CREATOR), 3, "the creator keeps what came before");
        equal(splitter.releasable(tokenId, ETH, MODEL), 1, "half of three");
        equal(splitter.dust(tokenId, ETH), 1, "the rest");
        equal(splitter.received(tokenId, ETH), 3, "since the split");
        pay(tokenId, 1);
        equal(splitter.releasable(tokenId, ETH, MODEL), 2, "a later payment completes it");
        equal(splitter.dust(tokenId, ETH), 0, "to the unit");
    }

    function testPaymentsForWorksThatNeverWereAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 9));
        pay(9, 1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 9));
        payToken(address(plain), 9, 1);
    }

    function testNothingIsBookedForNothing() public {
        pay(9, 0);
        equal(payToken(address(plain), 9, 0), 0, "nothing came");
        equal(splitter.collect(ETH) + splitter.collect(address(plain)), 0, "nothing to collect");
    }

    function testEthThatNamesNoWorkIsTheTreasurys() public {
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReceived(0, BUYER, 5, 0);
        vm.prank(BUYER);
        (bool sent,) = address(splitter).call{value: 5}("");
        require(sent, "taken");
        equal(splitter.releasable(0, ETH, TREASURY), 5, "the treasury's");
        vm.prank(TREASURY);
        splitter.reassign(0, 0, MODEL);
        pay(0, 2);
        equal(splitter.releasable(0, ETH, MODEL), 2, "who handed it on");
    }

    function testTokensSentWithoutACallAreCollectedForTheTreasury() public {
        uint256 tokenId = splitWork();
        payToken(address(plain), tokenId, 1_000);
        vm.prank(BUYER);
        plain.transfer(address(splitter), 50);
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyTokenReceived(0, address(0), address(plain), 50, 0);
        equal(splitter.collect(address(plain)), 50, "found");
        equal(splitter.collect(address(plain)), 0, "once");
        equal(splitter.releasable(0, address(plain), TREASURY), 50, "the treasury's");
        equal(splitter.releasable(tokenId, address(plain), CREATOR), 700, "the work's untouched");
    }

    // -- Fetching ------------------------------------------------------------------------------------

    function testManyWorksAreFetchedInOnePaymentAndNoneTwice() public {
        uint256[] memory tokenIds = new uint256[](4);
        for (uint256 i; i < 3; ++i) {
            tokenIds[i] = splitWork();
            pay(tokenIds[i], 10 * (i + 1));
        }
        tokenIds[3] = tokenIds[0];
        Bookkeeper books = new Bookkeeper();
        vm.prank(MODEL);
        equal(splitter.releaseTo(tokenIds, ETH, address(books)), 12, "20 % of 60");
        equal(books.payments(), 1, "one payment");
        vm.expectRevert(abi.encodeWithSelector(Splitter.NothingToRelease.selector, MODEL, ETH));
        splitter.release(tokenIds, ETH, MODEL);
    }

    function testNothingIsReleasedToNowhereOrToTheSplitterItself() public {
        uint256 tokenId = splitWork();
        pay(tokenId, 10);
        address[2] memory impossible = [address(0), address(splitter)];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Splitter.PayeeInvalid.selector, impossible[i]));
            vm.prank(MODEL);
            splitter.releaseTo(only(tokenId), ETH, impossible[i]);
        }
    }

    // -- Fuzz: invariant family 3 for single splits -----------------------------------------------

    function testFuzzNoOrderOfPaymentsGainsOrLosesAUnit(uint96[6] memory amounts, uint16 cut) public {
        uint256 tokenId = creators.mint();
        (address[] memory payees, uint16[] memory bps) = (new address[](2), new uint16[](2));
        (payees[0], payees[1], bps[0]) = (CREATOR, MODEL, 1 + cut % 9_999);
        bps[1] = 10_000 - bps[0];
        vm.prank(CREATOR);
        splitter.setSplit(tokenId, payees, bps);
        uint256 total;
        for (uint256 i; i < amounts.length; ++i) {
            vm.deal(BUYER, amounts[i]);
            pay(tokenId, amounts[i]);
            total += amounts[i];
        }
        uint256 first = splitter.releasable(tokenId, ETH, CREATOR);
        uint256 second = splitter.releasable(tokenId, ETH, MODEL);
        equal(first, (total * bps[0]) / 10_000, "as if it had come at once");
        equal(second, (total * bps[1]) / 10_000, "for both");
        equal(first + second + splitter.dust(tokenId, ETH), total, "nothing is lost");
        require(splitter.dust(tokenId, ETH) < 2, "less than one per place");
        equal(splitter.held(ETH), total, "held");
    }
}

/// @title Published audit findings that concern dividing and fetching, each as a test that ours does not share it.
contract SplitterFindingsTest is SplitterBase {
    function testFractionalH08SharesAreOfWhatCameNotOfTheBalance() public {
        uint256 tokenId = splitWork();
        pay(tokenId, 1_000);
        splitter.release(only(tokenId), ETH, MODEL);
        pay(tokenId, 1_000); // a second share of the same balance would be 36 % of it
        splitter.release(only(tokenId), ETH, MODEL);
        equal(MODEL.balance, 400, "20 % of 2,000");
        splitter.release(only(tokenId), ETH, CREATOR);
        splitter.release(only(tokenId), ETH, TREASURY);
        equal(address(splitter).balance, 0, "the pot was exactly enough");
    }

    function testFractionalH12TheSplitterNeverLeavesAnAllowance() public {
        uint256 tokenId = splitWork();
        payToken(address(plain), tokenId, 100);
        splitter.release(only(tokenId), address(plain), MODEL);
        equal(plain.allowance(address(splitter), MODEL), 0, "for the payee");
        equal(plain.allowance(address(splitter), BUYER), 0, "for the payer");
    }

    function testFractionalH13H16AReentrantPayeeIsPaidOnce() public {
        Reentrant payee = new Reentrant();
        uint256 tokenId = splitAmong(CREATOR, address(payee), TREASURY);
        pay(tokenId, 1_000);
        bytes[4] memory attacks = [
            abi.encodeCall(splitter.release, (only(tokenId), ETH, address(payee))),
            abi.encodeCall(splitter.releaseTo, (only(tokenId), ETH, address(0xBAD))),
            abi.encodeCall(splitter.collect, (ETH)),
            abi.encodeCall(splitter.receiveRoyalty, (tokenId, 0))
        ];
        for (uint256 i; i < attacks.length; ++i) {
            if (i != 0) pay(tokenId, 1_000);
            payee.arm(address(splitter), attacks[i]);
            splitter.release(only(tokenId), ETH, address(payee));
            require(payee.tried() && !payee.succeeded(), "re-entry was tried and refused");
            equal(address(payee).balance, 200 * (i + 1), "its own, once");
        }
        equal(address(splitter).balance, 3_200, "the others' is there");
    }

    function testFractionalM11PayeesMayNeedMoreGasThanTransferGives() public {
        Bookkeeper books = new Bookkeeper();
        uint256 tokenId = splitAmong(CREATOR, address(books), TREASURY);
        pay(tokenId, 1_000);
        splitter.release(only(tokenId), ETH, address(books));
        equal(books.received(), 200, "booked");
    }

    function testPartyH07ForcedEtherStopsNothingAndIsCollected() public {
        uint256 tokenId = splitWork();
        pay(tokenId, 1_000);
        new Donor{value: 3 ether}(payable(address(splitter)));
        equal(splitter.releasable(tokenId, ETH, CREATOR), 700, "no share of it");
        splitter.release(only(tokenId), ETH, MODEL);
        vm.expectEmit(true, true, true, true, address(splitter));
        emit Splitter.RoyaltyReceived(0, address(0), 3 ether, 0);
        equal(splitter.collect(ETH), 3 ether, "found");
        equal(splitter.releasable(0, ETH, TREASURY), 3 ether, "the treasury's");
        equal(splitter.held(ETH), address(splitter).balance, "all of it is somebody's");
    }

    function testTesseraH01AFailedTransferIsNeverTakenForPaid() public {
        FalseToken liar = new FalseToken();
        liar.mint(BUYER, 100);
        uint256 tokenId = splitWork();
        bytes memory refusal =
            abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(liar));
        vm.expectRevert(refusal);
        payToken(address(liar), tokenId, 100);
        liar.mint(address(splitter), 100);
        splitter.collect(address(liar));
        vm.expectRevert(refusal);
        splitter.release(only(0), address(liar), TREASURY);
        equal(splitter.releasable(0, address(liar), TREASURY), 100, "still owed");
        vm.expectRevert(bytes(""));
        payToken(address(0xDEAD), tokenId, 1); // no code there: no token
        vm.expectRevert(bytes(""));
        payToken(ETH, tokenId, 1); // ETH is no token either
    }

    function testTesseraH04H06H07WhatIsOwedToARefuserGoesWhereTheyWant() public {
        Refuser refuser = new Refuser();
        uint256 tokenId = splitAmong(CREATOR, address(refuser), TREASURY);
        pay(tokenId, 1_000);
        vm.expectRevert(abi.encodeWithSelector(Splitter.ReleaseRefused.selector, address(refuser), 200));
        splitter.release(only(tokenId), ETH, address(refuser));
        equal(splitter.releasable(tokenId, ETH, address(refuser)), 200, "still theirs");
        vm.expectRevert(abi.encodeWithSelector(Splitter.NothingToRelease.selector, BUYER, ETH));
        vm.prank(BUYER);
        splitter.releaseTo(only(tokenId), ETH, BUYER); // nobody else's
        vm.prank(address(refuser));
        splitter.releaseTo(only(tokenId), ETH, address(0xCA5));
        equal(address(0xCA5).balance, 200, "nothing is stuck");
    }

    function testTesseraH05HostilePayeesBlockNeitherPaymentsNorEachOther() public {
        address[3] memory hostile =
            [address(new Refuser()), address(new GasBurner()), address(new ReturnBomb())];
        for (uint256 i; i < hostile.length; ++i) {
            uint256 tokenId = splitAmong(hostile[i], MODEL, TREASURY);
            vm.prank(BUYER);
            splitter.receiveRoyalty{value: 1_000, gas: 250_000}(tokenId, 2);
            splitter.release(only(tokenId), ETH, MODEL);
            splitter.release(only(tokenId), ETH, TREASURY);
            equal(splitter.releasable(tokenId, ETH, hostile[i]), 700, "waits");
            (bool done,) = address(splitter).call{gas: 3_000_000}(
                abi.encodeCall(splitter.release, (only(tokenId), ETH, hostile[i]))
            );
            require(!done, "refused");
        }
        equal(MODEL.balance, 600, "paid");
        equal(splitter.held(ETH), address(splitter).balance, "books");
    }

    function testEscherH03APayeeCannotTakeTheShareOfAnother() public {
        uint256 tokenId = splitWork();
        pay(tokenId, 1_000);
        vm.prank(MODEL);
        splitter.releaseTo(only(tokenId), ETH, MODEL);
        vm.expectRevert(abi.encodeWithSelector(Splitter.NothingToRelease.selector, MODEL, ETH));
        vm.prank(MODEL);
        splitter.releaseTo(only(tokenId), ETH, MODEL);
        equal(MODEL.balance, 200, "once");
    }

    // -- Hostile tokens (3.5, 8) -----------------------------------------------------------------------

    function testATokenWithAFeePromisesOnlyWhatArrived() public {
        FeeToken token = new FeeToken();
        token.mint(BUYER, 1_000);
        vm.prank(BUYER);
        token.approve(address(splitter), 1_000);
        uint256 tokenId = splitWork();
        equal(payToken(address(token), tokenId, 500), 450, "less the fee");
        equal(splitter.held(address(token)), token.balanceOf(address(splitter)), "backed");
        token.keep(100);
        equal(payToken(address(token), tokenId, 500), 0, "nothing came");
        equal(splitter.received(tokenId, address(token)), 450, "nothing is booked");
    }

    function testATokenThatAnswersNothingIsTakenAndItsBlockListBlocksOneOnly() public {
        SilentToken token = new SilentToken();
        token.mint(BUYER, 1_000);
        uint256 tokenId = splitWork();
        payToken(address(token), tokenId, 1_000);
        token.blockAccount(MODEL);
        vm.expectRevert(bytes("blocked"));
        splitter.release(only(tokenId), address(token), MODEL);
        splitter.release(only(tokenId), address(token), CREATOR);
        equal(token.balanceOf(CREATOR), 700, "not blocked");
        vm.prank(MODEL);
        splitter.releaseTo(only(tokenId), address(token), BUYER);
        equal(token.balanceOf(BUYER), 200, "another way out");
    }

    function testATokenThatLiesSpoilsOnlyItsOwnBooks() public {
        LyingToken liar = new LyingToken();
        uint256 tokenId = splitWork();
        pay(tokenId, 1_000);
        payToken(address(plain), tokenId, 1_000);
        liar.claim(1 << 200, 0);
        equal(splitter.collect(address(liar)), 1 << 200, "a claim of its own money");
        liar.claim(type(uint256).max, 0);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        splitter.collect(address(liar)); // its sums overflow
        liar.claim(5, type(uint256).max - 4);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        payToken(address(liar), tokenId, 1); // what it says it held grows beyond all numbers
        splitter.release(only(tokenId), ETH, CREATOR);
        splitter.release(only(tokenId), address(plain), CREATOR);
        equal(CREATOR.balance, 1_000 ether + 700, "ETH goes on");
        equal(plain.balanceOf(CREATOR), 700, "other tokens go on");
    }

    function testATokenThatCallsBackGetsNowhere() public {
        HookToken token = new HookToken();
        token.mint(BUYER, 3_000);
        vm.prank(BUYER);
        token.approve(address(splitter), 3_000);
        uint256 tokenId = splitWork();
        pay(tokenId, 1_000);
        bytes[4] memory attacks = [
            abi.encodeCall(splitter.receiveRoyaltyToken, (tokenId, IERC20(address(token)), 0, 0)),
            abi.encodeCall(splitter.collect, (address(token))),
            abi.encodeCall(splitter.release, (only(tokenId), address(token), CREATOR)),
            abi.encodeCall(splitter.release, (only(tokenId), ETH, CREATOR))
        ];
        for (uint256 i; i < attacks.length; ++i) {
            token.arm(address(splitter), attacks[i]);
            payToken(address(token), tokenId, 500);
            splitter.release(only(tokenId), address(token), MODEL);
            equal(token.tries(), 4 * (i + 1), "tried before and after, in and out");
            equal(token.successes(), 0, "never let in");
            equal(token.balanceOf(MODEL), 100 * (i + 1), "its share");
        }
        equal(splitter.held(address(token)), token.balanceOf(address(splitter)), "books");
    }

    function testATokenThatShrinksServesWhoComesFirstAndHarmsNoOtherCurrency() public {
        RebasingToken token = new RebasingToken();
        token.mint(BUYER, 1_000);
        vm.prank(BUYER);
        token.approve(address(splitter), 1_000);
        uint256 tokenId = splitWork();
        payToken(address(token), tokenId, 1_000);
        payToken(address(plain), tokenId, 1_000);
        token.shrink(address(splitter), 250);
        equal(splitter.collect(address(token)), 0, "less than booked: nothing to collect");
        splitter.release(only(tokenId), address(token), CREATOR);
        (bool done,) =
            address(splitter).call(abi.encodeCall(splitter.release, (only(tokenId), address(token), MODEL)));
        require(!done, "50 are left for 200");
        splitter.release(only(tokenId), address(plain), MODEL);
        equal(plain.balanceOf(MODEL), 200, "another currency");
    }

    function testReentryIsRefusedByName() public {
        Reentrant payee = new Reentrant();
        uint256 tokenId = splitAmong(CREATOR, address(payee), TREASURY);
        pay(tokenId, 1_000);
        NoisyPayee noisy = new NoisyPayee(splitter);
        vm.prank(address(payee));
        splitter.reassign(tokenId, 1, address(noisy));
        pay(tokenId, 1_000);
        splitter.release(only(tokenId), ETH, address(noisy));
        require(
            noisy.refusal() == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector,
            "plain ETH back into the splitter"
        );
    }
}

/// @dev Sends what it gets straight back and remembers why that was refused.
contract NoisyPayee {
    Splitter private immutable splitter;
    bytes4 public refusal;

    constructor(Splitter splitter_) {
        splitter = splitter_;
    }

    receive() external payable {
        (bool sent, bytes memory reason) = address(splitter).call{value: msg.value}("");
        require(!sent, "taken in the middle of a release");
        refusal = bytes4(reason);
    }
}
