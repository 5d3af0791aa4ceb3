// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {Artwork} from "./Artwork.sol";
import {Payouts} from "./Payouts.sol";
import {Vault} from "./Vault.sol";
import {VaultFactory} from "./VaultFactory.sol";

/// @title Loans between two people: a work or shares of a vault against ETH, for a fixed term, at a fixed price.
/// @notice The borrower puts the collateral in and names the terms; one lender takes them. Until the due second,
/// that one included, the repayment buys the collateral back; from the next second on it is the lender's. No
/// oracle, no liquidation, no fee, no owner: what the collateral is worth is for the two to judge.
/// @dev The lender's note is the right to what a loan pays: repayment or collateral. Whoever holds it may give it
/// away. Every amount is booked per loan, never read from a balance, so gifts to this contract change nothing.
/// What shares earn in dividends while they are here goes with them, to whoever gets them in the end.
contract Loans is Payouts {
    enum State {
        None,
        Offered,
        Started,
        Repaid,
        Claimed,
        Cancelled
    }

    /// @notice All there is to know of a loan; it stays readable when the loan is over. `lender` holds the note.
    /// `quantity` is 1 for a work, and units of the vault `collateral` else; `tokenId` is the work in either case.
    /// Times in seconds (`dueTime` is 0 before the start), amounts in wei.
    struct Loan {
        address borrower;
        uint40 dueTime;
        uint32 term;
        State state;
        address lender;
        uint96 tokenId;
        address collateral;
        uint96 quantity;
        uint128 principal;
        uint128 repayment;
    }

    /// @notice `role` of the borrower who is paid the principal.
    uint8 public constant ROLE_BORROWER = 4;

    /// @notice `role` of the note's holder who is paid the repayment.
    uint8 public constant ROLE_LENDER = 5;

    /// @notice `role` of who gets what shares earned in dividends here.
    uint8 public constant ROLE_DIVIDEND = 8;

    /// @notice Shortest term: the seconds that a validator can shift do not matter in it.
    uint256 public constant MIN_TERM = 1 hours;

    /// @notice Longest term: a mistyped one does not lock a work up for ever.
    uint256 public constant MAX_TERM = 5 * 365 days;

    /// @notice Where vaults come from; the shares of no other contract are taken.
    VaultFactory public immutable factory;

    /// @notice The works that are taken.
    Artwork public immutable artwork;

    /// @notice Loans offered so far; ids count from 1.
    uint256 public loanCount;

    mapping(uint256 loanId => Loan) private _loans;

    /// @dev What the vault of a loan's shares had paid to all shares when they came.
    mapping(uint256 loanId => uint256) private _dividendsBefore;

    /// @dev Wei of dividends that were claimed from a vault and belong to the loans of its shares.
    mapping(address vault => uint256) private _dividends;

    /// @notice Collateral came in. `collateral` is the Artwork or a vault, `term` is in seconds.
    event LoanOffered(
        uint256 indexed loanId,
        address indexed borrower,
        address indexed collateral,
        uint256 tokenId,
        uint256 quantity,
        uint256 principal,
        uint256 repayment,
        uint256 term
    );

    /// @notice The borrower took the offer, and the collateral, back.
    event LoanCancelled(uint256 indexed loanId, address indexed borrower);

    /// @notice A lender paid the principal. `dueTime` is the last second in which the loan can be repaid.
    event LoanStarted(
        uint256 indexed loanId,
        address indexed borrower,
        address indexed lender,
        address collateral,
        uint256 tokenId,
        uint256 quantity,
        uint256 principal,
        uint256 repayment,
        uint256 dueTime
    );

    /// @notice `payer` paid `lender` the repayment; the collateral went back to the borrower.
    event LoanRepaid(
        uint256 indexed loanId,
        address indexed borrower,
        address indexed lender,
        address payer,
        address collateral,
        uint256 tokenId,
        uint256 quantity,
        uint256 repayment
    );

    /// @notice The term ran out and the collateral went to `lender`. Not a sale: nobody paid a price for it.
    event LoanClaimed(
        uint256 indexed loanId,
        address indexed borrower,
        address indexed lender,
        address collateral,
        uint256 tokenId,
        uint256 quantity,
        uint256 repayment
    );

    /// @notice What the loan pays is from now on `to`'s.
    event NoteTransferred(uint256 indexed loanId, address indexed from, address indexed to);

    error VaultUnknown(address vault);
    error SharesMissing();
    error PrincipalOutOfRange(uint256 principal, uint256 maxPrincipal);
    error RepaymentOutOfRange(uint256 repayment, uint256 minRepayment, uint256 maxRepayment);
    error TermOutOfRange(uint256 term, uint256 minTerm, uint256 maxTerm);
    error WrongState(uint256 loanId, State state, State needed);
    error NotBorrower(uint256 loanId, address caller, address borrower);
    error NotLender(uint256 loanId, address caller, address lender);
    error TermsDiffer(uint256 loanId, bytes32 terms, bytes32 expected);
    error WrongPayment(uint256 sent, uint256 due);
    error Overdue(uint256 loanId, uint256 dueTime, uint256 time);
    error NotYetDue(uint256 loanId, uint256 dueTime, uint256 time);
    error NoteReceiverInvalid(address to);

    constructor(VaultFactory factory_) {
        factory = factory_;
        artwork = factory_.artwork();
    }

    /// @notice Takes the dividends that a vault pays when this contract claims them, and no other ETH.
    receive() external payable {
        if (factory.tokenOfVault(msg.sender) == 0) revert VaultUnknown(msg.sender);
    }

    /// @notice Offers the caller's work as collateral for `principal` wei, to be paid back with `repayment` wei
    /// within `term` seconds of the day it is taken.
    /// @dev The work must be approved for this contract.
    function offerWork(uint256 tokenId, uint256 principal, uint256 repayment, uint256 term)
        external
        nonReentrant
        returns (uint256 loanId)
    {
        loanId = _offer(address(artwork), tokenId, 1, principal, repayment, term);
        artwork.transferFrom(msg.sender, address(this), tokenId);
    }

    /// @notice The same with `shares` units of a vault that the factory opened.
    /// @dev The shares must be approved for this contract.
    function offerShares(address vault, uint256 shares, uint256 principal, uint256 repayment, uint256 term)
        external
        nonReentrant
        returns (uint256 loanId)
    {
        uint256 tokenId = factory.tokenOfVault(vault);
        if (tokenId == 0) revert VaultUnknown(vault);
        if (shares == 0) revert SharesMissing();
        loanId = _offer(vault, tokenId, shares, principal, repayment, term);
        _dividendsBefore[loanId] = Vault(vault).dividendsPaid();
        SafeTransferLib.safeTransferFrom(vault, msg.sender, address(this), shares);
    }

    /// @notice Takes the caller's offer back, with the collateral.
    function cancel(uint256 loanId) external nonReentrant {
        Loan memory loan = _loanIn(State.Offered, loanId);
        if (loan.borrower != msg.sender) revert NotBorrower(loanId, msg.sender, loan.borrower);
        _loans[loanId].state = State.Cancelled;
        emit LoanCancelled(loanId, loan.borrower);
        _release(loan, loan.borrower);
        _payDividends(loanId, loan, loan.borrower);
    }

    /// @notice Lends exactly the principal; the caller gets the note.
    /// @param expected `termsOf(loanId)` as the lender saw it: after a reorganisation of the chain the same id may
    /// be somebody else's offer.
    function lend(uint256 loanId, bytes32 expected) external payable nonReentrant {
        Loan memory loan = _loanIn(State.Offered, loanId);
        bytes32 terms = _termsOf(loan);
        if (terms != expected) revert TermsDiffer(loanId, terms, expected);
        if (msg.value != loan.principal) revert WrongPayment(msg.value, loan.principal);
        // Exact: 40 bits of seconds last for 34,000 years.
        // forge-lint: disable-next-line(unsafe-typecast)
        loan.dueTime = uint40(block.timestamp + loan.term);
        loan.lender = msg.sender;
        loan.state = State.Started;
        _loans[loanId] = loan;
        _emitStarted(loanId, loan);
        _pay(loan.tokenId, loan.borrower, ROLE_BORROWER, loan.principal);
    }

    /// @notice Pays exactly the repayment, until the due second; the collateral goes back to the borrower, whoever
    /// pays. A holder of the note who refuses ETH is credited and stops nothing.
    function repay(uint256 loanId) external payable nonReentrant {
        Loan memory loan = _loanIn(State.Started, loanId);
        if (_overdue(loan)) revert Overdue(loanId, loan.dueTime, block.timestamp);
        if (msg.value != loan.repayment) revert WrongPayment(msg.value, loan.repayment);
        _loans[loanId].state = State.Repaid;
        _emitRepaid(loanId, loan);
        _release(loan, loan.borrower);
        _pay(loan.tokenId, loan.lender, ROLE_LENDER, loan.repayment);
        _payDividends(loanId, loan, loan.borrower);
    }

    /// @notice Gives the collateral of an overdue loan to the note's holder, who must ask for it.
    function claim(uint256 loanId) external nonReentrant {
        Loan memory loan = _loanIn(State.Started, loanId);
        if (loan.lender != msg.sender) revert NotLender(loanId, msg.sender, loan.lender);
        if (!_overdue(loan)) revert NotYetDue(loanId, loan.dueTime, block.timestamp);
        _loans[loanId].state = State.Claimed;
        emit LoanClaimed(
            loanId, loan.borrower, loan.lender, loan.collateral, loan.tokenId, loan.quantity, loan.repayment
        );
        _release(loan, loan.lender);
        _payDividends(loanId, loan, loan.lender);
    }

    /// @notice Gives the caller's note to `to`, due or not.
    function transferNote(uint256 loanId, address to) external nonReentrant {
        Loan memory loan = _loanIn(State.Started, loanId);
        if (loan.lender != msg.sender) revert NotLender(loanId, msg.sender, loan.lender);
        if (to == address(0) || to == address(this)) revert NoteReceiverInvalid(to);
        _loans[loanId].lender = to;
        emit NoteTransferred(loanId, msg.sender, to);
    }

    /// @notice A loan by its id, over or not; `state` is None where there is none.
    function loanOf(uint256 loanId) external view returns (Loan memory) {
        return _loans[loanId];
    }

    /// @notice Whether the loan can be claimed now and not be repaid any more.
    function isClaimable(uint256 loanId) external view returns (bool) {
        Loan memory loan = _loans[loanId];
        return loan.state == State.Started && _overdue(loan);
    }

    /// @notice Wei that shares in escrow earned in dividends so far; 0 for a work and for a loan that is over.
    function dividendOf(uint256 loanId) external view returns (uint256) {
        Loan memory loan = _loans[loanId];
        bool held = loan.state == State.Offered || loan.state == State.Started;
        return held ? _earned(loanId, loan) : 0;
    }

    /// @notice Hash of borrower, collateral, work, quantity, principal, repayment and term, what a lender agrees to.
    function termsOf(uint256 loanId) external view returns (bytes32) {
        return _termsOf(_loans[loanId]);
    }

    function _offer(
        address collateral,
        uint256 tokenId,
        uint256 quantity,
        uint256 principal,
        uint256 repayment,
        uint256 term
    ) private returns (uint256 loanId) {
        if (principal == 0 || principal > type(uint128).max) {
            revert PrincipalOutOfRange(principal, type(uint128).max);
        }
        if (repayment < principal || repayment > type(uint128).max) {
            revert RepaymentOutOfRange(repayment, principal, type(uint128).max);
        }
        if (term < MIN_TERM || term > MAX_TERM) revert TermOutOfRange(term, MIN_TERM, MAX_TERM);
        loanId = ++loanCount;
        Loan storage loan = _loans[loanId];
        loan.borrower = msg.sender;
        loan.state = State.Offered;
        loan.collateral = collateral;
        // All casts are exact: amounts and term were checked; ids count from 1, a vault's supply is at most 10^27
        // units, and the transfer that follows reverts for more than there is.
        // forge-lint: disable-start(unsafe-typecast)
        loan.term = uint32(term);
        loan.tokenId = uint96(tokenId);
        loan.quantity = uint96(quantity);
        loan.principal = uint128(principal);
        loan.repayment = uint128(repayment);
        // forge-lint: disable-end(unsafe-typecast)
        emit LoanOffered(loanId, msg.sender, collateral, tokenId, quantity, principal, repayment, term);
    }

    /// @dev Neither call runs foreign code: `transferFrom` has no receiver hook, and a vault is a plain ERC-20.
    function _release(Loan memory loan, address to) private {
        if (loan.collateral == address(artwork)) {
            artwork.transferFrom(address(this), to, loan.tokenId);
        } else {
            SafeTransferLib.safeTransfer(loan.collateral, to, loan.quantity);
        }
    }

    /// @dev Claims from the vault only when what it paid before does not suffice; the parts of all loans, rounded
    /// down, are never more than what this contract's shares earned.
    function _payDividends(uint256 loanId, Loan memory loan, address to) private {
        uint256 amount = _earned(loanId, loan);
        if (amount == 0) return;
        uint256 there = _dividends[loan.collateral];
        if (there < amount) there += Vault(loan.collateral).claimDividend();
        _dividends[loan.collateral] = there - amount;
        _pay(loan.tokenId, to, ROLE_DIVIDEND, amount);
    }

    function _earned(uint256 loanId, Loan memory loan) private view returns (uint256) {
        if (loan.collateral == address(artwork)) return 0;
        Vault vault = Vault(loan.collateral);
        return loan.quantity * (vault.dividendsPaid() - _dividendsBefore[loanId]) / vault.issued();
    }

    function _emitStarted(uint256 loanId, Loan memory loan) private {
        emit LoanStarted(
            loanId,
            loan.borrower,
            loan.lender,
            loan.collateral,
            loan.tokenId,
            loan.quantity,
            loan.principal,
            loan.repayment,
            loan.dueTime
        );
    }

    function _emitRepaid(uint256 loanId, Loan memory loan) private {
        emit LoanRepaid(
            loanId,
            loan.borrower,
            loan.lender,
            msg.sender,
            loan.collateral,
            loan.tokenId,
            loan.quantity,
            loan.repayment
        );
    }

    function _loanIn(State needed, uint256 loanId) private view returns (Loan memory loan) {
        loan = _loans[loanId];
        if (loan.state != needed) revert WrongState(loanId, loan.state, needed);
    }

    /// @dev The one line that parts repaying from claiming: at any second exactly one of them is possible.
    function _overdue(Loan memory loan) private view returns (bool) {
        return block.timestamp > loan.dueTime;
    }

    function _termsOf(Loan memory loan) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                loan.borrower,
                loan.collateral,
                loan.tokenId,
                loan.quantity,
                loan.principal,
                loan.repayment,
                loan.term
            )
        );
    }
}
