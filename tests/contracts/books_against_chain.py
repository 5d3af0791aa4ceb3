"""The market's books beside what the contracts answer at the latest block.

Each function yields one line per difference; no difference, no line. Names in the books (operator,
studio, escrow contracts) are turned into addresses here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain as joined
from typing import Any

from eth_abi.abi import decode

from contracts.abi import canonical_type, entry_of
from contracts.calldata import encode_call
from contracts.rpc import Rpc
from contracts.simulation.books.loans import LOANS, State
from contracts.simulation.books.royalties import TREASURY
from contracts.simulation.books.studio import BURNS, COMPUTE, GAS, IMAGES, MINTS
from contracts.simulation.books.vaults import Phase
from contracts.simulation.calls import OPERATOR
from contracts.simulation.economy import Economy
from contracts.simulation.execution import Officers, topic_of
from data.units import ZERO_ADDRESS

CHUNK = 2_000
ROLE_CHANGE = 3


@dataclass
class Bench:
    """A chain on which the market was simulated, with its books."""

    rpc: Rpc
    at: Any
    officers: Officers
    vaults: dict[int, str]
    economy: Economy

    def place(self, name: str) -> str:
        """The address behind a name of the books."""
        known = {OPERATOR: self.officers.operator, TREASURY: self.at.studio}
        known[LOANS.name] = self.at.loans
        return known.get(name, name)

    def read(self, to: str, contract: str, function: str, rows: Sequence[tuple]) -> list[tuple]:
        """What a view answers for each row of arguments."""
        outputs = entry_of(contract, "function", function)["outputs"]
        types = [canonical_type(output) for output in outputs]
        calls = [
            ("eth_call", [{"to": to, "data": "0x" + data.hex()}, "latest"])
            for data in (encode_call(contract, function, *row) for row in rows)
        ]
        answers = joined.from_iterable(
            self.rpc.batch(calls[start : start + CHUNK]) for start in range(0, len(calls), CHUNK)
        )
        return [decode(types, bytes.fromhex(answer.removeprefix("0x"))) for answer in answers]

    def read_one(self, to: str, contract: str, function: str, *values: Any) -> Any:
        """What a view with one answer says."""
        return self.read(to, contract, function, [values])[0][0]

    def balance_wei(self, address: str) -> int:
        return int(self.rpc.call("eth_getBalance", [address, "latest"]), 16)

    def logs(self, to: str, contract: str, event: str) -> list[dict]:
        request = {"fromBlock": "0x0", "address": to, "topics": [topic_of(contract, event)]}
        return self.rpc.call("eth_getLogs", [request])


def differences(bench: Bench) -> list[str]:
    """All that the books and the contracts disagree about."""
    checks = (splitter, auctions, loans, vaults, drops, studio, registry, owners, change)
    return [line for check in checks for line in check(bench)]


def _compare(what: str, book: Any, found: Any) -> Iterator[str]:
    if book != found:
        yield f"{what}: the books have {book}, the chain {found}"


def splitter(bench: Bench) -> Iterator[str]:
    at, books = bench.at.splitter, bench.economy.ledger.royalties.splits
    keys = [key for key, wei in books.releasable.items() if wei]
    rows = [(token, currency, bench.place(payee)) for token, currency, payee in keys]
    for key, (wei,) in zip(keys, bench.read(at, "Splitter", "releasable", rows), strict=True):
        yield from _compare(f"releasable {key}", books.releasable[key], wei)
    received = list(books.received)
    for key, (wei,) in zip(received, bench.read(at, "Splitter", "received", received), strict=True):
        yield from _compare(f"received {key}", books.received[key], wei)
    tokens = [(token,) for token in books.seats if token]
    for (token,), found in zip(tokens, bench.read(at, "Splitter", "splitOf", tokens), strict=True):
        seats = books.seats[token]
        book = (tuple(bench.place(s.payee) for s in seats), tuple(s.bps for s in seats))
        yield from _compare(f"split of {token}", book, found)
    held_wei = bench.read_one(at, "Splitter", "held", ZERO_ADDRESS)
    yield from _compare("held by the Splitter", books.held[ZERO_ADDRESS], held_wei)
    yield from _compare("balance of the Splitter", held_wei, bench.balance_wei(at))


def auctions(bench: Bench) -> Iterator[str]:
    at, books = bench.at.auctions, bench.economy.world.auctions
    rows = [(token,) for token in books.running]
    for (token,), found in zip(rows, bench.read(at, "Auctions", "auctionOf", rows), strict=True):
        a = books.running[token]
        book = (a.seller, a.end_time, a.bidder or ZERO_ADDRESS, a.reserve_wei, a.bid_wei)
        yield from _compare(f"auction of {token}", book, found)
    rows = [(account,) for account in books.refunds_wei]
    for (who,), (wei,) in zip(rows, bench.read(at, "Auctions", "refunds", rows), strict=True):
        yield from _compare(f"refund of {who}", books.refunds_wei[who], wei)
    yield from _compare("balance of Auctions", books.held_wei, bench.balance_wei(at))


def loans(bench: Bench) -> Iterator[str]:
    at, books = bench.at.loans, bench.economy.world.loans
    rows = [(loan_id,) for loan_id in books.loans]
    for (loan_id,), (found,) in zip(rows, bench.read(at, "Loans", "loanOf", rows), strict=True):
        loan = books.loans[loan_id]
        book = (
            loan.borrower, loan.due_time, loan.offered.term_s, int(loan.state),
            loan.lender or ZERO_ADDRESS, loan.token_id,
            bench.vaults[loan.vault] if loan.vault else bench.at.artwork,
            loan.shares or 1, loan.offered.principal_wei, loan.offered.repayment_wei,
        )  # fmt: skip
        yield from _compare(f"loan {loan_id}", book, found)
    count = bench.read_one(at, "Loans", "loanCount")
    yield from _compare("loans", books.next_loan - 1, count)
    for (loan_id,), (wei,) in zip(rows, bench.read(at, "Loans", "dividendOf", rows), strict=True):
        loan = books.loans[loan_id]
        held = loan.state in {State.OFFERED, State.STARTED}
        yield from _compare(f"dividend of loan {loan_id}", books.earned_wei(loan) * held, wei)
    yield from _compare("balance of Loans", books.held_wei, bench.balance_wei(at))


def vaults(bench: Bench) -> Iterator[str]:
    for number, vault in bench.economy.world.vaults.opened.items():
        at, name = bench.vaults[number], f"vault {number}"

        def one(function: str, *values: Any, at: str = at) -> Any:
            return bench.read_one(at, "Vault", function, *values)

        yield from _compare(f"{name} phase", int(vault.phase), one("phase"))
        yield from _compare(f"{name} valuation", vault.valuation_wei, one("valuation"))
        yield from _compare(f"{name} locked", vault.locked, one("lockedShares"))
        yield from _compare(f"{name} reserve", vault.reserve_wei, one("reserve"))
        yield from _compare(f"{name} supply", vault.shares.supply, one("totalSupply"))
        yield from _compare(f"{name} proceeds", vault.proceeds_wei, one("proceeds"))
        yield from _compare(f"{name} redeemed", vault.redeemed_wei, one("redeemed"))
        yield from _compare(f"{name} dividends", vault.shares.paid_wei, one("dividendsPaid"))
        yield from _compare(f"{name} balance", vault.held_wei, bench.balance_wei(at))
        if vault.phase == Phase.BUYOUT:
            book = (vault.bidder, vault.end_time, vault.bid_wei)
            found = bench.read(at, "Vault", "buyout", [()])[0]
            yield from _compare(f"{name} buyout", book, found)
        yield from _shares(bench, at, "Vault", vault.shares)


def _shares(bench: Bench, at: str, contract: str, shares: Any) -> Iterator[str]:
    holders = list(shares.holders())
    rows = [(bench.place(holder),) for holder in holders]
    held = bench.read(at, contract, "balanceOf", rows)
    due = bench.read(at, contract, "dividendOf", rows)
    for holder, (amount,), (wei,) in zip(holders, held, due, strict=True):
        yield from _compare(f"{at} shares of {holder}", shares.balances.get(holder, 0), amount)
        yield from _compare(f"{at} dividend of {holder}", shares.claimable_wei(holder), wei)


def drops(bench: Bench) -> Iterator[str]:
    at, books = bench.at.drops, bench.economy.world.drops
    rows = [(drop_id,) for drop_id in books.running]
    for (drop_id,), (found,) in zip(rows, bench.read(at, "Drops", "dropOf", rows), strict=True):
        drop, p = books.running[drop_id], books.running[drop_id].params
        params = (p.start_wei, p.floor_wei, p.decay_wad, p.cap_wei, p.rate_wad)
        book = (bench.place(drop.seller), drop.started, drop.sold, len(drop.works), params)
        yield from _compare(f"drop {drop_id}", book, (found[0], found[1], *found[3:]))
        at_wei = bench.read(at, "Drops", "dropOfToken", [(token,) for token in drop.works])
        yield from _compare(
            f"works of {drop_id}", {(drop_id,)} if drop.works else set(), set(at_wei)
        )
    yield from _compare("drops", books.next_drop - 1, bench.read_one(at, "Drops", "dropCount"))
    yield from _compare("balance of Drops", 0, bench.balance_wei(at))


def studio(bench: Bench) -> Iterator[str]:
    at, books = bench.at.studio, bench.economy.world.studio

    def one(function: str, *values: Any) -> Any:
        return bench.read_one(at, "Studio", function, *values)

    yield from _compare("studio's balance", books.balance_wei, bench.balance_wei(at))
    yield from _compare("loop", (books.loop, int(books.state)), (one("loop"), one("state")))
    yield from _compare("pauses", books.paused_s, one("pausedSeconds"))
    yield from _compare("paused", books.is_paused, one("paused"))
    for (epoch, kind), spent in books.spent.items():
        yield from _compare(f"budget {kind} in {epoch}", spent, one("spentIn", epoch, kind))
    for kind in (COMPUTE, GAS, MINTS, BURNS, IMAGES):
        if (books.epoch, kind) in books.spent:
            yield from _compare(f"left of {kind}", books.left(kind), one("leftOf", kind))
    for vetted in books.rounds:
        found = bench.read(at, "Studio", "roundOf", [(vetted.number,)])[0][0]
        book = (
            vetted.submit_until, vetted.commit_until, vetted.reveal_until, vetted.paused_before,
            len(vetted.works), vetted.leader, vetted.tied, int(vetted.outcome),
            vetted.best, vetted.cast,
        )  # fmt: skip
        kept = (*found[1:5], found[8], *found[10:])
        yield from _compare(f"round {vetted.number}", book, kept)
    yield from _shares(bench, bench.at.studio_shares, "StudioShares", books.shares)
    pot_wei = bench.balance_wei(bench.at.studio_shares)
    yield from _compare("unclaimed proceeds", books.shares.unclaimed_wei, pot_wei)


def registry(bench: Bench) -> Iterator[str]:
    at, books = bench.at.registry, bench.economy.world.registry
    rows = [(digest,) for digest in books.assets]
    assets = bench.read(at, "Registry", "assetOf", rows)
    taints = bench.read(at, "Registry", "taintOf", rows)
    ancestors = bench.read(at, "Registry", "ancestorsOf", rows)
    for asset, found, (culprit,), (above,) in zip(
        books.assets.values(), assets, taints, ancestors, strict=True
    ):
        book = (bench.place(asset.registrant), int(asset.kind), len(asset.parents))
        yield from _compare(asset.name, book, (found[0], found[2], found[3]))
        yield from _compare(
            f"taint of {asset.name}", books.taint_of(asset.digest) or bytes(32), culprit
        )
        yield from _compare(f"ancestors of {asset.name}", asset.ancestors, tuple(above))
    rows = [(digest,) for digest in books.disputes]
    for dispute, found in zip(
        books.disputes.values(), bench.read(at, "Registry", "disputeOf", rows), strict=True
    ):
        book = (dispute.opener, dispute.state, dispute.evidence)
        yield from _compare("dispute", book, (found[0], *found[2:]))


def owners(bench: Bench) -> Iterator[str]:
    """Who has each work: a person, or the contract that the books name."""
    ledger, vaults_of = bench.economy.ledger, bench.economy.world.vaults.of_work
    pieces = list(ledger.pieces.values())
    rows = [(piece.token_id,) for piece in pieces]
    for piece, (owner,) in zip(
        pieces, bench.read(bench.at.artwork, "Artwork", "ownerOf", rows), strict=True
    ):
        if piece.owner == "vault":
            book = bench.vaults[vaults_of[piece.token_id]]
        elif piece.owner in ("auctions", "drops", "loans"):
            book = getattr(bench.at, piece.owner)
        else:
            book = bench.place(piece.owner)
        yield from _compare(f"owner of {piece.token_id}", book, owner)


def change(bench: Bench) -> Iterator[str]:
    """The books know every price to the wei: nobody is ever given change, nor credited one."""
    for contract in ("market", "auctions", "drops", "vault_factory"):
        name = "".join(part.capitalize() for part in contract.split("_"))
        for log in bench.logs(getattr(bench.at, contract), name, "Paid"):
            if int(log["topics"][3], 16) == ROLE_CHANGE:
                yield f"{name} gave change in {log['transactionHash']}"


def royalties_by_source(bench: Bench) -> dict[int, int]:
    """What the Splitter was paid, in wei by source."""
    paid: dict[int, int] = {}
    for log in bench.logs(bench.at.splitter, "Splitter", "RoyaltyReceived"):
        source = int(log["topics"][3], 16)
        paid[source] = paid.get(source, 0) + int(log["data"], 16)
    return paid
