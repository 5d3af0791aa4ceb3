"""Deploys the contracts, once per chain; a deployment that was stopped goes on where it was."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from contracts.addresses import (
    DEFAULT_STATE_DIR,
    Addresses,
    addresses_path,
    known_addresses,
    write_addresses,
)
from contracts.chain import LOCAL_CHAIN_ID
from contracts.errors import ContractError, DeploymentError
from contracts.gas import GasCaps
from contracts.inspection import MISSING, inspect
from contracts.journal import Journal, journal_path, read_journal, write_journal
from contracts.nonces import lock_folder, one_sender
from contracts.plan import PLAN, Step, creation_code, predict, resolve, settle
from contracts.rpc import Rpc
from contracts.signers import Signer, open_signer
from contracts.transactions import DEFAULT_CAPS, RECEIPT_S, send

OnContract = Callable[[str], None]


@dataclass(frozen=True)
class Placed:
    """A contract of a deployment; gas and block are None where no receipt of it is at hand."""

    field: str
    contract: str
    address: str
    is_new: bool
    gas: int | None
    block: int | None


@dataclass(frozen=True)
class Deployment:
    """All contracts of a chain, and what remains for people to do."""

    addresses: Addresses
    contracts: tuple[Placed, ...]
    remaining: tuple[str, ...]


def deploy(
    rpc_url: str,
    state_dir: Path = DEFAULT_STATE_DIR,
    signer: Signer | str | None = None,
    **settings: Any,
) -> Addresses:
    """Returns the chain's contracts, deploying them first where they are not there yet.

    As `bring_up`, which says more.
    """
    return bring_up(rpc_url, state_dir, signer, settings=settings).addresses


def bring_up(
    rpc_url: str,
    state_dir: Path = DEFAULT_STATE_DIR,
    signer: Signer | str | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    caps: GasCaps = DEFAULT_CAPS,
    on_contract: OnContract | None = None,
) -> Deployment:
    """Returns the chain's deployment: found in place, gone on with, or made.

    Known addresses are kept if the chain holds the committed code at every one of them, wired to
    each other. `settings` (see `contracts.plan.DEFAULTS`; None stands for the default) are for a
    new deployment; of one in place they must hold. Processes that share `state_dir` take turns.

    Raises:
        ContractError: a constructor refuses its arguments, such as a fee above 5 %.
        DeploymentError: something else than our contracts is there, or was told something else.
        GasCapError: a contract would cost more than `caps` allow.
        RpcError: the node cannot be reached.
        SignerError: nobody to sign with.
    """
    rpc = Rpc(rpc_url)
    chain_id = int(rpc.call("eth_chainId"), 16)
    asked = {
        name: resolve(value, {}, {})
        for name, value in (settings or {}).items()
        if value is not None
    }
    with one_sender("deployment", lock_folder(state_dir, chain_id)):
        known = known_addresses(chain_id, state_dir)
        if known is not None and _is_in_place(rpc, known, asked, state_dir):
            return _told(known, read_journal(chain_id, state_dir), frozenset())
        journal = _unfinished(rpc, chain_id, state_dir, asked)
        account = open_signer(signer or (journal and _local(journal, chain_id)), rpc, chain_id)
        if journal is None:
            journal = _begin(rpc, account, _local_guardian(rpc, chain_id) | asked)
        elif journal.deployer != account.address:
            message = (
                f"the deployment of chain {chain_id} was begun by {journal.deployer}, not by "
                f"{account.address}; sign as the former, or delete "
                f"{journal_path(chain_id, state_dir)} to start anew"
            )
            raise DeploymentError(message)
        work = _Work(rpc, account, chain_id, state_dir, caps, on_contract)
        return work.finish(journal)


@dataclass
class _Work:
    """What it takes to carry a deployment out."""

    rpc: Rpc
    signer: Signer
    chain_id: int
    state_dir: Path
    caps: GasCaps
    on_contract: OnContract | None

    def finish(self, journal: Journal) -> Deployment:
        """Deploys what the journal's chain lacks, checks everything, and writes the addresses."""
        write_journal(journal, self.chain_id, self.state_dir)
        lacking = inspect(self.rpc, journal.places, journal.settings)
        _refuse_differences(lacking, journal.places, journal_path(self.chain_id, self.state_dir))
        made = set()
        for place, step in enumerate(PLAN):
            if lacking[step.field] == MISSING:
                self._refuse_other_nonce(journal, place, step)
                journal = self._create(journal, step)
                made.add(step.field)
        _refuse_differences(
            inspect(self.rpc, journal.places, journal.settings),
            journal.places,
            journal_path(self.chain_id, self.state_dir),
            also_missing=True,
        )
        names = {each.name for each in fields(Addresses)}
        addresses = Addresses(
            chain_id=self.chain_id,
            deployed_block=journal.blocks.get(PLAN[0].field, journal.started_block),
            **{name: place for name, place in journal.places.items() if name in names},
        )
        write_addresses(addresses, self.state_dir)
        return _told(addresses, journal, frozenset(made))

    def _create(self, journal: Journal, step: Step) -> Journal:
        if self.on_contract is not None:
            self.on_contract(step.contract)
        receipt = send(
            self.rpc,
            self.signer,
            to=None,
            data=creation_code(step, journal.places, journal.settings),
            what=f"deployment of {step.contract}",
            caps=self.caps,
            locks=lock_folder(self.state_dir, self.chain_id),
        )
        made = str(receipt.get("contractAddress") or "").lower()
        if made != journal.places[step.field]:
            message = (
                f"{step.contract} became {made or 'nothing'}, not {journal.places[step.field]}: "
                f"{journal.deployer} sent something else meanwhile; delete "
                f"{journal_path(self.chain_id, self.state_dir)} and run: raisonne chain deploy"
            )
            raise ContractError(message)
        gas, block = int(receipt["gasUsed"], 16), int(receipt["blockNumber"], 16)
        journal = journal.note(step.field, block, gas)
        write_journal(journal, self.chain_id, self.state_dir)
        return journal

    def _refuse_other_nonce(self, journal: Journal, place: int, step: Step) -> None:
        nonce = _count(self.rpc, journal.deployer, "pending")
        if nonce != journal.first_nonce + place:
            message = (
                f"{step.contract} cannot get its address {journal.places[step.field]}, which the "
                f"others know: it takes transaction {journal.first_nonce + place} of "
                f"{journal.deployer}, whose next is {nonce}; to deploy all of them anew, delete "
                f"{journal_path(self.chain_id, self.state_dir)}"
            )
            raise DeploymentError(message)


def _is_in_place(rpc: Rpc, known: Addresses, asked: Mapping[str, Any], state_dir: Path) -> bool:
    """Whether the known contracts are there; False if the chain knows none of them.

    Raises:
        DeploymentError: some are there, but not all, or not as asked.
    """
    journal = read_journal(known.chain_id, state_dir)
    same = journal is not None and journal.places.items() <= known.places().items()
    told = journal.settings if same and journal else {}
    found = inspect(rpc, known.places(), {**told, **asked})
    if set(found.values()) == {MISSING}:
        return False
    path = addresses_path(known.chain_id, state_dir)
    _refuse_differences(found, known.places(), path, also_missing=True)
    _refuse_other_settings(told, asked, f"chain {known.chain_id} has its contracts", path)
    return True


def _unfinished(
    rpc: Rpc, chain_id: int, state_dir: Path, asked: Mapping[str, Any]
) -> Journal | None:
    """The deployment that was stopped on this chain; one of a chain since gone counts for nothing.

    Raises:
        DeploymentError: it was begun with other settings than asked for now.
    """
    journal = read_journal(chain_id, state_dir)
    if journal is None or set(journal.places) != {step.field for step in PLAN}:
        return None
    _wait_for_pending(rpc, journal.deployer)
    if set(inspect(rpc, journal.places, {}).values()) == {MISSING}:
        return None
    settle(asked, journal.deployer, journal.places)
    path = journal_path(chain_id, state_dir)
    _refuse_other_settings(journal.settings, asked, f"one was begun on chain {chain_id}", path)
    return journal


def _begin(rpc: Rpc, account: Signer, asked: Mapping[str, Any]) -> Journal:
    _wait_for_pending(rpc, account.address)
    nonce = _count(rpc, account.address, "latest")
    places = predict(account.address, nonce)
    settings = settle(asked, account.address, places)
    head = int(rpc.call("eth_blockNumber"), 16)
    return Journal(account.address, nonce, head, settings, places)


def _local_guardian(rpc: Rpc, chain_id: int) -> dict[str, Any]:
    """On the local chain operator and guardian are two, as they should be anywhere."""
    if chain_id != LOCAL_CHAIN_ID:
        return {}
    return {"guardian": rpc.call("eth_accounts")[-1].lower()}


def _local(journal: Journal, chain_id: int) -> str | None:
    """On the local chain the node signs for whoever began."""
    return journal.deployer if chain_id == LOCAL_CHAIN_ID else None


def _refuse_other_settings(
    told: Mapping[str, Any], asked: Mapping[str, Any], what: str, path: Path
) -> None:
    """Settings that no getter shows are known from the journal only."""
    for name, value in asked.items():
        if name in told and told[name] != value:
            message = (
                f"{what} with {name} {told[name]}, not {value}; leave it out, or deploy anew by "
                f"deleting {path}"
            )
            raise DeploymentError(message)


def _refuse_differences(
    found: Mapping[str, str | None],
    places: Mapping[str, str],
    path: Path,
    *,
    also_missing: bool = False,
) -> None:
    names = {step.field: step.contract for step in PLAN}
    wrong = [
        f"{names[field]} at {places.get(field, 'no address')}: {problem}"
        for field, problem in found.items()
        if problem is not None and (also_missing or problem != MISSING)
    ]
    if wrong:
        message = (
            f"not our contracts: {'; '.join(wrong)}. Contracts cannot be changed: to deploy all "
            f"of them anew, beside these, delete {path} and run: raisonne chain deploy"
        )
        raise DeploymentError(message)


def _wait_for_pending(rpc: Rpc, account: str) -> None:
    """Waits until the account's last transactions are mined, such as those of a stopped run."""
    deadline = time.monotonic() + RECEIPT_S
    while _count(rpc, account, "pending") > _count(rpc, account, "latest"):
        if time.monotonic() > deadline:
            message = (
                f"{account} has transactions that were not mined within {RECEIPT_S:.0f} s; "
                "wait for them, or replace them, and try again"
            )
            raise DeploymentError(message)
        time.sleep(0.2)


def _count(rpc: Rpc, account: str, at: str) -> int:
    return int(rpc.call("eth_getTransactionCount", [account, at]), 16)


def _told(addresses: Addresses, journal: Journal | None, made: frozenset[str]) -> Deployment:
    places = addresses.places()
    same = journal is not None and journal.places.items() <= places.items()
    blocks, gas = (journal.blocks, journal.gas) if same and journal else ({}, {})
    rows = tuple(
        Placed(
            step.field,
            step.contract,
            places[step.field],
            step.field in made,
            gas.get(step.field),
            blocks.get(step.field),
        )
        for step in PLAN
    )
    return Deployment(addresses, rows, _remaining(addresses.chain_id))


def _remaining(chain_id: int) -> tuple[str, ...]:
    """What no program can do for those who deployed on a public chain."""
    if chain_id == LOCAL_CHAIN_ID:
        return ()
    solc = "solc-js of contracts/package.json, settings of contracts/foundry.toml"
    return (
        f"commit the addresses as table [{chain_id}] of contracts/addresses.toml, so that every "
        "index knows them",
        f"publish the sources at the chain's explorer ({solc})",
        "Studio: have its guardian be another key than its operator (setGuardian), and give its "
        "shares to whoever shall vote and earn",
        "Timelock: its proposer is one account; have it schedule grantRole for a wallet of several "
        "keys, and revokeRole for itself",
        "PriceFeed shows the price that its owner pushes; where Chainlink has aggregators, name "
        "one in data/price_feeds.csv instead",
    )
