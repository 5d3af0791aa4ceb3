import gzip

import polars as pl
import pytest

from analytics.columns import FUNDING, SALES, SERIES, TRADES
from analytics.errors import InputColumnError, InputFileError, InputValueError
from analytics.files import read_input

HUGE = str(2**256 - 1)
TRADE = "trade_id,nft_contract_address,token_id,token_standard,buyer,seller"


def written(tmp_path, text, name="trades.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_dune_names_are_understood_and_addresses_become_lower_case(tmp_path):
    rows = read_input(written(tmp_path, f"{TRADE}\n7,0xAB,1,ERC721,0xCD,0xEF\n"), TRADES)
    assert rows.row(0, named=True) == {
        "trade_id": "7",
        "collection": "0xab",
        "token_id": "1",
        "token_standard": "erc721",
        "buyer": "0xcd",
        "seller": "0xef",
    }


def test_a_token_id_of_78_digits_stays_exact(tmp_path):
    rows = read_input(written(tmp_path, f"{TRADE}\n7,0xab,{HUGE},erc721,0xc,0xd\n"), TRADES)
    assert rows["token_id"][0] == HUGE


def test_gzip_and_parquet_read_like_csv(tmp_path):
    text = f"{TRADE}\n7,0xab,1,erc721,0xc,0xd\n"
    plain = read_input(written(tmp_path, text), TRADES)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert read_input(tmp_path / "t.csv.gz", TRADES).equals(plain)
    pl.read_csv(tmp_path / "trades.csv").write_parquet(tmp_path / "t.parquet")
    assert read_input(tmp_path / "t.parquet", TRADES).equals(plain)


def test_where_name_and_alias_stand_side_by_side_the_alias_counts(tmp_path):
    text = f"collection,{TRADE}\nCool Cats,7,0xab,1,erc721,0xc,0xd\n"
    assert read_input(written(tmp_path, text), TRADES)["collection"].to_list() == ["0xab"]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("1704110400", "2024-01-01 12:00:00"),
        ("1704110400123", "2024-01-01 12:00:00.123000"),
        ("2024-01-01", "2024-01-01 00:00:00"),
        ("2024-01-01 12:00:00", "2024-01-01 12:00:00"),
        ("2024-01-01T12:00:00Z", "2024-01-01 12:00:00"),
        ("2024-01-01 12:00:00.000 UTC", "2024-01-01 12:00:00"),
        ("19723", "2024-01-01 00:00:00"),
    ],
)
def test_times_come_as_epochs_days_or_iso_text(tmp_path, text, iso):
    rows = read_input(written(tmp_path, f"block_time,price_eth\n{text},1.5\n"), SALES)
    assert str(rows["block_time"][0]) == iso


def test_a_time_zone_in_parquet_is_turned_into_utc(tmp_path):
    times = pl.Series(["2024-01-01T12:00:00+0200"]).str.to_datetime("%Y-%m-%dT%H:%M:%S%z")
    pl.DataFrame(
        {"block_time": times.dt.convert_time_zone("Europe/Paris"), "price_eth": 1.0}
    ).write_parquet(tmp_path / "s.parquet")
    assert str(read_input(tmp_path / "s.parquet", SALES)["block_time"][0]) == "2024-01-01 10:00:00"


@pytest.mark.parametrize(
    ("label", "kind"), [("3", pl.Int64), ("2024-01-01", pl.Date), ("2024-01-01 05:00", pl.Datetime)]
)
def test_labels_of_series_keep_their_kind(tmp_path, label, kind):
    rows = read_input(written(tmp_path, f"unique_id,ds,y\na,{label},1\n"), SERIES)
    assert rows["ds"].dtype == kind


def test_missing_and_unknown_columns_are_all_named(tmp_path):
    path = written(tmp_path, "trade_id,byer,token_id\n1,2,3\n")
    with pytest.raises(InputColumnError) as error:
        read_input(path, TRADES)
    for part in ("lacks collection, token_standard, buyer, seller", "unknown byer", str(path)):
        assert part in str(error.value)


def test_a_misspelt_optional_column_is_not_passed_over(tmp_path):
    with pytest.raises(InputColumnError, match="has unknown is_wahs; rename or drop"):
        read_input(written(tmp_path, "block_time,price_eth,is_wahs\n1,1,1\n"), SALES)


def test_the_first_bad_value_is_named_with_its_row(tmp_path):
    path = written(tmp_path, "block_time,price_eth\n2024-01-01,1\n2024-01-02,cheap\n")
    with pytest.raises(InputValueError, match="column price_eth, row 2: 'cheap' is no float"):
        read_input(path, SALES)


def test_empty_cells_are_unknown_not_wrong(tmp_path):
    path = written(tmp_path, "address,first_funded_by,block_time\n0xa,,\n")
    assert read_input(path, FUNDING).row(0) == ("0xa", None, None)


def test_a_missing_file_and_a_foreign_one_are_told_apart(tmp_path):
    with pytest.raises(InputFileError, match=r"no file at .*nowhere\.csv"):
        read_input(tmp_path / "nowhere.csv", SALES)
    with pytest.raises(InputValueError, match=r"neither \.csv, \.csv\.gz nor \.parquet"):
        read_input(written(tmp_path, "{}", "sales.json"), SALES)
    with pytest.raises(InputValueError, match="cannot be read"):
        read_input(written(tmp_path, "no parquet", "sales.parquet"), SALES)


def test_help_names_every_column_and_alias():
    for contract in (TRADES, SALES, FUNDING, SERIES):
        text = contract.describe()
        for field in contract.fields:
            assert field.name in text
            assert all(alias in text for alias in field.aliases)
