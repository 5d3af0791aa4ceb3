"""Every protocol on logs that no honest contract would write: nothing raises, nothing is lost.

The logs of each fixture are mutated word by word. What cannot be a fact goes to quarantine; what
becomes a sale still balances.
"""

import json
import random
from decimal import Decimal

import polars as pl
import pytest

from data.schema import table
from indexer.companions import parse_traces, parse_transactions
from indexer.decode import settle_logs
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import Beside, ChainContext
from indexer.selection import Selection
from tests.emission.emit import FOLDER
from tests.indexer.samples import frame_of

FIXTURES = sorted(path.stem for path in FOLDER.glob("*.json"))
ROUNDS = 2
MANY_ROUNDS = 100
LARGE = (10**38 - 1, 9 * 10**37, 5 * 10**37)
WORDS = ("00" * 32, "ff" * 32, "00" * 31 + "20", "00" * 12 + "11" * 20, "80" + "00" * 31)


def recorded(name):
    """Selection, logs, and evidence beside them of a fixture."""
    told = json.loads((FOLDER / f"{name}.json").read_text())
    chain_id = told["chain_id"]
    selection = Selection(ChainContext(chain_id), tuple(PROTOCOLS.values()))
    logs = [log | {"removed": False} for each in told["receipts"] for log in each["logs"]]
    rows = frame_of(logs, chain_id)
    places = rows.select(
        "chain_id", "block_number", "block_hash", "block_time", "tx_hash", "tx_index"
    ).unique(maintain_order=True)
    by_hash = {each["hash"]: n for n, each in enumerate(told["transactions"])}
    order = [by_hash[each] for each in places["tx_hash"]]

    def raw(kind):
        return [json.dumps(told[kind][n]).encode() for n in order]

    transactions, _ = parse_transactions(raw("transactions"), places)
    contracts = set(rows["address"])
    beside = Beside(transactions, parse_traces(raw("traces"), places, contracts))
    return selection, logs, beside


def mutated(logs, rng):
    """The logs with words of a few of them replaced, cut off or added."""
    logs = [dict(log, topics=list(log["topics"])) for log in logs]
    for log in rng.sample(logs, min(len(logs), 4)):
        data = log["data"][2:]
        words = [data[at : at + 64] for at in range(0, len(data), 64)]
        act = rng.randrange(5)
        if act == 0 and words:
            words = words[:-1]
        elif act == 1:
            words.append("ee" * 32)
        elif act == 2 and len(log["topics"]) > 1:
            log["topics"][rng.randrange(1, len(log["topics"]))] = "0x" + rng.choice(WORDS)
        elif words:
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        log["data"] = "0x" + "".join(words)
    return logs


def settle(selection, logs, beside):
    return settle_logs(frame_of(logs, selection.context.chain_id), selection, beside)


def assert_books_hold(tables):
    """Residuals are 0 or NULL with a reason, and legs add up to the price wherever they are 0."""
    sales = tables.get("settled_sales", table("settled_sales").empty())
    legs = tables.get("sale_payments", table("sale_payments").empty())
    assert set(sales["residual_wei"].drop_nulls()) <= {Decimal(0)}
    unknown = sales.filter(pl.col("residual_wei").is_null())
    assert unknown["residual_reason"].null_count() == 0
    paid = (
        legs.filter(pl.col("recipient_class") != "refund")
        .group_by("sale_id")
        .agg(pl.col("amount_wei").cast(pl.Int128).sum().alias("paid"))
    )
    known = sales.filter(pl.col("residual_wei") == 0).join(paid, on="sale_id", how="left")
    price = pl.col("price_wei").cast(pl.Int128)
    assert known.filter(price != pl.col("paid").fill_null(0)).is_empty()
    assert set(legs["sale_id"]) <= set(sales["sale_id"])


def digest(tables):
    """Rows of every table as a set that does not depend on their order."""
    return {
        name: sorted(map(repr, frame.drop("batch", strict=False).rows()))
        for name, frame in tables.items()
        if not frame.is_empty()
    }


@pytest.mark.parametrize("name", FIXTURES)
def test_mutated_logs_are_facts_that_balance_or_quarantine(name):
    mutate(name, ROUNDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIXTURES)
def test_logs_mutated_many_times_are_facts_that_balance_or_quarantine(name):
    mutate(name, MANY_ROUNDS)


def mutate(name, rounds):
    """Settles the logs of a fixture with other words in each round."""
    selection, logs, beside = recorded(name)
    for seed in range(rounds):
        changed = mutated(logs, random.Random(seed))
        tables = settle(selection, changed, beside)
        assert_books_hold(tables)
        kept = tables["logs"].select("block_hash", "log_index")
        for frame_name in ("quarantine", "settled_sales", "transfers"):
            if frame_name in tables:
                # What was made of a log comes with the log.
                rows = tables[frame_name].select("block_hash", "log_index")
                assert rows.join(kept, on=["block_hash", "log_index"], how="anti").is_empty()


@pytest.mark.parametrize("name", FIXTURES)
def test_order_and_repetition_of_logs_change_nothing(name):
    selection, logs, beside = recorded(name)
    straight = digest(settle(selection, logs, beside))
    shuffled = logs + logs[::2]
    random.Random(7).shuffle(shuffled)
    frame = pl.concat([frame_of([log], selection.context.chain_id) for log in shuffled])
    assert digest(settle_logs(frame, selection, beside)) == straight


def swollen(logs, rng):
    """The logs with numbers in their data replaced by such as fit alone but not together."""
    share = rng.choice((0.3, 0.6, 1.0))

    def grown(word):
        is_number = len(word) == 64 and 32 < int(word, 16) < 10**30 and int(word, 16) % 32
        return f"{rng.choice(LARGE):064x}" if is_number and rng.random() < share else word

    datas = [log["data"][2:] for log in logs]
    words = [[grown(data[at : at + 64]) for at in range(0, len(data), 64)] for data in datas]
    return [dict(log, data="0x" + "".join(row)) for log, row in zip(logs, words, strict=True)]


@pytest.mark.parametrize("name", FIXTURES)
def test_amounts_that_cannot_be_added_up_neither_raise_nor_make_wrong_numbers(name):
    selection, logs, beside = recorded(name)
    rng = random.Random(name)
    for _ in range(2):
        assert_books_hold(settle(selection, swollen(logs, rng), beside))
