// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {Artwork} from "../src/Artwork.sol";
import {Budgets} from "../src/Budgets.sol";
import {Governed} from "../src/Governed.sol";
import {Loop} from "../src/Loop.sol";
import {Rounds} from "../src/Rounds.sol";
import {Studio} from "../src/Studio.sol";
import {StudioShares} from "../src/StudioShares.sol";
import {Vrgda} from "../src/Vrgda.sol";
import {Bookkeeper, Donor, GasBurner, Refuser, ReturnBomb} from "./Hostile.sol";
import {StudioWorld} from "./StudioWorld.sol";

contract StudioTest is StudioWorld {
    event BudgetSpent(uint256 indexed epoch, uint8 indexed kind, uint256 amount, uint256 left);
    event LimitsSet(uint256 burnsPerEpoch, uint256 priceStepBps);
    event ReserveSet(uint256 reserve);
    event ProceedsShared(uint256 amount);
    event WorkSent(uint256 indexed tokenId, address indexed to);
    event TokenSent(address indexed currency, address indexed to, uint256 amount);

    bytes32 private constant WORK = keccak256("work");

    // -- minting -------------------------------------------------------------------------------

    function testWhatARoundAcceptedIsMintedForTheStudio() public {
        accept(studio, WORK);
        vm.expectEmit(true, true, true, true, address(studio));
        emit BudgetSpent(studio.epoch(), 129, 1, 9);
        vm.prank(OPERATOR);
        uint256 tokenId = studio.mint(order(WORK));
        equal(artwork.ownerOf(tokenId), address(studio), "owner");
        equal(artwork.creatorOf(tokenId), address(studio), "creator");
        equal(studio.tokenOf(WORK), tokenId, "known");
    }

    function testWhatNoRoundAcceptedIsNotMinted() public {
        vm.expectRevert(abi.encodeWithSelector(Studio.NotAccepted.selector, WORK));
        vm.prank(OPERATOR);
        studio.mint(order(WORK));
    }

    function testAManifestIsMintedOnce() public {
        uint256 tokenId = minted("work");
        Artwork.Mint memory again = order(WORK);
        again.pixelHash = keccak256("other pixels");
        vm.expectRevert(abi.encodeWithSelector(Studio.AlreadyMinted.selector, WORK, tokenId));
        vm.prank(OPERATOR);
        studio.mint(again);
    }

    function testTheStudioMintsForNobodyElse() public {
        accept(studio, WORK);
        Artwork.Mint memory m = order(WORK);
        m.to = OPERATOR;
        vm.expectRevert(abi.encodeWithSelector(Studio.ReceiverWrong.selector, OPERATOR));
        vm.prank(OPERATOR);
        studio.mint(m);
    }

    function testAManifestThatLostADisputeIsNotMintedAContestedOneIs() public {
        accept(studio, WORK);
        registry.openDispute(WORK, SALT);
        accept(studio, keccak256("other"));
        registry.openDispute(keccak256("other"), SALT);
        vm.prank(OWNER);
        registry.resolveDispute(WORK, SALT, 2);
        vm.expectRevert(abi.encodeWithSelector(Studio.ManifestTainted.selector, WORK));
        vm.prank(OPERATOR);
        studio.mint(order(WORK));
        vm.prank(OPERATOR);
        studio.mint(order(keccak256("other")));
    }

    function testMintsHaveABudget() public {
        accept(studio, WORK);
        vm.prank(OWNER);
        studio.setBudget(129, 0);
        vm.expectRevert(abi.encodeWithSelector(Budgets.BudgetExceeded.selector, studio.epoch(), 129, 1, 0));
        vm.prank(OPERATOR);
        studio.mint(order(WORK));
    }

    function testAnAcceptedManifestStandsNoSecondTime() public {
        accept(studio, WORK);
        uint256 round = open(studio);
        vm.expectRevert(abi.encodeWithSelector(Rounds.ManifestAccepted.selector, WORK, 1));
        vm.prank(OPERATOR);
        studio.submit(round, WORK);
    }

    // -- burning -------------------------------------------------------------------------------

    function testBurnsKeepToTheLimitOfTheEpoch() public {
        (uint256 a, uint256 b, uint256 c) = (minted("a"), minted("b"), minted("c"));
        vm.startPrank(OPERATOR);
        studio.burn(a, 2);
        studio.burn(b, 2);
        vm.expectRevert(abi.encodeWithSelector(Budgets.BudgetExceeded.selector, studio.epoch(), 128, 1, 0));
        studio.burn(c, 2);
        vm.stopPrank();
        nextEpoch();
        vm.prank(OPERATOR);
        studio.burn(c, 2);
        equal(artwork.balanceOf(address(studio)), 0, "all gone");
    }

    function testTheOwnerSetsTheLimits() public {
        vm.startPrank(OWNER);
        vm.expectEmit(true, true, true, true, address(studio));
        emit LimitsSet(7, 10_000);
        studio.setLimits(7, 10_000);
        vm.expectRevert(abi.encodeWithSelector(Studio.StepOutOfRange.selector, 10_001, 10_000));
        studio.setLimits(7, 10_001);
        vm.expectEmit(true, true, true, true, address(studio));
        emit ReserveSet(3);
        studio.setReserve(3);
        vm.stopPrank();
        equal(studio.budgetOf(128), 7, "burns");
        equal(studio.priceStepBps(), 10_000, "step");
        equal(studio.reserve(), 3, "reserve");
    }

    // -- drops ---------------------------------------------------------------------------------

    function testADropSellsAndTheMoneyComesBackToTheWei() public {
        uint256 tokenId = minted("work");
        uint256 dropId = dropped(tokenId, 4 ether);
        equal(artwork.ownerOf(tokenId), address(drops), "in escrow");
        vm.deal(B, 5 ether);
        vm.prank(B);
        drops.buy{value: 4 ether}(dropId, tokenId, 4 ether, B);
        equal(artwork.ownerOf(tokenId), B, "sold");
        uint256 royalty = 0.3 ether;
        equal(address(studio).balance, 4 ether - royalty, "price and fee, less the royalty");
        splitter.release(only(tokenId), address(0), address(studio));
        equal(
            address(studio).balance, 4 ether - royalty / 10, "and the creator's and treasury's part of that"
        );
    }

    function testAStartPriceMovesByAStepAtMostAndOnceAnEpoch() public {
        uint256 dropId = dropped(minted("work"), 4 ether);
        vm.expectRevert(
            abi.encodeWithSelector(Studio.PriceStepTooLarge.selector, 4.4 ether + 1, 4 ether, STEP_BPS)
        );
        reprice(dropId, 4.4 ether + 1);
        vm.expectRevert(
            abi.encodeWithSelector(Studio.PriceStepTooLarge.selector, 3.6 ether - 1, 4 ether, STEP_BPS)
        );
        reprice(dropId, 3.6 ether - 1);
        reprice(dropId, 4.4 ether);
        equal(drops.priceOf(dropId), 4.4 ether, "in force");
        vm.warp(block.timestamp + 1 days);
        vm.expectRevert(abi.encodeWithSelector(Studio.PriceChangedInEpoch.selector, studio.epoch()));
        reprice(dropId, 4.3 ether);
        reprice(dropId, 4.4 ether); // the same start
        nextEpoch();
        reprice(dropId, 3.96 ether); // a step down from 4.4
        (uint96 start, uint64 epoch) = studio.askedIn(dropId);
        require(start == 3.96 ether && epoch == studio.epoch(), "remembered");
    }

    function testOpeningAnewIsNoWayRoundThePriceStep() public {
        uint256 tokenId = minted("work");
        uint256 dropId = dropped(tokenId, 4 ether);
        vm.warp(block.timestamp + 2 days);
        reprice(dropId, 3.6 ether);
        vm.prank(OPERATOR);
        studio.withdrawDrop(dropId, only(tokenId));
        equal(artwork.ownerOf(tokenId), address(studio), "back");
        vm.expectRevert(abi.encodeWithSelector(Studio.PriceChangedInEpoch.selector, studio.epoch()));
        dropped(tokenId, 3.5 ether);
        uint256 same = dropped(tokenId, 3.6 ether);
        vm.expectRevert(abi.encodeWithSelector(Studio.PriceChangedInEpoch.selector, studio.epoch()));
        reprice(same, 3.5 ether);
        vm.prank(OPERATOR);
        studio.withdrawDrop(same, only(tokenId));
        nextEpoch();
        vm.expectRevert(
            abi.encodeWithSelector(Studio.PriceStepTooLarge.selector, 1 ether, 3.6 ether, STEP_BPS)
        );
        dropped(tokenId, 1 ether);
        uint256 last = dropped(tokenId, 3.3 ether);
        vm.expectRevert(abi.encodeWithSelector(Studio.PriceChangedInEpoch.selector, studio.epoch()));
        reprice(last, 3.2 ether);
    }

    function testOneDropOfManyWorksKeepsToTheStepOfEach() public {
        (uint256 old, uint256 fresh) = (minted("old"), minted("fresh"));
        uint256 dropId = dropped(old, 4 ether);
        vm.prank(OPERATOR);
        studio.withdrawDrop(dropId, only(old));
        uint256[] memory both = new uint256[](2);
        (both[0], both[1]) = (fresh, old);
        vm.expectRevert(abi.encodeWithSelector(Studio.PriceStepTooLarge.selector, 9 ether, 4 ether, STEP_BPS));
        vm.prank(OPERATOR);
        studio.openDrop(both, prices(9 ether), uint64(block.timestamp));
        vm.prank(OPERATOR);
        dropId = studio.openDrop(both, prices(4.4 ether), uint64(block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(Studio.PriceChangedInEpoch.selector, studio.epoch()));
        reprice(dropId, 4.5 ether);
    }

    function testOnlyDropsOfTheStudioAreTouched() public {
        vm.expectRevert(abi.encodeWithSelector(Studio.NotOurDrop.selector, 9));
        reprice(9, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(Studio.NotOurDrop.selector, 9));
        vm.prank(OPERATOR);
        studio.withdrawDrop(9, only(1));
    }

    // -- spending ------------------------------------------------------------------------------

    function testTheOperatorSpendsUpToTheBudgetOfTheEpoch() public {
        vm.deal(address(studio), 10 ether);
        vm.startPrank(OPERATOR);
        vm.expectEmit(true, true, true, true, address(studio));
        emit BudgetSpent(studio.epoch(), COMPUTE, 1.5 ether, 0.5 ether);
        studio.spend(COMPUTE, A, 1.5 ether);
        vm.expectRevert(
            abi.encodeWithSelector(
                Budgets.BudgetExceeded.selector, studio.epoch(), COMPUTE, 0.5 ether + 1, 0.5 ether
            )
        );
        studio.spend(COMPUTE, A, 0.5 ether + 1);
        studio.spend(COMPUTE, A, 0.5 ether);
        vm.expectRevert(abi.encodeWithSelector(Budgets.BudgetExceeded.selector, studio.epoch(), 1, 1, 0));
        studio.spend(1, A, 1);
        vm.stopPrank();
        nextEpoch();
        vm.prank(OPERATOR);
        studio.spend(COMPUTE, A, 2 ether);
        equal(A.balance, 4 ether, "received");
    }

    function testCountsAreNotMoney() public {
        vm.deal(address(studio), 10 ether);
        uint8[3] memory kinds = [128, 129, 255];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Budgets.KindWrong.selector, kinds[i]));
            vm.prank(OPERATOR);
            studio.spend(kinds[i], A, 1);
        }
    }

    function testAPayeeWhoRefusesOrBurnsOrBombsGetsNothingAndCostsNoBudget() public {
        vm.deal(address(studio), 10 ether);
        address[2] memory hostile = [address(new Refuser()), address(new ReturnBomb())];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Studio.SpendRefused.selector, hostile[i], 1 ether));
            vm.prank(OPERATOR);
            studio.spend(COMPUTE, hostile[i], 1 ether);
        }
        address burner = address(new GasBurner());
        vm.prank(OPERATOR);
        (bool done,) =
            address(studio).call{gas: 500_000}(abi.encodeCall(studio.spend, (COMPUTE, burner, 1 ether)));
        require(!done, "burned its own call");
        equal(studio.leftOf(COMPUTE), 2 ether, "nothing spent");
        equal(address(studio).balance, 10 ether, "nothing gone");
    }

    function testMoreThanThereIsCannotBeSpent() public {
        vm.expectRevert(abi.encodeWithSelector(Studio.SpendRefused.selector, A, 1 ether));
        vm.prank(OPERATOR);
        studio.spend(COMPUTE, A, 1 ether);
    }

    // -- proceeds ------------------------------------------------------------------------------

    function testWhatIsAboveTheReserveGoesToTheHoldersByAnybodysHand() public {
        vm.deal(address(studio), 5 ether);
        vm.expectEmit(true, true, true, true, address(studio));
        emit ProceedsShared(4 ether);
        vm.prank(STRANGER);
        equal(studio.shareProceeds(), 4 ether, "shared");
        equal(address(studio).balance, RESERVE, "kept");
        equal(shares.dividendOf(A), 2 ether, "half of it");
        vm.expectRevert(abi.encodeWithSelector(Studio.NothingToShare.selector, RESERVE, RESERVE));
        studio.shareProceeds();
    }

    function testEtherComesInAlsoWhenPausedAndWithLittleGas() public {
        vm.prank(GUARDIAN);
        studio.pause();
        vm.deal(address(this), 1 ether);
        payable(address(studio)).transfer(1 ether); // 2,300 gas
        equal(address(studio).balance, 1 ether, "received");
    }

    // -- the owner's hand ----------------------------------------------------------------------

    function testTheOwnerSendsWorksAndTokensAlsoWhenPaused() public {
        uint256 tokenId = minted("work");
        vm.prank(A);
        shares.transfer(address(studio), 7);
        vm.prank(GUARDIAN);
        studio.pause();
        vm.startPrank(OWNER);
        vm.expectEmit(true, true, true, true, address(studio));
        emit WorkSent(tokenId, C);
        studio.sendWork(tokenId, C);
        vm.expectEmit(true, true, true, true, address(studio));
        emit TokenSent(address(shares), C, 7);
        studio.sendToken(shares, C, 7);
        vm.stopPrank();
        equal(artwork.ownerOf(tokenId), C, "work");
        equal(shares.balanceOf(C), 200e18 + 7, "tokens");
    }

    // -- who may do what -----------------------------------------------------------------------

    /// @dev Every function that only the operator may call, with arguments that would work.
    function _operators(uint256 tokenId, uint256 dropId) private view returns (bytes[] memory calls) {
        calls = new bytes[](9);
        calls[0] = abi.encodeCall(studio.mint, (order(WORK)));
        calls[1] = abi.encodeCall(studio.burn, (tokenId, 0));
        calls[2] = abi.encodeCall(studio.openDrop, (only(tokenId), prices(1 ether), uint64(block.timestamp)));
        calls[3] = abi.encodeCall(studio.repriceDrop, (dropId, prices(4 ether)));
        calls[4] = abi.encodeCall(studio.withdrawDrop, (dropId, only(tokenId + 1)));
        calls[5] = abi.encodeCall(studio.spend, (COMPUTE, A, 1));
        calls[6] = abi.encodeCall(studio.openRound, ());
        calls[7] = abi.encodeCall(studio.transition, (Loop.State.Forecast, SALT));
        calls[8] = abi.encodeCall(studio.meter, (130, 1));
    }

    function _owners(uint256 tokenId) private view returns (bytes[] memory calls) {
        calls = new bytes[](9);
        calls[0] = abi.encodeCall(studio.sendWork, (tokenId, A));
        calls[1] = abi.encodeCall(studio.sendToken, (shares, A, 0));
        calls[2] = abi.encodeCall(studio.setLimits, (1, 1));
        calls[3] = abi.encodeCall(studio.setReserve, (0));
        calls[4] = abi.encodeCall(studio.setBudget, (0, 1));
        calls[5] = abi.encodeCall(studio.setRoundRules, (usualRules()));
        calls[6] = abi.encodeCall(studio.setOperator, (A));
        calls[7] = abi.encodeCall(studio.setGuardian, (A));
        calls[8] = abi.encodeCall(studio.transferOwnership, (A));
    }

    function _prepare() private returns (uint256 tokenId, uint256 dropId) {
        tokenId = minted("a");
        dropId = dropped(minted("b"), 4 ether);
        accept(studio, WORK);
        vm.deal(address(studio), 5 ether);
        vm.prank(OWNER);
        studio.setBudget(130, 1);
    }

    function _call(address by, bytes memory data) private returns (bool done, bytes4 error) {
        bytes memory answer;
        vm.prank(by);
        (done, answer) = address(studio).call(data);
        if (!done) error = bytes4(answer);
    }

    function testOnlyTheOperatorOperates() public {
        (uint256 tokenId, uint256 dropId) = _prepare();
        bytes[] memory calls = _operators(tokenId, dropId);
        address[3] memory others = [OWNER, GUARDIAN, A];
        for (uint256 i; i < calls.length; ++i) {
            for (uint256 j; j < 3; ++j) {
                (bool done, bytes4 error) = _call(others[j], calls[i]);
                bytes4 wanted = i == 7 ? Loop.TransitionIllegal.selector : Governed.NotOperator.selector;
                require(!done && error == wanted, "refused to others");
            }
            if (i == 2) continue; // the work was burned before
            (bool works,) = _call(OPERATOR, calls[i]);
            require(works, "allowed to the operator");
        }
    }

    function testAPauseStopsTheOperatorAndPassersBy() public {
        (uint256 tokenId, uint256 dropId) = _prepare();
        bytes[] memory calls = _operators(tokenId, dropId);
        vm.prank(GUARDIAN);
        studio.pause();
        for (uint256 i; i < calls.length; ++i) {
            (bool done, bytes4 error) = _call(OPERATOR, calls[i]);
            require(!done && error == Pausable.EnforcedPause.selector, "stopped");
        }
        vm.expectRevert(Pausable.EnforcedPause.selector);
        studio.shareProceeds();
    }

    function testOnlyTheOwnerRules() public {
        (uint256 tokenId,) = _prepare();
        bytes[] memory calls = _owners(tokenId);
        address[3] memory others = [OPERATOR, GUARDIAN, A];
        for (uint256 i; i < calls.length; ++i) {
            for (uint256 j; j < 3; ++j) {
                (bool done, bytes4 error) = _call(others[j], calls[i]);
                require(!done && error == Ownable.OwnableUnauthorizedAccount.selector, "refused to others");
            }
            (bool works,) = _call(OWNER, calls[i]);
            require(works, "allowed to the owner");
        }
    }

    function testFuzzABudgetIsNeverExceeded(uint96[12] memory amounts, uint24[12] memory waits) public {
        vm.deal(address(studio), 1_000 ether);
        uint256 spent;
        for (uint256 i; i < 12; ++i) {
            uint256 before = studio.epoch();
            vm.warp(block.timestamp + waits[i]);
            if (studio.epoch() != before) spent = 0;
            uint256 amount = amounts[i] % 1 ether;
            (bool done,) = _call(OPERATOR, abi.encodeCall(studio.spend, (COMPUTE, STRANGER, amount)));
            require(done == (spent + amount <= 2 ether), "exactly while it lasts");
            if (done) spent += amount;
            equal(studio.leftOf(COMPUTE), 2 ether - spent, "left");
        }
    }
}
