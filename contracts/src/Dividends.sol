// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Shares whose holders divide the ETH that is paid to them.
/// @notice Each payment belongs to who holds shares when it comes, in proportion, and waits until it is claimed. A
/// holder is owed the sum of their parts rounded down once, in whatever order payments, transfers and claims come:
/// `claimed + claimable + dust == dividendsPaid`, and the dust is less than one wei per account that ever held.
/// @dev The supply is minted once. That makes the books exact: they count wei times shares, so that nothing is
/// divided before somebody claims. A child may burn, and then nothing can be paid in any more. No loop over holders.
/// ETH that was forced in, or that the child takes for other ends, is no dividend.
abstract contract Dividends is ERC20, ReentrancyGuardTransient {
    /// @dev `mark` is `dividendsPaid` when `owed` was last brought up to date; `owed` is in wei times shares.
    struct Account {
        uint256 mark;
        uint256 owed;
    }

    /// @notice The shares, in smallest units, that were minted at the start.
    uint256 public immutable issued;

    /// @notice Wei paid in so far.
    uint256 public dividendsPaid;

    /// @notice Wei claimed so far.
    uint256 public dividendsClaimed;

    mapping(address holder => Account) private _accounts;

    /// @notice Shares changed hands; `from` is 0 when they were minted, `to` is 0 when they were burned. The same
    /// as ERC-20's `Transfer`, but rare enough on a chain to be asked for; no event for a transfer of nothing.
    event SharesMoved(address indexed vault, address indexed from, address indexed to, uint256 shares);

    /// @notice `amount` wei were paid in for the holders of this moment.
    event DividendPaid(address indexed vault, address indexed payer, uint256 amount);

    /// @notice `amount` wei of `holder`'s dividends went to `to`.
    event DividendClaimed(address indexed vault, address indexed holder, address to, uint256 amount);

    error IssueOutOfRange(uint256 shares, uint256 maxShares);
    error DividendOutOfRange(uint256 amount, uint256 maxAmount);
    error SharesBurned(uint256 supply, uint256 issued);
    error NothingToClaim(address holder);
    error ClaimRefused(address to, uint256 amount);

    constructor(string memory name_, string memory symbol_, address holder, uint256 shares)
        ERC20(name_, symbol_)
    {
        if (shares == 0 || shares > type(uint128).max) revert IssueOutOfRange(shares, type(uint128).max);
        issued = shares;
        _mint(holder, shares);
    }

    /// @notice Pays what is sent to all holders in proportion to their shares.
    function distribute() public payable virtual {
        uint256 paid = dividendsPaid;
        uint256 most = type(uint128).max - paid;
        if (msg.value == 0 || msg.value > most) revert DividendOutOfRange(msg.value, most);
        if (totalSupply() != issued) revert SharesBurned(totalSupply(), issued);
        dividendsPaid = paid + msg.value;
        emit DividendPaid(address(this), msg.sender, msg.value);
    }

    /// @notice Sends the caller their dividends.
    function claimDividend() external returns (uint256 amount) {
        return _claim(msg.sender);
    }

    /// @notice Sends `to` the caller's dividends: the way out for a holder that cannot receive ETH.
    function claimDividendTo(address to) external returns (uint256 amount) {
        return _claim(to);
    }

    /// @notice Wei that `holder` can claim now.
    function dividendOf(address holder) public view returns (uint256) {
        return _owed(holder) / issued;
    }

    /// @dev Nobody's shares may come to lie in the contract itself, where their dividends would lie for ever.
    function _update(address from, address to, uint256 shares) internal virtual override {
        if (to == address(this)) revert ERC20InvalidReceiver(to);
        _bringUpToDate(from);
        _bringUpToDate(to);
        super._update(from, to, shares);
        if (shares != 0) emit SharesMoved(address(this), from, to, shares);
    }

    function _claim(address to) private nonReentrant returns (uint256 amount) {
        uint256 owed = _owed(msg.sender);
        amount = owed / issued;
        if (amount == 0) revert NothingToClaim(msg.sender);
        _accounts[msg.sender] = Account(dividendsPaid, owed - amount * issued);
        dividendsClaimed += amount;
        emit DividendClaimed(address(this), msg.sender, to, amount);
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert ClaimRefused(to, amount);
    }

    function _bringUpToDate(address holder) private {
        if (_accounts[holder].mark != dividendsPaid) {
            _accounts[holder] = Account(dividendsPaid, _owed(holder));
        }
    }

    /// @dev Below 2^256: shares and payments are below 2^128 each.
    function _owed(address holder) private view returns (uint256) {
        Account memory account = _accounts[holder];
        return account.owed + balanceOf(holder) * (dividendsPaid - account.mark);
    }
}
