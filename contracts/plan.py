"""What a deployment consists of: the contracts in their order, and what each constructor is told.

A contract may be told the address of one that comes later: addresses follow from the deployer and
the count of transactions before (`predict`), so the plan has no need of setters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.abi import canonical_type, load
from contracts.errors import DeploymentError

COLLECTION_NAME = "Raisonne"
COLLECTION_SYMBOL = "RSN"
FEED_DESCRIPTION = "ETH / USD"


@dataclass(frozen=True)
class Ref:
    """The address of another contract of the plan, by its field in `Addresses`."""

    field: str


@dataclass(frozen=True)
class Given:
    """A setting of the deployment, by its name in `DEFAULTS`; `deployer` is whoever signs."""

    name: str


@dataclass(frozen=True)
class Argument:
    """A value for a constructor; `getter` shows it for ever, or is None where it can change."""

    value: Any
    getter: str | None = None


@dataclass(frozen=True)
class Step:
    """One contract: its field in `Addresses`, its artifact, and its constructor's arguments."""

    field: str
    contract: str
    arguments: tuple[Argument, ...] = ()


DEFAULTS: dict[str, Any] = {
    "owner": Given("deployer"),
    "treasury": Given("deployer"),
    "fee_recipient": Given("deployer"),
    "fee_bps": 250,
}
"""Settings and their values where nothing else is asked for."""

_ARTWORK = Argument(Ref("artwork"), "artwork")
_FEES = (
    Argument(Given("fee_recipient"), "feeRecipient"),
    Argument(Given("fee_bps"), "feeBps"),
)

PLAN = (
    Step("registry", "Registry", (Argument(Given("owner")),)),
    Step("splitter", "Splitter", (_ARTWORK, Argument(Given("treasury")))),
    Step(
        "artwork",
        "Artwork",
        (Argument(COLLECTION_NAME, "name"), Argument(COLLECTION_SYMBOL, "symbol")),
    ),
    Step("market", "Market", (_ARTWORK, *_FEES)),
    Step("auctions", "Auctions", (_ARTWORK, *_FEES)),
    Step("vault_factory", "VaultFactory", (_ARTWORK, Argument(Ref("market"), "market"))),
    Step("loans", "Loans", (Argument(Ref("vault_factory"), "factory"),)),
    Step(
        "price_feed",
        "PriceFeed",
        (Argument(Given("deployer")), Argument(FEED_DESCRIPTION, "description")),
    ),
)


def predict(deployer: str, first_nonce: int) -> dict[str, str]:
    """Returns where each contract of the plan will be, by field, one transaction each in order."""
    return {
        step.field: created_address(deployer, first_nonce + place)
        for place, step in enumerate(PLAN)
    }


def created_address(deployer: str, nonce: int) -> str:
    """Returns where an account's transaction of a nonce puts a contract, lower-case.

    The last 20 bytes of keccak256(rlp([deployer, nonce])): Ethereum's yellow paper, section 7.
    """
    from eth_utils.crypto import keccak

    digits = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    short = nonce < 0x80
    number = (digits or b"\x80") if short else bytes([0x80 + len(digits)]) + digits
    payload = b"\x94" + bytes.fromhex(deployer.removeprefix("0x")) + number
    return "0x" + keccak(bytes([0xC0 + len(payload)]) + payload)[-20:].hex()


def settle(asked: Mapping[str, Any], deployer: str, places: Mapping[str, str]) -> dict[str, Any]:
    """Returns every setting with its value: as asked, else its default.

    Raises:
        DeploymentError: a setting is asked for that does not exist.
    """
    unknown = sorted(set(asked) - set(DEFAULTS))
    if unknown:
        message = f"no setting {', '.join(unknown)}; there are {', '.join(DEFAULTS)}"
        raise DeploymentError(message)
    settled: dict[str, Any] = {"deployer": deployer}
    for name, value in (DEFAULTS | dict(asked)).items():
        settled[name] = resolve(value, places, settled)
    return settled


def resolve(value: Any, places: Mapping[str, str], settings: Mapping[str, Any]) -> Any:
    """Returns a value of the plan with addresses and settings filled in.

    Raises:
        KeyError: it names a setting that is not among these.
    """
    if isinstance(value, Ref):
        return places[value.field]
    if isinstance(value, Given):
        return settings[value.name]
    if isinstance(value, tuple):
        return tuple(resolve(each, places, settings) for each in value)
    return value.lower() if _is_address(value) else value


def creation_code(step: Step, places: Mapping[str, str], settings: Mapping[str, Any]) -> bytes:
    """Returns what deploys a contract: its bytecode and its constructor's arguments."""
    from contracts.calldata import encode_deployment

    artifact = load(step.contract)
    constructor = next((e for e in artifact.abi if e["type"] == "constructor"), {"inputs": []})
    types = [canonical_type(each) for each in constructor["inputs"]]
    values = [resolve(argument.value, places, settings) for argument in step.arguments]
    if len(types) != len(values):
        message = f"{step.contract} takes {len(types)} arguments, the plan has {len(values)}"
        raise DeploymentError(message)
    return encode_deployment(artifact.bytecode, types, values)


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("0x") and len(value) == 42
