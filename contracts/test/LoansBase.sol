// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Loans} from "../src/Loans.sol";
import {Vault} from "../src/Vault.sol";
import {Base} from "./Base.sol";

/// @dev The platform of Base with a house of loans. COLLECTOR borrows, BUYER lends.
abstract contract LoansBase is Base {
    uint256 internal constant PRINCIPAL = 4 ether;
    uint256 internal constant REPAYMENT = 5 ether;
    uint256 internal constant TERM = 30 days;
    uint256 internal constant DUE = START + TERM;

    Loans internal loans;

    function setUp() public virtual override {
        super.setUp();
        loans = new Loans(factory);
    }

    /// @dev A work of `borrower`, offered on the usual terms.
    function offered(address borrower) internal returns (uint256 loanId, uint256 tokenId) {
        tokenId = work(borrower);
        vm.startPrank(borrower);
        artwork.approve(address(loans), tokenId);
        loanId = loans.offerWork(tokenId, PRINCIPAL, REPAYMENT, TERM);
        vm.stopPrank();
    }

    /// @dev The same, taken by BUYER at START.
    function started(address borrower) internal returns (uint256 loanId, uint256 tokenId) {
        (loanId, tokenId) = offered(borrower);
        lend(loanId, BUYER);
    }

    function lend(uint256 loanId, address lender) internal {
        bytes32 terms = loans.termsOf(loanId);
        vm.prank(lender);
        loans.lend{value: PRINCIPAL}(loanId, terms);
    }

    function repay(uint256 loanId, address payer) internal {
        vm.prank(payer);
        loans.repay{value: REPAYMENT}(loanId);
    }

    /// @dev A vault of `owner`, who holds all its shares.
    function vaultOf(address owner) internal returns (Vault vault, uint256 tokenId) {
        tokenId = work(owner);
        vm.prank(owner);
        vault = Vault(factory.open{value: 0.75 ether}(tokenId, "Shares", "SHR", SUPPLY, 10 ether));
    }

    function offeredShares(address borrower, uint256 shares)
        internal
        returns (uint256 loanId, Vault vault, uint256 tokenId)
    {
        (vault, tokenId) = vaultOf(borrower);
        vm.startPrank(borrower);
        vault.approve(address(loans), shares);
        loanId = loans.offerShares(address(vault), shares, PRINCIPAL, REPAYMENT, TERM);
        vm.stopPrank();
    }

    function expectState(uint256 loanId, Loans.State state) internal view {
        require(loans.loanOf(loanId).state == state, "state of the loan");
    }

    function expectWrongState(uint256 loanId, Loans.State state, Loans.State needed) internal {
        vm.expectRevert(abi.encodeWithSelector(Loans.WrongState.selector, loanId, state, needed));
    }
}
