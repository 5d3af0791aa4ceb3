"""The events of our own contracts, by the field of `contracts.addresses` that names the emitter."""

from indexer.abi import Event
from indexer.protocols.quotes import ANSWER

_SOLD = (
    Event.parse(
        "Listed(uint256 indexed tokenId, address indexed seller, uint8 kind, uint256 price,"
        " uint64 endTime)",
        wei=["price"],
    ),
    Event.parse("ListingCancelled(uint256 indexed tokenId, address indexed seller)"),
    Event.parse(
        "Sold(uint256 indexed tokenId, address indexed seller, address indexed buyer, uint8 kind,"
        " uint256 price, uint256 royalty, uint256 fee)",
        wei=["price", "royalty", "fee"],
    ),
)
_PAID = (
    Event.parse(
        "Paid(uint256 indexed tokenId, address indexed recipient, uint8 indexed role,"
        " uint256 amount, bool credited)",
        wei=["amount"],
    ),
    Event.parse(
        "Withdrawn(address indexed account, address indexed to, uint256 amount)", wei=["amount"]
    ),
)
_OWNED = (
    Event.parse(
        "OwnershipTransferStarted(address indexed previousOwner, address indexed newOwner)"
    ),
    Event.parse("OwnershipTransferred(address indexed previousOwner, address indexed newOwner)"),
)
_SHARED = (
    Event.parse(
        "SharesMoved(address indexed vault, address indexed from, address indexed to,"
        " uint256 shares)",
        wei=["shares"],
    ),
    Event.parse(
        "DividendPaid(address indexed vault, address indexed payer, uint256 amount)",
        wei=["amount"],
    ),
    Event.parse(
        "DividendClaimed(address indexed vault, address indexed holder, address to,"
        " uint256 amount)",
        wei=["amount"],
    ),
)
_BOUGHT_OUT = (
    Event.parse(
        "ReserveVote(address indexed vault, address indexed voter, uint256 price, uint256 shares)",
        wei=["price"],
    ),
    *(
        Event.parse(
            f"{name}(address indexed vault, address indexed bidder, uint256 amount,"
            " uint64 endTime)",
            wei=["amount"],
        )
        for name in ("BuyoutStarted", "BuyoutBid")
    ),
    Event.parse(
        "BuyoutSettled(address indexed vault, address indexed winner, uint256 amount,"
        " uint256 royalty)",
        wei=["amount", "royalty"],
    ),
    Event.parse(
        "SharesRedeemed(address indexed vault, address indexed holder, uint256 shares,"
        " uint256 amount)",
        wei=["amount"],
    ),
)
_REGISTRY = (
    Event.parse(
        "AssetRegistered(bytes32 indexed digest, uint8 indexed kind, address indexed registrant,"
        " bytes32 metadata, string uri)"
    ),
    Event.parse("AssetParent(bytes32 indexed digest, bytes32 indexed parent, uint256 ordinal)"),
    Event.parse(
        "Attested(bytes32 indexed digest, address indexed attester, uint8 indexed level,"
        " bytes32 report, bool passed)"
    ),
    Event.parse("DisputeOpened(bytes32 indexed digest, address indexed opener, bytes32 evidence)"),
    Event.parse("DisputeResolved(bytes32 indexed digest, uint8 outcome)"),
    Event.parse("RegistrarSet(address indexed account, bool admitted)"),
)
_ARTWORK = (
    Event.parse(
        "ArtworkMinted(uint256 indexed tokenId, bytes32 indexed manifest, address indexed creator,"
        " bytes32 pixelHash, bytes32 model, bytes32 dataset, bytes32 process, uint256 seed,"
        " string uri)"
    ),
    Event.parse(
        "ArtworkBurned(uint256 indexed tokenId, address indexed by, bytes32 manifest, uint8 reason)"
    ),
    Event.parse(
        "LineageEdge(uint256 indexed child, uint256 indexed ordinal,"
        " address indexed parentContract, uint256 parentToken, uint8 relation, uint16 shareBps)"
    ),
    Event.parse("RoyaltySet(uint256 indexed tokenId, address recipient, uint96 bps)"),
)
_SPLITTER = (
    Event.parse("SplitSet(uint256 indexed tokenId, address[] payees, uint16[] bps)"),
    Event.parse(
        "RoyaltyReceived(uint256 indexed tokenId, address indexed payer, uint256 amount,"
        " uint8 indexed source)",
        wei=["amount"],
    ),
    Event.parse(
        "RoyaltyReleased(uint256 indexed tokenId, address indexed payee, uint256 amount)",
        wei=["amount"],
    ),
    Event.parse(
        "RoyaltyTokenReceived(uint256 indexed tokenId, address indexed payer,"
        " address indexed currency, uint256 amount, uint8 source)",
        wei=["amount"],
    ),
    Event.parse(
        "RoyaltyTokenReleased(uint256 indexed tokenId, address indexed payee,"
        " address indexed currency, uint256 amount)",
        wei=["amount"],
    ),
)
_BID = Event.parse(
    "BidPlaced(uint256 indexed tokenId, address indexed bidder, uint256 amount, uint64 endTime)",
    wei=["amount"],
)
_DROPS = (
    Event.parse(
        "DropOpened(uint256 indexed dropId, address indexed seller, uint256 works,"
        " uint64 startTime)"
    ),
    Event.parse("PriceParamsSet(uint256 indexed dropId, int256 start, int256 decay, int256 rate)"),
    Event.parse(
        "PriceRangeSet(uint256 indexed dropId, uint256 floor, uint256 cap)", wei=["floor", "cap"]
    ),
    Event.parse("Dropped(uint256 indexed dropId, uint256 indexed tokenId)"),
    Event.parse(
        "PriceBoundsSet(uint256 minFloor, uint256 maxCap, uint256 minDecay, uint256 maxDecay,"
        " uint256 maxStepBps)",
        wei=["minFloor", "maxCap"],
    ),
)
_FACTORY = Event.parse(
    "VaultOpened(address indexed vault, uint256 indexed tokenId, address indexed curator,"
    " uint256 supply, uint256 royalty)",
    wei=["royalty"],
)
_LOANS = (
    Event.parse(
        "LoanOffered(uint256 indexed loanId, address indexed borrower, address indexed collateral,"
        " uint256 tokenId, uint256 quantity, uint256 principal, uint256 repayment, uint256 term)",
        wei=["principal", "repayment"],
    ),
    Event.parse("LoanCancelled(uint256 indexed loanId, address indexed borrower)"),
    Event.parse(
        "LoanStarted(uint256 indexed loanId, address indexed borrower, address indexed lender,"
        " address collateral, uint256 tokenId, uint256 quantity, uint256 principal,"
        " uint256 repayment, uint256 dueTime)",
        wei=["principal", "repayment"],
    ),
    Event.parse(
        "LoanRepaid(uint256 indexed loanId, address indexed borrower, address indexed lender,"
        " address payer, address collateral, uint256 tokenId, uint256 quantity, uint256 repayment)",
        wei=["repayment"],
    ),
    Event.parse(
        "LoanClaimed(uint256 indexed loanId, address indexed borrower, address indexed lender,"
        " address collateral, uint256 tokenId, uint256 quantity, uint256 repayment)",
        wei=["repayment"],
    ),
    Event.parse(
        "NoteTransferred(uint256 indexed loanId, address indexed from, address indexed to)"
    ),
)
_ROUNDS = (
    Event.parse(
        "RoundOpened(uint256 indexed round, uint64 snapshot, uint64 submitUntil,"
        " uint64 commitUntil, uint64 revealUntil)"
    ),
    Event.parse(
        "Submitted(uint256 indexed round, bytes32 indexed manifest, address indexed creator,"
        " uint64 time)"
    ),
    Event.parse("VoteCommitted(uint256 indexed round, address indexed voter, bytes32 commitment)"),
    Event.parse(
        "VoteRevealed(uint256 indexed round, address indexed voter, uint8 choice, uint256 weight)"
    ),
    Event.parse(
        "RoundClosed(uint256 indexed round, uint8 outcome, uint256 votesForIt, uint256 votesCast,"
        " bytes32 manifest)"
    ),
)
_STUDIO = (
    *_ROUNDS,
    Event.parse(
        "RoundRulesSet(uint256 submitFor, uint256 commitFor, uint256 revealFor, uint256 capBps,"
        " uint256 quorumBps, uint256 seatBps)"
    ),
    Event.parse(
        "LoopTransition(uint256 indexed loop, uint8 from, uint8 to, bytes32 anchor,"
        " address indexed by)"
    ),
    Event.parse(
        "BudgetSpent(uint256 indexed epoch, uint8 indexed kind, uint256 amount, uint256 left)"
    ),
    Event.parse("BudgetSet(uint8 indexed kind, uint256 perEpoch)"),
    Event.parse("LimitsSet(uint256 burnsPerEpoch, uint256 priceStepBps)"),
    Event.parse("ReserveSet(uint256 reserve)"),
    Event.parse("WorkSent(uint256 indexed tokenId, address indexed to)"),
    Event.parse("TokenSent(address indexed currency, address indexed to, uint256 amount)"),
    Event.parse("OperatorSet(address indexed operator)"),
    Event.parse("GuardianSet(address indexed guardian)"),
    Event.parse("ProceedsShared(uint256 amount)"),
    Event.parse("Paused(address account)"),
    Event.parse("Unpaused(address account)"),
    *_OWNED,
)
_TIMELOCK = (
    Event.parse(
        "CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value,"
        " bytes data, bytes32 predecessor, uint256 delay)"
    ),
    Event.parse(
        "CallExecuted(bytes32 indexed id, uint256 indexed index, address target, uint256 value,"
        " bytes data)"
    ),
    Event.parse("CallSalt(bytes32 indexed id, bytes32 salt)"),
    Event.parse("Cancelled(bytes32 indexed id)"),
    Event.parse("MinDelayChange(uint256 oldDuration, uint256 newDuration)"),
    Event.parse(
        "RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole,"
        " bytes32 indexed newAdminRole)"
    ),
    *(
        Event.parse(
            f"{name}(bytes32 indexed role, address indexed account, address indexed sender)"
        )
        for name in ("RoleGranted", "RoleRevoked")
    ),
)

_AIGC = Event.parse(
    "AigcAdded(uint256 indexed tokenId, bytes32 indexed manifest, bytes32 prompt, bytes32 proof,"
    " uint8 level)"
)

EVENTS: dict[str, tuple[Event, ...]] = {
    "timelock": _TIMELOCK,
    "registry": (*_REGISTRY, *_OWNED),
    "splitter": _SPLITTER,
    "artwork": _ARTWORK,
    "market": (*_SOLD, *_PAID),
    "auctions": (*_SOLD, *_PAID, _BID),
    "drops": (*_SOLD, *_PAID, *_DROPS),
    "vault_factory": (_FACTORY, *_PAID),
    "loans": (*_LOANS, *_PAID),
    "studio_shares": _SHARED,
    "studio": _STUDIO,
    "price_feed": (ANSWER, *_OWNED),
    "aigc": (_AIGC,),
}
"""What each contract says, by the field of its address."""

VAULT_EVENTS = (*_SHARED, *_BOUGHT_OUT, *_PAID)
"""What vaults say, each with an address of its own."""
