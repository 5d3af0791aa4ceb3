"""A small hand-made market with every kind of row the dashboard draws.

60 days on the local chain: eight styles, eight artists, about 300 sales of which some are flagged,
one vault, forecasts, a brief and its works. It is drawn from a seeded generator, so that figures
can be recomputed from the same frames by other means.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
from PIL import Image, ImageDraw

from data.ids import sale_id
from data.store import Store
from data.styles import style_names

CHAIN = 31_337
START = datetime(2026, 3, 2)
DAYS = 60
ARTWORK = "0x" + "a7" * 20
MARKET = "0x" + "3c" * 20
NATIVE = "0x" + "00" * 20
HOSTILE_NAME = "<b>Bold</b> =SUM(A1)"
"""Foreign text as somebody would mint it, to see that it stays text."""
USD_PER_ETH = 2_500.0


def hex_word(seed: str, size: int = 32) -> str:
    return "0x" + random.Random(seed).randbytes(size).hex()


def wallet(name: str) -> str:
    return hex_word(name, 20)


@dataclass
class Market:
    """Rows by table, as they are drawn."""

    rng: random.Random
    rows: dict[str, list[dict]] = field(default_factory=dict)
    block: int = 100

    def add(self, table: str, **row: object) -> dict:
        self.rows.setdefault(table, []).append(row)
        return row

    def place(self, time: datetime, log_index: int = 0) -> dict:
        self.block += 1
        return {
            "chain_id": CHAIN,
            "block_number": self.block,
            "block_hash": hex_word(f"block {self.block}"),
            "block_time": time,
            "tx_hash": hex_word(f"tx {self.block}"),
            "tx_index": 0,
            "log_index": log_index,
            "item_index": 0,
        }

    def frame(self, table: str) -> pl.DataFrame:
        return pl.DataFrame(self.rows[table], infer_schema_length=None)


@dataclass
class Work:
    token_id: str
    style: str
    artist: str
    owner: str
    minted_at: datetime
    sales: int = 0


def mint(market: Market, number: int, style: str, artist: str, time: datetime) -> Work:
    place = market.place(time)
    token = {"collection": ARTWORK, "token_id": str(number)}
    manifest = hex_word(f"manifest {number}")
    pixels = hex_word(f"pixels {number}")
    market.add("transfers", **place, **token, kind="mint", token_standard="erc721",
               from_address=NATIVE, to_address=artist, quantity="1")  # fmt: skip
    market.add("provenance_events", **{**place, "log_index": 1}, **token, protocol="raisonne",
               version="1", event="minted", account=artist, manifest=manifest, pixel_hash=pixels,
               model=hex_word("model"), dataset=hex_word("dataset"), process=hex_word("process"),
               seed=str(number), uri="data:application/json,{}")  # fmt: skip
    market.add("royalty_events", **{**place, "log_index": 2}, **token, protocol="raisonne",
               version="1", recipient=artist, bps=750)  # fmt: skip
    name = HOSTILE_NAME if number == 1 else f"{style.capitalize()} no. {number}"
    market.add("tokens", chain_id=CHAIN, **token, token_standard="erc721", creator=artist,
               minted_at=time, owner=artist, is_burned=False, name=name, style=style,
               manifest=manifest, pixel_hash=pixels)  # fmt: skip
    return Work(str(number), style, artist, artist, time)


def sell(market: Market, work: Work, buyer: str, price_eth: float, time: datetime) -> dict:
    place = market.place(time, log_index=3)
    price = round(price_eth * 10**6) * 10**12
    fee, royalty = price * 25 // 1_000, price * 75 // 1_000 if work.sales else 0
    identity = sale_id(CHAIN, place["block_hash"], 3)
    token = {"collection": ARTWORK, "token_id": work.token_id}
    row = market.add(
        "sales", **place, sale_id=identity, bundle_size=1, marketplace="raisonne",
        protocol="raisonne", version="1", trade_kind="listing", **token, token_standard="erc721",
        quantity="1", seller=work.owner, buyer=buyer, maker=work.owner, taker=buyer,
        currency=NATIVE, price_wei=price, proceeds_wei=price - fee - royalty,
        platform_fee_wei=fee, royalty_wei=royalty, other_wei=0, residual_wei=0,
        confidence="decoded", is_primary=work.sales == 0, price_eth=price / 1e18,
        price_usd=price / 1e18 * USD_PER_ETH, price_source="feed", price_age_s=60,
    )  # fmt: skip
    market.add("transfers", **{**place, "log_index": 2}, **token, kind="transfer",
               token_standard="erc721", from_address=work.owner, to_address=buyer,
               quantity="1")  # fmt: skip
    work.owner, work.sales = buyer, work.sales + 1
    return row


def flag(market: Market, row: dict, rules: tuple[str, ...], counters: str = "") -> None:
    market.add(
        "wash_flags", chain_id=CHAIN, sale_id=row["sale_id"],
        same_buyer_seller="same_buyer_seller" in rules, back_and_forth="back_and_forth" in rules,
        bought_or_sold_3x="bought_or_sold_3x" in rules,
        first_funded_by_same_wallet="first_funded_by_same_wallet" in rules, flashloan=None,
        is_wash=bool(rules), rules=",".join(rules), counter_sale_ids=counters, mode="full",
        run_id="analyze-1",
    )  # fmt: skip


def trade(market: Market) -> list[Work]:
    """Sixty days of mints and sales; two wash pairs trade back and forth."""
    rng = market.rng
    styles = style_names()
    artists = {style: wallet(f"artist {style}") for style in styles}
    collectors = [wallet(f"collector {number}") for number in range(40)]
    works: list[Work] = []
    for day in range(DAYS):
        for _ in range(rng.choice((1, 2, 2, 3))):
            style = styles[min(int(rng.expovariate(0.45)), 7)]
            time = START + timedelta(days=day, hours=rng.uniform(0, 8))
            works.append(mint(market, len(works) + 1, style, artists[style], time))
        for _ in range(rng.choice((3, 4, 5, 6))):
            work = rng.choice(works[-60:])
            buyer = rng.choice([c for c in collectors if c != work.owner])
            level = 0.08 * (1 + styles.index(work.style) / 3) * 1.012**day
            time = START + timedelta(days=day, hours=rng.uniform(9, 16))
            row = sell(market, work, buyer, level * rng.lognormvariate(0, 0.45), time)
            flag(market, row, ())
        if day % 5 == 2:
            _wash_pair(market, works[day], START + timedelta(days=day, hours=20))
    return works


def _wash_pair(market: Market, work: Work, time: datetime) -> None:
    one, other = wallet("ring a"), wallet("ring b")
    first = sell(market, work, one, 3.0, time)
    second = sell(market, work, other, 3.2, time + timedelta(minutes=5))
    third = sell(market, work, one, 3.4, time + timedelta(minutes=9))
    flag(market, first, ())
    flag(market, second, ("back_and_forth",), third["sale_id"])
    flag(market, third, ("back_and_forth", "first_funded_by_same_wallet"), second["sale_id"])


def fraction(market: Market, work: Work) -> None:
    """The work goes into a vault two days before the end."""
    place = market.place(START + timedelta(days=DAYS - 2))
    vault = wallet("vault")
    token = {"collection": ARTWORK, "token_id": work.token_id}
    market.add("vault_events", **place, protocol="raisonne", version="1", event="opened",
               vault=vault, **token, account=work.owner, shares="1000000",
               amount_wei=10**16)  # fmt: skip
    market.add(
        "vaults",
        chain_id=CHAIN,
        vault=vault,
        **token,
        curator=work.owner,
        supply="1000000",
        royalty_wei=10**16,
        opened_at=place["block_time"],
        state="open",
    )
    market.add(
        "transfers",
        **{**place, "log_index": 1},
        **token,
        kind="transfer",
        token_standard="erc721",
        from_address=work.owner,
        to_address=vault,
        quantity="1",
    )
    market.add("lineage_edges", **{**place, "log_index": 2}, protocol="raisonne", version="1",
               **token, ordinal=0, parent_collection=ARTWORK, parent_token_id="1", relation=1,
               share_bps=500)  # fmt: skip


def state(market: Market) -> None:
    """Ranges with one gap, blocks, runs, labels, a quarantined log."""
    end = START + timedelta(days=DAYS)
    last = market.block
    for start, stop in ((0, 200), (200, 400), (420, last + 1)):
        market.add("ranges", chain_id=CHAIN, selection=hex_word("selection"), from_block=start,
                   to_block=stop, tip_hash=hex_word(f"block {stop - 1}"), n_logs=300, n_requests=2,
                   n_bytes=90_000, elapsed_ms=12.5, endpoint="http://127.0.0.1:8545",
                   verified_by="header", committed_at=end, run_id="index-1")  # fmt: skip
    market.add(
        "blocks",
        chain_id=CHAIN,
        block_number=last,
        block_hash=hex_word(f"block {last}"),
        block_time=end,
        parent_hash=hex_word(f"block {last - 1}"),
        logs_bloom=b"",
    )
    for number, verb in enumerate(("index", "analyze", "forecast", "brief", "generate")):
        finished = end + timedelta(minutes=number)
        market.add(
            "runs",
            run_id=f"{verb}-1",
            verb=verb,
            code_version="0.1.0",
            started_at=finished - timedelta(seconds=20),
            finished_at=finished,
            details="{}",
        )
    market.add("labels", chain_id=CHAIN, address=MARKET, label="marketplace",
               name="Raisonné Market", source="addresses.toml")  # fmt: skip
    market.add(
        "quarantine",
        **market.place(end),
        address=ARTWORK,
        topics="0x00",
        data=b"\x01",
        protocol="erc721",
        version="1",
        event="Transfer",
        reason="topic is no address",
    )


def signals(market: Market) -> None:
    """Floors, styles, weekly sales and forecasts in keeping with the drawn sales."""
    clean_ids = {row["sale_id"] for row in market.rows["wash_flags"] if not row["is_wash"]}
    style_of = {row["token_id"]: row["style"] for row in market.rows["tokens"]}
    sales = [{**row, "style": style_of[row["token_id"]]} for row in market.rows["sales"]]
    clean = [row for row in sales if row["sale_id"] in clean_ids]
    for day in range(7, DAYS):
        end = START + timedelta(days=day)
        prices = sorted(r["price_eth"] for r in clean if r["block_time"] <= end)[-150:]
        market.add(
            "floors",
            chain_id=CHAIN,
            scope="market",
            scope_id="all",
            day=end.date(),
            window_days=30,
            realised_floor_eth=prices[len(prices) // 20],
            median_eth=prices[len(prices) // 2],
            n_sales=len(prices),
            run_id="analyze-1",
        )
    _royalties(market, sales)
    for style in style_names():
        _style_signals(market, style, [r for r in sales if r["style"] == style], clean_ids)


def _royalties(market: Market, sales: list[dict]) -> None:
    """By month of the market, and one of a venue whose terms nobody knows."""
    for month in sorted({row["block_time"].date().replace(day=1) for row in sales}):
        mine = [row for row in sales if row["block_time"].date().replace(day=1) == month]
        volume, paid = (sum(row[name] for row in mine) for name in ("price_wei", "royalty_wei"))
        own = {"marketplace": "raisonne", "sales_with_known_terms": len(mine), "owed_wei": paid,
               "volume_with_known_terms_wei": volume, "gap_wei": 0,
               "owed_rate": paid / volume}  # fmt: skip
        other = {**dict.fromkeys(own), "marketplace": "elsewhere", "sales_with_known_terms": 0}
        for venue in (own, other):
            market.add("royalty_rates", chain_id=CHAIN, month=month, currency=NATIVE,
                       sales=len(mine), sales_with_known_payment=len(mine), volume_wei=volume,
                       volume_with_known_payment_wei=volume, paid_wei=paid,
                       effective_rate=paid / volume, rows_in_other_currency=0, **venue,
                       run_id="analyze-1")  # fmt: skip


def _style_signals(market: Market, style: str, sales: list[dict], clean_ids: set[str]) -> None:
    clean = [row for row in sales if row["sale_id"] in clean_ids]
    prices = sorted(row["price_eth"] for row in clean) or [0.1]
    buyers = {row["buyer"] for row in clean}
    works = sum(row["style"] == style for row in market.rows["tokens"])
    market.add(
        "styles", chain_id=CHAIN, style=style, works=works, listed=works,
        sold=len({row["token_id"] for row in sales}), sell_through=0.3 + 0.05 * len(style),
        clean_sales=len(clean), clean_volume_eth=sum(prices),
        flagged_volume_eth=sum(r["price_eth"] for r in sales if r["sale_id"] not in clean_ids),
        median_price_eth=prices[len(prices) // 2], buyers=len(buyers),
        breadth=len(buyers) / max(len(clean), 1), buyer_hhi=900.0, momentum=0.9 + len(style) / 20,
        run_id="analyze-1",
    )  # fmt: skip
    history = []
    for week in range(9):
        monday = START + timedelta(weeks=week)
        mine = [r for r in clean if monday <= r["block_time"] < monday + timedelta(weeks=1)]
        wei = sum(row["price_wei"] for row in mine)
        median = sorted(r["price_eth"] for r in mine)[len(mine) // 2] if mine else None
        history.append(len(mine))
        market.add("style_sales", chain_id=CHAIN, style=style, week=monday.date(),
                   is_complete=week < 8, sales=len(mine), clean_sales=len(mine), volume_wei=wei,
                   clean_volume_wei=wei, median_price_eth=median, buyers=len(mine), mints=3,
                   run_id="analyze-1")  # fmt: skip
    _forecast(market, style, "clean_sales", sum(history[-4:]) / 4 + 0.5, beats=style != "mosaic")
    _forecast(market, style, "median_price_eth", prices[len(prices) // 2], beats=True)


def _forecast(market: Market, style: str, target: str, level: float, *, beats: bool) -> None:
    series = f"{style}/{target}"
    for step in range(8):
        spread = 1.15 ** (1 + step / 3)
        bands = {
            f"{side}_{width}": level * spread ** (sign * width / 40)
            for width in (50, 80, 95)
            for side, sign in (("lo", -1), ("hi", 1))
        }
        market.add("forecasts", chain_id=CHAIN, unique_id=series, style=style, target=target,
                   ds=date(2026, 4, 27) + timedelta(weeks=step), model="AutoETS", selected=True,
                   mean=level, median=level, **bands, run_id="forecast-1")  # fmt: skip
    for model, error in (("AutoETS", 1.0 if beats else 1.9), ("SeasonalNaive", 1.5)):
        market.add("forecast_backtests", chain_id=CHAIN, unique_id=series, model=model,
                   selected=model == "AutoETS", n_windows=4, horizon=4, mae=error * level / 5,
                   mase=error, skill=1 - error / 1.5, coverage_80=0.78, coverage_95=0.94,
                   beats_naive=error < 1.5, run_id="forecast-1")  # fmt: skip


def studio(market: Market, folder: Path) -> None:
    """A brief of three lines and its works; some were minted, listed and sold."""
    folder.mkdir(parents=True, exist_ok=True)
    minted = [row for row in market.rows["tokens"] if row["style"] in ("rings", "waves", "checks")]
    sold = {row["token_id"] for row in market.rows["sales"]}
    for line, style in enumerate(("rings", "waves", "checks")):
        market.add("briefs", brief_id="brief-1", line=line, created_at=START + timedelta(days=60),
                   chain_id=CHAIN, style=style, works=4, price_wei=12 * 10**16, expected_sales=9.5,
                   lo_80=6.0, hi_80=13.0, model="AutoETS", run_id="brief-1",
                   reason=f"{style} sold 9 a week with a steady price")  # fmt: skip
        tokens = [row for row in minted if row["style"] == style][:3]
        for number in range(4):
            token = tokens[number] if number < len(tokens) else None
            _work(market, folder, line, style, number, token)
            if token and token["token_id"] in sold:
                market.add("listings", **market.place(START + timedelta(days=58)),
                           protocol="raisonne", version="1", event="listed", collection=ARTWORK,
                           token_id=token["token_id"], seller=token["creator"],
                           price_wei=12 * 10**16)  # fmt: skip


def _work(
    market: Market, folder: Path, line: int, style: str, number: int, token: dict | None
) -> None:
    seed = f"{line}{number}"
    path = folder / f"{style}-{number}.png"
    image = Image.new("RGB", (64, 64), (240, 236, 226))
    draw = ImageDraw.Draw(image)
    for ring in range(5):
        inset = 4 + ring * 6
        shade = (20 + 40 * line, 90 + 20 * ring, 160 - 25 * number)
        draw.ellipse((inset, inset, 64 - inset, 64 - inset), outline=shade, width=2)
    image.save(path)
    work_id = token["manifest"] if token else hex_word(f"unminted {seed}")
    market.add(
        "works", work_id=work_id, brief_id="brief-1", line=line, run_id="generate-1", style=style,
        title=f"{style.capitalize()} study {number}", prompt=style, seed=seed,
        price_wei=12 * 10**16, model_digest=hex_word("model"), dataset_digest=hex_word("dataset"),
        process_digest=hex_word("process"), phash="00ff00ff00ff00ff",
        pixel_sha256=token["pixel_hash"] if token else hex_word(f"pixels {seed}"),
        image_path=str(path), manifest_path=str(path.with_suffix(".json")),
        created_at=START + timedelta(days=60),
    )  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps({"seed": seed}))


STUDIO = wallet("studio")


def decisions(market: Market) -> None:
    """What share holders decided: a round of each kind, spending, a drop, and two disputes."""
    days = {"opened": 0, "submit": 7, "commit": 10, "reveal": 12}
    accepted = market.rows["tokens"][0]["manifest"]
    shares = 10**18
    for number, outcome, votes, cast, begun in (
        (1, 1, 60, 100, 0), (2, 2, 0, 0, 15), (3, 3, 20, 40, 30), (4, 4, 50, 80, 45),
        (5, None, None, None, DAYS - 8),
    ):  # fmt: skip
        at = {name: START + timedelta(days=begun + day) for name, day in days.items()}
        market.add("vetting_rounds", chain_id=CHAIN, contract=STUDIO, round_id=str(number),
                   state="open" if outcome is None else "closed", snapshot_time=at["opened"],
                   submit_until=at["submit"], commit_until=at["commit"],
                   reveal_until=at["reveal"], submissions=3, commits=4,
                   reveals=2 if cast else 0, weight_revealed=str((cast or 0) * shares),
                   outcome=outcome, votes_for=None if votes is None else str(votes * shares),
                   votes_cast=None if cast is None else str(cast * shares),
                   manifest=accepted if outcome == 1 else None)  # fmt: skip
    for kind, spent, left in ((0, 447 * 10**15, 1_553 * 10**15), (130, 48, 9_952), (77, 0, 0)):
        market.add("budgets", chain_id=CHAIN, contract=STUDIO, epoch="2949", kind=kind,
                   spent=str(spent), left=str(left))  # fmt: skip
    for number, seller in enumerate((STUDIO, wallet("artist rings")), start=1):
        market.add("drops", chain_id=CHAIN, contract=wallet("drops"), drop_id=str(number),
                   seller=seller, works=4, sold=number, left=4 - number, start_time=START,
                   start_price=str(10**17), decay="0", rate="0", floor_wei=10**16,
                   cap_wei=10**18, repricings=0)  # fmt: skip
    token = {"chain_id": CHAIN, "collection": ARTWORK, "token_id": "2"}
    market.add("tainted_works", **token, state="upheld", culprit=hex_word("model"), via="model",
               distance=0)  # fmt: skip
    market.add("tainted_works", **token, state="open", culprit=hex_word("dataset"), via="parent",
               distance=2)  # fmt: skip


def build(path: Path, seed: int = 7) -> Market:
    """Writes the market into a new store and returns its rows."""
    market = Market(random.Random(seed))
    works = trade(market)
    fraction(market, works[4])
    signals(market)
    studio(market, path.parent / "works")
    decisions(market)
    state(market)
    owners = {work.token_id: work.owner for work in works}
    for row in market.rows["tokens"]:
        row["owner"] = owners[row["token_id"]]
    with Store.open(path) as store:
        for table in market.rows:
            store.append(table, market.frame(table))
    return market
