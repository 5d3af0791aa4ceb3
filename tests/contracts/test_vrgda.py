"""contracts/src/Vrgda.sol on anvil, against the reference in Python and against known prices."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from eth_abi import decode, encode
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import chain, compile
from contracts.errors import CompilerError
from contracts.reference.vrgda import DAY_S, VrgdaParams, price_wei, total_wei
from contracts.reference.wad import contract_price_wei
from contracts.rpc import Rpc
from contracts.signers import UnlockedSigner
from contracts.transactions import send

MAX_WEI = 2**96 - 1
MAX_MOMENT = 2**64 - 1
TOLERANCE = Decimal("1e-12")  # and one wei, because the contract rounds down to whole ones

USUAL = VrgdaParams(10**18, 1, MAX_WEI, 3 * 10**17, 2 * 10**18)
PARAMS = "(uint96,uint96,uint64,uint96,uint96)"

Moment = tuple[int, int]
Quote = Callable[[VrgdaParams, Sequence[Moment]], tuple[int, ...]]


@pytest.fixture(scope="session")
def harness(local: chain.LocalChain, tmp_path_factory: pytest.TempPathFactory) -> tuple[Rpc, str]:
    """The library behind a contract that exposes it, compiled from source and deployed."""
    folder = tmp_path_factory.mktemp("vrgda")
    (folder / "src").mkdir()
    for source in ("src/Vrgda.sol", "test/VrgdaHarness.sol"):
        text = (compile.FOLDER / source).read_text(encoding="utf-8")
        (folder / "src" / Path(source).name).write_text(text, encoding="utf-8")
    for shared in ("foundry.toml", "solc-wrap"):
        (folder / shared).write_bytes((compile.FOLDER / shared).read_bytes())
    (folder / "node_modules").symlink_to(compile.FOLDER / "node_modules")
    try:
        artifact = json.loads(compile.compile_sources(folder)["VrgdaHarness"])
    except CompilerError as missing:
        if "missing" not in str(missing):
            raise
        pytest.skip(str(missing))
    rpc = Rpc(local.rpc_url)
    sender = rpc.call("eth_accounts")[0]
    code = bytes.fromhex(artifact["bytecode"].removeprefix("0x"))
    receipt = send(rpc, UnlockedSigner(sender), to=None, data=code, what="VrgdaHarness")
    return rpc, receipt["contractAddress"]


@pytest.fixture(scope="session")
def quote(harness: tuple[Rpc, str]) -> Quote:
    """Asks the contract for the prices of many moments in one call."""

    def ask(params: VrgdaParams, moments: Sequence[Moment]) -> tuple[int, ...]:
        sold, elapsed = zip(*moments, strict=True)
        answer = _call(harness, "prices", "uint64[],uint64[]", params, list(sold), list(elapsed))
        return decode(["uint256[]"], answer)[0]

    return ask


def _call(harness: tuple[Rpc, str], name: str, rest: str, params: VrgdaParams, *values) -> bytes:
    rpc, address = harness
    selector = keccak(text=f"{name}({PARAMS},{rest})")[:4]
    packed = (
        params.start_wei, params.floor_wei, params.decay_wad, params.cap_wei, params.rate_wad,
    )  # fmt: skip
    data = selector + encode([PARAMS, *rest.split(",")], [packed, *values])
    return bytes.fromhex(
        rpc.call("eth_call", [{"to": address, "data": "0x" + data.hex()}, "latest"])[2:]
    )


def _magnitudes(low: int, high: int) -> st.SearchStrategy[int]:
    """Whole numbers, every magnitude as likely as every other."""
    bits = st.integers(low.bit_length(), high.bit_length())
    return bits.flatmap(
        lambda n: st.integers(max(low, 2 ** (n - 1) if n else 0), min(high, 2**n - 1))
    )


MOMENTS = st.lists(
    st.tuples(_magnitudes(0, MAX_MOMENT), _magnitudes(0, MAX_MOMENT))
    | st.tuples(st.integers(0, 64), st.integers(0, 90 * DAY_S)),
    min_size=1,
    max_size=20,
)


@st.composite
def parameters(draw: st.DrawFn) -> VrgdaParams:
    """Any parameters that `requireValid` accepts."""
    start = draw(_magnitudes(1, MAX_WEI))
    floor = draw(st.one_of(st.just(1), _magnitudes(1, start)))
    cap = draw(st.one_of(st.just(MAX_WEI), st.integers(start, MAX_WEI)))
    decay = draw(
        st.one_of(_magnitudes(10**15, 99 * 10**16), st.sampled_from([10**15, 99 * 10**16]))
    )
    return VrgdaParams(start, floor, cap, decay, draw(_magnitudes(10**12, 10**24)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[VrgdaParams, list[Moment]]:
    """Parameters and moments: most near the schedule, some anywhere."""
    params = draw(parameters())
    reach_days = float(Decimal(70) / -(1 - Decimal(params.decay_wad) / 10**18).ln())
    moments: list[Moment] = []
    for _ in range(12):
        elapsed = draw(_magnitudes(0, MAX_MOMENT))
        if draw(st.integers(0, 5)) == 0:
            moments.append((draw(_magnitudes(0, MAX_MOMENT)), elapsed))
            continue
        ahead_days = draw(st.floats(-reach_days, reach_days))
        due = int((elapsed / DAY_S + ahead_days) * params.rate_wad / 10**18)
        if due < 0:
            moments.append((0, int(-ahead_days * DAY_S) if ahead_days < 0 else 0))
        else:
            moments.append((min(due, MAX_MOMENT), elapsed))
    return params, moments


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_contract_and_reference_agree_to_a_wei_and_one_part_in_a_trillion(
    quote: Quote, case: tuple[VrgdaParams, list[Moment]]
) -> None:
    params, moments = case
    for moment, price in zip(moments, quote(params, moments), strict=True):
        wanted = price_wei(params, *moment)
        assert abs(price - wanted) <= 1 + wanted * TOLERANCE, (params, moment)
        assert params.floor_wei <= price <= params.cap_wei


@settings(max_examples=40, deadline=None)
@given(params=parameters(), moment=_magnitudes(0, 10**8), step=_magnitudes(0, MAX_MOMENT - 10**8))
def test_price_falls_with_time_and_climbs_with_sales(
    quote: Quote, params: VrgdaParams, moment: int, step: int
) -> None:
    now, later, more = quote(params, [(moment, moment), (moment, moment + step),
                                      (moment + step, moment)])  # fmt: skip
    assert later <= now <= more


@pytest.mark.parametrize("start", [1, 7, 10**18, MAX_WEI])
def test_on_schedule_the_start_price_is_exact_in_both(quote: Quote, start: int) -> None:
    params = VrgdaParams(start, 1, MAX_WEI, 3 * 10**17, 2 * 10**18)
    moments = [(0, 0), (2, DAY_S), (14, 7 * DAY_S)]
    assert quote(params, moments) == (start, start, start)
    assert {round(price_wei(params, *moment)) for moment in moments} == {start}


def test_corners_of_all_arguments_are_answered(quote: Quote) -> None:
    ends = [0, 1, DAY_S, 2**63, MAX_MOMENT]
    moments = [(sold, elapsed) for sold in ends for elapsed in ends]
    for start in (1, MAX_WEI):
        for decay in (10**15, 99 * 10**16):
            for rate in (10**12, 10**24):
                params = VrgdaParams(start, 1, MAX_WEI, decay, rate)
                for moment, price in zip(moments, quote(params, moments), strict=True):
                    wanted = price_wei(params, *moment)
                    assert abs(price - wanted) <= 1 + wanted * TOLERANCE, (params, moment)


def test_many_cost_the_sum_of_each(harness: tuple[Rpc, str]) -> None:
    answer = _call(harness, "priceOfMany", "uint64,uint64,uint64", USUAL, 3, DAY_S, 20)
    got = int.from_bytes(answer, "big")
    assert abs(got - total_wei(USUAL, 3, DAY_S, 20)) <= 20 + got * TOLERANCE
    assert total_wei(USUAL, 3, DAY_S, 0) == 0


# The reference itself: what can be checked with pencil and paper.


@pytest.mark.parametrize(
    ("sold", "elapsed_s", "eth"),
    [
        (0, 0, Fraction(1)),
        (0, DAY_S, Fraction(7, 10)),
        (0, 3 * DAY_S, Fraction(343, 1_000)),
        (2, 0, Fraction(10, 7)),
        (8, DAY_S, Fraction(1_000, 343)),
    ],
)
def test_reference_knows_whole_days(sold: int, elapsed_s: int, eth: Fraction) -> None:
    off = Fraction(price_wei(USUAL, sold, elapsed_s)) / (eth * 10**18) - 1
    assert abs(off) < Fraction(1, 10**40)


def test_reference_keeps_within_floor_and_cap() -> None:
    narrow = VrgdaParams(10**18, 5 * 10**17, 2 * 10**18, 3 * 10**17, 2 * 10**18)
    assert price_wei(narrow, 0, 2 * DAY_S) == 5 * 10**17  # 0.49
    assert price_wei(narrow, 4, 0) == 2 * 10**18  # 2.04
    assert price_wei(narrow, 0, MAX_MOMENT) == 5 * 10**17
    assert price_wei(narrow, MAX_MOMENT, 0) == 2 * 10**18


@pytest.mark.chain
@settings(max_examples=60)
@given(p=st.deferred(parameters), moments=MOMENTS)
def test_books_know_the_contracts_price_to_the_last_wei(quote: Quote, p, moments):
    exact = [contract_price_wei(p, sold, elapsed_s) for sold, elapsed_s in moments]
    assert list(quote(p, moments)) == exact
