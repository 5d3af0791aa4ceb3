"""The explanation of a transaction as an analyst reads it on a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from data.units import NATIVE, wei_to_eth
from indexer.chains import ETHER_CHAINS, ETHER_TOKENS, chain_name
from indexer.explain import Explanation, LegLine, LogLine, SaleLine, fact_columns

_KINDS = {
    "listing": "the order offered the token; whoever filled it paid",
    "bid": "the order offered money; whoever filled it gave the token",
    "private": "the order itself names who gets the token",
    "match": "several orders were filled against each other; what they mirror is counted once",
    "swap": "tokens went both ways between the two",
    "primary_mint": "the token was minted in the sale",
}
_LEG_STYLES = {"seller": "green", "platform": "blue", "creator": "magenta", "unknown": "yellow"}
_STATUS_STYLES = {"full": "green", "over": "green", "partial": "yellow", "zero": "red"}
_PAYMENT_TOKENS = {"0x0000000000a39bb272e79075ade125fd351887ac": "ETH in Blur's pool"}
_MAX_VALUE = 160


def print_explanation(found: Explanation, console: Console) -> None:
    """Prints one explanation: the place, logs, sales, other rows, quarantine."""
    console.print(_head(found))
    console.print(_rule(f"What the chain said: {_count(len(found.logs), 'stored log')}"))
    for log in found.logs:
        console.print(_log(log, found.chain_id))
    if found.sales:
        console.print(_rule(f"What was paid: {_count(len(found.sales), 'sale')}"))
    for sale in found.sales:
        console.print(_sale(sale))
    if found.facts:
        console.print(_rule("What else it means"))
    for name, rows in found.facts.items():
        for row in rows:
            console.print(_fact(name, row))
    if found.quarantine:
        console.print(_rule("What was set aside"))
    for row in found.quarantine:
        console.print(_quarantined(row))
    console.print()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _rule(title: str) -> RenderableType:
    return Padding(Rule(Text(title, style="bold"), align="left", style="dim"), (1, 0, 0, 0))


def _head(found: Explanation) -> RenderableType:
    place = found.place
    lines = [
        Text.assemble(("Transaction ", "bold"), (found.tx_hash, "bold cyan")),
        Text.assemble(
            f"{chain_name(found.chain_id)} ({found.chain_id}), block {place['block_number']:,}, ",
            f"{place['block_time']} UTC",
        ),
        Text(f"block hash {place['block_hash']}", style="dim"),
    ]
    if found.transaction:
        sent = found.transaction
        value = _money(int(sent["value_wei"] or 0), NATIVE, found.chain_id)
        to = sent["to_address"] or "a new contract"
        lines.append(Text(f"{sent['from_address']} sent {value} to {to}"))
    return Group(*lines)


# --- logs


def _log(log: LogLine, chain_id: int) -> RenderableType:
    head = Text.assemble(
        (f"{log.log_index:>5}  ", "bold"),
        (log.event, "bold yellow" if log.fault else "bold cyan"),
        ("  by ", "dim"),
        f"{log.emitter} " if log.emitter else "",
        (log.address, "dim" if log.emitter else ""),
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    if log.file:
        grid.add_row("claimed by", f"{log.file} as {log.protocol} {log.version}")
    for name, value in _flat(log, chain_id):
        grid.add_row(name, value)
    if log.fault:
        grid.add_row("set aside", Text(log.fault, style="yellow"))
    grid.add_row("became", ", ".join(log.became) or "no row of its own")
    return Group(head, Padding(grid, (0, 0, 0, 7)))


def _flat(log: LogLine, chain_id: int) -> Iterator[tuple[str, Text]]:
    for name, value in log.arguments.items():
        if name in log.amounts and not isinstance(value, list):
            yield name, Text(f"{int(value):,} ({wei_to_eth(int(value)):f} × 10¹⁸)")
        elif not isinstance(value, list):
            yield name, _plain(value)
        elif not value:
            yield name, Text("empty", style="dim")
        else:
            for place, item in enumerate(value):
                yield f"{name}[{place}]", _item(item, chain_id)


def _item(item: Any, chain_id: int) -> Text:
    """An item of an order in words; anything else member by member."""
    if not isinstance(item, dict):
        return _plain(item)
    if not {"itemType", "token", "identifier", "amount"} <= item.keys():
        return _plain(", ".join(f"{name} {value}" for name, value in item.items()))
    to = f" to {item['recipient']}" if "recipient" in item else ""
    if item["itemType"] >= 2:
        units = "" if int(item["amount"]) == 1 else f"{int(item['amount']):,} units of "
        return _plain(f"{units}token {item['identifier']} of {item['token']}{to}")
    currency = NATIVE if item["itemType"] == 0 else item["token"]
    return _plain(f"{_money(int(item['amount']), currency, chain_id)}{to}")


# --- sales


def _sale(sale: SaleLine) -> RenderableType:
    row = sale.row
    units = "" if row["quantity"] == "1" else f"{row['quantity']} units of "
    title = f"{units}token {row['token_id']} of {row['collection']}"
    parts: list[RenderableType] = [_who(sale), Text(), *map(_leg_of(row), sale.legs)]
    if not sale.legs:
        parts.append(Text("no money is named: the tokens were given for nothing"))
    parts += [Text(), _balance(row), *_royalties(sale), *_context(sale)]
    return Panel(
        Group(*parts), title=Text(title, style="bold"), title_align="left", box=box.ROUNDED,
        border_style="dim",
    )  # fmt: skip


def _who(sale: SaleLine) -> RenderableType:
    row = sale.row
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    kind = row["trade_kind"]
    grid.add_row("seller", row["seller"] or "not told by the event")
    grid.add_row("buyer", row["buyer"] or "not told by the event")
    by_wallet = "" if row["marketplace"] == row["protocol"] else ", told by the fee wallet paid"
    grid.add_row(
        "venue", f"{row['marketplace']} (protocol {row['protocol']} {row['version']}{by_wallet})"
    )
    grid.add_row("kind", f"{kind}: {_KINDS.get(kind, 'as the protocol says')}")
    price = _money(int(row["price_wei"]), row["currency"], row["chain_id"], with_wei=False)
    grid.add_row("price", f"{price}: {sale.price_words}")
    grid.add_row("read as", f"{_confidence(sale)}; {_primary(row['is_primary'])}")
    if row["bundle_id"]:
        shared = f"one of {row['bundle_size']} tokens sold for one price; this row is a share"
        grid.add_row("bundle", shared)
    grid.add_row("sale_id", Text(row["sale_id"], style="dim"))
    return grid


def _confidence(sale: SaleLine) -> str:
    kind = str(sale.row["confidence"])
    if kind == "decoded":
        return "decoded: every leg is named by the event"
    if sale.row["bundle_id"]:
        return f"{kind}: one price for several tokens, divided equally"
    if any(leg.recipient_class == "creator" for leg in sale.legs):
        return f"{kind}: the royalty is told by exclusion, the event does not name it"
    return f"{kind}: the event does not tell every part"


def _primary(is_primary: bool | None) -> str:
    if is_primary is None:
        return "first or later sale unknown, the mint is not indexed"
    return "first sale by the minter" if is_primary else "resale"


def _leg_of(sale: Mapping[str, Any]) -> Any:
    def line(leg: LegLine) -> RenderableType:
        is_same = leg.currency == sale["currency"] and leg.recipient_class != "refund"
        price = int(sale["price_wei"])
        share = f"{leg.amount_wei * 100 / price:.2f} %" if is_same and price else ""
        head = Text.assemble(
            (f"{leg.recipient_class:<10}", f"bold {_LEG_STYLES.get(leg.recipient_class, '')}"),
            f"{_money(int(leg.amount_wei), leg.currency, sale['chain_id'], with_wei=False):<28}",
            (f"{share:>9}  ", "dim"),
            leg.recipient or "recipient not told",
        )
        why = Text.assemble(("why   ", "dim"), leg.why)
        source = Text.assemble(("from  ", "dim"), leg.source_words)
        return Group(head, Padding(Group(why, source), (0, 0, 0, 10)))

    return line


def _balance(row: Mapping[str, Any]) -> RenderableType:
    """The equation: what the buyer paid, less what everybody got, leaves nothing."""
    grid = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right"):
        grid.add_column(justify=justify, no_wrap=True)  # type: ignore[arg-type]
    symbol = currency_symbol(row["chain_id"], row["currency"])
    unit = "wei" if symbol else f"units of {row['currency']}"
    parts = (
        ("  buyer paid", "price_wei"),
        ("− seller got", "proceeds_wei"),
        ("− platform", "platform_fee_wei"),
        ("− royalty", "royalty_wei"),
        ("− other", "other_wei"),
    )
    for label, name in parts:
        grid.add_row(label, f"{int(row[name]):,} {unit}", _coins(int(row[name]), symbol))
    residual = row["residual_wei"]
    if residual is None:
        grid.add_row(Text("= unknown", style="yellow"), row["residual_reason"] or "", "")
    elif residual:
        grid.add_row(Text("= residual", style="bold red"), f"{int(residual):,} {unit}", "")
    else:
        grid.add_row(Text("= residual", style="bold green"), f"0 {unit}", "balances exactly")
    return grid


def _royalties(sale: SaleLine) -> Iterator[RenderableType]:
    row = sale.row
    if not sale.royalties:
        yield _note("royalty", "no terms indexed for this token and none paid: owed is unknown")
    for entry in sale.royalties:
        paid = _money(int(entry["paid_wei"]), entry["currency"], row["chain_id"])
        status = Text(entry["status"], style=_STATUS_STYLES.get(entry["status"], "yellow"))
        who = entry["recipient"] or "a splitter that no event names"
        through = f" by split {entry['look_through_of']}" if entry["look_through_of"] else ""
        line = Text.assemble(f"{who}{through}: ", _owed(entry, row), f", paid {paid}: ", status)
        yield _note("royalty", line)


def _owed(entry: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    if entry["owed_wei"] is None:
        return "owed unknown, no terms are indexed"
    owed = _money(int(entry["owed_wei"]), entry["currency"], row["chain_id"])
    if entry["owed_source"] is None:
        return f"owed {owed}, other terms were in force"
    if entry["owed_bps"] is None:
        source = entry["owed_source"]
        asked = ", which the contract answered at the sale's block" if source == "erc2981" else ""
        return f"owed {owed} ({source}{asked})"
    since = "" if entry["valid_from_block"] is None else f" of block {entry['valid_from_block']:,}"
    return f"owed {owed} ({entry['owed_bps'] / 100:g} % by {entry['owed_source']}{since})"


def _context(sale: SaleLine) -> Iterator[RenderableType]:
    row = sale.row
    if row["price_usd"] is not None:
        words = (
            f"{row['price_usd']:,.2f} USD by {row['price_source']}, {row['price_age_s']:,} s old"
        )
        yield _note("value", words)
    if sale.wash is None:
        yield _note("wash", "not evaluated; run: raisonne analyze wash")
    elif not sale.wash["is_wash"]:
        yield _note("wash", "no rule holds")
    else:
        counters = sale.wash["counter_sale_ids"]
        rests = f"; rests on {counters}" if counters else ""
        yield _note("wash", Text(f"flagged by {sale.wash['rules']}{rests}", style="red"))


def _note(label: str, words: str | Text) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", width=8)
    grid.add_column(overflow="fold")
    grid.add_row(label, words)
    return grid


# --- other rows


def _fact(name: str, row: Mapping[str, Any]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", width=5, style="bold")
    grid.add_column(no_wrap=True, style="cyan")
    grid.add_column(overflow="fold")
    if name == "transfers":
        units = "" if row["quantity"] == "1" else f"{row['quantity']} units of "
        ends = f"from {row['from_address']} to {row['to_address']}"
        words = f"{row['kind']} of {units}token {row['token_id']} {ends}"
    else:
        members = (f"{column} {value}" for column, value in fact_columns(dict(row)).items())
        words = ", ".join(members)
    grid.add_row(str(row["log_index"]), name, _plain(words, longest=4 * _MAX_VALUE))
    return grid


def _quarantined(row: Mapping[str, Any]) -> RenderableType:
    index = "    ?" if row["log_index"] is None else f"{row['log_index']:>5}"
    origin = f"{row['protocol']} {row['event']}".strip() or "log"
    data = "" if row["data"] is None else f" ({len(row['data']):,} bytes of data kept)"
    return Text.assemble(
        (f"{index}  ", "bold"), (f"{origin}: ", "yellow"), _plain(row["reason"]), (data, "dim")
    )


# --- values


def currency_symbol(chain_id: int, currency: str) -> str:
    """Name of a currency with 18 decimals; empty for a token whose decimals are not known."""
    if currency == NATIVE:
        return "ETH" if chain_id in ETHER_CHAINS else "native coin"
    if currency in ETHER_TOKENS.get(chain_id, ()):
        return _PAYMENT_TOKENS.get(currency, "WETH")
    return ""


def _coins(amount: int, symbol: str) -> str:
    return f"{wei_to_eth(amount):f} {symbol}" if symbol else ""


def _money(amount: int, currency: str, chain_id: int, *, with_wei: bool = True) -> str:
    symbol = currency_symbol(chain_id, currency)
    if not symbol:
        return f"{amount:,} units of {currency}"
    return _coins(amount, symbol) + (f" ({amount:,} wei)" if with_wei and amount else "")


def _plain(value: Any, longest: int = _MAX_VALUE) -> Text:
    """Foreign text without what could drive the terminal, cut to a readable length."""
    text = f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    if len(text) > longest:
        return Text.assemble(text[:longest], (f"… {len(text):,} characters", "dim"))
    return Text(text)
