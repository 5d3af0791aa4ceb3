"""Configuration order, masking, and the commands on the store."""

import json

import polars as pl
import pytest

import raisonne
from data.config import defaults_for_verbs, load_file, resolve
from data.errors import UsageError
from data.masking import mask_url, mask_urls
from data.store import Store
from data.tabular import read_table, render, require_columns


@pytest.fixture
def store_path(tmp_path):
    path = tmp_path / "market.duckdb"
    with Store.open(path) as opened:
        opened.append(
            "prices",
            pl.DataFrame(
                {"chain_id": [1], "block_number": [1], "block_hash": ["0xa"], "usd": [3_000.5]}
            ),
        )
    return path


@pytest.fixture
def run(capsys):
    """Runs the command line; returns exit code, stdout and stderr."""

    def call(*arguments):
        try:
            raisonne.main([str(a) for a in arguments])
            code = 0
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code or 0, captured.out, captured.err

    return call


def test_environment_beats_file_and_file_beats_default():
    content = {"store": "file.duckdb", "model": "tiny"}
    found = {r.setting.name: r for r in resolve(content, {"RAISONNE_STORE": "env.duckdb"})}
    assert (found["store"].value, found["store"].origin) == (
        "env.duckdb",
        "environment RAISONNE_STORE",
    )
    assert (found["model"].value, found["model"].origin) == ("tiny", "file raisonne.toml")
    assert found["rpc_url"].origin == "default"


def test_the_table_of_a_command_beats_the_shared_settings_of_the_file():
    content = {"store": "a", "index": {"store": "b"}}
    assert defaults_for_verbs(content, ["index", "sql"]) == {
        "index": {"store": "b"},
        "sql": {"store": "a"},
    }


def test_subcommands_take_the_settings_of_file_command_and_their_own_table():
    content = {"signer": "KEY", "chain": {"state_dir": "s", "deploy": {"fee_bps": 1}}}
    chain = defaults_for_verbs(content, ["chain"], {"chain": ["deploy", "down"]})["chain"]
    assert chain["deploy"] == {"signer": "KEY", "state_dir": "s", "fee_bps": 1}
    assert chain["down"] == {"signer": "KEY", "state_dir": "s"}


def test_an_unknown_setting_is_named(tmp_path):
    path = tmp_path / "raisonne.toml"
    path.write_text('stroe = "x"')
    with pytest.raises(UsageError, match=r"stroe.*known: .*store"):
        load_file(path, ["index"])


def test_keys_in_urls_are_masked():
    assert mask_url("https://user:pw@node.example/v2/SECRET?k=1") == "https://node.example/…"
    assert "SECRET" not in mask_urls("failed: wss://n.example/SECRET, then gave up")


def test_a_bare_host_is_left_readable():
    assert mask_url("http://127.0.0.1:8545") == "http://127.0.0.1:8545"


def test_sql_prints_rows_as_json(run, store_path):
    code, out, _ = run("sql", "SELECT usd FROM prices", "--store", store_path, "--format", "json")
    assert code == 0
    assert json.loads(out) == [{"usd": 3000.5}]


def test_sql_cannot_write(run, store_path):
    code, _, err = run("sql", "DELETE FROM prices", "--store", store_path)
    assert code == 2
    assert "read-only" in err


def test_sql_on_a_missing_store_says_how_to_get_one(run, tmp_path):
    code, _, err = run("sql", "SELECT 1", "--store", tmp_path / "none.duckdb")
    assert code == 3
    assert err.count("\n") == 1
    assert "raisonne demo" in err


def test_export_writes_parquet_that_reads_back(run, store_path, tmp_path):
    out = tmp_path / "prices.parquet"
    code, _, _ = run("export", "prices", "--store", store_path, "--out", out)
    assert code == 0
    assert read_table(out)["usd"].to_list() == [3_000.5]


def test_export_of_an_unknown_table_names_the_known_ones(run, store_path, tmp_path):
    code, _, err = run("export", "prise", "--store", store_path, "--out", tmp_path / "x.csv")
    assert code == 3
    assert "prices" in err


def test_json_keeps_large_integers_as_text():
    assert json.loads(render(pl.DataFrame({"n": [2**60]}), "json")) == [{"n": str(2**60)}]


def test_terminal_table_defuses_escape_sequences():
    assert "\x1b" not in render(pl.DataFrame({"name": ["\x1b[31mred"]}), "table")


def test_columns_of_a_file_are_checked_by_name():
    with pytest.raises(UsageError, match="lacks buyer and has unknown byer"):
        require_columns(pl.DataFrame({"byer": [1]}), {"buyer"}, {"price"}, "trades.csv")


def test_help_answers_without_importing_heavy_packages():
    import subprocess
    import sys

    script = (
        "import sys, raisonne\n"
        "try:\n raisonne.main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'diffusers', 'prophet', 'plotly', 'streamlit', 'polars', 'duckdb'}\n"
        "sys.exit(1 if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0
