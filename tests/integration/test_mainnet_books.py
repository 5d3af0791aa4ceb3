"""The books of every recorded transaction, against what others say of the same transactions."""

import json
import re
from collections import Counter, defaultdict
from functools import cache

import polars as pl
import pytest

from data.units import NATIVE, ZERO_ADDRESS
from tests.indexer.protocols.evidence import mainnet, settle_real
from tests.paths import MAINNET, needs_mainnet
from tests.recording import quantity

pytestmark = [needs_mainnet, pytest.mark.timeout(240)]


@cache
def books(*, with_traces: bool):
    """Facts of every recorded transaction of Ethereum."""
    hashes = [h for h, logs in mainnet().logs.items() if logs[0]["chainId"] == 1]
    return settle_real(*sorted(hashes), with_traces=with_traces)


def sales(*, with_traces=True):
    return books(with_traces=with_traces)["settled_sales"]


# -- balance


def test_no_sale_has_a_residual_and_open_ones_say_why():
    whole = sales()
    assert whole["residual_wei"].drop_nulls().to_list() == [0] * whole["residual_wei"].count()
    open_ones = whole.filter(pl.col("residual_wei").is_null())
    assert open_ones["residual_reason"].null_count() == 0
    shares = (
        whole.group_by("protocol", "version")
        .agg(pl.len(), pl.col("residual_wei").is_null().sum().alias("open"))
        .sort("protocol", "version")
    )
    print("\nsales without a residual:")
    for row in shares.rows(named=True):
        share = row["open"] / row["len"]
        print(f"  {row['protocol']} {row['version']}: {row['open']} of {row['len']} ({share:.1%})")


def test_legs_of_every_sale_add_up_to_its_price():
    tables = books(with_traces=True)
    paid = (
        tables["sale_payments"]
        .filter(pl.col("recipient_class") != "refund")
        .group_by("sale_id", "currency")
        .agg(pl.col("amount_wei").cast(pl.Int128).sum().alias("paid"))
    )
    balanced = tables["settled_sales"].filter(pl.col("residual_wei") == 0)
    both = balanced.join(paid, on=["sale_id", "currency"], how="left")
    price = pl.col("price_wei").cast(pl.Int128)
    assert both.filter(price != pl.col("paid").fill_null(0)).is_empty()


# -- call traces


def traced_payments(contract, tx_hash):
    """Native coin that a contract sent on in a transaction, by recipient."""
    sums = Counter()
    for row in mainnet().traces[tx_hash]:
        if row["from_address"] == contract and row["error"] is None and row["value_wei"] != "0":
            sums[row["to_address"]] += int(row["value_wei"])
    return sums


NOT_COMPARED = {
    # protocol and version: why legs are not compared by recipient
    ("looksrare", "2"): "the event does not name who collects the protocol fee",
    ("cryptopunks", "1"): "the contract credits sellers, who withdraw in another transaction",
}
BESIDE_SALES = {
    # transaction: what the marketplace sent besides the legs of its sales
    "0x1fe44740bb93dcc6ca914397f8e190485ebb765779e35c52c59125fd31566c15": (
        "Seaport sent the caller back what an order that could not be filled would have cost",
        {"0x2fa3a9848186642b257401c8b1b79770ba46ac50": 13_000_000_000_000_000},
    ),
}


def test_legs_of_native_sales_equal_the_money_that_the_marketplace_sent():
    tables = books(with_traces=False)
    emitters = {
        (log["transactionHash"], quantity(log["logIndex"])): log["address"].lower()
        for logs in mainnet().logs.values()
        for log in logs
    }
    legs = tables["sale_payments"].filter(
        pl.col("currency") == NATIVE, ~pl.col("source").is_in(["trace", "computed"])
    )
    heads = tables["settled_sales"].select("sale_id", "protocol", "version", "residual_wei")
    told = defaultdict(Counter)
    kinds = {}
    for row in legs.join(heads, on="sale_id").rows(named=True):
        if row["tx_hash"] not in mainnet().traces or row["residual_wei"] is None:
            continue
        place = (row["tx_hash"], emitters[row["tx_hash"], row["log_index"]])
        kinds[place] = (row["protocol"], row["version"])
        told[place][row["recipient"]] += int(row["amount_wei"])
    agreeing, differing = Counter(), {}
    for (tx_hash, contract), sums in told.items():
        kind = kinds[tx_hash, contract]
        _, besides = BESIDE_SALES.get(tx_hash, ("", {}))
        if sums + Counter(besides) == traced_payments(contract, tx_hash):
            agreeing[kind] += 1
        elif kind not in NOT_COMPARED:
            differing[tx_hash, *kind] = (dict(sums), dict(traced_payments(contract, tx_hash)))
    print("\ntransactions whose legs equal the call traces:", dict(agreeing))
    assert sum(agreeing.values()) >= 100
    assert differing == {}


# -- RSS3

SELLER_GOT = "the published cost is what the seller got, not what the buyer paid"
WITHOUT_OWN_LEG = "the published cost leaves out a leg that went back to the buyer"
OTHER_COSTS = {
    # (transaction, token): why, and the price that the buyer paid
    ("0x3d02d4b9d163b0bbe9b2212a699eeeed2c3fc8f7bce870d0952a5f5e351407c7", "59"): (
        WITHOUT_OWN_LEG,
        999_900_000_000_000 + 100_000_000_000,
    )
}


def collectible_trades():
    lines = (MAINNET / "expected_actions_rss3.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["type"] == "CollectibleTrade"]


def sale_of(tx_hash, collection, token_id):
    found = sales().filter(
        pl.col("tx_hash") == tx_hash,
        pl.col("collection") == collection,
        pl.col("token_id") == token_id,
    )
    return found.row(0, named=True) if found.height == 1 else None


def test_trades_that_rss3_decoded_are_sales_with_the_same_token_and_price():
    counts, missing = Counter(), []
    for trade in collectible_trades():
        token, cost = trade["token"], int(trade["cost"]["value"])
        place = (trade["transactionHash"], token["id"])
        sale = sale_of(trade["transactionHash"], token["address"], token["id"])
        if sale is None:
            missing.append(trade["case"])
        elif cost == sale["price_wei"]:
            counts["price"] += 1
        elif cost == sale["proceeds_wei"]:
            counts[SELLER_GOT] += 1
        elif place in OTHER_COSTS and OTHER_COSTS[place][1] == sale["price_wei"]:
            counts[OTHER_COSTS[place][0]] += 1
        else:
            missing.append((trade["case"], cost, sale["price_wei"], sale["proceeds_wei"]))
    print("\nRSS3 trades:", dict(counts))
    assert missing == []
    assert counts == {"price": 5, SELLER_GOT: 2, WITHOUT_OWN_LEG: 1}


def test_tokens_that_rss3_saw_moved_minted_or_burned_are_transfers_of_that_kind():
    lines = (MAINNET / "expected_actions_rss3.jsonl").read_text().splitlines()
    kinds = {
        "CollectibleMint": "mint",
        "CollectibleBurn": "burn",
        "CollectibleTransfer": "transfer",
    }
    wanted = [row for row in map(json.loads, lines) if row["type"] in kinds]
    transfers = books(with_traces=True)["transfers"]
    for row in wanted:
        found = transfers.filter(
            pl.col("tx_hash") == row["transactionHash"],
            pl.col("collection") == row["token"]["address"],
            pl.col("token_id") == row["token"]["id"],
        )
        ends = found.select("kind", "from_address", "to_address").rows()
        told = (row["from"] or ZERO_ADDRESS, row["to"] or ZERO_ADDRESS)
        kind = kinds[row["type"]]
        if kind == "transfer" and row["from"] is None:
            # The published action names no sender although the token was transferred, not minted.
            assert ("transfer", told[1]) in [(each[0], each[2]) for each in ends]
        else:
            assert (kind, *told) in ends
    assert len(wanted) == 3


# -- Once Upon

MINTS = {
    # transaction: (collection, receiver, tokens, units)
    "0x45d1f92db8f70f31dedd93ac9f180e681fda7267fa9ad024e92bcf008e66ed7b": (
        "0xf4dd946d1406e215a87029db56c69e1bcf3e1773",
        "0x74b78e98093f5b522a7ebdac3b994641ca7c2b20",
        ["1"],
    ),
    "0x02e09181c7d248a9bf3addccab8d16221dba91680167cc3c4b29df27e3fb551e": (
        "0x251c3246642dbcc5473ae8700a14a11522a4302c",
        "0x74b78e98093f5b522a7ebdac3b994641ca7c2b20",
        [str(number) for number in range(105, 115)],
    ),
    "0x35f5d3995c93f6252fcb7b943bdf72e69a522eaf887a8f132092765bcac44999": (
        "0x13303b4ee819fac204be5ef77523cfcd558c082f",
        "0xb8edb17cd08dd854dee002f898b4f7cb3763ce75",
        ["4070"],
    ),
}
PURCHASE = "0xc6c9abe556cd474722697df4f923a9a5519a40ae2e7b320c38869e2d54f225c0"
REWARDED_MINT = "0x837a59f76c94a9493e1730d58a3c97eb5cab8e16984e033d89e6a4daa6939a69"


_SENTENCE = re.compile(r"0x[0-9a-f]{40} (?:MINTED|BOUGHT) ")


def sentence(tx_hash):
    """What Once Upon says of a transaction: who, verb, and the rest."""
    lines = (MAINNET / "expected_summaries_onceupon.jsonl").read_text().splitlines()
    said = [row["expected"] for row in map(json.loads, lines) if row["tx_hash"] == tx_hash]
    (text,) = {each for each in said if isinstance(each, str) and _SENTENCE.match(each)}
    return text


@pytest.mark.parametrize("tx_hash", MINTS)
def test_mints_that_once_upon_tells_are_mints_of_the_same_tokens_to_the_same_wallet(tx_hash):
    collection, receiver, tokens = MINTS[tx_hash]
    who, verb, rest = sentence(tx_hash).split(" ", 2)
    mints = books(with_traces=True)["transfers"].filter(
        pl.col("tx_hash") == tx_hash, pl.col("kind") == "mint"
    )
    assert (who, verb) == (receiver, "MINTED")
    assert collection in rest
    assert mints["collection"].unique().to_list() == [collection]
    assert mints["to_address"].unique().to_list() == [receiver]
    assert mints["token_id"].to_list() == tokens
    assert rest.startswith((f"{len(tokens)} x ", f"{len(tokens)} 0x", "0x"))


def test_purchase_that_once_upon_tells_is_a_sale_without_the_fee_of_the_buyers_own_app():
    text = sentence(PURCHASE)
    (sale,) = settle_real(PURCHASE)["settled_sales"].rows(named=True)
    assert text == (
        f"{sale['buyer']} BOUGHT {sale['quantity']} {sale['collection']} #{sale['token_id']}"
        f" for 0.00824 ETH from {sale['seller']}"
    )
    # 3 % more left the buyer's wallet for the app that sent the order; Seaport never saw it.
    assert int(sale["price_wei"]) * 103 == 8_240_000_000_000_000 * 100
    assert sale["residual_wei"] == 0


def test_mint_that_once_upon_tells_costs_the_same_and_pays_the_named_reward():
    text = sentence(REWARDED_MINT)
    tables = settle_real(REWARDED_MINT)
    (sale,) = tables["settled_sales"].rows(named=True)
    assert f"MINTED 1 {sale['collection']} #{sale['token_id']} to {sale['buyer']}" in text
    assert "for 0.000777 ETH with 0.000111 ETH in rewards for" in text
    assert int(sale["price_wei"]) == 777_000_000_000_000
    legs = tables["sale_payments"].select("recipient", "amount_wei").rows()
    assert (text.rsplit(" ", 1)[1], 111_000_000_000_000) in [(to, int(n)) for to, n in legs]


SETTLED_AUCTION = "0x354a91fa5ebc9dc887c8ced50068d58be107b4e8a15c40ddab74885e8ba5ea2d"


def test_auction_that_once_upon_takes_for_one_of_nouns_is_settled_there():
    lines = (MAINNET / "expected_summaries_onceupon.jsonl").read_text().splitlines()
    told = [row for row in map(json.loads, lines) if row["tx_hash"] == SETTLED_AUCTION]
    assert ("match", "true") in [(row["assertion"], row["expected"]) for row in told]
    rows = books(with_traces=True)["auctions"].filter(
        pl.col("tx_hash") == SETTLED_AUCTION, pl.col("event") == "settled"
    )
    assert rows.select("protocol", "token_id").rows() == [("nouns", "938")]


def test_six_transactions_were_chosen_from_once_upon():
    chosen = [*MINTS, PURCHASE, REWARDED_MINT, SETTLED_AUCTION]
    assert len(set(chosen)) == 6
