"""Why a payment leg has its class, and which words of which log it was read from.

Nothing here is used to make a row; it looks at finished rows and decoded logs and says how the one
follows from the other, so that an analyst can check it by eye.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data.units import NATIVE
from indexer.protocols.fee_wallets import fee_wallet_origin

Row = Mapping[str, Any]

_FIRST_TOKEN_TYPE = 2  # Seaport item types: 0 native, 1 ERC-20; above are the tokens sold
_ROLES = {"seller": 0, "creator": 1, "split": 1, "platform": 2, "refund": 3}


_RECEIVERS = {
    "seller": "seller", "creator": "creator", "split": "splitter", "platform": "protocol",
    "refund": "buyer",
}  # fmt: skip
_BY_PROTOCOL = {
    "platform": "the protocol's events or rules make it the fee",
    "creator": "the protocol's events or rules make it the royalty",
}


@dataclass(frozen=True)
class Payment:
    """An amount for a recipient, as one argument of a decoded log names it."""

    log_index: int
    event: str
    path: str
    recipient: str
    currency: str
    amount: int
    call: str | None = None
    """Place of the call that paid, where a trace shows the payment and no log does."""

    def describe(self, share: int = 1) -> str:
        """Where it stands: `consideration[1] of OrderFulfilled, log 93`."""
        part = f"1/{share} of " if share > 1 else ""
        if self.call is not None:
            return f"{part}native coin sent by call {self.call or 'of the transaction'} (trace)"
        return f"{part}{self.path} of {self.event}, log {self.log_index}"


@dataclass
class PaymentFinder:
    """Finds the payment that a leg was read from; each whole payment is given out once."""

    payments: Sequence[Payment]
    offers: Sequence[Payment] = ()
    prices: Sequence[Payment] = ()
    moved: Sequence[Payment] = ()
    """ERC-20 transfers and traced payments: the sources of legs that no event names."""

    numbers: Sequence[Payment] = ()
    """Every amount of money that an event states, whoever it is for."""

    _given: set[int] = field(default_factory=set)

    def find(self, leg: Row, bundle_size: int) -> tuple[int | None, str]:
        """Log index and words of the source of a leg; (None, reason) where none fits."""
        amount = int(leg["amount_wei"])
        is_moved = leg["source"] in ("transfer_log", "trace")
        same = [
            (place, payment)
            for place, payment in enumerate(self.moved if is_moved else self.payments)
            if payment.recipient == leg["recipient"] and payment.currency == leg["currency"]
        ]
        # Of equal payments the one nearest behind the sale's own log; a leg has its sale's place.
        same.sort(key=lambda pair: _distance(pair[1].log_index, leg["log_index"]))
        for place, payment in same:
            if payment.amount == amount and place not in self._given:
                self._given.add(place)
                return _log_of(payment), payment.describe()
        for share in range(2, bundle_size + 1):
            for _, payment in same:
                # What does not divide goes to the first item (settlement.split_legs).
                if amount in (payment.amount // share, sum(divmod(payment.amount, share))):
                    return _log_of(payment), payment.describe(share)
        found = self._find_number(leg, bundle_size) or self._find_rest(leg, bundle_size)
        if found[0] is None and leg["source"] in ("fee_event", "computed"):
            return leg["log_index"], f"what price and rates in log {leg['log_index']} make"
        return found

    def _find_number(self, leg: Row, bundle_size: int) -> tuple[int, str] | None:
        """An argument of just this amount; events often name payments without their receivers."""
        if leg["source"] != "fee_event":
            return None
        near = sorted(self.numbers, key=lambda each: _distance(each.log_index, leg["log_index"]))
        amount = int(leg["amount_wei"])
        for share in range(1, bundle_size + 1):
            for each in near:
                if amount in (each.amount // share, sum(divmod(each.amount, share))):
                    return each.log_index, each.describe(share)
        return None

    def words_for_price(self, sale: Row) -> str:
        """Where the price of a sale stands in the logs, or how it was put together."""
        price = int(sale["price_wei"])
        for stated in self.prices:
            if stated.amount == price and stated.log_index >= sale["log_index"]:
                return f"equals {stated.describe()}"
        for stated in self.offers:
            is_same = (stated.amount, stated.currency) == (price, sale["currency"])
            if is_same and stated.log_index >= sale["log_index"]:
                return f"equals {stated.describe()}"
        if sale["bundle_size"] and sale["bundle_size"] > 1:
            return "the shares of the bundle's legs, added up"
        return "what the legs of the order ask for, added up"

    def _find_rest(self, leg: Row, bundle_size: int) -> tuple[int | None, str]:
        """What an offer holds beyond the payments that are named goes to whoever filled it."""
        amount, currency = int(leg["amount_wei"]), leg["currency"]
        for offer in self.offers:
            if offer.currency != currency:
                continue
            for scope in ([offer.log_index], [payment.log_index for payment in self.payments]):
                named = sum(
                    payment.amount
                    for payment in self.payments
                    if payment.currency == currency and payment.log_index in scope
                )
                rest = offer.amount - named
                for share in range(1, bundle_size + 1):
                    if amount in (rest // share, sum(divmod(rest, share))):
                        return offer.log_index, f"rest of {offer.describe(share)}, after named legs"
        return None, "no single argument of a stored log holds this amount"


def _log_of(payment: Payment) -> int | None:
    return payment.log_index if payment.call is None else None


def read_numbers(
    event: str, log_index: int, arguments: Row, money: Collection[str]
) -> list[Payment]:
    """The amounts of money among the arguments of a decoded log.

    Args:
        event: its name.
        log_index: its place.
        arguments: by name.
        money: names of the arguments that are money, members of arrays as `offer.amount`.
    """
    found = []
    for name, value in arguments.items():
        if name not in money or value is None:
            continue
        values = value if isinstance(value, list) else [value]
        for place, each in enumerate(values):
            if isinstance(each, dict):
                continue
            path = f"{name}[{place}]" if isinstance(value, list) else name
            found.append(Payment(log_index, event, path, "", "", int(each)))
    return found


def _distance(log_index: int, origin: int) -> tuple[bool, int]:
    return log_index < origin, abs(log_index - origin)


def read_payments(
    event: str, log_index: int, arguments: Row
) -> tuple[list[Payment], list[Payment]]:
    """Payments and offers of money among the arguments of a decoded log."""
    payments: list[Payment] = []
    offers: list[Payment] = []
    recipient, amount = arguments.get("recipient"), arguments.get("amount")
    if isinstance(recipient, str) and amount is not None:
        payments.append(Payment(log_index, event, "amount", recipient, NATIVE, int(amount)))
    for name, value in arguments.items():
        for place, item in enumerate(value if isinstance(value, list) else []):
            if not isinstance(item, dict) or item.get("itemType", 0) >= _FIRST_TOKEN_TYPE:
                continue
            if "amount" not in item or "token" not in item:
                continue
            currency = NATIVE if item.get("itemType") == 0 else item["token"]
            to = item.get("recipient", "")
            found = Payment(log_index, event, f"{name}[{place}]", to, currency, int(item["amount"]))
            (payments if to else offers).append(found)
    return payments, offers


def reason_for_class(leg: Row, sale: Row, classes: Sequence[str]) -> str:
    """Why a leg has its class, in a few words.

    Args:
        leg: row of `sale_payments`.
        sale: row of `sales` that it belongs to.
        classes: classes of all legs of that sale.
    """
    kind, recipient = leg["recipient_class"], leg["recipient"]
    if leg["source"] == "fee_event" and kind in _ROLES:
        if sale.get("protocol") == "raisonne":
            return f"the event names its role: {_ROLES[kind]}, {kind}"
        return f"the event names it as what the {_RECEIVERS[kind]} got"
    if kind == "unknown":
        return _why_unknown(recipient, sale, classes)
    signed = ", who signed the order" if sale["maker"] == sale["seller"] else ""
    origin = fee_wallet_origin(recipient)
    reasons = {
        "seller": f"equals the seller{signed}",
        "platform": f"is a known fee wallet: {origin}" if origin else _BY_PROTOCOL["platform"],
        "creator": _BY_PROTOCOL.get(kind, "")
        if leg["source"] != "consideration"
        else "neither seller nor known fee wallet, in a sale that pays its seller",
        "refund": "what the buyer sent in excess and got back; outside the price",
    }
    return reasons.get(kind, f"classed by the protocol as {kind}")


def _why_unknown(recipient: str | None, sale: Row, classes: Sequence[str]) -> str:
    if recipient is None:
        return "the event does not name who got it"
    if recipient == sale["buyer"]:
        return "goes back to the buyer"
    if "seller" not in classes:
        return "no leg pays the seller, so a royalty cannot be told from proceeds"
    return "what was offered beyond the named legs, for whoever filled the order"
