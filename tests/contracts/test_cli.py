import json
import subprocess
import sys

import pytest
from eth_account import Account
from typer.testing import CliRunner

from contracts import chain
from contracts.bindings import Contracts
from contracts.bindings.studio import BudgetKind
from contracts.cli import app
from contracts.errors import ChainError, DeploymentError, GasCapError, RpcError
from contracts.plan import PLAN, created_address
from contracts.rpc import Rpc
from data.errors import UsageError

runner = CliRunner()


def run(*arguments):
    return runner.invoke(app, [str(a) for a in arguments], catch_exceptions=True)


@pytest.mark.chain
def test_up_deploy_down_print_one_json_object_each(anvil, tmp_path):
    port = chain.free_port()
    try:
        up = json.loads(
            run("up", "--detach", "--port", port, "--state-dir", tmp_path, "--json").stdout
        )
        assert up["rpc_url"] == f"http://127.0.0.1:{port}"
        deployed = run("deploy", "--rpc-url", up["rpc_url"], "--state-dir", tmp_path, "--json")
        addresses = json.loads(deployed.stdout)
        assert addresses["chain_id"] == 31_337
        assert (
            len({addresses[n] for n in ("artwork", "market", "vault_factory", "price_feed")}) == 4
        )
        again = run("deploy", "--rpc-url", up["rpc_url"], "--state-dir", tmp_path)
        assert [row["is_new"] for row in addresses["contracts"]] == [True] * len(PLAN)
        assert f"{len(PLAN)} contracts, everything is in place" in again.stdout
        for row in addresses["contracts"]:
            assert row["gas"] > 100_000
            (line,) = [each for each in again.stdout.splitlines() if row["address"] in each]
            assert line.split()[0] == row["contract"]
            assert "as committed" in line
            assert f"{row['gas']:,}" in line
    finally:
        down = run("down", "--port", port, "--state-dir", tmp_path)
    assert down.stdout == f"ended pid {up['pid']}\n"


@pytest.mark.chain
def test_deploy_signs_with_a_variable_within_its_caps(local, tmp_path, monkeypatch):
    key = "0x" + "6b" * 32
    monkeypatch.setenv("DEPLOYER_KEY", key)
    address = Account.from_key(key).address.lower()
    Rpc(local.rpc_url).call("anvil_setBalance", [address, hex(10**20)])
    options = ["--rpc-url", local.rpc_url, "--state-dir", tmp_path, "--signer", "DEPLOYER_KEY"]
    refused = run("deploy", *options, "--max-gas", 1_000_000)
    assert isinstance(refused.exception, GasCapError)
    done = run("deploy", *options, "--set", "delay_s=60", "--set", "mints_per_epoch=3", "--json")
    assert json.loads(done.stdout)["timelock"] == created_address(address, 0)
    chain = Contracts.connect(local.rpc_url, tmp_path)
    assert chain.timelock.delay_s() == 60
    assert chain.studio.left_of(BudgetKind.MINTS) == 3
    assert chain.studio.operator() == address


@pytest.mark.parametrize("bad", ["delay_s", "=", "colour=red"])
def test_settings_that_are_none_are_refused(local, tmp_path, bad):
    result = run("deploy", "--rpc-url", local.rpc_url, "--state-dir", tmp_path, "--set", bad)
    assert isinstance(result.exception, UsageError | DeploymentError)
    assert not (tmp_path / "31337" / "addresses.toml").exists()


@pytest.mark.chain
def test_up_in_the_foreground_takes_its_anvil_along(anvil, tmp_path):
    port = chain.free_port()
    options = ["chain", "up", "--port", str(port), "--state-dir", str(tmp_path)]
    command = [sys.executable, "-m", "raisonne", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert f"http://127.0.0.1:{port}" in process.stdout.readline()
        assert chain.running(port, state_dir=tmp_path)
        process.terminate()
        process.wait(timeout=20)
        assert chain.running(port, state_dir=tmp_path) is None
    finally:
        process.kill()
        process.communicate()


def test_down_without_a_chain_is_an_error_of_ours(tmp_path):
    result = run("down", "--port", 8_599, "--state-dir", tmp_path)
    assert isinstance(result.exception, ChainError)
    assert result.exception.exit_code == 4


def test_deploy_to_nowhere_is_an_error_of_ours(tmp_path):
    result = run("deploy", "--rpc-url", "http://127.0.0.1:1", "--state-dir", tmp_path)
    assert isinstance(result.exception, RpcError)


@pytest.mark.parametrize("bad", [("up", "--port", "0"), ("deploy", "--fee-bps", "501")])
def test_options_out_of_range_are_usage_errors(bad):
    assert run(*bad).exit_code == 2


@pytest.mark.parametrize("verb", ["up", "down", "deploy", "simulate"])
def test_every_verb_shows_an_example(verb):
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert "raisonne chain" in result.stdout
