"""The Python reference of vaults: right by itself, and the same as the contracts on a chain."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
import rlp
from eth_utils.crypto import keccak
from hypothesis import event, given, settings
from hypothesis import strategies as st

from contracts import chain
from contracts.abi import load
from contracts.calldata import encode_call, encode_deployment
from contracts.reference.redemption import (
    MIN_BUYOUT_WEI,
    OPEN,
    OVER,
    RefusedError,
    VaultBooks,
    Vote,
    redemption_wei,
    reserve_wei,
)
from contracts.rpc import Rpc
from contracts.signers import UnlockedSigner
from contracts.transactions import send

ROYALTY_BPS = 731
SUPPLIES = st.integers(10**18, 10**27)
WEI = st.integers(1, 10**24) | st.integers(1, 10)


# -- The reference by itself -----------------------------------------------------------------------


@given(st.lists(st.tuples(WEI, st.integers(1, 10**27)), min_size=1, max_size=6))
def test_the_reserve_is_the_least_whole_number_not_below_the_mean(votes):
    weight = sum(shares for _, shares in votes)
    total = sum(price * shares for price, shares in votes)
    mean = reserve_wei([Vote(price, shares) for price, shares in votes])
    assert mean * weight >= total > (mean - 1) * weight


@given(WEI, st.lists(st.integers(1, 10**27), min_size=1, max_size=8))
def test_redemptions_never_exceed_the_proceeds_and_leave_less_than_a_wei_a_holder(proceeds, shares):
    parts = [redemption_wei(proceeds, part, sum(shares)) for part in shares]
    assert 0 <= proceeds - sum(parts) < len(shares)


@given(SUPPLIES, st.permutations(range(4)), st.lists(WEI, min_size=4, max_size=4))
def test_the_order_of_redemptions_changes_no_amount(supply, order, weights):
    amounts = []
    for sequence in (range(4), order):
        books = VaultBooks("0", supply, 1, ROYALTY_BPS)
        for holder in (1, 2, 3):
            books.transfer("0", str(holder), supply * weights[holder] // (sum(weights) + 1))
        books.vote("0", 1, books.shares["0"])
        if books.shares["0"] * 2 < supply:
            return
        books.start("x", MIN_BUYOUT_WEI + weights[0], 0)
        books.settle(10**6)
        holders = [str(i) for i in sequence if books.shares[str(i)]]
        amounts.append({holder: books.redeem(holder) for holder in holders})
        assert books.balance_wei == 0
        assert books.treasury_wei < 4
    assert amounts[0] == amounts[1]


def test_a_vote_is_within_a_fifth_and_five_times_of_the_others():
    books = VaultBooks("a", 100, 1_000, 0)
    books.transfer("a", "b", 40)
    assert books.vote_bounds("a", 60) == (200, 5_000)
    books.vote("b", 5_000, 40)
    assert books.vote_bounds("a", 60) == (1_000, 25_000)
    assert books.vote_bounds("a", 20) == (600, 15_000)  # the other 40 of a's say 1 000
    for price in (999, 25_001):
        with pytest.raises(RefusedError):
            books.vote("a", price, 60)


def test_calls_of_another_phase_are_refused():
    books = VaultBooks("a", 100, 1_000, 0)
    for call in (partial(books.settle, 0), partial(books.redeem, "a")):
        with pytest.raises(RefusedError, match="phase 0"):
            call()
    books.take_out("a", 0)
    for call in (partial(books.distribute, 1), partial(books.vote, "a", 1_000, 1)):
        with pytest.raises(RefusedError):
            call()


# -- The same on a chain ---------------------------------------------------------------------------


@dataclass
class World:
    """A chain of its own, for its clock is turned by weeks: one work and a factory of vaults."""

    rpc: Rpc
    accounts: list[str]
    artwork: str
    splitter: str
    factory: str
    owner: int = 0

    def create(self, name: str, types: list[str], values: list[object]) -> str:
        data = encode_deployment(load(name).bytecode, types, values)
        signer = UnlockedSigner(self.accounts[0])
        return send(self.rpc, signer, to=None, data=data, what=name)["contractAddress"].lower()

    def call(self, who: int, to: str, data: bytes, value_wei: int = 0) -> bool:
        """Sends one transaction and returns whether it was not refused."""
        request = {
            "from": self.accounts[who], "to": to, "data": "0x" + data.hex(),
            "value": hex(value_wei), "gas": hex(4_000_000),
        }  # fmt: skip
        tx_hash = self.rpc.call("eth_sendTransaction", [request])
        receipt = None
        while receipt is None:
            receipt = self.rpc.call("eth_getTransactionReceipt", [tx_hash])
        return receipt["status"] == "0x1"

    def read(self, to: str, calls: list[bytes]) -> list[int]:
        """Reads all words of all answers."""
        asked = [("eth_call", [{"to": to, "data": "0x" + data.hex()}, "latest"]) for data in calls]
        words = "".join(answer[2:] for answer in self.rpc.batch(asked))
        return [int(words[i : i + 64], 16) for i in range(0, len(words), 64)]

    def now_s(self) -> int:
        return int(self.rpc.call("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)


@pytest.fixture(scope="module")
def world(anvil, tmp_path_factory):
    with chain.local_chain(state_dir=tmp_path_factory.mktemp("vaults")) as running:
        rpc = Rpc(running.rpc_url)
        accounts = [account.lower() for account in rpc.call("eth_accounts")][:6]
        for account in accounts:
            rpc.call("anvil_setBalance", [account, hex(2**128)])
        made = World(rpc, accounts, "", "", "")
        registry = made.create("Registry", ["address", "address[]"], [accounts[0], accounts[:1]])
        for kind in (1, 2, 3):
            data = encode_call("Registry", "register", bytes([kind]) * 32, kind, bytes(32), "", [])
            assert made.call(0, registry, data)
        nonce = int(rpc.call("eth_getTransactionCount", [accounts[0], "latest"]), 16)
        next_but_one = rlp.encode([bytes.fromhex(accounts[0][2:]), nonce + 1])
        artwork = "0x" + keccak(next_but_one)[-20:].hex()
        made.splitter = made.create("Splitter", ["address"] * 2, [artwork, accounts[5]])
        made.artwork = made.create(
            "Artwork",
            ["string", "string", "address", "address", "(uint16,uint16,uint16,address)"],
            ["Works", "WRK", registry, made.splitter, (500, 300, 250, accounts[5])],
        )
        assert made.artwork == artwork
        made.factory = made.create(
            "VaultFactory",
            ["address", "address", "address[]", "address"],
            [artwork, made.splitter, [], "0x" + "7e" * 20],
        )
        mint = (
            accounts[0], b"m" * 32, b"p" * 32, b"\1" * 32, b"\2" * 32, b"\3" * 32, 7, ROYALTY_BPS,
            "data:,", [],
        )  # fmt: skip
        assert made.call(0, artwork, encode_call("Artwork", "mint", mint))
        for who in range(5):
            approval = encode_call("Artwork", "setApprovalForAll", made.factory, True)
            assert made.call(who, artwork, approval)
        yield made


@dataclass
class Bench:
    """One vault on the chain with its reference, driven by the same steps."""

    world: World
    vault: str
    books: VaultBooks

    def both(self, who: int, name: str, step: Callable[[], object], *args, value: int = 0) -> bool:
        """Takes a step here and there; returns whether it was taken, which must be the same."""
        taken = self.world.call(who, self.vault, encode_call("Vault", name, *args), value)
        try:
            step()
        except RefusedError:
            event(f"{name} refused")
            assert not taken, f"the contract took {name} and the reference did not"
            return False
        event(f"{name} taken")
        assert taken, f"the contract refused {name} and the reference did not"
        return True

    def turn_to(self, time_s: int) -> int:
        """Lets the next block have a time; returns it."""
        time_s = max(time_s, self.world.now_s() + 1)
        self.world.rpc.call("evm_setNextBlockTimestamp", [time_s])
        return time_s


def opened(world: World, supply: int, premium_wei: int) -> Bench:
    """Whoever has the work puts it into a vault."""
    [least] = world.read(world.factory, [encode_call("VaultFactory", "lastPrice", 1)])
    valuation_wei = max(least, 1) + premium_wei
    data = encode_call("VaultFactory", "open", 1, "Shares", "SHR", supply, valuation_wei)
    royalty_wei = valuation_wei * ROYALTY_BPS // 10_000
    assert world.call(world.owner, world.factory, data, royalty_wei)
    [place] = world.read(world.factory, [encode_call("VaultFactory", "vaultOf", 1)])
    books = VaultBooks(str(world.owner), supply, valuation_wei, ROYALTY_BPS)
    return Bench(world, f"0x{place:040x}", books)


WHO = st.integers(0, 4)
PART = st.sampled_from([0, 1, 30, 50, 90, 96, 100, 101])
NUDGE = st.sampled_from([0, 0, 0, -1, 1, 10**17])
before = st.lists(
    st.tuples(st.just("transfer"), WHO, WHO, PART)
    | st.tuples(st.just("vote"), WHO, st.booleans(), PART, NUDGE)
    | st.tuples(st.just("unvote"), WHO)
    | st.tuples(st.just("distribute"), WHO, st.integers(0, 10**19))
    | st.tuples(st.just("claim"), WHO),
    min_size=3,
    max_size=8,
)
auction = st.lists(
    st.tuples(WHO, NUDGE, st.sampled_from([-9 * 10**5, -901, -5, 0, 0, 1])), min_size=1, max_size=3
)


@pytest.mark.chain
@settings(max_examples=30)
@given(
    supply=SUPPLIES, premium=st.integers(0, 10**20), early=before, starter=st.tuples(WHO, NUDGE),
    way=st.sampled_from(["bought out", "taken out", "as it comes"]), bids=auction,
    taker=st.tuples(WHO, NUDGE), order=st.permutations(range(5)),
)  # fmt: skip
def test_vaults_do_and_owe_what_the_reference_says(
    world, supply, premium, early, starter, way, bids, taker, order
):
    bench = opened(world, supply, premium)
    for step in early:
        take(bench, step)
    compare(bench)
    if way == "taken out":
        gather(bench, taker[0])
    if way != "bought out":
        take_out(bench, *taker)
    else:
        for who in range(5):
            take(bench, ("vote", who, True, 100, 0))
    buy_out(bench, starter, bids)
    compare(bench)
    finish(bench, order)


def take(bench: Bench, step: tuple) -> None:
    """One step before the buyout; parts are in percent of what the actor has."""
    books, (name, who, *rest) = bench.books, step
    has = books.shares[str(who)]
    match name, rest:
        case "transfer", (to, part):
            shares, to_place = has * part // 100, bench.world.accounts[to]
            call = partial(books.transfer, str(who), str(to), shares)
            bench.both(who, name, call, to_place, shares)
        case "vote", (high, part, nudge):
            shares = has * part // 100
            bounds = books.vote_bounds(str(who), min(shares, has))
            price = max(bounds[high] + (nudge if high else -nudge), 0)
            bench.both(who, name, partial(books.vote, str(who), price, shares), price, shares)
        case "unvote", ():
            bench.both(who, name, partial(books.unvote, str(who)))
        case "distribute", (amount,):
            bench.both(who, name, partial(books.distribute, amount), value=amount)
        case "claim", ():
            bench.both(who, "claimDividend", partial(books.claim, str(who)))


def gather(bench: Bench, who: int) -> None:
    """Most of everybody's free shares go to one."""
    for other in range(5):
        take(bench, ("unvote", other))
        take(bench, ("transfer", other, who, 96))


def take_out(bench: Bench, who: int, nudge: int) -> None:
    books = bench.books
    amount = max(books.take_out_wei(str(who)) + nudge, 0)
    if bench.both(who, "takeOut", partial(books.take_out, str(who), amount), value=amount):
        bench.world.owner = who


def buy_out(bench: Bench, starter: tuple, bids: list) -> None:
    """A buyout from the first bid over the second of its end to settling, if it can start."""
    books, (who, nudge) = bench.books, starter
    amount = max(books.least_bid_wei + nudge, 0) if books.phase == OPEN else 1
    now_s = bench.turn_to(0)
    bench.both(who, "startBuyout", partial(books.start, str(who), amount, now_s), value=amount)
    for bidder, more, when in bids:
        amount = max(books.least_bid_wei + more, 0) if books.phase != OVER else 1
        now_s = bench.turn_to(books.end_s + when)
        call = partial(books.bid, str(bidder), amount, now_s)
        bench.both(bidder, "bid", call, value=amount)
    for when in (0, 1):
        now_s = bench.turn_to(books.end_s + when)
        if bench.both(0, "settle", partial(books.settle, now_s)):
            bench.world.owner = int(books.bidder)


def finish(bench: Bench, order: list[int]) -> None:
    """Everybody takes what is theirs; the work leaves a vault without a buyout all the same."""
    books = bench.books
    for who in order:
        bench.both(who, "redeem", partial(books.redeem, str(who)))
        bench.both(who, "claimDividend", partial(books.claim, str(who)))
        bench.both(who, "withdraw", partial(books.withdraw, str(who)))
    compare(bench)
    if books.phase == OPEN:
        for who in range(5):
            take(bench, ("unvote", who))
        for who in range(1, 5):
            take(bench, ("transfer", who, 0, 100))
        take_out(bench, 0, 0)


def compare(bench: Bench) -> None:
    """Every number of the vault and of every holder, and its balance."""
    books, world = bench.books, bench.world
    of_vault = [
        "reserve", "phase", "lockedShares", "proceeds", "claimShares", "redeemed", "dividendsPaid",
        "dividendsClaimed", "totalSupply", "buyout",
    ]  # fmt: skip
    of_holder = ["balanceOf", "redemptionOf", "dividendOf", "refunds"]
    calls = [encode_call("Vault", name) for name in of_vault]
    calls += [
        encode_call("Vault", name, world.accounts[who]) for who in range(5) for name in of_holder
    ]
    expected = [
        books.reserve_wei, books.phase, sum(vote.shares for vote in books.votes.values()),
        books.proceeds_wei, books.claim_shares, books.redeemed_wei, books.paid_wei,
        sum(books.claimed.values()), sum(books.shares.values()),
        int(world.accounts[int(books.bidder)], 16) if books.bidder else 0, books.end_s,
        books.bid_wei,
    ]  # fmt: skip
    for holder in map(str, range(5)):
        expected += [
            books.shares[holder], books.redemption_wei(holder), books.dividend_wei(holder),
            books.refunds[holder],
        ]  # fmt: skip
    assert world.read(bench.vault, calls) == expected
    balance_wei = int(world.rpc.call("eth_getBalance", [bench.vault, "latest"]), 16)
    assert balance_wei == books.balance_wei
