// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {Loans} from "../src/Loans.sol";
import {Payouts} from "../src/Payouts.sol";
import {Vault} from "../src/Vault.sol";
import {LoansBase} from "./LoansBase.sol";

contract LoansTest is LoansBase {
    // -- Offers --------------------------------------------------------------------------------

    function testOfferTakesTheWorkIntoEscrowAndKeepsTheTerms() public {
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(loans), tokenId);
        vm.expectEmit(true, true, true, true, address(loans));
        emit Loans.LoanOffered(1, COLLECTOR, address(artwork), tokenId, 1, PRINCIPAL, REPAYMENT, TERM);
        uint256 loanId = loans.offerWork(tokenId, PRINCIPAL, REPAYMENT, TERM);
        vm.stopPrank();
        equal(loanId, 1, "ids count from 1");
        equal(loans.loanCount(), 1, "one loan");
        equal(artwork.ownerOf(tokenId), address(loans), "in escrow");
        Loans.Loan memory loan = loans.loanOf(loanId);
        equal(loan.borrower, COLLECTOR, "borrower");
        equal(loan.lender, address(0), "no lender yet");
        equal(loan.collateral, address(artwork), "collateral");
        equal(loan.tokenId, tokenId, "work");
        equal(loan.quantity, 1, "one of it");
        equal(loan.principal, PRINCIPAL, "principal");
        equal(loan.repayment, REPAYMENT, "repayment");
        equal(loan.term, TERM, "term");
        equal(loan.dueTime, 0, "not due before it starts");
        expectState(loanId, Loans.State.Offered);
        expectState(2, Loans.State.None);
    }

    function testOfferTakesSharesIntoEscrow() public {
        (Vault vault, uint256 tokenId) = vaultOf(COLLECTOR);
        vm.startPrank(COLLECTOR);
        vault.approve(address(loans), 300e18);
        vm.expectEmit(true, true, true, true, address(loans));
        emit Loans.LoanOffered(1, COLLECTOR, address(vault), tokenId, 300e18, PRINCIPAL, REPAYMENT, TERM);
        loans.offerShares(address(vault), 300e18, PRINCIPAL, REPAYMENT, TERM);
        vm.stopPrank();
        equal(vault.balanceOf(address(loans)), 300e18, "in escrow");
        equal(vault.balanceOf(COLLECTOR), SUPPLY - 300e18, "the rest stays");
        equal(loans.loanOf(1).tokenId, tokenId, "the work behind the shares");
        equal(loans.loanOf(1).quantity, 300e18, "units");
    }

    function testOnlyTheOwnerOffersAWork() public {
        uint256 tokenId = work(COLLECTOR);
        vm.prank(COLLECTOR);
        artwork.setApprovalForAll(address(loans), true); // for his own loans, not for others'
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, BUYER, tokenId, COLLECTOR)
        );
        vm.prank(BUYER);
        loans.offerWork(tokenId, PRINCIPAL, REPAYMENT, TERM);
    }

    function testUnapprovedOrMissingWorksAreRefused() public {
        uint256 tokenId = work(COLLECTOR);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, address(loans), tokenId)
        );
        vm.prank(COLLECTOR);
        loans.offerWork(tokenId, PRINCIPAL, REPAYMENT, TERM);
        uint256[2] memory missing = [tokenId + 1, 2 ** 96 + tokenId]; // the latter is tokenId in 96 bits
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, missing[i]));
            vm.prank(COLLECTOR);
            loans.offerWork(missing[i], PRINCIPAL, REPAYMENT, TERM);
        }
    }

    function testSharesThatAreNotThereOrNotApprovedAreRefused() public {
        (Vault vault,) = vaultOf(COLLECTOR);
        vm.startPrank(COLLECTOR);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        loans.offerShares(address(vault), 1, PRINCIPAL, REPAYMENT, TERM);
        vault.approve(address(loans), type(uint256).max);
        uint256[2] memory excessive = [SUPPLY + 1, 2 ** 96 + 1]; // the latter is 1 in 96 bits
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
            loans.offerShares(address(vault), excessive[i], PRINCIPAL, REPAYMENT, TERM);
        }
        vm.expectRevert(Loans.SharesMissing.selector);
        loans.offerShares(address(vault), 0, PRINCIPAL, REPAYMENT, TERM);
        vm.stopPrank();
        equal(loans.loanCount(), 0, "no loan");
    }

    function testFuzzTermsOutsideTheirBoundsAreRefused(uint256 principal, uint256 repayment, uint256 term)
        public
    {
        (principal, repayment, term) = (principal % 2 ** 129, repayment % 2 ** 129, term % 4_000 days);
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(loans), tokenId);
        if (principal == 0 || principal > type(uint128).max) {
            vm.expectRevert(
                abi.encodeWithSelector(Loans.PrincipalOutOfRange.selector, principal, type(uint128).max)
            );
        } else if (repayment < principal || repayment > type(uint128).max) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    Loans.RepaymentOutOfRange.selector, repayment, principal, type(uint128).max
                )
            );
        } else if (term < 1 hours || term > 1_825 days) {
            vm.expectRevert(abi.encodeWithSelector(Loans.TermOutOfRange.selector, term, 1 hours, 1_825 days));
        }
        loans.offerWork(tokenId, principal, repayment, term);
        vm.stopPrank();
    }

    function testBoundsOfTermsAreInclusive() public {
        uint256[3][2] memory good =
            [[uint256(1), 1, 1 hours], [uint256(type(uint128).max), type(uint128).max, 1_825 days]];
        for (uint256 i; i < good.length; ++i) {
            _offerOn(good[i][0], good[i][1], good[i][2], "");
        }
        uint256 most = type(uint128).max;
        _offerOn(0, 1, 1 days, abi.encodeWithSelector(Loans.PrincipalOutOfRange.selector, 0, most));
        _offerOn(
            most + 1,
            most + 1,
            1 days,
            abi.encodeWithSelector(Loans.PrincipalOutOfRange.selector, most + 1, most)
        );
        _offerOn(5, 4, 1 days, abi.encodeWithSelector(Loans.RepaymentOutOfRange.selector, 4, 5, most));
        _offerOn(
            5, most + 1, 1 days, abi.encodeWithSelector(Loans.RepaymentOutOfRange.selector, most + 1, 5, most)
        );
        _offerOn(
            1,
            1,
            1 hours - 1,
            abi.encodeWithSelector(Loans.TermOutOfRange.selector, 1 hours - 1, 1 hours, 1_825 days)
        );
        _offerOn(
            1,
            1,
            1_825 days + 1,
            abi.encodeWithSelector(Loans.TermOutOfRange.selector, 1_825 days + 1, 1 hours, 1_825 days)
        );
        equal(loans.loanCount(), 2, "the good ones");
    }

    function testCancelGivesTheCollateralBack() public {
        (uint256 loanId, uint256 tokenId) = offered(COLLECTOR);
        vm.expectEmit(true, true, true, true, address(loans));
        emit Loans.LoanCancelled(loanId, COLLECTOR);
        vm.prank(COLLECTOR);
        loans.cancel(loanId);
        equal(artwork.ownerOf(tokenId), COLLECTOR, "back");
        expectState(loanId, Loans.State.Cancelled);

        (uint256 second, Vault vault,) = offeredShares(COLLECTOR, 300e18);
        vm.prank(COLLECTOR);
        loans.cancel(second);
        equal(vault.balanceOf(COLLECTOR), SUPPLY, "shares back");
    }

    function testOnlyTheBorrowerCancelsAndOnlyBeforeTheStart() public {
        (uint256 loanId,) = offered(COLLECTOR);
        vm.expectRevert(abi.encodeWithSelector(Loans.NotBorrower.selector, loanId, BUYER, COLLECTOR));
        vm.prank(BUYER);
        loans.cancel(loanId);
        lend(loanId, BUYER);
        expectWrongState(loanId, Loans.State.Started, Loans.State.Offered);
        vm.prank(COLLECTOR);
        loans.cancel(loanId);
    }

    function testCancelledOfferCannotBeTaken() public {
        (uint256 loanId,) = offered(COLLECTOR);
        vm.prank(COLLECTOR);
        loans.cancel(loanId);
        bytes32 terms = loans.termsOf(loanId);
        expectWrongState(loanId, Loans.State.Cancelled, Loans.State.Offered);
        vm.prank(BUYER);
        loans.lend{value: PRINCIPAL}(loanId, terms);
    }

    // -- Starts --------------------------------------------------------------------------------

    function testLendPaysTheBorrowerAndGivesTheLenderTheNote() public {
        (uint256 loanId, uint256 tokenId) = offered(COLLECTOR);
        (uint256 borrowed, uint256 lent) = (COLLECTOR.balance, BUYER.balance);
        bytes32 terms = loans.termsOf(loanId);
        vm.warp(START + 5);
        vm.expectEmit(true, true, true, true, address(loans));
        emit Loans.LoanStarted(
            loanId, COLLECTOR, BUYER, address(artwork), tokenId, 1, PRINCIPAL, REPAYMENT, DUE + 5
        );
        vm.expectEmit(true, true, true, true, address(loans));
        emit Payouts.Paid(tokenId, COLLECTOR, 4, PRINCIPAL, false);
        vm.prank(BUYER);
        loans.lend{value: PRINCIPAL}(loanId, terms);
        equal(COLLECTOR.balance - borrowed, PRINCIPAL, "the borrower has the principal");
        equal(lent - BUYER.balance, PRINCIPAL, "of the lender");
        equal(address(loans).balance, 0, "nothing stays");
        equal(loans.loanOf(loanId).lender, BUYER, "note");
        equal(loans.loanOf(loanId).dueTime, DUE + 5, "the term runs from the start");
        equal(loans.loanOf(loanId).borrower, COLLECTOR, "borrower stays");
        equal(loans.loanOf(loanId).repayment, REPAYMENT, "terms stay");
        equal(artwork.ownerOf(tokenId), address(loans), "still in escrow");
    }

    function testNobodyLendsTwice() public {
        (uint256 loanId,) = started(COLLECTOR);
        bytes32 terms = loans.termsOf(loanId);
        expectWrongState(loanId, Loans.State.Started, Loans.State.Offered);
        vm.prank(CREATOR);
        loans.lend{value: PRINCIPAL}(loanId, terms);
    }

    function testLendRefusesEveryOtherAmount() public {
        (uint256 loanId,) = offered(COLLECTOR);
        bytes32 terms = loans.termsOf(loanId);
        uint256[3] memory amounts = [uint256(0), PRINCIPAL - 1, PRINCIPAL + 1];
        for (uint256 i; i < amounts.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(Loans.WrongPayment.selector, amounts[i], uint256(PRINCIPAL))
            );
            vm.prank(BUYER);
            loans.lend{value: amounts[i]}(loanId, terms);
        }
    }

    function testLendRefusesTermsThatTheLenderHasNotSeen() public {
        (uint256 loanId, uint256 tokenId) = offered(COLLECTOR);
        bytes32 terms = keccak256(
            abi.encode(COLLECTOR, address(artwork), tokenId, uint256(1), PRINCIPAL, REPAYMENT, TERM)
        );
        equal(uint256(loans.termsOf(loanId)), uint256(terms), "what termsOf says it hashes");
        bytes32 seen = keccak256(
            abi.encode(COLLECTOR, address(artwork), tokenId, uint256(1), PRINCIPAL, REPAYMENT + 1, TERM)
        );
        vm.expectRevert(abi.encodeWithSelector(Loans.TermsDiffer.selector, loanId, terms, seen));
        vm.prank(BUYER);
        loans.lend{value: PRINCIPAL}(loanId, seen);
    }

    // -- Ends ----------------------------------------------------------------------------------

    function testRepayPaysTheLenderAndGivesTheWorkBack() public {
        (uint256 loanId, uint256 tokenId) = started(COLLECTOR);
        uint256 before = BUYER.balance;
        vm.expectEmit(true, true, true, true, address(loans));
        emit Loans.LoanRepaid(loanId, COLLECTOR, BUYER, COLLECTOR, address(artwork), tokenId, 1, REPAYMENT);
        vm.expectEmit(true, true, true, true, address(loans));
        emit Payouts.Paid(tokenId, BUYER, 5, REPAYMENT, false);
        repay(loanId, COLLECTOR);
        equal(BUYER.balance - before, REPAYMENT, "the lender has the repayment");
        equal(artwork.ownerOf(tokenId), COLLECTOR, "the borrower has the work");
        equal(address(loans).balance, 0, "nothing stays");
        expectState(loanId, Loans.State.Repaid);
    }

    function testWhoeverRepaysTheBorrowerGetsTheCollateral() public {
        (uint256 loanId, Vault vault, uint256 tokenId) = offeredShares(COLLECTOR, 300e18);
        lend(loanId, BUYER);
        vm.expectEmit(true, true, true, true, address(loans));
        emit Loans.LoanRepaid(loanId, COLLECTOR, BUYER, CREATOR, address(vault), tokenId, 300e18, REPAYMENT);
        repay(loanId, CREATOR);
        equal(vault.balanceOf(COLLECTOR), SUPPLY, "the borrower has all shares");
        equal(vault.balanceOf(CREATOR), 0, "the payer has none");
    }

    function testRepayRefusesEveryOtherAmount() public {
        (uint256 loanId,) = started(COLLECTOR);
        uint256[4] memory amounts = [uint256(0), PRINCIPAL, REPAYMENT - 1, REPAYMENT + 1];
        for (uint256 i; i < amounts.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(Loans.WrongPayment.selector, amounts[i], uint256(REPAYMENT))
            );
            vm.prank(COLLECTOR);
            loans.repay{value: amounts[i]}(loanId);
        }
    }

    function testClaimGivesTheCollateralToTheLender() public {
        (uint256 loanId, uint256 tokenId) = started(COLLECTOR);
        (uint256 second, Vault vault, uint256 behind) = offeredShares(COLLECTOR, 300e18);
        lend(second, BUYER);
        vm.warp(DUE + 1);
        require(loans.isClaimable(loanId), "claimable");
        vm.expectEmit(true, true, true, true, address(loans));
        emit Loans.LoanClaimed(loanId, COLLECTOR, BUYER, address(artwork), tokenId, 1, REPAYMENT);
        vm.prank(BUYER);
        loans.claim(loanId);
        equal(artwork.ownerOf(tokenId), BUYER, "the lender has the work");
        equal(market.lastPrice(tokenId), 0, "which was not sold");
        vm.expectEmit(true, true, true, true, address(loans));
        emit Loans.LoanClaimed(second, COLLECTOR, BUYER, address(vault), behind, 300e18, REPAYMENT);
        vm.prank(BUYER);
        loans.claim(second);
        equal(vault.balanceOf(BUYER), 300e18, "and the shares");
        expectState(loanId, Loans.State.Claimed);
        require(!loans.isClaimable(loanId), "once");
    }

    function testOnlyTheLenderClaims() public {
        (uint256 loanId,) = started(COLLECTOR);
        vm.warp(DUE + 1);
        address[2] memory others = [COLLECTOR, CREATOR];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Loans.NotLender.selector, loanId, others[i], BUYER));
            vm.prank(others[i]);
            loans.claim(loanId);
        }
    }

    function testALoanEndsOnce() public {
        (uint256 repaid,) = started(COLLECTOR);
        (uint256 claimed,) = started(COLLECTOR);
        repay(repaid, COLLECTOR);
        expectWrongState(repaid, Loans.State.Repaid, Loans.State.Started);
        repay(repaid, COLLECTOR);
        vm.warp(DUE + 1);
        vm.startPrank(BUYER);
        expectWrongState(repaid, Loans.State.Repaid, Loans.State.Started);
        loans.claim(repaid);
        loans.claim(claimed);
        expectWrongState(claimed, Loans.State.Claimed, Loans.State.Started);
        loans.claim(claimed);
        expectWrongState(claimed, Loans.State.Claimed, Loans.State.Started);
        loans.transferNote(claimed, CREATOR);
        vm.stopPrank();
    }

    function testOffersAndUnknownLoansAreNeitherRepaidNorClaimed() public {
        (uint256 loanId,) = offered(COLLECTOR);
        require(!loans.isClaimable(loanId), "not started");
        vm.warp(DUE + 1);
        require(!loans.isClaimable(loanId), "nor ever due");
        expectWrongState(loanId, Loans.State.Offered, Loans.State.Started);
        repay(loanId, COLLECTOR);
        expectWrongState(loanId, Loans.State.Offered, Loans.State.Started);
        vm.prank(BUYER);
        loans.claim(loanId);
        expectWrongState(9, Loans.State.None, Loans.State.Started);
        repay(9, COLLECTOR);
        expectWrongState(9, Loans.State.None, Loans.State.Offered);
        vm.prank(COLLECTOR);
        loans.cancel(9);
    }

    // -- Notes ---------------------------------------------------------------------------------

    function testNoteCarriesTheRepayment() public {
        (uint256 loanId,) = started(COLLECTOR);
        vm.expectEmit(true, true, true, true, address(loans));
        emit Loans.NoteTransferred(loanId, BUYER, CREATOR);
        vm.prank(BUYER);
        loans.transferNote(loanId, CREATOR);
        uint256 before = CREATOR.balance;
        uint256 lender = BUYER.balance;
        repay(loanId, COLLECTOR);
        equal(CREATOR.balance - before, REPAYMENT, "to the note's holder");
        equal(BUYER.balance, lender, "nothing to the first lender");
    }

    function testNoteCarriesTheClaimAlsoWhenOverdue() public {
        (uint256 loanId, uint256 tokenId) = started(COLLECTOR);
        vm.warp(DUE + 1);
        vm.prank(BUYER);
        loans.transferNote(loanId, CREATOR);
        vm.expectRevert(abi.encodeWithSelector(Loans.NotLender.selector, loanId, BUYER, CREATOR));
        vm.prank(BUYER);
        loans.claim(loanId);
        vm.prank(CREATOR);
        loans.claim(loanId);
        equal(artwork.ownerOf(tokenId), CREATOR, "to the note's holder");
    }

    function testOnlyItsHolderGivesTheNoteAndNeverIntoTheVoid() public {
        (uint256 loanId,) = started(COLLECTOR);
        vm.expectRevert(abi.encodeWithSelector(Loans.NotLender.selector, loanId, COLLECTOR, BUYER));
        vm.prank(COLLECTOR);
        loans.transferNote(loanId, COLLECTOR);
        address[2] memory lost = [address(0), address(loans)];
        for (uint256 i; i < lost.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Loans.NoteReceiverInvalid.selector, lost[i]));
            vm.prank(BUYER);
            loans.transferNote(loanId, lost[i]);
        }
    }

    function testAnOfferHasNoNote() public {
        (uint256 loanId,) = offered(COLLECTOR);
        expectWrongState(loanId, Loans.State.Offered, Loans.State.Started);
        vm.prank(COLLECTOR);
        loans.transferNote(loanId, BUYER);
    }

    // -- Whole lives, at random ----------------------------------------------------------------

    function testFuzzEveryLoanPaysItsTermsToTheWei(
        uint128 principal,
        uint128 interest,
        uint32 term,
        uint32 at
    ) public {
        uint256 repayment = uint256(principal) + interest;
        vm.assume(principal > 0 && repayment <= type(uint128).max);
        uint256 duration = 1 hours + term % (1_825 days - 1 hours + 1);
        uint256 time = START + at % (2 * duration);
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(loans), tokenId);
        uint256 loanId = loans.offerWork(tokenId, principal, repayment, duration);
        vm.stopPrank();
        vm.deal(COLLECTOR, 0);
        vm.deal(BUYER, principal);
        bytes32 terms = loans.termsOf(loanId);
        vm.prank(BUYER);
        loans.lend{value: principal}(loanId, terms);
        equal(COLLECTOR.balance, principal, "lent");
        vm.warp(time);
        bool onTime = time <= START + duration;
        require(loans.isClaimable(loanId) == !onTime, "one of the two");
        if (onTime) {
            vm.deal(COLLECTOR, repayment);
            vm.prank(COLLECTOR);
            loans.repay{value: repayment}(loanId);
            equal(BUYER.balance, repayment, "repaid");
            equal(artwork.ownerOf(tokenId), COLLECTOR, "back");
        } else {
            vm.prank(BUYER);
            loans.claim(loanId);
            equal(COLLECTOR.balance, principal, "the borrower keeps the principal");
            equal(artwork.ownerOf(tokenId), BUYER, "claimed");
        }
        equal(address(loans).balance, 0, "nothing stays");
    }

    // -- Dividends of shares in escrow -----------------------------------------------------------

    function testDividendsOfSharesInEscrowGoWithTheShares() public {
        (uint256 loanId, Vault vault, uint256 tokenId) = _earning(250e18);
        equal(loans.dividendOf(loanId), 1 ether, "a quarter of what came since");
        vm.expectEmit(true, true, true, true, address(loans));
        emit Payouts.Paid(tokenId, COLLECTOR, 8, 1 ether, false);
        uint256 before = COLLECTOR.balance;
        repay(loanId, BUYER);
        equal(COLLECTOR.balance - before, 1 ether, "to the borrower, whoever repaid");
        equal(loans.dividendOf(loanId), 0, "once");
        vault.distribute{value: 4 ether}();
        equal(vault.dividendOf(address(loans)), 0, "nothing more is earned here");
        equal(address(loans).balance, 0, "and nothing stays");
    }

    function testDividendsOfSharesThatTheLenderClaimsAreTheLenders() public {
        (uint256 loanId, Vault vault,) = _earning(250e18);
        vm.warp(DUE + 1);
        uint256 before = BUYER.balance;
        vm.prank(BUYER);
        loans.claim(loanId);
        equal(BUYER.balance - before, 1 ether, "with the shares");
        equal(vault.balanceOf(BUYER), 250e18, "the shares");
    }

    function testDividendsOfAnOfferThatIsTakenBackAreTheBorrowers() public {
        (uint256 loanId, Vault vault,) = offeredShares(COLLECTOR, 250e18);
        vm.deal(address(this), 4 ether);
        vault.distribute{value: 4 ether}();
        uint256 before = COLLECTOR.balance;
        vm.prank(COLLECTOR);
        loans.cancel(loanId);
        equal(COLLECTOR.balance - before, 1 ether, "with the shares");
    }

    function testLoansOfTheSameSharesDoNotTakeEachOthersDividends() public {
        (uint256 first, Vault vault,) = _earning(250e18);
        vm.startPrank(COLLECTOR);
        vault.approve(address(loans), 500e18);
        uint256 second = loans.offerShares(address(vault), 500e18, PRINCIPAL, REPAYMENT, TERM);
        vm.stopPrank();
        lend(second, BUYER);
        vault.distribute{value: 4 ether}();
        equal(loans.dividendOf(first), 2 ether, "of both payments");
        equal(loans.dividendOf(second), 2 ether, "of the second");
        uint256 before = COLLECTOR.balance;
        repay(second, BUYER);
        equal(COLLECTOR.balance - before, 2 ether, "its own; the vault paid for both");
        equal(address(loans).balance, 2 ether, "the first loan's is here");
        repay(first, BUYER);
        equal(COLLECTOR.balance - before, 4 ether, "and comes with its shares");
    }

    function testDividendsOfSharesWhoseWorkWasBoughtOutAreNotLost() public {
        (uint256 loanId, Vault vault,) = _earning(250e18);
        vm.prank(COLLECTOR);
        vault.vote(10 ether, 750e18);
        vm.prank(BUYER);
        vault.startBuyout{value: 10 ether}();
        vm.warp(START + 7 days + 1);
        vault.settle();
        uint256 before = COLLECTOR.balance;
        repay(loanId, BUYER);
        vm.prank(COLLECTOR);
        vault.redeem();
        equal(COLLECTOR.balance - before, 1 ether + 9.25 ether, "dividend and all proceeds");
    }

    function testOnlyVaultsPayLoansWithoutACall() public {
        (bool sent,) = address(loans).call{value: 1}("");
        require(!sent, "ETH of others is refused");
    }

    /// @dev A loan of COLLECTOR from BUYER; 4 ether of dividends before and 4 ether after it began.
    function _earning(uint256 shares) private returns (uint256 loanId, Vault vault, uint256 tokenId) {
        vm.deal(address(this), 100 ether);
        (vault, tokenId) = vaultOf(COLLECTOR);
        vault.distribute{value: 4 ether}();
        vm.startPrank(COLLECTOR);
        vault.approve(address(loans), shares);
        loanId = loans.offerShares(address(vault), shares, PRINCIPAL, REPAYMENT, TERM);
        vm.stopPrank();
        lend(loanId, BUYER);
        vault.distribute{value: 4 ether}();
    }

    function _offerOn(uint256 principal, uint256 repayment, uint256 term, bytes memory reason) private {
        uint256 tokenId = work(COLLECTOR);
        vm.startPrank(COLLECTOR);
        artwork.approve(address(loans), tokenId);
        if (reason.length > 0) vm.expectRevert(reason);
        loans.offerWork(tokenId, principal, repayment, term);
        vm.stopPrank();
    }
}
