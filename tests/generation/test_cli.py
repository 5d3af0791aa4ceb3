import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import raisonne
from data.errors import NotFoundError
from data.store import Store
from generation.run import generate, latest_brief, limit_works
from tests.generation.conftest import BRIEF


@pytest.fixture
def store_path(tmp_path):
    """A store with an old brief and BRIEF, the newest."""
    path = tmp_path / "market.duckdb"
    old = BRIEF.with_columns(brief_id=pl.lit("brief-0"), created_at=pl.lit(datetime(2026, 1, 1)))
    new = BRIEF.with_columns(created_at=pl.lit(datetime(2026, 1, 2)))
    filled = pl.concat([old, new]).with_columns(
        chain_id=pl.lit(31337, pl.Int64),
        expected_sales=pl.lit(3.0),
        lo_80=pl.lit(1.0),
        hi_80=pl.lit(5.0),
        model=pl.lit("naive"),
        reason=pl.lit("test"),
    )
    with Store.open(path) as store:
        store.append("briefs", filled)
    return path


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Runs the command line in an empty folder; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        try:
            raisonne.main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as stopped:
            code = stopped.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def quick(store_path, *more):
    return ("generate", "--store", store_path, "--no-mint", "--steps", 2, "--device", "cpu", *more)


def test_generate_makes_the_newest_brief_and_verify_finds_it_by_id(run, store_path, tmp_path):
    code, out, err = run(*quick(store_path, "--out", tmp_path / "works", "--json"))
    assert code == 0, err
    made = json.loads(out)
    assert made["brief_id"] == "brief-1"
    assert [work["style"] for work in made["works"]] == ["rings", "rings", "mosaic"]
    assert [work["price_wei"] for work in made["works"]][:1] == [str(10**17)]
    with Store.open(store_path) as store:
        rows = store.read("works")
        assert set(rows["work_id"]) == {work["work_id"] for work in made["works"]}
        assert set(rows["run_id"]) == {made["run_id"]}
        assert store.read("runs")["verb"].to_list() == ["generate"]
    code, out, err = run(
        "verify", made["works"][0]["work_id"], "--store", store_path, "--device", "cpu"
    )
    assert code == 0, err
    assert f"level L2: {made['works'][0]['work_id']}" in out


def test_generate_again_makes_the_same_works_and_adds_no_row(run, store_path, tmp_path):
    arguments = quick(store_path, "--out", tmp_path / "works", "--json")
    first, second = (json.loads(run(*arguments)[1]) for _ in range(2))
    assert [w["work_id"] for w in first["works"]] == [w["work_id"] for w in second["works"]]
    with Store.open(store_path) as store:
        assert store.read("works").height == 3


def test_table_on_stdout_names_styles_prices_and_brief(run, store_path):
    code, out, _ = run(*quick(store_path, "--limit", 1))
    assert code == 0
    assert "rings" in out
    assert "0.1" in out
    assert "1 works of brief brief-1" in out


def test_verify_of_a_tampered_work_says_what_failed_and_ends_with_5(run, work):
    work.with_suffix(".png").write_bytes(b"no image")
    code, out, err = run("verify", work)
    assert code == 5
    assert "L1  FAILED         pixels" in out
    assert "level L0" in out
    assert err.startswith("error: ")
    assert "failed pixels; level L0 holds" in err


def test_verify_as_json_lists_every_check(run, work):
    code, out, _ = run("verify", work, "--json")
    body = json.loads(out)
    assert (code, body["level"], body["work_id"]) == (0, "L2", work.stem)
    assert len(body["checks"]) == 9


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--model", "/no/such"), 3, "no model folder at /no/such; name a folder"),
        (("--brief", "brief-9"), 3, "no brief 'brief-9' in"),
        (("--limit", "0"), 2, "--limit"),
    ],
)
def test_bad_call_is_one_line_and_its_exit_code_and_loses_nothing(
    run, store_path, arguments, code, said
):
    found, _, err = run(*quick(store_path, *arguments))
    assert found == code
    assert said in err
    with Store.open(store_path) as store:
        assert store.read("briefs").height == 4
        assert store.read("works").is_empty()


def test_corrupt_model_folder_ends_with_5_and_one_line(run, store_path, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "recipe.json").write_text("{")
    code, _, err = run(*quick(store_path, "--model", tmp_path / "model"))
    assert code == 5
    assert err.count("\n") == 1
    assert "recipe.json is no JSON" in err


def test_unknown_style_in_a_brief_ends_with_3_and_the_known_ones(run, store_path):
    with Store.open(store_path) as store:
        briefs = store.read("briefs")
        store.replace("briefs", briefs.with_columns(style=pl.lit("cubism")))
    code, _, err = run(*quick(store_path))
    assert code == 3
    assert "'cubism' is unknown; known styles: rings" in err


def test_unreachable_node_ends_with_4_before_anything_is_made(run, store_path, tmp_path):
    code, _, err = run("generate", "--store", store_path, "--rpc-url", "http://127.0.0.1:9")
    assert code == 4
    assert "127.0.0.1:9" in err
    assert not (tmp_path / "works").exists()


def test_store_without_a_brief_says_how_to_write_one(run, tmp_path):
    with Store.open(tmp_path / "empty.duckdb"):
        pass
    code, _, err = run("generate", "--store", tmp_path / "empty.duckdb", "--no-mint")
    assert code == 3
    assert "raisonne brief" in err


def test_verify_of_an_unknown_id_or_path_ends_with_3(run, store_path, tmp_path):
    assert run("verify", "0x" + "12" * 32, "--store", store_path)[0] == 3
    assert run("verify", tmp_path / "none.png")[0] == 3


def test_train_writes_a_folder_that_generate_takes(run, store_path, tmp_path):
    folder = tmp_path / "own"
    code, out, _ = run("train", "--out", folder, "--steps", 1, "--work-dir", tmp_path / "ck")
    assert code == 0
    assert str(folder) in out
    code, out, err = run(*quick(store_path, "--model", folder, "--limit", 1, "--json"))
    assert code == 0, err
    assert Path(json.loads(out)["works"][0]["image_path"]).exists()


def test_works_of_other_briefs_are_not_made_again(store_path, quick_engine, tmp_path):
    # Two briefs that would make equal pixels: the same place in a brief of the same name.
    with Store.open(store_path) as store:
        first = generate(store, quick_engine, seed=1, out_dir=tmp_path)
        renamed = first.works.with_columns(brief_id=pl.lit("brief-0"))
        store.replace("works", renamed)
        second = generate(store, quick_engine, seed=1, out_dir=tmp_path)
    assert set(second.works["pixel_sha256"]).isdisjoint(first.works["pixel_sha256"])


def test_limit_takes_works_from_the_first_lines():
    assert limit_works(BRIEF, 1)["works"].to_list() == [1, 0]
    assert limit_works(BRIEF, 3)["works"].to_list() == [2, 1]
    assert limit_works(BRIEF, 9)["works"].to_list() == [2, 1]
    assert limit_works(BRIEF, None)["works"].to_list() == [2, 1]


def test_named_brief_is_taken_instead_of_the_newest(store_path):
    with Store.open(store_path) as store:
        assert latest_brief(store)["brief_id"].unique().to_list() == ["brief-1"]
        assert latest_brief(store, "brief-0")["line"].to_list() == [0, 1]
        with pytest.raises(NotFoundError, match="no brief 'x'"):
            latest_brief(store, "x")
