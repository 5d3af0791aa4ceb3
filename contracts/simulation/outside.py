"""What others did on the chain since the simulation last looked: the studio's works, above all."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from contracts.addresses import Addresses
from contracts.calldata import encode_call
from contracts.rpc import Call, Rpc
from contracts.simulation.books.royalties import TREASURY
from contracts.simulation.calls import OPERATOR
from contracts.simulation.execution import Officers, topic_of
from contracts.simulation.works import read_token_uri
from data.styles import style_names

_TEN_THOUSAND = 10_000
_STYLE_TRAIT = re.compile(r"^\s*style\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class OutsideOffer:
    """A live listing that the simulation did not make."""

    token_id: int
    creator: str
    seller: str
    price_wei: int
    style: int
    royalty_bps: int


@dataclass(frozen=True)
class SplitterEvent:
    """What the Splitter said: a split was set, a royalty came, or a payee's part went out.

    `seats` are (payee, bps); a release names its payee in the only one.
    """

    kind: Literal["set", "received", "released"]
    token_id: int
    seats: tuple[tuple[str, int], ...] = ()
    amount_wei: int = 0


@dataclass(frozen=True)
class Counts:
    """What the contracts have given out so far: the next work, loan, drop and round follow."""

    minted: int = 0
    loans: int = 0
    drops: int = 0
    rounds: int = 0
    studio_wei: int = 0


@dataclass(frozen=True)
class Outside:
    """What changed: new offers, new owners (zero address: burned), offers gone, royalties.

    `unseen` works are on offer, but show no style that collectors know.
    """

    offers: tuple[OutsideOffer, ...]
    moved: tuple[tuple[int, str], ...]
    gone: tuple[int, ...]
    unseen: tuple[int, ...]
    counts: Counts
    splitter: tuple[SplitterEvent, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the state file."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Outside":
        """The inverse of `to_json`."""
        return cls(
            offers=tuple(OutsideOffer(**offer) for offer in values["offers"]),
            moved=tuple((int(token), str(owner)) for token, owner in values["moved"]),
            gone=tuple(values["gone"]),
            unseen=tuple(values["unseen"]),
            counts=Counts(**values["counts"]),
            splitter=tuple(_event_from_json(event) for event in values["splitter"]),
        )


def _event_from_json(values: dict[str, Any]) -> SplitterEvent:
    seats = tuple((str(payee), int(bps)) for payee, bps in values["seats"])
    return SplitterEvent(**{**values, "seats": seats})


def look_outside(rpc: Rpc, addresses: Addresses, officers: Officers, from_block: int) -> Outside:
    """Reads what happened from a block on to the latest; the simulation sent nothing in between."""
    logs = _logs(rpc, addresses, from_block)
    moved = {
        int(log["topics"][3], 16): "0x" + log["topics"][2][-40:]
        for log in logs
        if log["topics"][0] == topic_of("Artwork", "Transfer")
    }
    market_topics = {topic_of("Market", name) for name in ("Listed", "ListingCancelled", "Sold")}
    touched = {int(log["topics"][1], 16) for log in logs if log["topics"][0] in market_topics}
    listings = _listings(rpc, addresses, sorted(touched | set(moved)))
    live = {token: listing for token, listing in listings.items() if listing is not None}
    facts = _facts(rpc, addresses, sorted(live))
    offers = [
        OutsideOffer(token, creator, *live[token], style, bps)
        for token, (style, creator, bps) in facts.items()
        if style is not None
    ]
    names = {officers.operator: OPERATOR, addresses.studio: TREASURY}
    return Outside(
        offers=tuple(offers),
        moved=tuple(sorted(moved.items())),
        gone=tuple(sorted(set(listings) - set(live))),
        unseen=tuple(sorted(set(live) - {offer.token_id for offer in offers})),
        counts=_counts(rpc, addresses),
        splitter=tuple(_splitter_events(logs, names)),
    )


def _counts(rpc: Rpc, addresses: Addresses) -> Counts:
    balance: str = rpc.call("eth_getBalance", [addresses.studio, "latest"])
    return Counts(
        minted=_number(_read(rpc, addresses.artwork, "Artwork", "minted")),
        loans=_number(_read(rpc, addresses.loans, "Loans", "loanCount")),
        drops=_number(_read(rpc, addresses.drops, "Drops", "dropCount")),
        rounds=_number(_read(rpc, addresses.studio, "Studio", "roundCount")),
        studio_wei=int(balance, 16),
    )


def _splitter_events(logs: list[dict[str, Any]], names: dict[str, str]) -> Iterator[SplitterEvent]:
    """The Splitter's own tale in ETH, in order; what names no work is left out."""
    from eth_abi.abi import decode

    split, received, released = (
        topic_of("Splitter", name) for name in ("SplitSet", "RoyaltyReceived", "RoyaltyReleased")
    )
    for log in logs:
        topic, data = log["topics"][0], bytes.fromhex(log["data"].removeprefix("0x"))
        if topic not in (split, received, released) or int(log["topics"][1], 16) == 0:
            continue
        token_id = int(log["topics"][1], 16)
        if topic == split:
            payees, shares = decode(["address[]", "uint16[]"], data)
            seats = tuple((names.get(p, p), bps) for p, bps in zip(payees, shares, strict=True))
            yield SplitterEvent("set", token_id, seats)
        elif topic == received:
            yield SplitterEvent("received", token_id, (), _number(data[:32]))
        else:
            payee = "0x" + log["topics"][2][-40:]
            seat = ((names.get(payee, payee), 0),)
            yield SplitterEvent("released", token_id, seat, _number(data[:32]))


def _logs(rpc: Rpc, addresses: Addresses, from_block: int) -> list[dict[str, Any]]:
    latest: str = rpc.call("eth_blockNumber")
    if int(latest, 16) < from_block:
        return []
    request = {
        "fromBlock": hex(from_block),
        "toBlock": latest,
        "address": [addresses.artwork, addresses.market, addresses.splitter],
    }
    logs: list[dict[str, Any]] = rpc.call("eth_getLogs", [request])
    return logs


def _listings(
    rpc: Rpc, addresses: Addresses, tokens: list[int]
) -> dict[int, tuple[str, int] | None]:
    """Seller and price in wei of each work's live offer, None where there is none."""
    calls = [_call(addresses.market, "Market", "listingOf", token) for token in tokens]
    listings: dict[int, tuple[str, int] | None] = {}
    for token, answer in zip(tokens, rpc.batch(calls), strict=True):
        words = _words(answer)
        is_live = bool(_number(words[3]))
        listings[token] = (_address(words[0]), _number(words[1])) if is_live else None
    return listings


def _facts(
    rpc: Rpc, addresses: Addresses, tokens: list[int]
) -> dict[int, tuple[int | None, str, int]]:
    """Style (class index), creator and royalty bps of each work."""
    from eth_abi.abi import decode

    at = addresses.artwork
    uris = rpc.batch([_call(at, "Artwork", "tokenURI", token) for token in tokens])
    creators = rpc.batch([_call(at, "Artwork", "creatorOf", token) for token in tokens])
    asked = [_call(at, "Artwork", "royaltyInfo", token, _TEN_THOUSAND) for token in tokens]
    facts: dict[int, tuple[int | None, str, int]] = {}
    for token, uri, creator, royalty in zip(tokens, uris, creators, rpc.batch(asked), strict=True):
        bps = _words(royalty)[1]
        text = str(decode(["string"], bytes.fromhex(uri.removeprefix("0x")))[0])
        facts[token] = (style_of(text), _address(_words(creator)[0]), _number(bps))
    return facts


def style_of(uri: str) -> int | None:
    """Class index of the `style` attribute in a data URI; None without one that is known."""
    document = read_token_uri(uri)
    attributes = document.get("attributes") if document else None
    if not isinstance(attributes, list):
        return None
    names = {name.casefold(): index for index, name in enumerate(style_names())}
    for attribute in attributes:
        if isinstance(attribute, dict) and _STYLE_TRAIT.match(str(attribute.get("trait_type"))):
            return names.get(str(attribute.get("value")).strip().casefold())
    return None


def _call(to: str, contract: str, function: str, *values: Any) -> Call:
    data = "0x" + encode_call(contract, function, *values).hex()
    return ("eth_call", [{"to": to, "data": data}, "latest"])


def _read(rpc: Rpc, to: str, contract: str, function: str) -> bytes:
    return _words(rpc.call(*_call(to, contract, function)))[0]


def _words(answer: str) -> list[bytes]:
    raw = bytes.fromhex(answer.removeprefix("0x"))
    return [raw[start : start + 32] for start in range(0, len(raw), 32)]


def _number(word: bytes) -> int:
    return int.from_bytes(word, "big")


def _address(word: bytes) -> str:
    return "0x" + word[-20:].hex()
