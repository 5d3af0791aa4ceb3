"""A made-up history of all our contracts, block by block, as logs."""

from indexer.protocols.raisonne_events import EVENTS, VAULT_EVENTS
from tests.indexer.protocols.settled import OWN
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, ZERO, make_log

VAULT = "0x" + "77" * 20
FALSE_VAULT = "0x" + "78" * 20
TREASURY = "0x" + "75" * 20
FALSE_TOKEN = "0x" + "e3" * 20
TOKEN = "0x" + "e2" * 20
SUPPLY = 10**18
NO_HASH = bytes(32)
_EVENTS = {event.name: event for group in (*EVENTS.values(), VAULT_EVENTS) for event in group}
_EMITTERS = {event.name: getattr(OWN, field) for field, group in EVENTS.items() for event in group}


def digest(number):
    return number.to_bytes(32, "big")


def text(number):
    return "0x" + digest(number).hex()


MODEL, BASE, DATASET, PROCESS = (digest(n) for n in (11, 12, 13, 14))


def declaration(event):
    """The event as text, for an encoder that is not ours."""
    arguments = ", ".join(
        f"{p.type.canonical}{' indexed' if p.indexed else ''} {p.name}"
        for p in event.signature.parameters
    )
    return f"{event.signature.name}({arguments})"


class History:
    """Logs in blocks that follow each other; each call of `block` makes the next one."""

    def __init__(self):
        self.logs = []
        self.height = 0

    def block(self, *events):
        """A block of one transaction with events (name, *arguments), or (name@emitter, …)."""
        self.height += 1
        for index, (called, *arguments) in enumerate(events):
            name, _, emitter = called.partition("@")
            log = make_log(
                declaration(_EVENTS[name]),
                *arguments,
                address=emitter or _EMITTERS[name],
                block=self.height,
                index=index,
            )
            self.logs.append(log)
        return self.height


def mint(number, model, *, parents=()):
    """A work of ALICE's with a royalty of 10 %, half of which is CAROL's, and its lineage."""
    edges = [
        ("LineageEdge", number, place, OWN.artwork, parent, 0, 0)
        for place, parent in enumerate(parents)
    ]
    words = (digest(100 + number), model, DATASET, PROCESS)
    return [
        ("ArtworkMinted", number, digest(number), ALICE, *words, 7, "data:,x"),
        *edges,
        ("RoyaltySet", number, OWN.splitter, 1_000),
        ("SplitSet", number, [ALICE, CAROL, TREASURY], [4_875, 5_000, 125]),
    ]


def sale(venue, number, kind, price, source, *, seller=ALICE, buyer=BOB):
    """A sale with its legs: royalty 10 %, fee 2.5 %."""
    royalty, fee = price // 10, price // 40
    paid = f"Paid@{venue}"
    return [
        (f"Sold@{venue}", number, seller, buyer, kind, price, royalty, fee),
        (paid, number, seller, 0, price - royalty - fee, False),
        ("RoyaltyReceived", number, venue, royalty, source),
        (paid, number, OWN.splitter, 1, royalty, False),
        (paid, number, OWN.studio, 2, fee, False),
    ]


def history():
    """Everything that our contracts can say, at least once."""
    h = History()
    h.block(
        ("RegistrarSet", ALICE, True),
        ("AssetRegistered", BASE, 1, ALICE, NO_HASH, ""),
        ("AssetRegistered", MODEL, 1, ALICE, digest(21), "ipfs://m"),
        ("AssetParent", MODEL, BASE, 0),
        ("AssetRegistered", DATASET, 2, BOB, NO_HASH, ""),
        ("AssetRegistered", PROCESS, 3, BOB, NO_HASH, ""),
        ("SplitSet", 0, [TREASURY], [10_000]),
        (f"SharesMoved@{OWN.studio_shares}", OWN.studio_shares, ZERO, ALICE, SUPPLY),
    )
    h.block(*mint(1, MODEL))
    h.block(*mint(2, digest(15), parents=[1]))
    h.block(*mint(3, digest(15)))
    h.block((f"Listed@{OWN.market}", 1, ALICE, 0, 1_009, 0))
    h.block(*sale(OWN.market, 1, 0, 1_009, 1))
    # A second payment completes what the first could not divide; a place is handed on between.
    h.block(("SplitSet", 1, [ALICE, DAVE, TREASURY], [4_875, 5_000, 125]))
    h.block(*sale(OWN.market, 1, 0, 2_003, 2, seller=BOB, buyer=DAVE))
    h.block(("RoyaltyReleased", 1, CAROL, 50))
    h.block(
        ("RoyaltyTokenReceived", 1, BOB, TOKEN, 999, 2),
        *(("RoyaltyTokenReceived", 1, BOB, FALSE_TOKEN, 9 * 10**37, 2),) * 3,
        ("RoyaltyReceived", 0, ZERO, 5, 0),
    )
    h.block(("RoyaltyTokenReleased", 1, ALICE, TOKEN, 400))
    _auction(h)
    _vault(h)
    _loans(h)
    _studio(h)
    h.block(("DisputeOpened", BASE, BOB, digest(31)), ("DisputeOpened", DATASET, BOB, digest(32)))
    h.block(("DisputeResolved", BASE, 2), ("DisputeOpened", digest(3), BOB, digest(34)))
    h.block(("Attested", MODEL, CAROL, 2, digest(33), True))
    h.block(("AigcAdded", 1, digest(1), digest(81), digest(82), 2))
    h.block(("ArtworkBurned", 3, ALICE, digest(3), 1))
    return h


def _auction(h):
    end = 1_700_100_000
    h.block((f"Listed@{OWN.auctions}", 2, ALICE, 1, 400, end))
    h.block(("BidPlaced", 2, BOB, 500, end))
    h.block((f"Paid@{OWN.auctions}", 2, BOB, 6, 500, True), ("BidPlaced", 2, DAVE, 600, end + 60))
    h.block(*sale(OWN.auctions, 2, 1, 600, 3, buyer=DAVE))
    h.block((f"Withdrawn@{OWN.auctions}", BOB, BOB, 300))
    h.block((f"Listed@{OWN.auctions}", 3, ALICE, 1, 70, end))
    h.block((f"ListingCancelled@{OWN.auctions}", 3, ALICE))
    h.block((f"Listed@{OWN.auctions}", 3, ALICE, 1, 71, end))
    h.block(
        ("DropOpened", 1, ALICE, 2, 1_700_000_500),
        ("PriceParamsSet", 1, 10**18, -(10**17), 3),
        ("PriceRangeSet", 1, 5, 10**19),
        ("Dropped", 1, 3),
        (f"Listed@{OWN.drops}", 3, ALICE, 2, 10**18, 0),
        ("Dropped", 1, 4),
        (f"Listed@{OWN.drops}", 4, ALICE, 2, 10**18, 0),
        ("PriceBoundsSet", 1, 10**20, 2, 2**255, 500),
    )
    h.block(("PriceParamsSet", 1, 10**17, -(10**17), 3))
    h.block(*sale(OWN.drops, 3, 2, 1_000, 1))


def _vault(h):
    moved, paid = f"SharesMoved@{VAULT}", f"Paid@{VAULT}"
    h.block(
        (moved, VAULT, ZERO, DAVE, SUPPLY),
        ("VaultOpened", VAULT, 2, DAVE, SUPPLY, 80),
        ("RoyaltyReceived", 2, OWN.vault_factory, 80, 4),
        (f"Paid@{OWN.vault_factory}", 2, OWN.splitter, 1, 80, False),
    )
    h.block((moved, VAULT, DAVE, BOB, SUPPLY // 3))
    h.block(
        (f"ReserveVote@{VAULT}", VAULT, DAVE, 1_000, SUPPLY // 2),
        (f"ReserveVote@{VAULT}", VAULT, BOB, 900, SUPPLY // 4),
        (f"ReserveVote@{FALSE_VAULT}", VAULT, BOB, 10**30, SUPPLY),
    )
    h.block((f"DividendPaid@{VAULT}", VAULT, CAROL, 100))
    h.block((f"DividendClaimed@{VAULT}", VAULT, BOB, BOB, 33))
    h.block((f"DividendPaid@{VAULT}", VAULT, CAROL, 1))
    h.block((f"BuyoutStarted@{VAULT}", VAULT, BOB, 1_000, 1_700_200_000))
    h.block(
        (paid, 2, BOB, 6, 1_000, True), (f"BuyoutBid@{VAULT}", VAULT, CAROL, 1_050, 1_700_200_900)
    )
    h.block(
        (f"BuyoutSettled@{VAULT}", VAULT, CAROL, 1_050, 105),
        ("RoyaltyReceived", 2, VAULT, 105, 5),
        (paid, 2, OWN.splitter, 1, 105, False),
    )
    h.block(
        (moved, VAULT, BOB, ZERO, SUPPLY // 3),
        (f"SharesRedeemed@{VAULT}", VAULT, BOB, SUPPLY // 3, 314),
    )
    # A contract that no factory of ours opened says the same of itself.
    h.block(
        (f"SharesMoved@{FALSE_VAULT}", FALSE_VAULT, ZERO, BOB, SUPPLY),
        (f"BuyoutSettled@{FALSE_VAULT}", FALSE_VAULT, BOB, 10_000, 1_000),
        (f"Paid@{FALSE_VAULT}", 2, OWN.splitter, 1, 1_000, False),
        (f"Paid@{FALSE_VAULT}", 2, BOB, 6, 77, True),
        *((f"Paid@{FALSE_VAULT}", 2, BOB, 7, 9 * 10**37, True),) * 3,
        *((f"SharesMoved@{FALSE_VAULT}", FALSE_VAULT, ZERO, BOB, 9 * 10**37),) * 3,
    )


def _loans(h):
    h.block(("LoanOffered", 1, BOB, OWN.artwork, 1, 1, 500, 550, 86_400))
    h.block(
        ("LoanStarted", 1, BOB, CAROL, OWN.artwork, 1, 1, 500, 550, 1_700_090_000),
        (f"Paid@{OWN.loans}", 1, BOB, 4, 500, False),
    )
    h.block(("NoteTransferred", 1, CAROL, DAVE))
    h.block(
        ("LoanRepaid", 1, BOB, DAVE, ALICE, OWN.artwork, 1, 1, 550),
        (f"Paid@{OWN.loans}", 1, DAVE, 5, 550, True),
    )
    h.block(("LoanOffered", 2, DAVE, VAULT, 2, 5, 10, 11, 86_400))
    h.block(("LoanStarted", 2, DAVE, CAROL, VAULT, 2, 5, 10, 11, 1_700_090_000))
    h.block(("LoanClaimed", 2, DAVE, CAROL, VAULT, 2, 5, 11))
    h.block(("LoanOffered", 3, BOB, OWN.artwork, 1, 1, 5, 6, 86_400))
    h.block(("LoanCancelled", 3, BOB))
    h.block(("LoanOffered", 4, BOB, OWN.artwork, 1, 1, 5, 6, 86_400))


def _studio(h):
    at = 1_700_000_000
    h.block(
        ("OperatorSet", BOB),
        ("GuardianSet", CAROL),
        ("LimitsSet", 3, 500),
        ("ReserveSet", 10),
        ("RoundRulesSet", 3_600, 3_600, 3_600, 1_000, 2_000, 100),
        ("BudgetSet", 0, 2**256 - 1),
        (f"OwnershipTransferred@{OWN.studio}", ZERO, OWN.timelock),
        (f"OwnershipTransferStarted@{OWN.registry}", ALICE, OWN.timelock),
    )
    h.block(("RoundOpened", 1, at, at + 10, at + 20, at + 30))
    h.block(("Submitted", 1, digest(3), BOB, at + 1))
    h.block(("VoteCommitted", 1, ALICE, digest(41)), ("VoteCommitted", 1, ALICE, digest(42)))
    h.block(("VoteRevealed", 1, ALICE, 1, 10**17))
    h.block(("RoundClosed", 1, 1, 10**17, 10**17, digest(3)))
    h.block(("RoundOpened", 2, at, at + 10, at + 20, at + 30))
    h.block(("LoopTransition", 1, 0, 1, digest(51), BOB), ("BudgetSpent", 9, 0, 4, 6))
    h.block(("LoopTransition", 1, 1, 14, NO_HASH, CAROL), ("Paused", CAROL))
    h.block(
        ("Unpaused", DAVE), ("BudgetSpent", 9, 0, 5, 1), ("ProceedsShared", 6),
        *(("BudgetSpent", 9, 200, 9 * 10**37, 2**256 - 1),) * 3,
    )  # fmt: skip
    h.block(("WorkSent", 3, BOB), ("TokenSent", TOKEN, BOB, 8))
    call = (digest(61), 0, COLLECTION, 0, b"\x01\x02")
    h.block(("CallScheduled", *call, NO_HASH, 3_600), ("CallSalt", digest(61), digest(62)))
    h.block(("CallExecuted", *call))
    h.block(("Cancelled", digest(63)), ("MinDelayChange", 1, 2))
    roles = (digest(71), ALICE, BOB)
    h.block(
        ("RoleGranted", *roles), ("RoleRevoked", *roles),
        ("RoleAdminChanged", digest(71), digest(72), digest(73)),
    )  # fmt: skip
    h.block((f"DividendPaid@{OWN.studio_shares}", OWN.studio_shares, OWN.studio, 6))
    h.block(("AnswerUpdated", 2_500 * 10**8, 1, at))
