"""The commands as a user runs them, through the program's own entry point."""

import json

import numpy as np
import polars as pl
import pytest

import raisonne
from data.store import Store
from tests.analytics.conftest import fill_store
from tests.paths import SHARED

TRADES = """trade_id,nft_contract_address,token_id,token_standard,buyer,seller
1,0xAA,1,erc721,0xX,0xY
2,0xAA,1,erc721,0xY,0xX
3,0xAA,2,erc721,0xX,0xZ
"""


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs `raisonne …` in an empty folder; returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        with pytest.raises(SystemExit) as done:
            raisonne.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return done.value.code or 0, out, err

    return call


@pytest.fixture
def filled(tmp_path):
    path = tmp_path / "m.duckdb"
    with Store.open(path) as store:
        fill_store(store, days=100)
    return path


def write(tmp_path, text, name="trades.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_own_trades_are_flagged_into_a_file_without_a_store(run, tmp_path):
    out = tmp_path / "flags.csv"
    code, _, err = run("analyze", "wash", "--trades", write(tmp_path, TRADES), "--out", out)
    flags = pl.read_csv(out)
    assert code == 0
    assert flags["trade_id"].to_list() == [1, 2, 3]
    assert flags["is_wash"].to_list() == [True, True, False]
    assert flags["counter_trade_ids"].to_list() == [2, 1, None]
    assert "first_funded_by_same_wallet is not evaluated" in err
    assert not (tmp_path / "market.duckdb").exists()


def test_own_evidence_is_used(run, tmp_path):
    trades = write(tmp_path, TRADES)
    funding = write(tmp_path, "address,first_funded_by\n0xx,0xf\n0xz,0xf\n", "funding.csv")
    labels = write(tmp_path, "address,label\n0xf,CEX\n", "labels.csv")
    plain = run("analyze", "wash", "--trades", trades, "--funding", funding, "--json")
    assert json.loads(plain[1])[2]["first_funded_by_same_wallet"] is True
    assert "no --labels" in plain[2]
    excused = run(
        "analyze", "wash", "--trades", trades, "--funding", funding, "--labels", labels, "--json"
    )
    assert json.loads(excused[1])[2]["first_funded_by_same_wallet"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analyze", "wosh"], "known: wash, floor, styles, royalties, all"),
        (["analyze", "floor", "--trades", "t.csv"], "--trades feeds `analyze wash`, not floor"),
        (["analyze", "wash", "--sales", "t.csv"], "--sales feeds `analyze floor`, not wash"),
        (["analyze", "floor", "--ledger", "t.csv"], "--ledger feeds `analyze royalties`, not fl"),
        (["analyze", "royalties", "--sales", "t.csv"], "--sales needs --ledger FILE"),
        (["analyze", "wash", "--labels", "t.csv"], "--labels go with --trades FILE"),
        (["analyze", "wash", "--mode", "x"], "mode 'x' is unknown; known: full, incremental"),
        (["analyze", "all", "--out", "x.csv"], "--out holds one table"),
        (["forecast", "--series", "t.csv", "--season", "1,x"], "--season '1,x' is no list"),
        (
            ["forecast", "--series", "t.csv", "--models", "lstm"],
            "unknown; known: naive, stats, prophet",
        ),
    ],
)
def test_a_call_that_cannot_be_understood_is_one_line_and_exit_2(run, tmp_path, arguments, message):
    write(tmp_path, "unique_id,ds,y\n" + "".join(f"a,{n},1\n" for n in range(20)), "t.csv")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.strip().splitlines()[-1].startswith("error: ")


def test_bad_columns_are_named_with_exit_2(run, tmp_path):
    code, _, err = run("analyze", "wash", "--trades", write(tmp_path, "trade_id,byer\n1,2\n"))
    assert code == 2
    assert "lacks collection, token_id, token_standard, buyer, seller and has unknown byer" in err


def test_a_rule_that_lacks_its_columns_is_said_so(run, tmp_path):
    loans = write(tmp_path, "block_number,tx_hash\n1,0x1\n", "loans.csv")
    code, _, err = run(
        "analyze", "wash", "--trades", write(tmp_path, TRADES), "--flashloans", loans
    )
    assert code == 2
    assert "lacks block_number, tx_hash, which --flashloans needs" in err


def test_evidence_of_another_chain_is_refused(run, tmp_path):
    lines = TRADES.splitlines()
    named = "\n".join([lines[0] + ",blockchain"] + [line + ",ethereum" for line in lines[1:]])
    funding = write(tmp_path, "address,first_funded_by,chain_id\n0xx,0xf,1\n", "funding.csv")
    code, _, err = run("analyze", "wash", "--trades", write(tmp_path, named), "--funding", funding)
    assert code == 2
    assert "is of chain 1, the trades of ethereum" in err


def test_a_missing_file_exits_3(run):
    code, _, err = run("analyze", "wash", "--trades", "nowhere.csv")
    assert (code, "no file at nowhere.csv" in err) == (3, True)


def test_own_sales_give_floors_by_what_the_file_tells(run, tmp_path):
    out = tmp_path / "floors.parquet"
    sales = "day,price_eth,is_wash\n2024-01-01,1,0\n2024-01-01,2,0\n2024-01-02,9,1\n"
    code, _, err = run("analyze", "floor", "--sales", write(tmp_path, sales, "s.csv"), "--out", out)
    floors = pl.read_parquet(out)
    assert (code, set(floors["scope"])) == (0, {"market"})
    assert floors["n_sales"].to_list() == [2]
    assert "is_wash" not in err


def test_own_sales_with_parties_are_cleaned_by_the_rules(run, tmp_path):
    lines = TRADES.splitlines()
    rows = [lines[0] + ",block_time,price_eth"] + [line + ",1704067200,4" for line in lines[1:]]
    code, out, err = run("analyze", "floor", "--sales", write(tmp_path, "\n".join(rows)), "--json")
    market = [row for row in json.loads(out) if row["scope"] == "market"]
    assert (code, market[0]["n_sales"]) == (0, 1)
    assert "rules 1 to 3" in err


LEDGER = """sale_id,recipient,currency,owed_wei,paid_wei,gap_wei,status,look_through_of
s1,0x51,0x0,50,7,,partial,
s1,0xAA,0x0,50,7,,partial,0x51
s2,0xAA,0x0,,5,,unknown,
"""
ROYALTY_SALES = """sale_id,block_time,marketplace,currency,price_wei
s1,2024-01-05,open,0x0,500
s2,2024-01-06,open,0x0,100
"""


def test_an_own_ledger_gives_recipients_and_with_sales_marketplaces(run, tmp_path):
    ledger = write(tmp_path, LEDGER, "l.csv")
    code, out, _ = run("analyze", "royalties", "--ledger", ledger, "--json")
    (row,) = json.loads(out)
    assert (code, row["recipient"], row["n_unknown"], "chain_id" in row) == (0, "0xaa", 1, False)
    assert [int(row[name]) for name in ("owed_wei", "paid_wei", "gap_wei")] == [50, 12, 43]
    sales, rates = write(tmp_path, ROYALTY_SALES, "s.csv"), tmp_path / "rates.parquet"
    code, _, err = run("analyze", "royalties", "--ledger", ledger, "--sales", sales, "--out", rates)
    (row,) = pl.read_parquet(rates).rows(named=True)
    assert (code, row["effective_rate"], row["owed_rate"]) == (0, 12 / 600, 50 / 500)
    assert "no column royalty_wei" in err


def test_own_ledgers_with_amounts_that_are_none_and_sales_twice_are_refused(run, tmp_path):
    for amount in ("1.5", "1" + "0" * 38, "1e3"):
        text = LEDGER.replace("50", amount, 1)
        code, _, err = run("analyze", "royalties", "--ledger", write(tmp_path, text, "l.csv"))
        assert (code, f"{amount!r} is no wei" in err) == (2, True)
    ledger = write(tmp_path, LEDGER, "l.csv")
    twice = write(tmp_path, ROYALTY_SALES + ROYALTY_SALES.splitlines()[1] + "\n", "s.csv")
    code, _, err = run("analyze", "royalties", "--ledger", ledger, "--sales", twice)
    assert (code, "sale_id more than once" in err) == (2, True)


def test_the_store_is_analyzed_forecast_and_briefed(run, filled):
    code, out, _ = run("analyze", "all", "--store", filled, "--json")
    assert (code, json.loads(out)["rows"]["styles"]) == (0, 2)
    code, out, _ = run("forecast", "--store", filled, "--models", "stats")
    assert (code, "rings/clean_sales" in out) == (0, True)
    code, out, _ = run("brief", "--store", filled, "--works", "7")
    assert (code, ", 7 works" in out, "seasonal naive over" in out) == (0, True, True)


def test_a_store_that_is_named_by_the_environment_is_used(run, filled, monkeypatch):
    monkeypatch.setenv("RAISONNE_STORE", str(filled))
    code, out, _ = run("analyze", "floor", "--out", "floors.csv")
    assert (code, "floors" in out) == (0, True)
    assert set(pl.read_csv("floors.csv")["scope"]) == {"collection", "style", "market"}


def test_a_brief_before_any_forecast_exits_3_with_the_fix(run, filled):
    code, out, err = run("brief", "--store", filled)
    assert (code, out) == (3, "")
    assert "run `raisonne analyze all` and `raisonne forecast`" in err


@pytest.mark.parametrize("verb", [["analyze", "all"], ["forecast"], ["brief"]])
def test_a_store_that_is_not_there_exits_3_and_is_not_made(run, tmp_path, verb):
    code, _, err = run(*verb, "--store", tmp_path / "typo.duckdb")
    assert (code, "no store at" in err) == (3, True)
    assert not (tmp_path / "typo.duckdb").exists()


def series_file(tmp_path, length=60, count=2):
    rng = np.random.default_rng(2)
    rows = [
        (f"s{number}", step, 50 + 30 * np.sin(2 * np.pi * step / 12) + rng.normal(0, 1))
        for number in range(count)
        for step in range(length)
    ]
    frame = pl.DataFrame(rows, schema=["unique_id", "ds", "y"], orient="row")
    frame.write_csv(tmp_path / "series.csv")
    return tmp_path / "series.csv"


def test_own_series_are_forecast_with_the_columns_of_the_design(run, tmp_path):
    out = tmp_path / "forecasts.csv"
    code, _, _ = run(
        "forecast",
        "--series",
        series_file(tmp_path),
        "--horizon",
        6,
        "--freq",
        1,
        "--season",
        "12",
        "--models",
        "stats",
        "--out",
        out,
    )
    rows = pl.read_csv(out)
    assert code == 0
    assert ",".join(rows.columns) == (
        "unique_id,ds,model,selected,mean,median,lo-50,hi-50,lo-80,hi-80,lo-95,hi-95"
    )
    chosen = rows.filter("selected")
    assert (
        chosen.group_by("unique_id").agg(pl.col("ds").sort()).sort("unique_id")["ds"].to_list()
        == [list(range(60, 66))] * 2
    )
    truth = 50 + 30 * np.sin(2 * np.pi * np.arange(60, 66) / 12)
    first = chosen.filter(pl.col("unique_id") == "s0")["median"].to_numpy()
    assert first == pytest.approx(truth, abs=6)


def test_series_that_are_too_short_are_named_and_all_short_exits_1(run, tmp_path):
    path = series_file(tmp_path, length=8)
    code, out, err = run("forecast", "--series", path, "--out", "f.csv")
    assert (code, out) == (1, "")
    assert "s0: no forecast, 8 observed values, 10 are needed" in err
    assert not (tmp_path / "f.csv").exists()


def test_help_documents_every_column(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    code, out, _ = run("analyze", "--help")
    assert code == 0
    for word in ("nft_contract_address", "first_funded_by", "token_standard", "is_wash_trade",
                 "look_through_of", "owed_wei", "royalty_wei"):  # fmt: skip
        assert word in out


@pytest.mark.skipif(
    not (SHARED / "mainnet" / "m4_hourly.parquet").exists(),
    reason="../shared/mainnet/m4_hourly.parquet is absent",
)
def test_naive_of_m4_hourly_has_the_published_score(run, tmp_path):
    """Makridakis et al.: naive on M4 Hourly has sMAPE 43.003; seasonal naive 13.912."""
    m4 = pl.read_parquet(SHARED / "mainnet" / "m4_hourly.parquet")
    train = m4.filter(pl.col("part") == "train").sort("series_id", "t")
    train.select("series_id", "t", "y").write_parquet(tmp_path / "m4.parquet")
    run(
        "forecast",
        "--series",
        tmp_path / "m4.parquet",
        "--horizon",
        48,
        "--freq",
        1,
        "--season",
        "24",
        "--models",
        "naive",
        "--out",
        tmp_path / "f.parquet",
    )
    step = pl.int_range(pl.len())
    paths = (
        pl.read_parquet(tmp_path / "f.parquet")
        .sort("unique_id", "model", "ds")
        .with_columns(step=step.over("unique_id", "model"))
    )
    test = (
        m4.filter(pl.col("part") == "test")
        .sort("series_id", "t")
        .select(unique_id="series_id", y="y", step=step.over("series_id"))
    )
    smape = 200 * (pl.col("median") - pl.col("y")).abs() / (pl.col("median") + pl.col("y"))
    scores = dict(
        paths.join(test, on=["unique_id", "step"]).group_by("model").agg(smape.mean()).iter_rows()
    )
    assert scores["naive"] == pytest.approx(43.003, abs=0.001)
    assert scores["seasonal_naive"] == pytest.approx(13.912, abs=0.001)
