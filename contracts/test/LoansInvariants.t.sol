// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Loans} from "../src/Loans.sol";
import {Vault} from "../src/Vault.sol";
import {FuzzSelector, USED_DATASET, USED_MODEL, USED_PROCESS, Vm} from "./Base.sol";
import {Refuser} from "./Hostile.sol";
import {LoansBase} from "./LoansBase.sol";

/// @dev Borrows and lends at random among five accounts, one of which refuses ETH. Every end of a loan is tried both
/// ways at every step; steps that make no sense at the moment are skipped, so that every revert is a failure.
contract LoansHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Loans public immutable loans;
    Artwork public immutable artwork;
    Vault public immutable vault;
    address[5] public accounts;

    /// @dev Ghosts: what the books must say. `sent` counts what anybody paid in, `due` what must have come out.
    uint256[6] public ended;
    uint256 public sharesIn;
    uint256 public sharesGiven;
    uint256 public credited;
    uint256 public withdrawn;
    uint256 public wrongOutcomes;
    mapping(uint256 loanId => Loans.State) public stateOf;
    mapping(uint256 loanId => address) public noteOf;
    /// @dev Wei times shares that a loan's shares earned, and wei that came out for all loans.
    mapping(uint256 loanId => uint256) public earned;
    uint256 public dividendsOut;

    constructor(Loans loans_, Artwork artwork_, Vault vault_) {
        (loans, artwork, vault) = (loans_, artwork_, vault_);
        accounts = [address(0xA1), address(0xA2), address(0xA3), address(0xA4), address(new Refuser())];
        for (uint256 i; i < accounts.length; ++i) {
            vm.startPrank(accounts[i]);
            artwork.setApprovalForAll(address(loans), true);
            vault.approve(address(loans), type(uint256).max);
            vm.stopPrank();
        }
    }

    function mint(uint256 who) external {
        Artwork.Mint memory m;
        m.to = _account(who);
        m.manifest = keccak256(abi.encode(artwork.minted()));
        m.pixelHash = m.manifest;
        (m.model, m.dataset, m.process) = (USED_MODEL, USED_DATASET, USED_PROCESS);
        artwork.mint(m);
    }

    function offerWork(uint256 token, uint96 principal, uint96 interest, uint24 term) external {
        uint256 known = artwork.minted();
        if (known == 0) return;
        uint256 tokenId = 1 + token % known;
        address owner = artwork.ownerOf(tokenId);
        if (!_isAccount(owner)) return;
        vm.prank(owner);
        _offered(
            loans.offerWork(
                tokenId,
                uint256(principal) + 1,
                uint256(principal) + 1 + interest,
                1 hours + uint256(term) % 30 days
            )
        );
    }

    function offerShares(uint256 who, uint96 shares, uint96 principal, uint24 term) external {
        address owner = _account(who);
        uint256 held = vault.balanceOf(owner);
        if (held == 0) return;
        uint256 part = 1 + shares % held;
        vm.prank(owner);
        _offered(
            loans.offerShares(
                address(vault),
                part,
                uint256(principal) + 1,
                uint256(principal) + 1,
                1 hours + uint256(term) % 30 days
            )
        );
        sharesIn += part;
    }

    function giveShares(uint256 who, uint96 shares) external {
        address owner = _account(who);
        uint256 part = shares % (vault.balanceOf(owner) + 1);
        vm.prank(owner);
        vault.transfer(address(loans), part / 1_000); // a gift to the contract
        sharesGiven += part / 1_000;
    }

    function distribute(uint96 amount) external {
        if (amount == 0) return;
        for (uint256 loanId = 1; loanId <= loans.loanCount(); ++loanId) {
            Loans.Loan memory loan = loans.loanOf(loanId);
            bool open = loan.state == Loans.State.Offered || loan.state == Loans.State.Started;
            if (open && loan.collateral == address(vault)) earned[loanId] += amount * uint256(loan.quantity);
        }
        vm.deal(address(this), amount);
        vault.distribute{value: amount}();
    }

    function cancel(uint256 which) external {
        (uint256 loanId, Loans.Loan memory loan) = _loan(which);
        if (loan.state != Loans.State.Offered) return;
        vm.prank(loan.borrower);
        loans.cancel(loanId);
        _ended(loanId, loan, Loans.State.Cancelled, loan.borrower);
    }

    function lend(uint256 which, uint256 who) external {
        (uint256 loanId, Loans.Loan memory loan) = _loan(which);
        if (loan.state != Loans.State.Offered) return;
        address lender = _account(who);
        vm.deal(lender, loan.principal);
        bytes32 terms = loans.termsOf(loanId);
        vm.prank(lender);
        loans.lend{value: loan.principal}(loanId, terms);
        stateOf[loanId] = Loans.State.Started;
        noteOf[loanId] = lender;
        _credit(loan.borrower, loan.principal);
    }

    function transferNote(uint256 which, uint256 to) external {
        (uint256 loanId, Loans.Loan memory loan) = _loan(which);
        if (loan.state != Loans.State.Started) return;
        vm.prank(loan.lender);
        loans.transferNote(loanId, _account(to));
        noteOf[loanId] = _account(to);
    }

    /// @dev Tries both ends at this second; counts it as wrong when none, both or the other one works.
    function end(uint256 which, uint24 later, bool claimFirst) external {
        (uint256 loanId, Loans.Loan memory loan) = _loan(which);
        if (loan.state != Loans.State.Started) return;
        // A third of the time exactly the due second, a third the next one, else some time later.
        if (later % 3 < 2 && loan.dueTime >= block.timestamp) vm.warp(loan.dueTime + later % 3);
        else vm.warp(block.timestamp + later);
        bool claimed = claimFirst && _claim(loanId, loan.lender);
        bool repaid = _repay(loanId, loan.repayment);
        if (!claimFirst) claimed = _claim(loanId, loan.lender);
        if (claimed == repaid || repaid != (block.timestamp <= loan.dueTime)) ++wrongOutcomes;
        if (repaid) {
            _ended(loanId, loan, Loans.State.Repaid, loan.borrower);
            _credit(loan.lender, loan.repayment);
        } else {
            _ended(loanId, loan, Loans.State.Claimed, loan.lender);
        }
    }

    function withdraw(uint256 who) external {
        address account = _account(who);
        if (loans.refunds(account) == 0) return;
        vm.prank(account);
        withdrawn += loans.withdrawTo(address(0xCA5));
    }

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    function _claim(uint256 loanId, address lender) private returns (bool done) {
        vm.prank(lender);
        (done,) = address(loans).call(abi.encodeCall(loans.claim, (loanId)));
    }

    function _repay(uint256 loanId, uint256 amount) private returns (bool done) {
        vm.deal(address(this), amount);
        (done,) = address(loans).call{value: amount}(abi.encodeCall(loans.repay, (loanId)));
    }

    function _offered(uint256 loanId) private {
        stateOf[loanId] = Loans.State.Offered;
    }

    function _ended(uint256 loanId, Loans.Loan memory loan, Loans.State state, address to) private {
        stateOf[loanId] = state;
        ++ended[uint256(state)];
        if (loan.collateral == address(vault)) sharesIn -= loan.quantity;
        else if (artwork.ownerOf(loan.tokenId) != to) ++wrongOutcomes;
        uint256 dividend = earned[loanId] / vault.issued();
        dividendsOut += dividend;
        _credit(to, dividend);
    }

    function _credit(address payee, uint256 amount) private {
        if (payee == accounts[4]) credited += amount;
    }

    function _loan(uint256 seed) private view returns (uint256 loanId, Loans.Loan memory loan) {
        uint256 known = loans.loanCount();
        if (known == 0) return (0, loan);
        loanId = 1 + seed % known;
        loan = loans.loanOf(loanId);
    }

    function _account(uint256 seed) private view returns (address) {
        return accounts[seed % accounts.length];
    }

    function _isAccount(address who) private view returns (bool) {
        for (uint256 i; i < accounts.length; ++i) {
            if (accounts[i] == who) return true;
        }
        return false;
    }
}

contract LoansInvariantsTest is LoansBase {
    LoansHandler internal handler;
    Vault internal vault;
    FuzzSelector[] private targets;

    function setUp() public override {
        super.setUp();
        (vault,) = vaultOf(COLLECTOR);
        handler = new LoansHandler(loans, artwork, vault);
        for (uint256 i; i < handler.accountCount(); ++i) {
            address account = handler.accounts(i);
            vm.prank(COLLECTOR);
            vault.transfer(account, SUPPLY / 5);
        }
        bytes4[] memory steps = new bytes4[](10);
        steps[0] = LoansHandler.mint.selector;
        steps[1] = LoansHandler.offerWork.selector;
        steps[2] = LoansHandler.offerShares.selector;
        steps[3] = LoansHandler.giveShares.selector;
        steps[4] = LoansHandler.cancel.selector;
        steps[5] = LoansHandler.lend.selector;
        steps[6] = LoansHandler.transferNote.selector;
        steps[7] = LoansHandler.end.selector;
        steps[8] = LoansHandler.withdraw.selector;
        steps[9] = LoansHandler.distribute.selector;
        targets.push(FuzzSelector(address(handler), steps));
    }

    /// @dev Tells forge to call the handler only, and of it only the steps.
    function targetContracts() external view returns (address[] memory only) {
        only = new address[](1);
        only[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory) {
        return targets;
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerEndsLoansInEveryWay() external {
        handler.mint(4);
        handler.offerWork(1, 1 ether, 1 ether, 0); // work 1 is in the vault
        handler.lend(0, 1); // to the account that refuses ETH
        equal(loans.refunds(handler.accounts(4)), 1 ether + 1, "credited");
        handler.transferNote(0, 4);
        handler.end(0, 0, true); // at the due second
        equal(handler.ended(uint256(Loans.State.Repaid)), 1, "repaid");
        handler.offerShares(2, 5_000_000_000, 1, 0);
        handler.distribute(1 ether);
        handler.lend(1, 1);
        handler.end(1, 1, false); // the next
        equal(handler.ended(uint256(Loans.State.Claimed)), 1, "claimed");
        equal(handler.dividendsOut(), 5_000_000, "with what the shares earned");
        handler.offerShares(2, 5, 1, 0);
        handler.cancel(2);
        equal(handler.ended(uint256(Loans.State.Cancelled)), 1, "cancelled");
        handler.giveShares(0, 5_000);
        equal(handler.sharesGiven(), 5, "given");
        handler.withdraw(4);
        require(handler.withdrawn() > 3 ether, "withdrawn");
        equal(handler.wrongOutcomes(), 0, "all as they must be");
    }

    function invariantEveryLoanEndsInExactlyOneWay() external view {
        equal(handler.wrongOutcomes(), 0, "repay until the due second, claim from the next");
        for (uint256 loanId = 1; loanId <= loans.loanCount(); ++loanId) {
            Loans.Loan memory loan = loans.loanOf(loanId);
            require(loan.state == handler.stateOf(loanId), "state");
            equal(loan.lender, handler.noteOf(loanId), "note");
            require((loan.dueTime == 0) == (loan.lender == address(0)), "due once lent");
        }
    }

    function invariantWorksInEscrowBelongToExactlyOneOpenLoan() external view {
        uint256 open;
        for (uint256 loanId = 1; loanId <= loans.loanCount(); ++loanId) {
            Loans.Loan memory loan = loans.loanOf(loanId);
            bool isOpen = loan.state == Loans.State.Offered || loan.state == Loans.State.Started;
            if (!isOpen || loan.collateral != address(artwork)) continue;
            equal(artwork.ownerOf(loan.tokenId), address(loans), "backed by its work");
            ++open;
        }
        equal(artwork.balanceOf(address(loans)), open, "and by no other's");
    }

    function invariantSharesInEscrowAreThoseOfOpenLoans() external view {
        equal(vault.balanceOf(address(loans)), handler.sharesIn() + handler.sharesGiven(), "shares");
        uint256 open;
        for (uint256 loanId = 1; loanId <= loans.loanCount(); ++loanId) {
            Loans.Loan memory loan = loans.loanOf(loanId);
            bool isOpen = loan.state == Loans.State.Offered || loan.state == Loans.State.Started;
            if (isOpen && loan.collateral == address(vault)) open += loan.quantity;
        }
        equal(open, handler.sharesIn(), "pledged");
    }

    function invariantEtherInTheContractIsWhatItOwes() external view {
        uint256 owed;
        for (uint256 i; i < handler.accountCount(); ++i) {
            owed += loans.refunds(handler.accounts(i));
        }
        uint256 dividends = vault.dividendsClaimed() - handler.dividendsOut(); // nobody else claims
        equal(address(loans).balance, owed + dividends, "owed");
        equal(owed, handler.credited() - handler.withdrawn(), "credited to who refused, less withdrawn");
    }

    function invariantSharesInEscrowKeepTheirExactDividends() external view {
        uint256 due;
        for (uint256 loanId = 1; loanId <= loans.loanCount(); ++loanId) {
            Loans.State state = loans.loanOf(loanId).state;
            bool open = state == Loans.State.Offered || state == Loans.State.Started;
            uint256 part = open ? handler.earned(loanId) / SUPPLY : 0;
            equal(loans.dividendOf(loanId), part, "exact, rounded down once");
            due += part;
        }
        uint256 there = vault.dividendsClaimed() - handler.dividendsOut() + vault.dividendOf(address(loans));
        require(there >= due, "and all of it is there");
    }
}
