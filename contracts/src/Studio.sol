// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {Artwork} from "./Artwork.sol";
import {Budgets} from "./Budgets.sol";
import {Drops} from "./Drops.sol";
import {Governed} from "./Governed.sol";
import {Loop} from "./Loop.sol";
import {Registry} from "./Registry.sol";
import {ISnapshots, Rounds} from "./Rounds.sol";
import {StudioShares} from "./StudioShares.sol";
import {Vrgda} from "./Vrgda.sol";

/// @title The autonomous studio: mints what its rounds accept, sells it in drops, spends within budgets, and gives
/// the rest to its share holders.
/// @notice Creator of its works, and treasury and fee recipient of the platform: its money comes as plain ETH.
/// @dev ETH leaves in two ways: `spend`, within the budgets, and `shareProceeds`. Works leave by a sale in a drop, by
/// burning within the limit, or by the owner's hand. Nobody, not even the owner, makes it call what they like.
contract Studio is Rounds, Loop, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice What the Studio starts with; each can be changed by the owner, except the length of epochs.
    struct Limits {
        uint256 epochLength;
        uint256 reserve;
        uint256 burnsPerEpoch;
        uint256 priceStepBps;
        RoundRules rules;
        Budget[] budgets;
    }

    /// @notice A start price that the Studio asked, and the epoch in which it was last changed.
    struct Asked {
        uint96 start;
        uint64 epoch;
    }

    uint256 private constant ALL_BPS = 10_000;

    /// @notice The contract of the works.
    Artwork public immutable artwork;

    /// @notice Where they are sold.
    Drops public immutable drops;

    /// @notice Where digests are disputed.
    Registry public immutable registry;

    /// @notice Who votes, and gets the proceeds.
    StudioShares public immutable shares;

    /// @notice Wei that `shareProceeds` leaves here: the working capital.
    uint256 public reserve;

    /// @notice Most that a start price may move in an epoch, in basis points of the old one.
    uint256 public priceStepBps;

    /// @notice The work of an accepted manifest; 0 until it is minted.
    mapping(bytes32 manifest => uint256 tokenId) public tokenOf;

    /// @notice What the Studio asks in a drop of its own.
    mapping(uint256 dropId => Asked) public askedIn;

    /// @notice What it asked last for a work that it withdrew from a drop.
    mapping(uint256 tokenId => Asked) public askedFor;

    /// @notice The owner set the limits of the operator.
    event LimitsSet(uint256 burnsPerEpoch, uint256 priceStepBps);

    /// @notice The owner set the working capital.
    event ReserveSet(uint256 reserve);

    /// @notice The share holders were given `amount` wei.
    event ProceedsShared(uint256 amount);

    /// @notice The owner sent a work elsewhere.
    event WorkSent(uint256 indexed tokenId, address indexed to);

    /// @notice The owner sent ERC-20 tokens elsewhere.
    event TokenSent(address indexed currency, address indexed to, uint256 amount);

    error StepOutOfRange(uint256 priceStepBps, uint256 most);
    error NotAccepted(bytes32 manifest);
    error AlreadyMinted(bytes32 manifest, uint256 tokenId);
    error ManifestTainted(bytes32 manifest);
    error ReceiverWrong(address to);
    error NotOurWork(uint256 tokenId);
    error NotOurDrop(uint256 dropId);
    error PriceStepTooLarge(uint256 start, uint256 oldStart, uint256 priceStepBps);
    error PriceChangedInEpoch(uint256 epoch);
    error SpendRefused(address to, uint256 amount);
    error NothingToShare(uint256 balance, uint256 reserve);

    constructor(
        Artwork artwork_,
        Drops drops_,
        Registry registry_,
        StudioShares shares_,
        address owner_,
        address operator_,
        address guardian_,
        Limits memory limits
    )
        Governed(owner_, operator_, guardian_)
        Rounds(ISnapshots(address(shares_)), limits.rules)
        Budgets(limits.epochLength, limits.budgets)
    {
        (artwork, drops, registry, shares) = (artwork_, drops_, registry_, shares_);
        _setLimits(limits.burnsPerEpoch, limits.priceStepBps);
        _setReserve(limits.reserve);
    }

    /// @notice Takes ETH, also when paused.
    /// @dev Empty, so that the 2,300 gas that come with any payment are enough: no payer can make it fail.
    receive() external payable {}

    /// @notice Sets how many works may be burned and how far a start price may move in an epoch.
    function setLimits(uint256 burnsPerEpoch, uint256 priceStepBps_) external onlyOwner {
        _setLimits(burnsPerEpoch, priceStepBps_);
    }

    /// @notice Sets the working capital.
    function setReserve(uint256 reserve_) external onlyOwner {
        _setReserve(reserve_);
    }

    /// @notice Mints an accepted manifest, once, for the Studio.
    /// @dev The chain cannot open a manifest: that the pixels minted are those it names is checked by `raisonne
    /// verify`, and a mint that lies can be disputed. A manifest that lost a dispute since is refused.
    function mint(Artwork.Mint calldata m)
        external
        onlyOperator
        whenNotPaused
        nonReentrant
        returns (uint256 tokenId)
    {
        if (acceptedIn[m.manifest] == 0) revert NotAccepted(m.manifest);
        if (tokenOf[m.manifest] != 0) revert AlreadyMinted(m.manifest, tokenOf[m.manifest]);
        if (registry.isTainted(m.manifest)) revert ManifestTainted(m.manifest);
        if (m.to != address(this)) revert ReceiverWrong(m.to);
        _consume(KIND_MINTS, 1);
        tokenId = artwork.mint(m);
        tokenOf[m.manifest] = tokenId;
    }

    /// @notice Destroys a work of the Studio's, within the limit per epoch.
    function burn(uint256 tokenId, uint8 reason) external onlyOperator whenNotPaused nonReentrant {
        // Being another owner's operator gives no right to burn for them.
        if (artwork.ownerOf(tokenId) != address(this)) revert NotOurWork(tokenId);
        _consume(KIND_BURNS, 1);
        artwork.burn(tokenId, reason);
    }

    /// @notice Offers works of the Studio's in a new drop.
    /// @dev A work that was withdrawn from another drop may not start further away than a step from where it was:
    /// opening anew is no way round the limit. Drops may take works during this call only.
    function openDrop(uint256[] calldata tokenIds, Vrgda.Params calldata params, uint64 startTime)
        external
        onlyOperator
        whenNotPaused
        nonReentrant
        returns (uint256 dropId)
    {
        uint64 last;
        for (uint256 i; i < tokenIds.length; ++i) {
            Asked memory asked = askedFor[tokenIds[i]];
            if (asked.start == 0) continue;
            uint64 changed = _step(asked, params.start);
            if (changed > last) last = changed;
        }
        artwork.setApprovalForAll(address(drops), true);
        dropId = drops.open(tokenIds, params, startTime);
        artwork.setApprovalForAll(address(drops), false);
        askedIn[dropId] = Asked(params.start, last);
    }

    /// @notice Changes the price of a drop of the Studio's; its start by a step at most, and once an epoch.
    function repriceDrop(uint256 dropId, Vrgda.Params calldata params)
        external
        onlyOperator
        whenNotPaused
        nonReentrant
    {
        Asked memory asked = _asked(dropId);
        askedIn[dropId] = Asked(params.start, _step(asked, params.start));
        drops.reprice(dropId, params);
    }

    /// @notice Takes unsold works back from a drop of the Studio's.
    function withdrawDrop(uint256 dropId, uint256[] calldata tokenIds)
        external
        onlyOperator
        whenNotPaused
        nonReentrant
    {
        Asked memory asked = _asked(dropId);
        for (uint256 i; i < tokenIds.length; ++i) {
            askedFor[tokenIds[i]] = asked;
        }
        drops.takeBack(dropId, tokenIds);
    }

    /// @notice Pays out wei of a budget.
    function spend(uint8 kind, address to, uint256 amount) external onlyOperator whenNotPaused nonReentrant {
        if (kind >= KIND_BURNS) revert KindWrong(kind);
        _consume(kind, amount);
        // The answer is not copied: a payee cannot make it dear.
        if (!SafeTransferLib.trySafeTransferETH(to, amount, gasleft())) revert SpendRefused(to, amount);
    }

    /// @notice Gives the share holders all ETH above the working capital. Anybody may call it.
    function shareProceeds() external whenNotPaused nonReentrant returns (uint256 amount) {
        uint256 balance = address(this).balance;
        if (balance <= reserve) revert NothingToShare(balance, reserve);
        amount = balance - reserve;
        emit ProceedsShared(amount);
        shares.distribute{value: amount}();
    }

    /// @notice Sends a work of the Studio's elsewhere, also when paused: what has no other way out goes this one.
    function sendWork(uint256 tokenId, address to) external onlyOwner nonReentrant {
        emit WorkSent(tokenId, to);
        artwork.transferFrom(address(this), to, tokenId);
    }

    /// @notice Sends ERC-20 tokens elsewhere, such as royalties that the Splitter paid in them.
    function sendToken(IERC20 currency, address to, uint256 amount) external onlyOwner nonReentrant {
        emit TokenSent(address(currency), to, amount);
        currency.safeTransfer(to, amount);
    }

    function _asked(uint256 dropId) private view returns (Asked memory asked) {
        asked = askedIn[dropId];
        if (asked.start == 0) revert NotOurDrop(dropId);
    }

    /// @dev The epoch of the last change if `start` is what was asked before, else this one, if the step is allowed.
    function _step(Asked memory asked, uint256 start) private view returns (uint64) {
        if (start == asked.start) return asked.epoch;
        if (asked.epoch == epoch()) revert PriceChangedInEpoch(asked.epoch);
        uint256 moved = start > asked.start ? start - asked.start : asked.start - start;
        if (moved * ALL_BPS > asked.start * priceStepBps) {
            revert PriceStepTooLarge(start, asked.start, priceStepBps);
        }
        return uint64(epoch());
    }

    function _setLimits(uint256 burnsPerEpoch, uint256 priceStepBps_) private {
        if (priceStepBps_ > ALL_BPS) revert StepOutOfRange(priceStepBps_, ALL_BPS);
        budgetOf[KIND_BURNS] = burnsPerEpoch;
        priceStepBps = priceStepBps_;
        emit LimitsSet(burnsPerEpoch, priceStepBps_);
    }

    function _setReserve(uint256 reserve_) private {
        reserve = reserve_;
        emit ReserveSet(reserve_);
    }

    function _pause() internal override(Governed, Loop) {
        super._pause();
    }

    function _unpause() internal override(Governed, Loop) {
        super._unpause();
    }
}
