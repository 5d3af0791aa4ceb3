from dataclasses import replace

import pytest

from contracts.abi import load
from contracts.addresses import Addresses, addresses_path, known_addresses, write_addresses
from contracts.chain import local_chain
from contracts.deploy import deploy, is_deployed, matches
from contracts.errors import ContractError, RpcError
from contracts.rpc import Rpc

pytestmark = pytest.mark.chain


def nonce(rpc_url, account):
    return int(Rpc(rpc_url).call("eth_getTransactionCount", [account, "latest"]), 16)


def test_second_deployment_sends_nothing(local, state_dir, addresses, accounts):
    before = nonce(local.rpc_url, accounts[0])
    assert deploy(local.rpc_url, state_dir) == addresses
    assert nonce(local.rpc_url, accounts[0]) == before
    assert known_addresses(31_337, state_dir) == addresses


def test_addresses_of_a_chain_that_is_gone_are_replaced(local, addresses, tmp_path):
    """A local chain forgets everything when it ends; its addresses.toml does not."""
    stale = Addresses(31_337, *("0x" + d * 40 for d in "1234"), 1)
    write_addresses(stale, tmp_path)
    fresh = deploy(local.rpc_url, tmp_path)
    assert fresh.artwork not in {stale.artwork, addresses.artwork}
    assert known_addresses(31_337, tmp_path) == fresh
    assert is_deployed(Rpc(local.rpc_url), fresh)


def test_contracts_of_two_deployments_do_not_mix(local, addresses, tmp_path):
    other = deploy(local.rpc_url, tmp_path)
    rpc = Rpc(local.rpc_url)
    mixed = Addresses(
        31_337, addresses.artwork, other.market, addresses.vault_factory, addresses.price_feed, 1
    )
    assert is_deployed(rpc, addresses)
    assert not is_deployed(rpc, mixed)


def test_same_chain_gives_the_same_addresses(anvil, addresses, tmp_path):
    """The first four transactions of the first account decide them: demos look alike."""
    with local_chain(state_dir=tmp_path) as again:
        deployed = deploy(again.rpc_url, tmp_path)
    # The shared chain of these tests may have had blocks before.
    assert replace(deployed, deployed_block=0) == replace(addresses, deployed_block=0)


def test_other_code_of_the_same_length_is_not_ours():
    market = load("Market")
    code = bytearray.fromhex(market.runtime[2:])
    start, length = market.immutables[0]
    code[start : start + length] = b"\x11" * length
    assert matches(market, "0x" + code.hex())
    code[start - 1] ^= 1
    assert not matches(market, "0x" + code.hex())
    assert not matches(market, "0x")


def test_fee_above_the_cap_leaves_no_addresses(local, tmp_path):
    with pytest.raises(ContractError, match=r"FeeTooHigh\(feeBps=501, maxFeeBps=500\)"):
        deploy(local.rpc_url, tmp_path, fee_bps=501)
    assert not addresses_path(31_337, tmp_path).exists()


def test_unreachable_node_is_told(tmp_path):
    with pytest.raises(RpcError, match="no node answers"):
        deploy("http://127.0.0.1:1", tmp_path)
