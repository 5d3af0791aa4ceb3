import threading
from dataclasses import replace

import pytest

from contracts.addresses import Addresses, addresses_path, known_addresses, write_addresses
from contracts.chain import local_chain
from contracts.deploy import bring_up, deploy
from contracts.errors import ContractError, DeploymentError, GasCapError, RpcError
from contracts.gas import GasCaps
from contracts.inspection import inspect
from contracts.journal import journal_path, read_journal
from contracts.plan import PLAN, predict
from contracts.rpc import Rpc

pytestmark = pytest.mark.chain

SOMEBODY = "0x" + "b0" * 20


def nonce(rpc_url, account):
    return int(Rpc(rpc_url).call("eth_getTransactionCount", [account, "latest"]), 16)


class StoppedError(Exception):
    pass


def stop_before(contract):
    def on_contract(name):
        if name == contract:
            raise StoppedError

    return on_contract


@pytest.fixture
def stopped(local, tmp_path):
    """A deployment that was stopped before the market; its folder."""
    with pytest.raises(StoppedError):
        bring_up(local.rpc_url, tmp_path, on_contract=stop_before("Market"))
    assert not addresses_path(31_337, tmp_path).exists()
    return tmp_path


def test_second_deployment_sends_nothing(local, state_dir, addresses, accounts):
    before = nonce(local.rpc_url, accounts[0])
    again = bring_up(local.rpc_url, state_dir)
    assert again.addresses == addresses
    assert not any(each.is_new for each in again.contracts)
    assert all(each.gas and each.block for each in again.contracts)
    assert nonce(local.rpc_url, accounts[0]) == before
    assert known_addresses(31_337, state_dir) == addresses


def test_every_contract_is_deployed_once_and_in_order(local, accounts, tmp_path):
    before, told = nonce(local.rpc_url, accounts[0]), []
    done = bring_up(local.rpc_url, tmp_path, on_contract=told.append)
    assert told == [step.contract for step in PLAN]
    assert nonce(local.rpc_url, accounts[0]) == before + len(PLAN)
    assert {each.field: each.address for each in done.contracts} == done.addresses.places()
    assert all(each.is_new for each in done.contracts)
    assert done.addresses.deployed_block == done.contracts[0].block
    assert done.remaining == ()


def test_stopped_deployment_goes_on_where_it_was(local, accounts, stopped):
    before = nonce(local.rpc_url, accounts[0])
    done = bring_up(local.rpc_url, stopped)
    kept = [each.contract for each in done.contracts if not each.is_new]
    assert kept == [step.contract for step in PLAN][: len(kept)]
    assert done.contracts[len(kept)].contract == "Market"
    assert nonce(local.rpc_url, accounts[0]) == before + len(PLAN) - len(kept)
    assert known_addresses(31_337, stopped) == done.addresses


def test_stopped_deployment_whose_nonces_were_used_is_told_with_the_fix(local, accounts, stopped):
    transfer = {"from": accounts[0], "to": SOMEBODY, "value": "0x1"}
    Rpc(local.rpc_url).call("eth_sendTransaction", [transfer])
    with pytest.raises(DeploymentError, match="Market cannot get its address") as raised:
        deploy(local.rpc_url, stopped)
    path = journal_path(31_337, stopped)
    assert f"delete {path}" in str(raised.value)
    path.unlink()
    assert deploy(local.rpc_url, stopped) == known_addresses(31_337, stopped)


def test_stopped_deployment_takes_no_other_settings(local, stopped):
    with pytest.raises(DeploymentError, match="begun on chain 31337 with fee_bps 250, not 100"):
        deploy(local.rpc_url, stopped, fee_bps=100)
    assert deploy(local.rpc_url, stopped, fee_bps=250)


def test_stopped_deployment_is_finished_by_who_began_it(local, accounts, stopped):
    with pytest.raises(DeploymentError, match=f"begun by {accounts[0]}, not by {accounts[1]}"):
        deploy(local.rpc_url, stopped, accounts[1])


def test_two_who_deploy_at_once_deploy_once(local, accounts, tmp_path):
    before, found = nonce(local.rpc_url, accounts[0]), []
    threads = [
        threading.Thread(target=lambda: found.append(deploy(local.rpc_url, tmp_path)))
        for _ in range(2)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 2
    assert found[0] == found[1]
    assert nonce(local.rpc_url, accounts[0]) == before + len(PLAN)


def test_addresses_of_a_chain_that_is_gone_are_replaced(local, addresses, tmp_path):
    """A local chain forgets everything when it ends; its addresses.toml does not."""
    places = {name: f"0x{n:040x}" for n, name in enumerate(addresses.places(), 1_000)}
    stale = Addresses(chain_id=31_337, deployed_block=1, **places)
    write_addresses(stale, tmp_path)
    fresh = deploy(local.rpc_url, tmp_path)
    assert fresh.artwork not in {stale.artwork, addresses.artwork}
    assert known_addresses(31_337, tmp_path) == fresh


def test_contracts_of_two_deployments_do_not_mix(local, addresses, tmp_path):
    other = deploy(local.rpc_url, tmp_path)
    mixed = replace(addresses, market=other.market)
    found = inspect(Rpc(local.rpc_url), mixed.places(), {})
    assert found["market"] == f"Market.artwork is {other.artwork}, not {addresses.artwork}"
    write_addresses(mixed, tmp_path)
    with pytest.raises(DeploymentError, match="not our contracts: Market at") as raised:
        deploy(local.rpc_url, tmp_path)
    assert f"delete {addresses_path(31_337, tmp_path)}" in str(raised.value)


def test_other_code_in_place_of_ours_is_named(local, addresses, tmp_path):
    write_addresses(replace(addresses, market=addresses.auctions), tmp_path)
    with pytest.raises(DeploymentError, match=r"Market at .*other code than .*Market\.json"):
        deploy(local.rpc_url, tmp_path)


def test_a_contract_that_is_lacking_is_named(local, addresses, tmp_path):
    write_addresses(replace(addresses, loans=SOMEBODY), tmp_path)
    with pytest.raises(DeploymentError, match=rf"Loans at {SOMEBODY}: missing"):
        deploy(local.rpc_url, tmp_path)


def test_another_fee_than_the_deployed_one_is_refused(local, state_dir, addresses):
    with pytest.raises(DeploymentError, match=r"Market\.feeBps is 250, not 300"):
        deploy(local.rpc_url, state_dir, fee_bps=300)
    assert deploy(local.rpc_url, state_dir, fee_bps=250) == addresses


def test_another_delay_than_the_deployed_one_is_refused(local, state_dir, addresses):
    """No getter shows it as it was; what the deployment wrote down does."""
    with pytest.raises(DeploymentError, match="with delay_s 172800, not 60"):
        deploy(local.rpc_url, state_dir, delay_s=60)


def test_settings_are_told_to_the_contracts(local, tmp_path):
    deploy(local.rpc_url, tmp_path, fee_bps=125, fee_recipient="0x" + "B0" * 20)
    journal = read_journal(31_337, tmp_path)
    assert (journal.settings["fee_bps"], journal.settings["fee_recipient"]) == (125, SOMEBODY)
    assert set(inspect(Rpc(local.rpc_url), journal.places, journal.settings).values()) == {None}
    told = inspect(Rpc(local.rpc_url), journal.places, {**journal.settings, "fee_bps": 126})
    assert told["auctions"] == "Auctions.feeBps is 125, not 126"


def test_unknown_setting_is_named(local, tmp_path):
    with pytest.raises(DeploymentError, match=r"no setting fees; there are .*fee_bps"):
        deploy(local.rpc_url, tmp_path, fees=1)


def test_same_chain_gives_the_same_addresses(anvil, accounts, tmp_path):
    """The first transactions of the first account decide them: demos look alike."""
    with local_chain(state_dir=tmp_path) as fresh:
        deployed = deploy(fresh.rpc_url, tmp_path)
    assert deployed.places() == predict(accounts[0], 0)


def test_fee_above_the_cap_leaves_no_addresses(local, tmp_path):
    with pytest.raises(ContractError, match=r"FeeTooHigh\(feeBps=501, maxFeeBps=500\)"):
        deploy(local.rpc_url, tmp_path, fee_bps=501)
    assert not addresses_path(31_337, tmp_path).exists()


def test_a_gas_cap_stops_the_deployment_before_it_costs_anything(local, accounts, tmp_path):
    before = nonce(local.rpc_url, accounts[0])
    with pytest.raises(GasCapError, match=r"needs [\d,]+ gas, more than the cap of 100,000"):
        bring_up(local.rpc_url, tmp_path, caps=GasCaps(max_gas=100_000))
    assert nonce(local.rpc_url, accounts[0]) == before


def test_unreachable_node_is_told(tmp_path):
    with pytest.raises(RpcError, match="no node answers"):
        deploy("http://127.0.0.1:1", tmp_path)
