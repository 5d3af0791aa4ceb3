"""What a deployment consists of: the contracts in their order, and what each constructor is told.

A contract may be told the address of one that comes later: addresses follow from the deployer and
the count of transactions before (`predict`), so the plan has no need of setters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.abi import canonical_type, load
from contracts.errors import DeploymentError
from data.units import WEI_PER_ETH, ZERO_ADDRESS

COLLECTION_NAME = "Raisonne"
COLLECTION_SYMBOL = "RSN"
SHARES_NAME = "Raisonne Studio"
SHARES_SYMBOL = "RSS"
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
    """A value for a constructor; `getter` shows it for ever, or is None where it can change.

    `inputs` are what the getter is asked with.
    """

    value: Any
    getter: str | None = None
    inputs: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Step:
    """One contract: its field in `Addresses`, its artifact, and its constructor's arguments.

    `shows` are parts of arguments that have getters of their own.
    """

    field: str
    contract: str
    arguments: tuple[Argument, ...] = ()
    shows: tuple[Argument, ...] = ()


_DAY_S = 86_400

DEFAULTS: dict[str, Any] = {
    "proposer": Given("deployer"),
    "delay_s": 2 * _DAY_S,
    "registrar": Given("deployer"),
    "treasury": Ref("studio"),
    "model_bps": 500,
    "dataset_bps": 500,
    "treasury_bps": 250,
    "fee_recipient": Given("treasury"),
    "fee_bps": 250,
    "shareholder": Given("deployer"),
    "studio_shares": 1_000_000 * WEI_PER_ETH,
    "operator": Given("deployer"),
    "guardian": Given("deployer"),
    "epoch_s": 7 * _DAY_S,
    "reserve_wei": 5 * WEI_PER_ETH,
    "burns_per_epoch": 10,
    "price_step_bps": 2_000,
    "submit_s": 2 * _DAY_S,
    "commit_s": 2 * _DAY_S,
    "reveal_s": 2 * _DAY_S,
    "vote_cap_bps": 1_000,
    "quorum_bps": 2_000,
    "seat_bps": 100,
    "compute_wei": 2 * WEI_PER_ETH,
    "gas_wei": WEI_PER_ETH,
    "storage_wei": WEI_PER_ETH // 10,
    "mints_per_epoch": 64,
    "images_per_epoch": 10_000,
    "attester": Given("deployer"),
    "attested_level": 1,
}
"""Settings and their values where nothing else is asked for; a value may name an earlier one."""

_ARTWORK = Argument(Ref("artwork"), "artwork")
_SPLITTER = Argument(Ref("splitter"), "splitter")
_VENUE = (
    _ARTWORK,
    _SPLITTER,
    Argument(Given("fee_recipient"), "feeRecipient"),
    Argument(Given("fee_bps"), "feeBps"),
)
_TERMS = ("model_bps", "dataset_bps", "treasury_bps", "treasury")
_VENUES = ("market", "auctions", "drops")
_BUDGETS = (  # kinds of contracts/src/Budgets.sol; burns have a limit of their own
    (0, Given("compute_wei")),
    (1, Given("gas_wei")),
    (2, Given("storage_wei")),
    (129, Given("mints_per_epoch")),
    (130, Given("images_per_epoch")),
)
_RULES = ("submit_s", "commit_s", "reveal_s", "vote_cap_bps", "quorum_bps", "seat_bps")
_LIMITS = (
    *(Given(name) for name in ("epoch_s", "reserve_wei", "burns_per_epoch", "price_step_bps")),
    tuple(Given(name) for name in _RULES),
    _BUDGETS,
)

PLAN = (
    Step(
        "timelock",
        "Timelock",
        # Whoever may propose may cancel; anybody may carry out what waited its time; no admin.
        (
            Argument(Given("delay_s")),
            Argument((Given("proposer"),)),
            Argument((ZERO_ADDRESS,)),
            Argument(ZERO_ADDRESS),
        ),
    ),
    Step(
        "registry",
        "Registry",
        (Argument(Ref("timelock")), Argument((Given("registrar"),))),
    ),
    Step("splitter", "Splitter", (_ARTWORK, Argument(Given("treasury")))),
    Step(
        "artwork",
        "Artwork",
        (
            Argument(COLLECTION_NAME, "name"),
            Argument(COLLECTION_SYMBOL, "symbol"),
            Argument(Ref("registry"), "registry"),
            _SPLITTER,
            Argument(tuple(Given(name) for name in _TERMS)),
        ),
        (
            Argument(Given("model_bps"), "modelBps"),
            Argument(Given("dataset_bps"), "datasetBps"),
            Argument(Given("treasury_bps"), "treasuryBps"),
            Argument(Given("treasury"), "treasury"),
        ),
    ),
    Step("market", "Market", _VENUE),
    Step("auctions", "Auctions", _VENUE),
    Step("drops", "Drops", (*_VENUE, Argument(Ref("timelock"), "governor"))),
    Step(
        "vault_factory",
        "VaultFactory",
        (
            _ARTWORK,
            _SPLITTER,
            Argument(tuple(Ref(name) for name in _VENUES)),
            Argument(Given("treasury"), "treasury"),
        ),
        tuple(Argument(Ref(name), "venues", (place,)) for place, name in enumerate(_VENUES)),
    ),
    Step("loans", "Loans", (Argument(Ref("vault_factory"), "factory"),), (_ARTWORK,)),
    Step(
        "studio_shares",
        "StudioShares",
        (
            Argument(SHARES_NAME, "name"),
            Argument(SHARES_SYMBOL, "symbol"),
            Argument(Given("shareholder")),
            Argument(Given("studio_shares"), "issued"),
        ),
    ),
    Step(
        "studio",
        "Studio",
        (
            _ARTWORK,
            Argument(Ref("drops"), "drops"),
            Argument(Ref("registry"), "registry"),
            Argument(Ref("studio_shares"), "shares"),
            Argument(Ref("timelock")),
            Argument(Given("operator")),
            Argument(Given("guardian")),
            Argument(_LIMITS),
        ),
        (Argument(Given("epoch_s"), "epochLength"),),
    ),
    Step(
        "price_feed",
        "PriceFeed",
        (Argument(Given("deployer")), Argument(FEED_DESCRIPTION, "description")),
    ),
    Step(
        "aigc",
        "Aigc",
        (
            _ARTWORK,
            Argument(Given("attester"), "attester"),
            Argument(Given("attested_level"), "minLevel"),
        ),
        (Argument(Ref("registry"), "registry"),),
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
