import polars as pl
from polars.testing import assert_frame_equal

from analytics.volume import daily_volume
from tests.analytics.frames import sale, sales


def flagged(*rows):
    return sales(*rows).with_columns(pl.col("is_wash").cast(pl.Boolean))


def test_clean_and_flagged_volume_add_up_to_the_wei():
    odd = sale(1, 0, is_wash=False)
    odd["price_wei"] += 1
    rows = daily_volume(flagged(odd, sale(2, 0.5, is_wash=True, price_eth=2.0)))
    row = rows.row(0, named=True)
    assert (row["sales"], row["clean_sales"], row["flagged_sales"]) == (2, 1, 1)
    assert int(row["clean_volume_wei"]) == 10**18 + 1
    assert int(row["flagged_volume_wei"]) == 2 * 10**18
    assert row["volume_wei"] == row["clean_volume_wei"] + row["flagged_volume_wei"]
    assert (row["clean_volume_eth"], row["flagged_volume_eth"]) == (1.0, 2.0)


def test_days_and_marketplaces_are_kept_apart():
    rows = daily_volume(
        flagged(
            sale(1, 0.999, is_wash=False),
            sale(2, 1.0, is_wash=False),
            sale(3, 1.0, is_wash=False, marketplace="opensea"),
        )
    )
    assert rows.select("marketplace", "sales").rows() == [
        ("raisonne", 1), ("opensea", 1), ("raisonne", 1),
    ]  # fmt: skip


def test_a_currency_without_an_eth_value_is_counted_but_adds_no_volume():
    row = daily_volume(flagged(sale(1, 0, is_wash=False, price_eth=None))).row(0, named=True)
    assert (row["sales"], int(row["volume_wei"])) == (1, 0)


def test_the_order_of_sales_does_not_matter():
    rows = [sale(n, n % 5, is_wash=n % 3 == 0, price_eth=1 + n / 7) for n in range(30)]
    first, second = daily_volume(flagged(*rows)), daily_volume(flagged(*rows[::-1]))
    assert_frame_equal(first, second, check_exact=False)


def test_no_sales_give_no_rows():
    assert daily_volume(flagged(sale(1, 0, is_wash=False)).clear()).is_empty()
