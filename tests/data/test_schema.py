"""The schema is complete, consistent, and the only place that names columns."""

import polars as pl
import pytest

from data.errors import NotFoundError
from data.schema import BLOCK_KINDS, DIGEST_TABLES, TABLES, conform, table


def test_every_table_and_column_has_a_meaning():
    for declared in TABLES.values():
        assert declared.meaning
        assert all(column.meaning for column in declared.columns), declared.name


def test_keys_are_columns_and_columns_are_unique():
    for declared in TABLES.values():
        names = declared.column_names
        assert set(declared.key) <= set(names), declared.name
        assert len(names) == len(set(names)), declared.name


def test_amounts_are_exact_and_carry_their_unit_in_the_name():
    for declared in TABLES.values():
        for column in declared.columns:
            if column.name.endswith("_wei"):
                assert column.type.duckdb == "DECIMAL(38,0)", (declared.name, column.name)


def test_every_evidence_and_fact_row_names_its_block_so_that_a_reorg_can_undo_it():
    for declared in TABLES.values():
        if declared.kind in BLOCK_KINDS:
            assert {"chain_id", "block_number", "block_hash"} <= set(declared.column_names)


def test_digest_leaves_out_what_tells_about_the_fetching():
    assert "logs" in DIGEST_TABLES
    assert "quarantine" in DIGEST_TABLES
    assert not {"blocks", "ranges", "runs", "wash_flags"} & set(DIGEST_TABLES)


def test_unknown_table_is_named_with_the_known_ones():
    with pytest.raises(NotFoundError, match=r"'sails'.*sales"):
        table("sails")


def test_conform_fills_missing_columns_and_casts():
    frame = conform("prices", pl.DataFrame({"chain_id": [1], "usd": [2]}))
    assert frame.columns == table("prices").column_names
    assert frame["usd"].dtype == pl.Float64
    assert frame["currency"].item() is None


def test_conform_makes_no_row_of_a_frame_without_columns():
    assert conform("transfers", pl.DataFrame()).is_empty()


def test_conform_refuses_a_column_that_the_table_lacks():
    with pytest.raises(NotFoundError, match="prise_usd"):
        conform("prices", pl.DataFrame({"prise_usd": [1.0]}))
