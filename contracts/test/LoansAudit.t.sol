// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {Artwork} from "../src/Artwork.sol";
import {Loans} from "../src/Loans.sol";
import {Payouts} from "../src/Payouts.sol";
import {Vault} from "../src/Vault.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {Bookkeeper, Donor, GasBurner, Reentrant, Refuser, ReturnBomb} from "./Hostile.sol";
import {LoansBase} from "./LoansBase.sol";

/// @title Published audit findings of related projects, each as a test that loans do not share them.
contract LoansAuditTest is LoansBase {
    error Outcome(bool done);

    // -- Fractional v2 -------------------------------------------------------------------------

    function testFractionalH10NobodyBorrowsOnAnothersWork() public {
        uint256 tokenId = work(COLLECTOR);
        (Vault vault,) = vaultOf(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.setApprovalForAll(address(loans), true);
        vault.approve(address(loans), type(uint256).max);
        vm.stopPrank();
        vm.startPrank(BUYER);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, BUYER, tokenId, COLLECTOR)
        );
        loans.offerWork(tokenId, PRINCIPAL, REPAYMENT, TERM);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        loans.offerShares(address(vault), 1, PRINCIPAL, REPAYMENT, TERM);
        vm.stopPrank();
    }

    function testFractionalH10NobodyBorrowsOnAWorkInEscrow() public {
        (, uint256 tokenId) = offered(COLLECTOR);
        address[2] memory thieves = [COLLECTOR, BUYER];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IERC721Errors.ERC721IncorrectOwner.selector, thieves[i], tokenId, address(loans)
                )
            );
            vm.prank(thieves[i]);
            loans.offerWork(tokenId, PRINCIPAL, REPAYMENT, TERM);
        }
    }

    function testFractionalH12NoAllowanceIsLeftOnEscrowedOrReturnedCollateral() public {
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.setApprovalForAll(BUYER, true); // the owner's operator, who is nobody in the escrow
        artwork.approve(address(loans), tokenId);
        uint256 loanId = loans.offerWork(tokenId, PRINCIPAL, REPAYMENT, TERM);
        vm.stopPrank();
        equal(artwork.getApproved(tokenId), address(0), "none in escrow");
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, BUYER, tokenId)
        );
        vm.prank(BUYER);
        artwork.transferFrom(address(loans), BUYER, tokenId);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, COLLECTOR, tokenId)
        );
        vm.prank(COLLECTOR);
        artwork.burn(tokenId, 0);
        vm.prank(COLLECTOR);
        loans.cancel(loanId);
        equal(artwork.getApproved(tokenId), address(0), "none afterwards");

        (uint256 second, Vault vault,) = offeredShares(COLLECTOR, 300e18);
        equal(vault.allowance(COLLECTOR, address(loans)), 0, "shares: used up");
        equal(vault.allowance(address(loans), COLLECTOR), 0, "none in escrow");
        vm.prank(COLLECTOR);
        loans.cancel(second);
    }

    function testFractionalH13H16ReentryByAPaidBorrowerOrLenderChangesNothing() public {
        Reentrant hostile = new Reentrant();
        (uint256 overdue,) = started(COLLECTOR);
        vm.prank(BUYER);
        loans.transferNote(overdue, address(hostile));
        vm.warp(DUE + 1);
        (uint256 note,) = started(CREATOR);
        vm.prank(BUYER);
        loans.transferNote(note, address(hostile));
        (uint256 other,) = offered(COLLECTOR);
        (uint256 own,) = offered(address(hostile));
        uint256 tokenId = work(address(hostile));
        (Vault vault,) = vaultOf(CREATOR);
        vm.prank(CREATOR);
        vault.transfer(address(hostile), 1);
        vm.startPrank(address(hostile));
        artwork.approve(address(loans), tokenId);
        vault.approve(address(loans), 1);
        vm.stopPrank();

        _reenter(hostile, REPAYMENT, abi.encodeCall(loans.repay, (note)));
        _reenter(hostile, 0, abi.encodeCall(loans.claim, (overdue)));
        _reenter(hostile, PRINCIPAL, abi.encodeCall(loans.lend, (other, loans.termsOf(other))));
        _reenter(hostile, 0, abi.encodeCall(loans.transferNote, (other, BUYER)));
        _reenter(hostile, 0, abi.encodeCall(loans.cancel, (own)));
        _reenter(hostile, 0, abi.encodeCall(loans.offerWork, (tokenId, 1, 1, TERM)));
        _reenter(hostile, 0, abi.encodeCall(loans.offerShares, (address(vault), 1, 1, 1, TERM)));
    }

    /// @dev The call is refused while `hostile` is being paid, as borrower and as lender, and works afterwards.
    function _reenter(Reentrant hostile, uint256 value, bytes memory attack) private {
        (uint256 loanId,) = offered(address(hostile));
        hostile.arm{value: value}(address(loans), attack);
        lend(loanId, BUYER);
        require(hostile.tried() && !hostile.succeeded(), "borrower: tried and refused");
        vm.prank(BUYER);
        loans.transferNote(loanId, address(hostile));
        repay(loanId, CREATOR);
        require(!hostile.succeeded(), "lender: refused");
        hostile.arm(address(0), "");
        vm.prank(address(hostile));
        (bool done,) = address(loans).call{value: value}(attack);
        require(done, "only the re-entry was wrong with it");
    }

    function testFractionalH18CollateralSentStraightInChangesNothing() public {
        (uint256 loanId, Vault vault,) = offeredShares(COLLECTOR, 300e18);
        uint256 tokenId = work(COLLECTOR);
        uint256 another = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        vault.transfer(address(loans), 100e18);
        artwork.transferFrom(COLLECTOR, address(loans), tokenId);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(loans)));
        artwork.safeTransferFrom(COLLECTOR, address(loans), another);
        vm.stopPrank();
        equal(loans.loanCount(), 1, "no loan came of it");
        lend(loanId, BUYER);
        repay(loanId, COLLECTOR);
        equal(vault.balanceOf(COLLECTOR), SUPPLY - 100e18, "what was pledged comes back, no more");
        equal(vault.balanceOf(address(loans)), 100e18, "the gift is nobody's");
    }

    function testFractionalM11PayeesMayNeedMoreGasThanTransferGives() public {
        Bookkeeper borrower = new Bookkeeper();
        Bookkeeper lender = new Bookkeeper();
        (uint256 loanId,) = offered(address(borrower));
        vm.deal(address(lender), PRINCIPAL);
        lend(loanId, address(lender));
        repay(loanId, COLLECTOR);
        equal(borrower.received(), PRINCIPAL, "the borrower booked");
        equal(lender.received(), REPAYMENT, "the lender booked");
    }

    // -- Party ---------------------------------------------------------------------------------

    function testPartyH07DonatedEtherStopsNothingAndBelongsToNobody() public {
        new Donor{value: 3 ether}(payable(address(loans)));
        (uint256 loanId,) = started(COLLECTOR);
        repay(loanId, COLLECTOR);
        equal(address(loans).balance, 3 ether, "only the donation is there");
        vm.expectRevert(abi.encodeWithSelector(Payouts.NothingToWithdraw.selector, BUYER));
        vm.prank(BUYER);
        loans.withdraw();
        (bool taken,) = address(loans).call{value: 1}("");
        require(!taken, "sent plainly it is refused");
    }

    function testPartyM12ExcessEtherIsRefusedNotKept() public {
        (uint256 loanId,) = offered(COLLECTOR);
        bytes32 terms = loans.termsOf(loanId);
        vm.expectRevert(abi.encodeWithSelector(Loans.WrongPayment.selector, PRINCIPAL + 1, PRINCIPAL));
        vm.prank(BUYER);
        loans.lend{value: PRINCIPAL + 1}(loanId, terms);
        lend(loanId, BUYER);
        vm.expectRevert(abi.encodeWithSelector(Loans.WrongPayment.selector, REPAYMENT + 1, REPAYMENT));
        vm.prank(COLLECTOR);
        loans.repay{value: REPAYMENT + 1}(loanId);
    }

    // -- Tessera -------------------------------------------------------------------------------

    function testTesseraH01FailedPaymentIsNeverTakenForPaid() public {
        Refuser borrower = new Refuser();
        (uint256 loanId, uint256 tokenId) = offered(address(borrower));
        bytes32 terms = loans.termsOf(loanId);
        vm.expectEmit(true, true, true, true, address(loans));
        emit Payouts.Paid(tokenId, address(borrower), 4, PRINCIPAL, true);
        vm.prank(BUYER);
        loans.lend{value: PRINCIPAL}(loanId, terms);
        equal(loans.refunds(address(borrower)), PRINCIPAL, "kept for him");
        equal(address(loans).balance, PRINCIPAL, "and really there");
    }

    function testTesseraH01FalseAnsweringSharesAreNeverTakenForDelivered() public {
        (LyingFactory lying, LyingShares shares) = _lying();
        Loans trusting = new Loans(VaultFactory(address(lying)));
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        trusting.offerShares(address(shares), 1e18, PRINCIPAL, REPAYMENT, TERM);
        shares.tell(true);
        uint256 loanId = trusting.offerShares(address(shares), 1e18, PRINCIPAL, REPAYMENT, TERM);
        shares.tell(false);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        trusting.cancel(loanId);
    }

    function testTesseraH03ExactlyOneOfRepayAndClaimAtEverySecond() public {
        for (uint256 i; i < 5; ++i) {
            vm.warp(START);
            (uint256 loanId,) = started(COLLECTOR);
            uint256 time = DUE + i - 2;
            vm.warp(time);
            bool claimable = time > DUE;
            require(loans.isClaimable(loanId) == claimable, "as it says");
            if (claimable) {
                vm.expectRevert(abi.encodeWithSelector(Loans.Overdue.selector, loanId, DUE, time));
                repay(loanId, COLLECTOR);
                vm.prank(BUYER);
                loans.claim(loanId);
            } else {
                vm.expectRevert(abi.encodeWithSelector(Loans.NotYetDue.selector, loanId, DUE, time));
                vm.prank(BUYER);
                loans.claim(loanId);
                repay(loanId, COLLECTOR);
            }
        }
    }

    function testFuzzTesseraH03ExactlyOneOfRepayAndClaimAtEverySecond(uint32 later) public {
        (uint256 loanId,) = started(COLLECTOR);
        vm.warp(START + later);
        bool canRepay = _possible(COLLECTOR, REPAYMENT, abi.encodeCall(loans.repay, (loanId)));
        bool canClaim = _possible(BUYER, 0, abi.encodeCall(loans.claim, (loanId)));
        require(canRepay != canClaim, "exactly one");
        require(canRepay == (later <= TERM), "the due second is the borrower's");
    }

    function testTesseraH04H06H07RepaymentIsCreditedToTheNotesHolderAndCanBeTaken() public {
        Refuser holder = new Refuser();
        (uint256 loanId,) = started(COLLECTOR);
        vm.prank(BUYER);
        loans.transferNote(loanId, address(holder));
        repay(loanId, COLLECTOR);
        equal(loans.refunds(address(holder)), REPAYMENT, "kept for the holder");
        equal(loans.refunds(BUYER), 0, "not for the first lender");
        uint256 before = CREATOR.balance;
        holder.withdrawTo(loans, CREATOR);
        equal(CREATOR.balance - before, REPAYMENT, "taken");
        equal(address(loans).balance, 0, "nothing is stuck");
    }

    function testTesseraH05HostilePayeesBlockNeitherLendingNorRepaying() public {
        address[3] memory payees =
            [address(new Refuser()), address(new GasBurner()), address(new ReturnBomb())];
        for (uint256 i; i < payees.length; ++i) {
            (uint256 loanId, uint256 tokenId) = offered(payees[i]);
            bytes32 terms = loans.termsOf(loanId);
            vm.prank(BUYER);
            loans.lend{value: PRINCIPAL, gas: 500_000}(loanId, terms);
            equal(loans.refunds(payees[i]), PRINCIPAL, "the principal waits");
            vm.prank(BUYER);
            loans.transferNote(loanId, payees[i]);
            vm.prank(CREATOR);
            loans.repay{value: REPAYMENT, gas: 500_000}(loanId);
            equal(loans.refunds(payees[i]), PRINCIPAL + REPAYMENT, "the repayment waits");
            equal(artwork.ownerOf(tokenId), payees[i], "the collateral is back");
        }
    }

    // -- Escher --------------------------------------------------------------------------------

    function testEscherH02SmallestAndLargestAmountsAreLentAndRepaid() public {
        uint256[2] memory amounts = [uint256(1), type(uint128).max];
        for (uint256 i; i < amounts.length; ++i) {
            uint256 tokenId = work(COLLECTOR);
            vm.startPrank(COLLECTOR);
            artwork.approve(address(loans), tokenId);
            uint256 loanId = loans.offerWork(tokenId, amounts[i], amounts[i], loans.MAX_TERM());
            vm.stopPrank();
            vm.deal(BUYER, amounts[i]);
            vm.deal(COLLECTOR, 0);
            bytes32 terms = loans.termsOf(loanId);
            vm.prank(BUYER);
            loans.lend{value: amounts[i]}(loanId, terms);
            vm.prank(COLLECTOR);
            loans.repay{value: amounts[i]}(loanId);
            equal(BUYER.balance, amounts[i], "to the wei");
        }
    }

    function testEscherH03ReceiverCannotTakeARefundTwice() public {
        Refuser other = new Refuser(); // somebody else's money that could be stolen
        (uint256 second,) = offered(address(other));
        lend(second, BUYER);
        Moody hostile = new Moody(loans);
        (uint256 first,) = offered(address(hostile));
        lend(first, BUYER);
        equal(loans.refunds(address(hostile)), PRINCIPAL, "refused at first");
        hostile.calm();
        (uint256 loanId,) = offered(address(hostile));
        lend(loanId, BUYER); // pays it, and it asks for its refund in the middle
        require(hostile.tries() == 1 && hostile.successes() == 0, "refused while being paid");
        hostile.take(); // and again in the middle of the refund
        require(hostile.tries() == 2 && hostile.successes() == 0, "refused while being refunded");
        equal(address(hostile).balance, 2 * PRINCIPAL, "paid once, refunded once");
        equal(address(loans).balance, PRINCIPAL, "the other's money is untouched");
    }

    function testEscherM06ADefaultSetsNoPrice() public {
        uint256 tokenId = listed(COLLECTOR, 3 ether);
        vm.prank(BUYER);
        market.buy{value: 3 ether}(tokenId, 3 ether, address(0));
        vm.startPrank(BUYER);
        artwork.approve(address(loans), tokenId);
        uint256 loanId = loans.offerWork(tokenId, 1, 1, TERM);
        vm.stopPrank();
        bytes32 terms = loans.termsOf(loanId);
        vm.prank(CREATOR);
        loans.lend{value: 1}(loanId, terms);
        vm.warp(DUE + 1);
        vm.prank(CREATOR);
        loans.claim(loanId);
        equal(market.lastPrice(tokenId), 3 ether, "a loan default is not a sale");
    }

    function testEscherM12NothingIsRepaidAfterTheEnd() public {
        (uint256 loanId,) = started(COLLECTOR);
        vm.warp(DUE + 365 days);
        vm.expectRevert(abi.encodeWithSelector(Loans.Overdue.selector, loanId, DUE, DUE + 365 days));
        repay(loanId, COLLECTOR);
    }

    // -- Lending (BendDAO 2024 and later) --------------------------------------------------------

    function testBendDaoStrangersCanDoNothingToALoanButRepayIt() public {
        (uint256 open,) = offered(COLLECTOR);
        (uint256 running, uint256 tokenId) = started(COLLECTOR);
        bytes4 notBorrower = Loans.NotBorrower.selector;
        bytes4 notLender = Loans.NotLender.selector;
        vm.startPrank(CREATOR);
        vm.expectRevert(abi.encodeWithSelector(notBorrower, open, CREATOR, COLLECTOR));
        loans.cancel(open);
        vm.expectRevert(abi.encodeWithSelector(notLender, running, CREATOR, BUYER));
        loans.transferNote(running, CREATOR);
        vm.warp(DUE + 1);
        vm.expectRevert(abi.encodeWithSelector(notLender, running, CREATOR, BUYER));
        loans.claim(running);
        vm.warp(DUE);
        loans.repay{value: REPAYMENT}(running);
        vm.stopPrank();
        equal(artwork.ownerOf(tokenId), COLLECTOR, "for the borrower");
    }

    function testBendDaoADefaultLeavesNoDebtAndNothingLocked() public {
        (uint256 loanId, Vault vault,) = offeredShares(COLLECTOR, 300e18);
        lend(loanId, BUYER);
        vm.warp(DUE + 3_650 days); // however late
        vm.prank(BUYER);
        loans.claim(loanId);
        equal(vault.balanceOf(address(loans)), 0, "no collateral stays");
        equal(address(loans).balance, 0, "no ETH stays");
        expectState(loanId, Loans.State.Claimed);
    }

    function testSameIdOfAnotherOfferAfterAReorganisationIsRefused() public {
        (uint256 loanId, uint256 tokenId) = offered(COLLECTOR);
        bytes32 seen = loans.termsOf(loanId);
        // The same id, principal, repayment and term, of another borrower with another work.
        Loans fork = new Loans(factory);
        uint256 worthless = work(CREATOR);
        vm.startPrank(CREATOR);
        artwork.approve(address(fork), worthless);
        equal(fork.offerWork(worthless, PRINCIPAL, REPAYMENT, TERM), loanId, "same id");
        vm.stopPrank();
        bytes32 there = fork.termsOf(loanId);
        vm.expectRevert(abi.encodeWithSelector(Loans.TermsDiffer.selector, loanId, there, seen));
        vm.prank(BUYER);
        fork.lend{value: PRINCIPAL}(loanId, seen);
        equal(artwork.ownerOf(tokenId), address(loans), "the seen one is elsewhere");
    }

    // -- Hostile tokens (3.5, 8) -----------------------------------------------------------------

    function testSharesOfNoVaultOfTheFactoryAreRefused() public {
        address[4] memory strangers =
            [address(new LyingShares()), address(artwork), address(loans), address(0)];
        for (uint256 i; i < strangers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Loans.VaultUnknown.selector, strangers[i]));
            loans.offerShares(strangers[i], 1e18, PRINCIPAL, REPAYMENT, TERM);
        }
        (, uint256 tokenId) = vaultOf(COLLECTOR);
        Vault.Holding memory held =
            Vault.Holding(artwork, splitter, TREASURY, tokenId, address(this), 1 ether);
        Vault copy = new Vault(held, "Shares", "SHR", SUPPLY); // holds nothing
        copy.approve(address(loans), SUPPLY);
        vm.expectRevert(abi.encodeWithSelector(Loans.VaultUnknown.selector, address(copy)));
        loans.offerShares(address(copy), SUPPLY, PRINCIPAL, REPAYMENT, TERM);
    }

    function testTokensThatCallBackCannotEndALoanTwice() public {
        (LyingFactory lying, LyingShares shares) = _lying();
        Loans trusting = new Loans(VaultFactory(address(lying)));
        shares.tell(true);
        uint256 loanId = trusting.offerShares(address(shares), 1e18, PRINCIPAL, REPAYMENT, TERM);
        shares.callBack(address(trusting), abi.encodeCall(trusting.cancel, (loanId)));
        trusting.cancel(loanId);
        require(shares.tried() && !shares.succeeded(), "re-entry was tried and refused");
        require(trusting.loanOf(loanId).state == Loans.State.Cancelled, "once");
    }

    /// @dev Makes a call and undoes it, so that the next is tried on the same state.
    function callAndUndo(address from, uint256 value, bytes calldata data) external {
        vm.prank(from);
        (bool done,) = address(loans).call{value: value}(data);
        revert Outcome(done);
    }

    function _possible(address from, uint256 value, bytes memory data) private returns (bool) {
        try this.callAndUndo(from, value, data) {
            revert("not undone");
        } catch (bytes memory reason) {
            return keccak256(reason) == keccak256(abi.encodeWithSelector(Outcome.selector, true));
        }
    }

    function _lying() private returns (LyingFactory lying, LyingShares shares) {
        shares = new LyingShares();
        lying = new LyingFactory(artwork);
    }
}

/// @dev Refuses ETH at first; calm, it takes it and asks for its refund whenever it is paid.
contract Moody is Refuser {
    Loans private immutable loans;
    bool private calmed;
    uint256 public tries;
    uint256 public successes;

    constructor(Loans loans_) {
        loans = loans_;
    }

    function calm() external {
        calmed = true;
    }

    function take() external {
        loans.withdraw();
    }

    receive() external payable {
        require(calmed, "not in the mood");
        ++tries;
        (bool done,) = address(loans).call(abi.encodeCall(loans.withdraw, ()));
        if (done) ++successes;
    }
}

/// @dev Knows every address as a vault of work 1.
contract LyingFactory {
    Artwork public immutable artwork;

    constructor(Artwork artwork_) {
        artwork = artwork_;
    }

    function tokenOfVault(address) external pure returns (uint256) {
        return 1;
    }
}

/// @dev An ERC-20 that moves nothing, answers what it is told to, and calls back like an ERC-777.
contract LyingShares {
    uint256 public constant dividendsPaid = 0;
    uint256 public constant issued = 1;
    bool public answer;
    bool public tried;
    bool public succeeded;
    address private target;
    bytes private attack;

    function tell(bool answer_) external {
        answer = answer_;
    }

    function callBack(address target_, bytes calldata attack_) external {
        (target, attack) = (target_, attack_);
    }

    function transfer(address, uint256) external returns (bool) {
        return _move();
    }

    function transferFrom(address, address, uint256) external returns (bool) {
        return _move();
    }

    function _move() private returns (bool) {
        if (target != address(0)) {
            tried = true;
            (succeeded,) = target.call(attack);
        }
        return answer;
    }
}
