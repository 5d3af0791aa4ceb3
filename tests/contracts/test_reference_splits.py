"""The Python reference of splitting: right by itself, and the same as the contract on a chain."""

import itertools
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.abi import load
from contracts.calldata import encode_call, encode_deployment
from contracts.reference.splits import ALL_BPS, MAX_SEATS, Seat, SplitBooks, dust, parts
from contracts.rpc import Rpc
from contracts.signers import UnlockedSigner
from contracts.transactions import send

ETH = "0x" + "00" * 20
PAYEES = ["0x" + digit * 40 for digit in "abcd"]
SUPPLY = 2**127
UNITS = st.integers(0, 10**24) | st.integers(0, 20_001)


@st.composite
def shares(draw, most: int = MAX_SEATS) -> list[int]:
    """Positive parts of 10,000: the gaps between distinct cuts."""
    cuts = draw(st.sets(st.integers(1, ALL_BPS - 1), max_size=most - 1))
    edges = [0, *sorted(cuts), ALL_BPS]
    return [after - before for before, after in itertools.pairwise(edges)]


@given(shares(), st.lists(UNITS, max_size=8))
def test_each_place_is_owed_its_exact_share_rounded_down_whatever_the_order(bps, amounts):
    owed = [0] * len(bps)
    received = 0
    for amount in amounts:
        owed = [a + b for a, b in zip(owed, parts(received, amount, bps), strict=True)]
        received += amount
    exact = [Fraction(sum(amounts) * share, ALL_BPS) for share in bps]
    assert all(0 <= whole - got < 1 for whole, got in zip(exact, owed, strict=True))
    assert sum(owed) + dust(received, bps) == sum(amounts)
    assert dust(received, bps) < len(bps)


@pytest.mark.parametrize(
    "bps", [[], [9_999], [5_000, 5_001], [10_000, 0], [11_000, -1_000], [1] * 12 + [9_988]]
)
def test_shares_that_are_no_whole_of_positive_parts_are_refused(bps):
    books = SplitBooks("treasury", {1: "creator"})
    with pytest.raises(ValueError, match="positive parts of 10000"):
        books.set_split(1, [Seat("payee", share) for share in bps])
    books.set_split(1, [Seat("payee", ALL_BPS)])
    with pytest.raises(ValueError, match="set already"):
        books.set_split(1, [Seat("payee", ALL_BPS)])


def test_payments_for_tokens_that_were_never_minted_are_refused():
    with pytest.raises(KeyError):
        SplitBooks("treasury", {1: "creator"}).receive(2, ETH, 5)


@dataclass
class Bench:
    """A Splitter on the chain with its reference, driven by the same steps.

    `token` is an honest ERC-20: the shares of a vault, all of them the signer's.
    """

    rpc: Rpc
    signer: UnlockedSigner
    splitter: str
    token: str
    books: SplitBooks

    def steps(self, calls: list[tuple[bytes, int]]) -> None:
        """Sends many calls to the Splitter, one transaction each, and insists on all of them.

        The nonces are given: a node may work on the parts of a batch side by side.
        """
        asked = self.rpc.call("eth_getTransactionCount", [self.signer.address, "latest"])
        hashes = self.rpc.batch(
            [
                ("eth_sendTransaction", [{
                    "from": self.signer.address, "to": self.splitter, "gas": hex(2_000_000),
                    "data": "0x" + data.hex(), "value": hex(value_wei), "nonce": hex(nonce),
                }])
                for nonce, (data, value_wei) in enumerate(calls, int(asked, 16))
            ]
        )  # fmt: skip
        receipts = [None]
        while None in receipts:
            receipts = self.rpc.batch([("eth_getTransactionReceipt", [h]) for h in hashes])
        assert [receipt["status"] for receipt in receipts] == ["0x1"] * len(calls)

    def read(self, calls: list[bytes]) -> list[int]:
        """Reads one word per call."""
        asked = [
            ("eth_call", [{"to": self.splitter, "data": "0x" + data.hex()}, "latest"])
            for data in calls
        ]
        return [int(answer, 16) for answer in self.rpc.batch(asked)]


@pytest.fixture(scope="module")
def make_bench(local, addresses, accounts):
    """Makes a fresh Splitter with empty books; all of them share one ERC-20."""
    rpc, signer = Rpc(local.rpc_url), UnlockedSigner(accounts[3])
    rpc.call("anvil_setBalance", [signer.address, hex(2**128)])

    def create(name: str, types: list[str], values: list[object]) -> str:
        data = encode_deployment(load(name).bytecode, types, values)
        return send(rpc, signer, to=None, data=data, what=name)["contractAddress"].lower()

    token = create(
        "StudioShares",
        ["string", "string", "address", "uint256"],
        ["Shares", "SHR", signer.address, SUPPLY],
    )

    def make() -> Bench:
        splitter = create("Splitter", ["address", "address"], [addresses.artwork, PAYEES[3]])
        approval = encode_call("StudioShares", "approve", splitter, SUPPLY)
        send(rpc, signer, to=token, data=approval, what="approve")
        return Bench(rpc, signer, splitter, token, SplitBooks(PAYEES[3], {}))

    return make


payments = st.tuples(st.sampled_from(["pay", "pay token"]), st.integers(0, 1), UNITS)
moves = st.tuples(st.just("reassign"), st.integers(0, MAX_SEATS - 1), st.integers(0, 3))
releases = st.tuples(st.just("release"), st.integers(0, 3), st.booleans())
histories = st.lists(payments | payments | moves | releases, max_size=12)


@pytest.mark.chain
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(UNITS, max_size=2), bps=shares(), named=st.data(), history=histories)
def test_the_contract_owes_what_the_reference_says(
    make_bench, user, request_of, before, bps, named, history
):
    bench = make_bench()
    token_id = user(3).artwork.mint(request_of(bench.signer.address))
    bench.books.creators[token_id] = bench.signer.address
    seats = [Seat(named.draw(st.sampled_from(PAYEES)), share) for share in bps]
    calls = [pay(bench, token_id, amount) for amount in before]
    bench.books.set_split(token_id, seats)
    calls.append((encode_call("Splitter", "setSplit", token_id, [s.payee for s in seats], bps), 0))
    bench.steps(calls)
    for step in history:
        take(bench, token_id, step)
    compare(bench, token_id)


def pay(bench: Bench, token_id: int, amount: int) -> tuple[bytes, int]:
    bench.books.receive(token_id, ETH, amount)
    return encode_call("Splitter", "receiveRoyalty", token_id, 2), amount


def take(bench: Bench, token_id: int, step: tuple) -> None:
    """One step of a history, in the books and on the chain."""
    match step:
        case ("pay", attributed, amount):
            bench.steps([pay(bench, token_id * attributed, amount)])
        case ("pay token", attributed, amount):
            target = token_id * attributed
            bench.books.receive(target, bench.token, amount)
            data = encode_call("Splitter", "receiveRoyaltyToken", target, bench.token, amount, 2)
            bench.steps([(data, 0)])
        case ("release", who, in_token):
            currency = bench.token if in_token else ETH
            ids = [token_id, 0, token_id]
            if bench.books.release(ids, currency, PAYEES[who]):
                bench.steps([(encode_call("Splitter", "release", ids, currency, PAYEES[who]), 0)])
        case ("reassign", seat, who):
            hand_on(bench, token_id, seat, PAYEES[who])


def hand_on(bench: Bench, token_id: int, seat: int, payee: str) -> None:
    """Places are handed on by their payees: nobody's key is known, so the node plays them."""
    seats = bench.books.seats[token_id]
    seat %= len(seats)
    holder = seats[seat].payee
    bench.rpc.call("anvil_impersonateAccount", [holder])
    bench.rpc.call("anvil_setBalance", [holder, hex(10**18)])
    data = encode_call("Splitter", "reassign", token_id, seat, payee)
    send(bench.rpc, UnlockedSigner(holder), to=bench.splitter, data=data, what="reassign")
    bench.books.reassign(token_id, seat, payee)


def compare(bench: Bench, token_id: int) -> None:
    """Every balance of the token and of token 0, and what is held in all."""
    keys = [
        (token, currency, payee)
        for token in (0, token_id)
        for currency in (ETH, bench.token)
        for payee in (*PAYEES, bench.signer.address)
    ]
    totals = [(token, currency) for token in (0, token_id) for currency in (ETH, bench.token)]
    read = bench.read(
        [encode_call("Splitter", "releasable", *key) for key in keys]
        + [encode_call("Splitter", "dust", *key) for key in totals]
        + [encode_call("Splitter", "received", *key) for key in totals]
        + [encode_call("Splitter", "held", currency) for currency in (ETH, bench.token)]
    )
    books = bench.books
    assert read == (
        [books.releasable[key] for key in keys]
        + [books.dust(*key) for key in totals]
        + [books.received[key] for key in totals]
        + [books.held[currency] for currency in (ETH, bench.token)]
    )
    balance_wei = int(bench.rpc.call("eth_getBalance", [bench.splitter, "latest"]), 16)
    assert balance_wei == books.held[ETH]
