"""What a simulation leaves in `<state_dir>/<chain_id>/`: its own memory, labels, and the truth.

The market is a pure function of seeds and of what others did between its phases. So its memory is
no snapshot but the list of phases: played again without a chain, they end in the same books.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.simulation.actions import Buy
from contracts.simulation.books.terms import Terms
from contracts.simulation.demand import Matrix, demand_frame
from contracts.simulation.economy import Economy
from contracts.simulation.errors import SimulationError
from contracts.simulation.execution import Mined
from contracts.simulation.outside import Outside

if TYPE_CHECKING:
    import polars as pl

VERSION = 2
_FIX = "start anew: raisonne chain down, chain up, chain simulate"


@dataclass(frozen=True)
class Phase:
    """A stretch of days, and what the chain held before it that the market had not made.

    `last_block` and `last_block_hash` tell whether a chain is the one it ran on; `books` is a
    digest of the books at its end.
    """

    first_day: int
    days: int
    seed: int
    outside: Outside
    last_block: int = 0
    last_block_hash: str = ""
    books: str = ""


@dataclass(frozen=True)
class State:
    """The memory of a simulated market; `finished` is False while a phase is under way."""

    chain_id: int
    artwork: str
    seed: int
    terms: Terms
    finished: bool
    phases: tuple[Phase, ...]
    vaults: dict[int, str]
    summary: dict[str, Any]

    @property
    def days(self) -> int:
        """Days from the start of the first phase to the end of the last."""
        return self.phases[-1].first_day + self.phases[-1].days

    def finish(self, phase: Phase, vaults: dict[int, str], summary: dict[str, Any]) -> "State":
        """The state after its last phase has ended as `phase` says."""
        phases = (*self.phases[:-1], phase)
        return replace(self, finished=True, phases=phases, vaults=vaults, summary=summary)


def state_path(state_dir: Path, chain_id: int) -> Path:
    """Where the memory of the market on a chain is kept."""
    return state_dir / str(chain_id) / "simulation.json"


def read_state(state_dir: Path, chain_id: int) -> State | None:
    """The memory of the market on a chain; None if there is none.

    Raises:
        SimulationError: the file is damaged or was written by another version.
    """
    path = state_path(state_dir, chain_id)
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values.pop("version")
        if version != VERSION:
            message = f"{path} has version {version}, this program writes {VERSION}; {_FIX}"
            raise SimulationError(message)
        phases = tuple(
            Phase(**{**phase, "outside": Outside.from_json(phase["outside"])})
            for phase in values.pop("phases")
        )
        vaults = {int(token): vault for token, vault in values.pop("vaults").items()}
        terms = Terms.from_json(values.pop("terms"))
        return State(**values, terms=terms, phases=phases, vaults=vaults)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        message = f"{path} is no memory of a simulation ({problem!r}); {_FIX}"
        raise SimulationError(message) from problem


def write_state(state: State, state_dir: Path) -> None:
    """Writes the memory, whole or not at all."""
    text = json.dumps({"version": VERSION, **asdict(state)}, indent=1)
    _replace(state_path(state_dir, state.chain_id), text.encode())


def replay(state: State) -> Economy:
    """The market as it stood after its last phase, from its seeds and phases alone.

    Raises:
        SimulationError: the books end otherwise than they did: the program has changed since.
    """
    economy = Economy(state.seed, state.terms)
    for phase in state.phases:
        economy.see_outside(phase.outside)
        for _ in economy.run(phase.first_day, phase.days, phase.seed):
            pass
        if books_digest(economy) != phase.books:
            message = (
                f"the market of seed {state.seed} cannot be continued: played again, its books "
                f"on day {phase.first_day + phase.days} differ; the program changed since; {_FIX}"
            )
            raise SimulationError(message)
    return economy


def books_digest(economy: Economy) -> str:
    """SHA-256 over owners, offers and the next id."""
    ledger = economy.ledger
    books = [
        ledger.next_token,
        [(piece.token_id, piece.owner) for piece in ledger.pieces.values()],
        [(offer.token_id, offer.seller, offer.price_wei) for offer in ledger.listings.values()],
    ]
    return hashlib.sha256(json.dumps(books).encode()).hexdigest()


class Truth:
    """The ground truth of a market, gathered while blocks are mined and written at a phase's end.

    `truth/wash.parquet`: tx_hash, typology, operator. `truth/lookalikes.parquet`: tx_hash, kind
    (honest sales that a rule may flag). `truth/demand.parquet`: style, day, demand.
    """

    def __init__(self, state_dir: Path, chain_id: int) -> None:
        self._folder = state_dir / str(chain_id) / "truth"
        self._wash: list[tuple[str, str, str]] = []
        self._lookalikes: list[tuple[str, str]] = []

    def note(self, mined: list[Mined]) -> None:
        """Keeps what is known about the purchases of a block."""
        for action, tx_hash in ((one.action, one.tx_hash) for one in mined):
            if not isinstance(action, Buy) or action.story is None:
                continue
            if action.story.kind == "wash":
                self._wash.append((tx_hash, action.story.typology, action.story.operator))
            else:
                self._lookalikes.append((tx_hash, action.story.typology))

    def write(self, demand: Matrix, first_day: int, *, keep: bool) -> None:
        """Writes all three files; with `keep` behind what earlier phases wrote."""
        import polars as pl

        wash = pl.DataFrame(
            self._wash,
            schema={"tx_hash": pl.String, "typology": pl.String, "operator": pl.String},
            orient="row",
        )
        lookalikes = pl.DataFrame(
            self._lookalikes, schema={"tx_hash": pl.String, "kind": pl.String}, orient="row"
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write_frame("wash.parquet", wash, keep=keep)
        self._write_frame("lookalikes.parquet", lookalikes, keep=keep)
        self._write_frame("demand.parquet", demand_frame(demand, first_day), keep=False)

    def _write_frame(self, name: str, frame: "pl.DataFrame", *, keep: bool) -> None:
        import polars as pl

        path = self._folder / name
        if keep and path.is_file():
            frame = pl.concat([pl.read_parquet(path), frame])
        partial = path.with_suffix(".partial")
        frame.write_parquet(partial)
        partial.replace(path)


def write_labels(rows: list[tuple[str, str, str]], state_dir: Path, chain_id: int) -> None:
    """Writes `labels.csv`: address, label, name."""
    lines = ["address,label,name", *(",".join(row) for row in rows)]
    _replace(state_dir / str(chain_id) / "labels.csv", ("\n".join(lines) + "\n").encode())


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
