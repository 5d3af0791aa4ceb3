from datetime import timedelta

import polars as pl
import pytest

from analytics.survival import listing_spells, sold_within
from tests.analytics.frames import START, index_times, listing, listings, sale, sales


def spells(*ages, group="a"):
    """Spells of (days, sold)."""
    return pl.DataFrame(
        {
            "group": [group] * len(ages),
            "duration_days": [float(age) for age, _ in ages],
            "is_sold": [sold for _, sold in ages],
        }
    )


def share(frame, days=28):
    return sold_within(frame, days, ("group",))["sold_share"][0]


def test_share_sold_equals_a_worked_example():
    # 6 at risk: sold at 3 (5/6), censored at 5, sold at 7 twice of 4 at risk (2/4), then 30, 40.
    frame = spells((3, True), (5, False), (7, True), (7, True), (30, True), (40, False))
    assert share(frame) == pytest.approx(1 - 5 / 6 * 2 / 4)


def test_sales_after_the_horizon_do_not_count():
    assert share(spells((29, True), (40, False))) == 0.0


def test_a_sale_and_a_withdrawal_of_one_age_count_the_withdrawn_as_at_risk():
    assert share(spells((3, True), (3, False), (30, False))) == pytest.approx(1 / 3)


def test_censored_works_are_not_taken_for_unsold_ones():
    young = spells((10, True), (2, False), (2, False), (30, False))
    assert share(young) == pytest.approx(1 / 2)  # a ratio would say 1 of 4


def test_nothing_is_claimed_beyond_what_was_followed():
    assert share(spells((3, True), (10, False))) is None


def test_everything_sold_needs_no_follow_up():
    assert share(spells((3, True), (10, True))) == 1.0


def test_groups_are_kept_apart():
    both = pl.concat([spells((3, True)), spells((30, False), group="b")])
    assert sold_within(both, 28, ("group",)).rows() == [("a", 1.0, 1), ("b", 0.0, 1)]


def spell_rows(listed, sold=(), until=100.0):
    sold_frame = (
        sales(*sold).with_columns(pl.col("is_wash").cast(pl.Boolean))
        if sold
        else (sales().with_columns(is_wash=pl.lit(value=False)))
    )
    found = listing_spells(listings(*listed), sold_frame, index_times(until))
    return found.select("duration_days", "is_sold").rows()


def test_a_listing_runs_to_its_sale():
    rows = spell_rows([listing(1, "7", 0)], [sale(1, 5, token_id="7", is_wash=False)])
    assert rows == [(5.0, True)]


def test_an_unsold_listing_runs_to_the_end_of_the_index():
    assert spell_rows([listing(1, "7", 40)]) == [(60.0, False)]


def test_a_cancelled_listing_is_censored_there():
    listed = [listing(1, "7", 0), listing(2, "7", 4, event="cancelled")]
    assert spell_rows(listed, [sale(1, 9, token_id="7", is_wash=False)]) == [(4.0, False)]


def test_an_expired_listing_is_censored_there():
    listed = [listing(1, "7", 0, end_time=START + timedelta(days=6))]
    assert spell_rows(listed, [sale(1, 9, token_id="7", is_wash=False)]) == [(6.0, False)]


def test_a_new_price_continues_the_spell():
    listed = [listing(1, "7", 0), listing(2, "7", 10)]
    assert spell_rows(listed, [sale(1, 12, token_id="7", is_wash=False)]) == [(12.0, True)]


def test_a_listing_after_a_sale_is_a_spell_of_its_own():
    listed = [listing(1, "7", 0), listing(2, "7", 10)]
    sold = [sale(1, 3, token_id="7", is_wash=False), sale(2, 30, token_id="7", is_wash=False)]
    assert spell_rows(listed, sold) == [(3.0, True), (20.0, True)]


def test_a_flagged_sale_is_not_a_sale():
    rows = spell_rows([listing(1, "7", 0)], [sale(1, 5, token_id="7", is_wash=True)])
    assert rows == [(5.0, False)]


def test_a_sale_that_was_never_listed_is_no_spell():
    assert spell_rows([], [sale(1, 5, token_id="7", is_wash=False)]) == []
