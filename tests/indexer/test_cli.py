"""`raisonne index` and `raisonne status` as a user calls them."""

import json

import pytest

import raisonne
from tests.indexer.samples import ALICE, make_transfer
from tests.indexer.test_run import FIRST, LAST, serve


@pytest.fixture
def call(tmp_path, monkeypatch, capfd):
    """Runs a command in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("ETH_RPC_URL", "RAISONNE_STORE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            raisonne.main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return run


def test_index_prints_a_summary_and_progress_on_stderr(call):
    with serve() as node:
        code, out, err = call(
            "index", "--rpc-url", node.url, "--blocks", f"{FIRST}:{LAST + 1}", "--json"
        )
        assert code == 0
        summary = json.loads(out)
        assert (summary["chain_id"], summary["blocks"]) == (77, LAST + 1 - FIRST)
        assert summary["rows"]["transfers"] == 31
        assert json.loads(err.splitlines()[-1])["state"] == "done"
        code, out, _ = call("index", "--rpc-url", node.url, "--blocks", f"{FIRST}:{LAST + 1}")
    assert "0 new blocks" in out


def test_status_tells_rows_ranges_balance_and_digest(call):
    with serve() as node:
        call("index", "--rpc-url", node.url, "--blocks", "1000:1010")
        call("index", "--rpc-url", node.url, "--blocks", "1020:1030", "--max-range", "3")
    code, out, _ = call("status", "--digest", "--json")
    assert code == 0
    status = json.loads(out)
    (chain,) = status["chains"]
    assert chain["ranges"] == ["1000:1010", "1020:1030"]
    assert (chain["blocks"], chain["behind"]) == (20, LAST + 6 + 1 - 1_030)
    assert status["tables"]["transfers"] == 10
    (seaport,) = status["sales"]
    assert (seaport["residual_nonzero"], seaport["residual_null_share"]) == (0, 0.0)
    assert len(status["digest"]["transfers"]) == 64
    code, out, _ = call("status")
    assert "chain 77: 20 blocks (1000:1010 1020:1030)" in out
    assert "0.0% without a known residual" in out


def test_status_shows_what_was_set_aside(call, monkeypatch):
    from tests.node import ReplayNode

    odd = make_transfer(1, block=1_000)
    odd["topics"][1] = "0x" + "ff" * 32
    with ReplayNode(77, [odd]) as node:
        call("index", "--rpc-url", node.url, "--blocks", "1000:1001")
    _, out, _ = call("status")
    assert "quarantine: 1 erc721 Transfer: from: not a clean address" in out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--blocks", "9:3"], 2, "ends at 3, before its start 9"),
        (["--protocol", "nosuch"], 2, "unknown protocol 'nosuch'"),
        (["--address", "0x12"], 2, "is no address"),
        (["--chain", "ethereum"], 4, "serves chain 77"),
        (["--chain", "atlantis"], 2, "unknown chain 'atlantis'"),
        (["--prices", "none.csv"], 3, "none.csv"),
    ],
)
def test_bad_option_is_one_line_with_its_exit_code(call, arguments, code, says):
    with serve() as node:
        found, out, err = call("index", "--rpc-url", node.url, *arguments)
    assert found == code
    assert out == ""
    (line,) = [line for line in err.splitlines() if line.startswith("error")]
    assert says in line


def test_store_that_is_not_there_is_not_found(call):
    code, _, err = call("status", "--store", "none.duckdb")
    assert (code, "none.duckdb" in err) == (3, True)


def test_files_of_prices_and_funding_reach_the_links(call, tmp_path):
    (tmp_path / "prices.csv").write_text("currency,time,usd\neth,2023-11-15,1000\n")
    (tmp_path / "funding.csv").write_text(f"address,first_funded_by\n{ALICE},{ALICE}\n")
    with serve() as node:
        code, _, err = call(
            "index", "--rpc-url", node.url, "--blocks", "1000:1002",
            "--prices", "prices.csv", "--funding", "funding.csv",
        )  # fmt: skip
    assert code == 0, err
    code, out, _ = call("sql", "SELECT count(price_usd) AS n FROM sales", "--format", "json")
    assert json.loads(out)[0]["n"] == 1
    code, out, _ = call("sql", "SELECT source FROM funding", "--format", "json")
    assert json.loads(out)[0]["source"] == "file:funding.csv"
