"""Wires store, engine and chain: the latest brief in, works out, minted and listed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data.errors import NotFoundError
from data.progress import Bar, progress
from data.store import Store
from generation.engine import Engine
from generation.errors import WorkMissingError
from generation.mint import MINTED_SCHEMA, mint_and_list
from generation.studio import generate_brief

if TYPE_CHECKING:
    from contracts.bindings import Contracts

DEFAULT_OUT = Path("works")

Progress = Callable[..., AbstractContextManager[Bar]]


@dataclass(frozen=True)
class Generated:
    """What a run made: the brief, the run, the works and, where they were minted, their tokens."""

    brief_id: str
    run_id: str
    works: pl.DataFrame
    minted: pl.DataFrame


def latest_brief(store: Store, brief_id: str | None = None) -> pl.DataFrame:
    """The lines of a brief, the newest one unless it is named, in the columns of table `briefs`.

    Raises:
        NotFoundError: There is no brief, or none of that id.
    """
    briefs = store.read("briefs")
    if brief_id is None:
        newest = briefs.sort("created_at", "brief_id")["brief_id"].tail(1)
    else:
        newest = pl.Series([brief_id])
    lines = briefs.filter(pl.col("brief_id").is_in(newest.implode())).sort("line")
    if lines.is_empty():
        named = "no brief" if brief_id is None else f"no brief {brief_id!r}"
        message = f"{named} in {store.target.catalog}; write one with `raisonne brief`"
        raise NotFoundError(message)
    return lines


def limit_works(brief: pl.DataFrame, limit: int | None) -> pl.DataFrame:
    """The brief with at most `limit` works in all, taken from its first lines."""
    if limit is None:
        return brief
    before = pl.col("works").cum_sum() - pl.col("works")
    room = (limit - before).clip(lower_bound=0)
    return brief.with_columns(pl.min_horizontal("works", room).alias("works"))


def generate(
    store: Store,
    engine: Engine,
    *,
    seed: int,
    out_dir: Path = DEFAULT_OUT,
    chain: "Contracts | None" = None,
    brief_id: str | None = None,
    limit: int | None = None,
    bars: Progress = progress,
) -> Generated:
    """Makes the works of a brief, records them in `works`, and mints and lists them on a chain.

    Works are recorded before anything is minted, so a stopped run loses nothing: the same call
    makes the same works, and mints only what is not on chain yet. Without a chain none is minted.

    Raises:
        NotFoundError: No brief, or a style of it is unknown.
        GenerationError: The model makes nothing new.
    """
    brief = limit_works(latest_brief(store, brief_id), limit)
    named = brief["brief_id"][0]
    total = int(brief["works"].sum())
    with store.run("generate", brief_id=named, model=engine.facts.root, seed=seed) as run:
        with bars("generate", total=total, unit="works") as bar:
            works = generate_brief(
                brief,
                engine,
                out_dir,
                seed,
                created_at=datetime.now(UTC).replace(tzinfo=None),
                known_pixel_hashes=_hashes_of_other_briefs(store, named),
                on_work=lambda style: bar.advance(1, style),
            ).with_columns(run_id=pl.lit(run.run_id))
        store.append("works", works)
        minted = pl.DataFrame(schema=MINTED_SCHEMA)
        if chain is not None:
            with bars("mint", total=total, unit="works") as bar:
                minted = mint_and_list(works, chain, on_work=lambda style: bar.advance(1, style))
        run.details.update(works=works.height, listed=minted.height)
    return Generated(named, run.run_id, works, minted)


def find_work(store: Store, work_id: str) -> Path:
    """The path of a work's manifest, as table `works` has it.

    Raises:
        WorkMissingError: The store knows no such work.
    """
    found = store.query("SELECT manifest_path FROM works WHERE work_id = ?", [work_id.lower()])
    if found.is_empty():
        message = (
            f"no work {work_id} in {store.target.catalog}; name a file of the work, "
            "or list the ids with: raisonne sql 'SELECT work_id, title FROM works'"
        )
        raise WorkMissingError(message)
    return Path(found["manifest_path"][0])


def _hashes_of_other_briefs(store: Store, brief_id: str) -> set[str]:
    # A brief's own works do not count: the same call must make them again, not other ones.
    rows = store.query("SELECT pixel_sha256 FROM works WHERE brief_id <> ?", [brief_id])
    return set(rows["pixel_sha256"])
