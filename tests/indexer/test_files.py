from datetime import datetime

import polars as pl
import pytest

from data.errors import NotFoundError, UsageError
from indexer.files import load_funding, load_labels, load_prices
from tests.indexer.samples import ALICE, BOB, WETH, ZERO, one


def test_prices_are_read_from_csv_in_place_of_the_earlier_file(store, tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(f"currency,time,usd\nETH,2024-01-01T00:00:00Z,2000.5\n{WETH},2024-01-02,9\n")
    assert load_prices(store, path, 1) == 2
    path.write_text("currency,time,usd\neth,2024-01-01T00:00:00Z,2100\n")
    assert load_prices(store, path, 1) == 1
    row = one(store.read("prices"))
    assert (row["currency"], row["usd"], row["source"]) == (ZERO, 2100.0, "file:prices.csv")
    assert row["time"] == datetime(2024, 1, 1)


def test_prices_are_read_from_parquet_and_turned_to_utc(store, tmp_path):
    path = tmp_path / "prices.parquet"
    times = pl.Series([datetime(2024, 1, 1, 2)]).dt.replace_time_zone("Etc/GMT-2")
    pl.DataFrame({"currency": ["eth"], "time": times, "usd": [5.0]}).write_parquet(path)
    load_prices(store, path, 1)
    assert one(store.read("prices"))["time"] == datetime(2024, 1, 1)


def test_funding_may_leave_the_block_out(store, tmp_path):
    path = tmp_path / "funding.csv"
    path.write_text(f"address,first_funded_by\n{ALICE.upper().replace('0X', '0x')},{BOB}\n")
    load_funding(store, path, 1)
    row = one(store.read("funding"))
    assert (row["address"], row["first_funded_by"], row["block_number"]) == (ALICE, BOB, None)
    path.write_text(
        f"address,first_funded_by,block_number,block_time\n{ALICE},{BOB},7,2024-01-01\n"
    )
    load_funding(store, path, 1)
    assert one(store.read("funding"))["block_number"] == 7


def test_labels_are_kept_per_file(store, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"address,label,name\n{ALICE},cex,Exchange\n")
    load_labels(store, path, 1)
    load_labels(store, path, 10)
    assert store.read("labels").height == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("currency,time\neth,2024-01-01\n", "lacks column 'usd'"),
        ("currency,time,usd,note\neth,2024-01-01,5,x\n", "unknown column 'note'"),
        ("currency,time,usd\neth,yesterday,5\n", "column 'time', row 1: 'yesterday' is no time"),
        ("currency,time,usd\neth,2024-01-01,5\neth,2024-01-02,dear\n", "row 2: 'dear' is no float"),
    ],
)
def test_malformed_file_is_refused_by_column_and_value(store, tmp_path, text, complaint):
    path = tmp_path / "prices.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=complaint):
        load_prices(store, path, 1)
    assert store.read("prices").is_empty()


def test_missing_and_unreadable_files_are_named(store, tmp_path):
    with pytest.raises(NotFoundError, match=r"none\.csv"):
        load_prices(store, tmp_path / "none.csv", 1)
    path = tmp_path / "bad.parquet"
    path.write_text("no parquet")
    with pytest.raises(UsageError, match="neither CSV nor Parquet"):
        load_prices(store, path, 1)
