"""Runs the simulated market on the local chain: from its first day, or on from where it stopped."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contracts.addresses import DEFAULT_STATE_DIR, Addresses
from contracts.chain import GENESIS_TIME, LOCAL_CHAIN_ID
from contracts.client import ChainClient
from contracts.deploy import deploy
from contracts.rpc import mask_url
from contracts.simulation.actions import Action, Mint
from contracts.simulation.agents import draw_people
from contracts.simulation.books.vaults import FACTORY
from contracts.simulation.calls import Call
from contracts.simulation.deployed import read_officers, read_terms
from contracts.simulation.economy import DAY_S, FIRST_BLOCK_S, Economy
from contracts.simulation.errors import (
    AlreadySimulatedError,
    ForeignChainError,
    NotSimulatedError,
)
from contracts.simulation.execution import Executor
from contracts.simulation.outside import look_outside
from contracts.simulation.state import (
    Phase,
    State,
    Truth,
    books_digest,
    read_state,
    replay,
    write_labels,
    write_state,
)
from contracts.simulation.summary import (
    count_deeds,
    count_outside,
    count_royalties,
    count_sales,
    offers_of_strangers,
    owed_by_source,
)
from data.errors import UsageError
from data.progress import progress
from data.units import WEI_PER_ETH

OnProgress = Callable[[float, str], None]

EXCHANGE_WEI = 10_000_000 * WEI_PER_ETH
GUARDIAN_WEI = 10 * WEI_PER_ETH
_ANEW = "start anew: raisonne chain down, then chain up and chain simulate"


def simulate(
    rpc_url: str,
    days: int = 180,
    seed: int = 7,
    state_dir: Path = DEFAULT_STATE_DIR,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Returns the summary of a market of `days` days on the local chain, deploying it if needed.

    Summary: chain_id, seed, days, transactions, blocks, mints, vaults, sales (of them
    auction_sales, drop_sales, wash_sales), volume_eth (all sales), loans, rounds and disputes so
    far, owed_wei (by the books) and paid_wei (by the chain) of royalties per source, seconds.
    A chain that carries this very simulation already is left as it is.
    `on_progress` is told (days done, note); without it a bar is drawn on stderr.

    Raises:
        AlreadySimulatedError: the chain carries another simulation, or a half one.
        ContractError: a transaction reverted.
        ForeignChainError: the node's chain is not the local one.
        RpcError: the node cannot be reached.
        UsageError: `days` is not positive, or the seed is negative.
    """
    _check_arguments(days, seed)
    client = _connect(rpc_url)
    state = _living_state(client, state_dir)
    if state is not None:
        _refuse_other(state, days, seed)
        return state.summary
    addresses = _deploy(client, rpc_url, state_dir)
    _refuse_used_seed(client, seed)
    officers = read_officers(client, addresses)
    outside = look_outside(client, addresses, officers, addresses.deployed_block)
    state = State(
        chain_id=LOCAL_CHAIN_ID,
        artwork=addresses.artwork,
        seed=seed,
        terms=read_terms(client, addresses),
        finished=False,
        phases=(Phase(_first_free_day(client, 0), days, seed, outside),),
        vaults={},
        summary={},
    )
    people = draw_people(seed)
    client.set_balances({people.exchange: EXCHANGE_WEI})
    if client.balances([officers.guardian]) < [GUARDIAN_WEI]:
        client.set_balances({officers.guardian: GUARDIAN_WEI})
    venues = [
        (addresses.market, "marketplace", "Raisonné Market"),
        (addresses.auctions, "marketplace", "Raisonné Auctions"),
        (addresses.drops, "marketplace", "Raisonné Drops"),
    ]
    write_labels([*people.labels(), *venues], state_dir, LOCAL_CHAIN_ID)
    economy = Economy(seed, state.terms)
    return _run_phase(_Venue(client, addresses, state_dir, on_progress), economy, state)


def simulate_buyers(
    rpc_url: str,
    days: int = 14,
    seed: int = 7,
    state_dir: Path = DEFAULT_STATE_DIR,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Returns the summary of `days` more days, in which collectors also meet works of others.

    Whatever was listed on the market since, by whomever, is on offer beside the simulated works:
    bought by taste, demand and price, or not. The summary has `simulate`'s entries for these days,
    and outside_offers, outside_sales, outside_volume_eth. A work whose metadata names no known
    style is seen by nobody.

    Raises:
        NotSimulatedError: there is no market to continue on this chain.
        SimulationError: the market's memory is damaged, or of another version.
        ContractError, ForeignChainError, RpcError, UsageError: as for `simulate`.
    """
    _check_arguments(days, seed)
    client = _connect(rpc_url)
    state = _living_state(client, state_dir)
    if state is None:
        message = (
            f"no simulated market on the chain at {mask_url(rpc_url)}; run: raisonne chain simulate"
        )
        raise NotSimulatedError(message)
    addresses = _deploy(client, rpc_url, state_dir)
    economy = replay(state)
    officers = read_officers(client, addresses)
    outside = look_outside(client, addresses, officers, state.phases[-1].last_block + 1)
    phase = Phase(_first_free_day(client, state.days), days, seed, outside)
    state = replace(state, finished=False, phases=(*state.phases, phase))
    return _run_phase(_Venue(client, addresses, state_dir, on_progress), economy, state)


@dataclass(frozen=True)
class _Venue:
    """Where a phase runs, and who is told."""

    client: ChainClient
    addresses: Addresses
    state_dir: Path
    on_progress: OnProgress | None


def _run_phase(venue: _Venue, economy: Economy, state: State) -> dict[str, Any]:
    """Runs the last phase of a state on the chain, and writes state and truth."""
    started = time.perf_counter()
    phase = state.phases[-1]
    client, addresses = venue.client, venue.addresses
    write_state(state, venue.state_dir)
    executor = Executor(client, addresses, read_officers(client, addresses), state.vaults)
    truth = Truth(venue.state_dir, state.chain_id)
    sales_before = len(economy.ledger.sales)
    economy.see_outside(phase.outside)
    owed_before = owed_by_source(economy)
    first_block = int(client.call("eth_blockNumber"), 16) + 1
    strangers = offers_of_strangers(economy)
    with client.manual_mining(), _reporting(phase.days, venue.on_progress) as report:
        counts = _play(economy, executor, phase, truth, report)
    last = client.call("eth_getBlockByNumber", ["latest", False])
    phase = replace(
        phase,
        last_block=int(last["number"], 16),
        last_block_hash=last["hash"],
        books=books_digest(economy),
    )
    summary = {
        "chain_id": state.chain_id,
        "seed": phase.seed,
        "days": phase.days,
        **counts,
        **count_sales(economy, sales_before),
        **count_deeds(economy),
        **(count_outside(economy, strangers, sales_before) if len(state.phases) > 1 else {}),
        **count_royalties(client, addresses, economy, owed_before, first_block),
        "seconds": round(time.perf_counter() - started, 2),
    }
    truth.write(economy.world.demand, state.phases[0].first_day, keep=len(state.phases) > 1)
    write_state(state.finish(phase, executor.vaults, summary), venue.state_dir)
    return summary


def _play(
    economy: Economy, executor: Executor, phase: Phase, truth: Truth, report: OnProgress
) -> dict[str, int]:
    """Lets the days of a phase happen on the chain; counts what was mined."""
    counts = dict.fromkeys(("transactions", "blocks", "mints", "vaults"), 0)
    for _, blocks in economy.run(phase.first_day, phase.days, phase.seed):
        for block in blocks:
            mined = executor.send(block)
            truth.note(mined)
            counts["transactions"] += len(mined)
            counts["blocks"] += 1
            counts["mints"] += sum(_mints(one.action) for one in mined)
            counts["vaults"] += sum(_opens_vault(one.action) for one in mined)
        report(1, f"{counts['transactions']:,} transactions")
    return counts


def _mints(action: Action) -> bool:
    return isinstance(action, Mint) or (isinstance(action, Call) and action.expects is not None)


def _opens_vault(action: Action) -> bool:
    return isinstance(action, Call) and action.to == FACTORY


@contextmanager
def _reporting(days: int, on_progress: OnProgress | None) -> Iterator[OnProgress]:
    """Whoever is told of each day: the caller's function, else a bar on stderr."""
    if on_progress is not None:
        yield on_progress
        return
    with progress("simulate", total=days, unit="days") as bar:
        yield bar.advance


def _check_arguments(days: int, seed: int) -> None:
    if days < 1:
        message = f"--days is {days}; a simulation has at least 1 day"
        raise UsageError(message)
    if seed < 0:
        message = f"--seed is {seed}; a seed is 0 or more"
        raise UsageError(message)


def _connect(rpc_url: str) -> ChainClient:
    client = ChainClient(rpc_url)
    chain_id = int(client.call("eth_chainId"), 16)
    if chain_id != LOCAL_CHAIN_ID:
        message = (
            f"the node at {mask_url(rpc_url)} is on chain {chain_id}; markets are simulated on the "
            f"local chain {LOCAL_CHAIN_ID} only: raisonne chain up"
        )
        raise ForeignChainError(message)
    return client


def _deploy(client: ChainClient, rpc_url: str, state_dir: Path) -> Addresses:
    """Deploys where needed, one second per block: the same chain at whatever speed it runs."""
    client.call("anvil_setBlockTimestampInterval", [1])
    try:
        return deploy(rpc_url, state_dir)
    finally:
        client.call("anvil_removeBlockTimestampInterval")


def _living_state(client: ChainClient, state_dir: Path) -> State | None:
    """The state of this very chain; that of an earlier one, since thrown away, counts for nothing.

    Raises:
        AlreadySimulatedError: a simulation of this chain was interrupted.
    """
    state = read_state(state_dir, LOCAL_CHAIN_ID)
    if state is None:
        return None
    if state.finished:
        phase = state.phases[-1]
        block = client.call("eth_getBlockByNumber", [hex(phase.last_block), False])
        return state if block and block["hash"] == phase.last_block_hash else None
    if _nonce(client, draw_people(state.seed).exchange) == 0:
        return None
    message = (
        f"a simulation of {state.days} days with seed {state.seed} was interrupted on this chain; "
        f"{_ANEW}"
    )
    raise AlreadySimulatedError(message)


def _refuse_other(state: State, days: int, seed: int) -> None:
    first = state.phases[0]
    if (first.days, state.seed) != (days, seed):
        message = (
            f"this chain carries a simulation of {first.days} days with seed {state.seed}, "
            f"not of {days} days with seed {seed}; {_ANEW}"
        )
        raise AlreadySimulatedError(message)


def _refuse_used_seed(client: ChainClient, seed: int) -> None:
    exchange = draw_people(seed).exchange
    sent = _nonce(client, exchange)
    if sent:
        message = (
            f"the exchange of seed {seed} ({exchange}) has sent {sent} transactions on this chain, "
            f"but no memory of a simulation is left in the state folder; {_ANEW}"
        )
        raise AlreadySimulatedError(message)


def _first_free_day(client: ChainClient, earliest: int) -> int:
    """The first day whose blocks lie after the chain's latest."""
    latest = int(client.call("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)
    return max(earliest, -(-(latest + 1 - GENESIS_TIME - FIRST_BLOCK_S) // DAY_S))


def _nonce(client: ChainClient, address: str) -> int:
    return int(client.call("eth_getTransactionCount", [address, "latest"]), 16)
