"""Who really sold and bought, behind lending contracts, routers and aggregators.

The events of a marketplace name who stood before it. Within the transaction the chain shows more:

- A lending contract sells a locked token and repays the loan out of the price: the borrower sold,
  and the part of the price that went to the lender has the class `lender`.
- The buyer is a lending contract, or somebody who opens a loan on the token at once for somebody
  else: who owes that loan bought.
- A router is a contract of indexer/routers.csv, or the contract that the transaction was sent to
  (where that is known), unless it is the marketplace itself or a lending contract. The buyer is a
  router and the token moved on: the last receiver bought. The seller is a router and the token came
  to it: its first sender sold. Where a router both buys and sells a token, or hands it to several
  between two of its sales, nothing is changed.

`maker` and `taker` stay as decoded. `aggregator` is the router between seller and buyer; also a
known one that the transaction was sent to; and an unknown one that the marketplace took for maker
or taker, or that acted for somebody else in another sale of the transaction. Nothing else is
guessed: what the transaction does not show stays.
"""

import polars as pl

from indexer.attribution_loans import behind_lenders, lending_contracts
from indexer.protocols.base import Around, Tables
from indexer.routers import routers

_TX = ["block_hash", "tx_hash"]
_ITEM = [*_TX, "collection", "token_id"]
_PLACE = ["block_hash", "log_index"]
_MOST_HOPS = 4  # routers in a row
_ENDS = {"buyer": ("from_address", "to_address"), "seller": ("to_address", "from_address")}
"""By party: at which end of a token's move a router stands, and at which whom it acts for."""


def attribute(tables: Tables, around: Around) -> Tables:
    """The tables with economic seller, buyer and aggregator in `settled_sales`.

    Args:
        tables: what all protocols made of whole transactions, in the declared columns.
        around: what is known of these besides.
    """
    sales = tables.get("settled_sales")
    if sales is None or sales.is_empty():
        return tables
    known = sorted(routers(around.context.chain_id))
    legs = tables.get("sale_payments")
    loans = tables.get("loan_events")
    if loans is not None and not loans.is_empty():
        sales, legs = behind_lenders(sales, legs, loans)
    called = _with_called(sales, tables, around, known)
    walked = _behind_routers(called, tables.get("transfers"), known)
    changed = {"settled_sales": _with_aggregator(walked, known).select(sales.columns)}
    if legs is not None:
        changed["sale_payments"] = legs
    return {**tables, **changed}


def _with_called(
    sales: pl.DataFrame, tables: Tables, around: Around, known: list[str]
) -> pl.DataFrame:
    """The sales with `called`: the contract that the transaction was sent to, if it may route."""
    sent = around.beside.transactions.select(*_TX, pl.col("to_address").alias("called"))
    sales = sales.join(sent.unique(_TX, keep="first"), on=_TX, how="left", maintain_order="left")
    own = [pl.DataFrame(schema={**{name: pl.String() for name in _TX}, "contract": pl.String()})]
    if "loan_events" in tables:
        own.append(lending_contracts(tables["loan_events"]))
    if "logs" in tables:
        marketplaces = tables["logs"].select(*_PLACE, pl.col("address").alias("contract"))
        own.append(sales.join(marketplaces, on=_PLACE).select(*_TX, "contract"))
    others = pl.concat(own).unique().with_columns(pl.lit(value=True).alias("is_other"))
    marked = sales.join(
        others, left_on=[*_TX, "called"], right_on=[*_TX, "contract"], how="left",
        maintain_order="left",
    )  # fmt: skip
    may_route = pl.col("called").is_in(known) | pl.col("is_other").is_null()
    return marked.with_columns(pl.when(may_route).then("called").alias("called")).drop("is_other")


# --- whom a router acts for


def _routes(party: str, known: list[str]) -> pl.Expr:
    is_called = (pl.col(party) == pl.col("called")).fill_null(value=False)
    return pl.col(party).is_in(known).fill_null(value=False) | is_called


def _behind_routers(
    sales: pl.DataFrame, transfers: pl.DataFrame | None, known: list[str]
) -> pl.DataFrame:
    """The sales with `router`, the party that is one, and whom it acts for in its place."""
    is_buyer, is_seller = _routes("buyer", known), _routes("seller", known)
    sales = sales.with_columns(
        pl.when(is_buyer).then("buyer").when(is_seller).then("seller").alias("router")
    )
    routed = sales.filter(is_buyer | is_seller)
    if routed.is_empty() or transfers is None:
        return sales
    both = routed.filter(is_buyer).join(
        routed.filter(is_seller), left_on=[*_ITEM, "buyer"], right_on=[*_ITEM, "seller"]
    )
    moves = (
        transfers.filter(pl.col("kind") == "transfer")
        .join(routed.select(_ITEM).unique(), on=_ITEM, how="semi")
        .join(both, on=_ITEM, how="anti")
        .select(*_ITEM, "from_address", "to_address", "log_index")
    )
    for party in _ENDS:
        sales = _follow(sales, party, _steps(moves, party), known)
    return sales


def _steps(moves: pl.DataFrame, party: str) -> pl.DataFrame:
    """Moves by which a router hands on what it bought (or gets what it sells): `next`, `moved_at`.

    What moved before it first had the token (or after it last had it) is no part of that.
    """
    here, there = _ENDS[party]
    place = pl.col("log_index")
    edge = place.min() if party == "buyer" else place.max()
    had = moves.group_by(*_ITEM, pl.col(there).alias(party)).agg(edge.alias("had_at"))
    steps = moves.select(
        *_ITEM,
        pl.col(here).alias(party),
        pl.col(there).alias("next"),
        place.alias("moved_at"),
    ).join(had, on=[*_ITEM, party], how="left")
    at, had_at = pl.col("moved_at"), pl.col("had_at")
    is_inside = at > had_at if party == "buyer" else at < had_at
    return steps.filter(is_inside.fill_null(value=True)).drop("had_at")


def _only(steps: pl.DataFrame, *by: str) -> pl.DataFrame:
    """The steps of which all lead to one address: `by` and `next`."""
    ends = steps.group_by(by).agg(pl.col("next").first(), pl.col("next").n_unique().alias("n"))
    return ends.filter(pl.col("n") == 1).drop("n")


def _follow(sales: pl.DataFrame, party: str, steps: pl.DataFrame, known: list[str]) -> pl.DataFrame:
    """The sales with a party that is a router replaced by where the token went or came from."""
    on = [*_ITEM, party]
    whole = _only(steps, *on)
    beside = _beside(sales, party, steps)
    walked = sales.with_columns(pl.col(party).alias("decoded")).join(
        beside, on=["sale_id"], how="left", maintain_order="left"
    )
    for hop in range(_MOST_HOPS):
        ends = ["next", "beside"] if hop == 0 else ["next"]
        walked = (
            walked.join(whole, on=on, how="left", maintain_order="left")
            .with_columns(
                pl.when(_routes(party, known))
                .then(pl.coalesce(*ends, party))
                .otherwise(party)
                .alias(party)
            )
            .drop("next")
        )
    is_open = pl.col(party).is_in(known)
    found = pl.when(is_open).then("decoded").otherwise(party).alias(party)
    return walked.with_columns(found).drop("decoded", "beside")


def _beside(sales: pl.DataFrame, party: str, steps: pl.DataFrame) -> pl.DataFrame:
    """The only step between a sale and the next (or last) one of that token and router.

    A token of several units, or one that comes back, may move for one sale after the other.

    Returns:
        `sale_id` and `beside`, the address that it leads to.
    """
    on = [*_ITEM, party]
    is_after = party == "buyer"
    place = pl.col("log_index")
    other = place.shift(-1 if is_after else 1).over(on, order_by="log_index")
    spans = sales.select(*on, "sale_id", "log_index", other.alias("other_sale"))
    at, limit = pl.col("moved_at"), pl.col("other_sale")
    inside = (at > place, at < limit) if is_after else (at < place, at > limit)
    near = spans.join(steps, on=on).filter(inside[0], inside[1].fill_null(value=True))
    return _only(near, "sale_id").rename({"next": "beside"})


# --- which router it was


def _with_aggregator(sales: pl.DataFrame, known: list[str]) -> pl.DataFrame:
    """The sales with a router as aggregator, where it stands between seller and buyer."""
    acted = _between("router")
    called = pl.col("called")
    is_named = (called == pl.col("maker")) | (called == pl.col("taker"))
    is_shown = (called == acted).fill_null(value=False).any().over(_TX)
    is_router = called.is_in(known) | is_named.fill_null(value=False) | is_shown
    return sales.with_columns(
        pl.coalesce("aggregator", acted, pl.when(is_router).then(_between("called"))).alias(
            "aggregator"
        )
    )


def _between(router: str) -> pl.Expr:
    """The router where it is neither seller nor buyer; else NULL."""
    is_between = pl.all_horizontal(pl.col(router).ne_missing(pl.col(party)) for party in _ENDS)
    return pl.when(is_between).then(router)
