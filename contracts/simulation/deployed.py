"""What a simulation asks the deployed contracts once, before it begins: their terms, and whose."""

from typing import Any

from contracts.addresses import Addresses
from contracts.calldata import encode_call
from contracts.rpc import Rpc
from contracts.simulation.books.studio import BURNS, COMPUTE, GAS, IMAGES, MINTS
from contracts.simulation.books.terms import DropTerms, StudioTerms, Terms
from contracts.simulation.execution import Officers
from contracts.transactions import read_call


def read_terms(rpc: Rpc, at: Addresses) -> Terms:
    """The terms of the contracts of a chain."""
    artwork = (rpc, at.artwork, "Artwork")
    return Terms(
        fee_bps=_number(rpc, at.market, "Market", "feeBps"),
        model_bps=_number(*artwork, "modelBps"),
        dataset_bps=_number(*artwork, "datasetBps"),
        treasury_bps=_number(*artwork, "treasuryBps"),
        delay_s=_number(rpc, at.timelock, "Timelock", "getMinDelay"),
        studio=_studio_terms(rpc, at),
        drops=_drop_terms(rpc, at),
    )


def read_officers(rpc: Rpc, at: Addresses) -> Officers:
    """Who runs the studio and the price feed, and who can pause the studio."""
    operator = _address(rpc, at.price_feed, "PriceFeed", "owner")
    return Officers(operator, _address(rpc, at.studio, "Studio", "guardian"))


def _studio_terms(rpc: Rpc, at: Addresses) -> StudioTerms:
    studio = (rpc, at.studio, "Studio")
    submit_s, commit_s, reveal_s, cap_bps, quorum_bps, _ = _numbers(*studio, "roundRules")
    budgets = {
        kind: _number(*studio, "budgetOf", kind) for kind in (COMPUTE, GAS, MINTS, BURNS, IMAGES)
    }
    return StudioTerms(
        shares=_number(rpc, at.studio_shares, "StudioShares", "issued"),
        submit_s=submit_s,
        commit_s=commit_s,
        reveal_s=reveal_s,
        cap_bps=cap_bps,
        quorum_bps=quorum_bps,
        epoch_s=_number(*studio, "epochLength"),
        reserve_wei=_number(*studio, "reserve"),
        price_step_bps=_number(*studio, "priceStepBps"),
        burns_per_epoch=budgets[BURNS],
        compute_wei=budgets[COMPUTE],
        gas_wei=budgets[GAS],
        mints=budgets[MINTS],
        images=budgets[IMAGES],
    )


def _drop_terms(rpc: Rpc, at: Addresses) -> DropTerms:
    return DropTerms(*_numbers(rpc, at.drops, "Drops", "bounds"))


def _numbers(rpc: Rpc, to: str, contract: str, function: str, *values: Any) -> list[int]:
    what = f"{contract}.{function}"
    answer = read_call(rpc, to, encode_call(contract, function, *values), what)
    return [int.from_bytes(answer[at : at + 32], "big") for at in range(0, len(answer), 32)]


def _number(rpc: Rpc, to: str, contract: str, function: str, *values: Any) -> int:
    return _numbers(rpc, to, contract, function, *values)[0]


def _address(rpc: Rpc, to: str, contract: str, function: str) -> str:
    return f"0x{_number(rpc, to, contract, function):040x}"
