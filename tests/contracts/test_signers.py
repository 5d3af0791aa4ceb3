import json

import pytest
from eth_account import Account

from contracts.bindings import Contracts
from contracts.chain import LOCAL_CHAIN_ID
from contracts.config import PASSWORD_VARIABLE
from contracts.errors import SignerError
from contracts.rpc import Rpc
from contracts.signers import KeySigner, UnlockedSigner, open_signer

KEY = "0x" + "4f" * 32
ADDRESS = Account.from_key(KEY).address.lower()
NOBODY = Rpc("http://127.0.0.1:1")


def opened(name, chain_id=1, **environment):
    def ask(prompt):
        raise EOFError

    return open_signer(name, NOBODY, chain_id, environment=environment.get, ask_password=ask)


@pytest.fixture
def keystore(tmp_path):
    path = tmp_path / "artist.json"
    path.write_text(json.dumps(Account.encrypt(KEY, "secret", kdf="pbkdf2", iterations=1_000)))
    return path


def test_key_in_a_variable_signs_on_any_chain():
    assert opened("STUDIO_KEY", STUDIO_KEY=KEY).address == ADDRESS


def test_keystore_file_opens_with_its_password(keystore):
    signer = opened(str(keystore), **{PASSWORD_VARIABLE: "secret"})
    assert signer.address == ADDRESS


def test_keystore_asks_when_no_variable_is_set(keystore):
    asked = []
    signer = open_signer(
        str(keystore), NOBODY, 1,
        environment=lambda name: None,
        ask_password=lambda prompt: asked.append(prompt) or "secret",
    )  # fmt: skip
    assert signer.address == ADDRESS
    assert str(keystore) in asked[0]


@pytest.mark.parametrize("environment", [{PASSWORD_VARIABLE: "wrong"}, {}])
def test_keystore_stays_shut_without_its_password(keystore, environment):
    with pytest.raises(SignerError, match=r"artist\.json"):
        opened(str(keystore), **environment)


def test_file_that_is_no_keystore_is_told(tmp_path):
    (tmp_path / "notes.json").write_text("{}")
    with pytest.raises(SignerError, match="cannot be opened"):
        opened(str(tmp_path / "notes.json"), **{PASSWORD_VARIABLE: "secret"})


@pytest.mark.parametrize("key", [KEY, KEY[2:], " " + KEY + " "])
def test_key_as_an_argument_is_refused_and_never_shown(key):
    with pytest.raises(SignerError, match="never arguments") as raised:
        opened(key, LOCAL_CHAIN_ID)
    assert "4f4f" not in str(raised.value)


def test_variable_without_a_key_is_refused_and_its_value_never_shown():
    with pytest.raises(SignerError, match="STUDIO_KEY does not hold") as raised:
        opened("STUDIO_KEY", STUDIO_KEY="hunter2")
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_unset_variable_is_told():
    with pytest.raises(SignerError, match="neither a keystore file nor a set environment"):
        opened("STUDIO_KEY")


@pytest.mark.parametrize("name", [None, ADDRESS])
def test_accounts_of_a_node_are_used_on_the_local_chain_only(name):
    with pytest.raises(SignerError, match="chain 1 needs a signer"):
        opened(name, 1)


def test_address_is_unlocked_on_the_local_chain():
    assert isinstance(opened(ADDRESS, LOCAL_CHAIN_ID), UnlockedSigner)


def test_signer_stands_for_itself():
    signer = KeySigner(KEY, 1)
    assert opened(signer) is signer
    assert "4f4f" not in repr(signer)


@pytest.mark.chain
def test_locally_signed_transaction_is_mined(local, state_dir, addresses, request_of):
    rpc = Rpc(local.rpc_url)
    rpc.call("anvil_setBalance", [ADDRESS, hex(10**18)])
    artwork = Contracts.connect(local.rpc_url, state_dir, KeySigner(KEY, LOCAL_CHAIN_ID)).artwork
    token_id = artwork.mint(request_of(ADDRESS))
    assert artwork.owner_of(token_id) == ADDRESS
    last = rpc.call("eth_getBlockByNumber", ["latest", True])["transactions"][-1]
    assert last["from"] == ADDRESS
    assert last["type"] == "0x2"


@pytest.mark.chain
def test_signer_without_ether_is_told_what_it_takes(local, state_dir, addresses, request_of):
    pauper = KeySigner("0x" + "7d" * 32, LOCAL_CHAIN_ID)
    artwork = Contracts.connect(local.rpc_url, state_dir, pauper).artwork
    with pytest.raises(SignerError, match=rf"may take 0\.0\d+ ETH, and {pauper.address} has 0;"):
        artwork.mint(request_of(pauper.address))


@pytest.mark.chain
@pytest.mark.parametrize("of", ["keystore", "variable"])
def test_every_kind_of_signer_mints(
    local, state_dir, addresses, request_of, keystore, of, monkeypatch
):
    Rpc(local.rpc_url).call("anvil_setBalance", [ADDRESS, hex(10**18)])
    monkeypatch.setenv(PASSWORD_VARIABLE, "secret")
    monkeypatch.setenv("STUDIO_KEY", KEY)
    name = str(keystore) if of == "keystore" else "STUDIO_KEY"
    artwork = Contracts.connect(local.rpc_url, state_dir, name).artwork
    assert artwork.creator_of(artwork.mint(request_of(ADDRESS))) == ADDRESS
