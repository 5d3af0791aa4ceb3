"""Many senders with one key: every transaction is mined once, whoever is in whose way."""

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
from eth_account import Account

from contracts.chain import LOCAL_CHAIN_ID, local_chain
from contracts.errors import RpcError
from contracts.nonces import is_known_transaction, is_nonce_conflict, one_sender
from contracts.rpc import Rpc
from contracts.signers import KeySigner, UnlockedSigner
from contracts.transactions import send

KEY = "0x" + "5e" * 32
SENDER = Account.from_key(KEY).address.lower()


@pytest.fixture
def rpc_url(local):
    Rpc(local.rpc_url).call("anvil_setBalance", [SENDER, hex(10**20)])
    return local.rpc_url


def pay(rpc_url, signer, receiver, locks, times=1):
    """Sends 1 wei so many times; the transactions' nonces."""
    rpc, nonces = Rpc(rpc_url), []
    for _ in range(times):
        receipt = send(rpc, signer, to=receiver, data=b"", value_wei=1, what="gift", locks=locks)
        sent = rpc.call("eth_getTransactionByHash", [receipt["transactionHash"]])
        nonces.append(int(sent["nonce"], 16))
    return nonces


def pay_with_key(rpc_url, receiver, locks, times):
    return pay(rpc_url, KeySigner(KEY, LOCAL_CHAIN_ID), receiver, locks, times)


def receivers(count, start):
    return [f"0x{start + n:040x}" for n in range(count)]


def balances(rpc_url, accounts):
    calls = [("eth_getBalance", [account, "latest"]) for account in accounts]
    return [int(answer, 16) for answer in Rpc(rpc_url).batch(calls)]


@pytest.mark.chain
@pytest.mark.parametrize("shared", [True, False], ids=["one lock", "a lock each"])
def test_threads_with_one_key_send_each_transaction_once(rpc_url, tmp_path, shared, monkeypatch):
    if not shared:
        # As on two machines: nothing but the node stands between the senders.
        monkeypatch.setattr("contracts.nonces._threads", NoLocks())
    to = receivers(6, 0xA000 if shared else 0xB000)
    with ThreadPoolExecutor(6) as pool:
        folders = [tmp_path if shared else tmp_path / str(n) for n in range(6)]
        found = list(pool.map(pay_with_key, [rpc_url] * 6, to, folders, [4] * 6))
    assert balances(rpc_url, to) == [4] * 6
    nonces = sorted(chain.from_iterable(found))
    assert nonces == list(range(nonces[0], nonces[0] + 24))


class NoLocks(dict):
    def setdefault(self, _key, _default=None):
        return threading.Lock()


@pytest.mark.chain
def test_processes_with_one_key_send_each_transaction_once(rpc_url, tmp_path):
    to = receivers(2, 0xC000)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(pay_with_key, [(rpc_url, each, tmp_path, 4) for each in to])
    assert balances(rpc_url, to) == [4] * 2
    nonces = sorted(chain.from_iterable(found))
    assert nonces == list(range(nonces[0], nonces[0] + 8))


@pytest.mark.chain
def test_threads_with_an_account_of_the_node_send_each_transaction_once(
    rpc_url, accounts, tmp_path
):
    to = receivers(4, 0xD000)
    signer = UnlockedSigner(accounts[9])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: pay(rpc_url, signer, each, tmp_path, 4), to))
    assert balances(rpc_url, to) == [4] * 4


@pytest.mark.chain
def test_waiting_transactions_are_counted(anvil, tmp_path):
    """While nothing is mined, the next nonce is that after the waiting ones."""
    with local_chain(state_dir=tmp_path) as running:
        rpc, signer = Rpc(running.rpc_url), KeySigner(KEY, LOCAL_CHAIN_ID)
        rpc.call("anvil_setBalance", [SENDER, hex(10**20)])
        rpc.call("evm_setAutomine", [False])
        request = {"to": SENDER, "value": "0x1", "gas": hex(21_000), "gasPrice": hex(2 * 10**9)}
        hashes = [signer.send(rpc, request).tx_hash for _ in range(3)]
        waiting = [rpc.call("eth_getTransactionByHash", [each]) for each in hashes]
        assert [int(each["nonce"], 16) for each in waiting] == [0, 1, 2]


class Refusing:
    """A node that answers as told and counts what it is sent."""

    def __init__(self, message, *, knows=False):
        self.message, self.knows, self.sent = message, knows, []

    def call(self, method, params=()):
        if method == "eth_getTransactionCount":
            return hex(len(self.sent))
        if method == "eth_getTransactionByHash":
            return {} if self.knows else None
        self.sent.append(params[0])
        raise RpcError(self.message)


REQUEST = {"to": SENDER, "value": "0x0", "gas": "0x5208", "maxFeePerGas": "0x2",
           "maxPriorityFeePerGas": "0x1"}  # fmt: skip


@pytest.fixture
def patient(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def test_taken_nonces_are_tried_again_and_at_last_told(patient):
    node = Refusing("nonce too low: next nonce 9, tx nonce 8")
    with pytest.raises(RpcError, match=f"{SENDER} is used by somebody else") as raised:
        KeySigner(KEY, 1).send(node, REQUEST)
    assert len(node.sent) == len(set(node.sent)) == len(patient) + 1 > 3
    assert "--state-dir" in str(raised.value)


@pytest.mark.parametrize(
    "node",
    [
        Refusing("already known"),
        Refusing("transaction already imported"),
        Refusing("nonce too low", knows=True),
    ],
    ids=lambda node: node.message,
)
def test_a_transaction_that_the_node_has_is_not_sent_again_with_another_nonce(patient, node):
    assert KeySigner(KEY, 1).send(node, REQUEST).nonce == 0
    assert len(node.sent) == 1
    assert patient == []


def test_other_refusals_are_told_at_once(patient):
    node = Refusing("insufficient funds for gas * price + value")
    with pytest.raises(RpcError, match="insufficient funds"):
        KeySigner(KEY, 1).send(node, REQUEST)
    assert len(node.sent) == 1


def test_refusals_of_nodes_are_told_apart():
    assert is_nonce_conflict("replacement transaction underpriced")
    assert is_nonce_conflict("Nonce too low")
    assert is_known_transaction("AlreadyKnown")
    assert not is_nonce_conflict("already known")
    assert not is_known_transaction("nonce too low")
    assert not is_nonce_conflict("max fee per gas less than block base fee")


def test_a_lock_is_let_go_by_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), one_sender(SENDER, tmp_path):
        raise ZeroDivisionError
    with one_sender(SENDER.upper(), tmp_path):
        pass
