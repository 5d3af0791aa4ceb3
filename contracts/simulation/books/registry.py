"""What the Registry holds: assets, their lineage, disputes and what they taint."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from contracts.simulation.books.timelock import Timelock
from contracts.simulation.calls import Place
from contracts.simulation.errors import SimulationError
from contracts.simulation.ledger import Ledger

REGISTRY = Place("registry")
DISMISSED, UPHELD, OPEN = 1, 2, 3


class Kind(IntEnum):
    """What a digest stands for."""

    MODEL = 1
    DATASET = 2
    PROCESS = 3
    VERIFIER = 4


@dataclass(frozen=True, slots=True)
class Asset:
    """A registered digest; `ancestors` has each once, the direct `parents` first."""

    digest: bytes
    kind: Kind
    name: str
    registrant: str
    parents: tuple[bytes, ...]
    ancestors: tuple[bytes, ...]


@dataclass(slots=True)
class Dispute:
    """The latest dispute about a digest; `state` as the contract has it."""

    opener: str
    evidence: bytes
    state: int = OPEN


class Registry:
    """Books of the Registry, which the timelock owns."""

    def __init__(self, ledger: Ledger, timelock: Timelock, registrars: Sequence[str]) -> None:
        self.assets: dict[bytes, Asset] = {}
        self.disputes: dict[bytes, Dispute] = {}
        self.registrars = set(registrars)
        self.attestations: dict[bytes, int] = {}
        self._ledger = ledger
        self._timelock = timelock

    def admit(self, account: str) -> None:
        """Proposes a registrar, who can register once the timelock's delay is over."""
        self._timelock.schedule(
            REGISTRY,
            "setRegistrar",
            (account, True),
            lambda: self.registrars.add(account),
        )

    def register(
        self, registrant: str, digest: bytes, kind: Kind, name: str, parents: Sequence[bytes] = ()
    ) -> Asset:
        """Registers a digest with what it was made from.

        Raises:
            SimulationError: the contract would refuse: no registrar, known digest, unknown parent.
        """
        unknown = [parent.hex() for parent in parents if parent not in self.assets]
        if registrant not in self.registrars or digest in self.assets or unknown:
            message = f"{registrant} cannot register {name} ({digest.hex()}), parents {unknown}"
            raise SimulationError(message)
        ancestors = dict.fromkeys(parents)
        for parent in parents:
            ancestors.update(dict.fromkeys(self.assets[parent].ancestors))
        uri = f"ipfs://simulated/{digest.hex()[:16]}"
        extra_gas = 55_000 * len(parents) + 25_000 * len(ancestors)
        self._ledger.call(
            registrant, REGISTRY, "register",
            digest, int(kind), digest, uri, list(parents), extra_gas=extra_gas,
        )  # fmt: skip
        asset = Asset(digest, kind, name, registrant, tuple(parents), tuple(ancestors))
        self.assets[digest] = asset
        return asset

    def attest(
        self, attester: str, digest: bytes, level: int, report: bytes, *, passed: bool
    ) -> None:
        """Records that somebody checked a digest."""
        self._ledger.call(attester, REGISTRY, "attest", digest, level, report, passed)
        self.attestations[digest] = self.attestations.get(digest, 0) + 1

    def open_dispute(self, opener: str, digest: bytes, evidence: bytes) -> None:
        """Disputes a digest.

        Raises:
            SimulationError: a dispute about it is open, or was upheld.
        """
        before = self.disputes.get(digest)
        if before is not None and before.state != DISMISSED:
            message = f"the dispute about {digest.hex()} has state {before.state}"
            raise SimulationError(message)
        self._ledger.call(opener, REGISTRY, "openDispute", digest, evidence)
        self.disputes[digest] = Dispute(opener, evidence)

    def propose_judgement(self, digest: bytes, *, upheld: bool) -> None:
        """Has the timelock judge the open dispute about a digest, once its delay is over."""
        dispute = self.disputes[digest]
        outcome = UPHELD if upheld else DISMISSED

        def judge() -> None:
            dispute.state = outcome

        values = (digest, dispute.evidence, outcome)
        self._timelock.schedule(REGISTRY, "resolveDispute", values, judge)

    def taint_of(self, digest: bytes) -> bytes | None:
        """The digest whose upheld dispute taints this one, itself or an ancestor; None if clean."""
        for culprit in (digest, *self.assets[digest].ancestors):
            dispute = self.disputes.get(culprit)
            if dispute is not None and dispute.state == UPHELD:
                return culprit
        return None

    def usable(self, digest: bytes, kind: Kind) -> bool:
        """Whether a work may be minted with this asset."""
        asset = self.assets.get(digest)
        return asset is not None and asset.kind == kind and self.taint_of(digest) is None
