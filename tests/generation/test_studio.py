from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from PIL import Image

from data.errors import NotFoundError, UsageError
from data.schema import table
from generation.errors import GenerationError
from generation.fingerprint import pixel_sha256
from generation.manifest import digest_of, process_digest, read_manifest
from generation.studio import MAX_ATTEMPTS, generate_brief, make_work, work_seed
from tests.generation.conftest import BRIEF, NOW


def test_every_line_gets_its_works_in_the_columns_of_the_table(made):
    assert made.schema == table("works").polars_schema
    assert made["style"].to_list() == ["rings", "rings", "mosaic"]
    assert made["line"].to_list() == [0, 0, 1]
    assert made["price_wei"].cast(pl.String).to_list() == [
        str(10**17),
        str(10**17),
        str(25 * 10**16),
    ]
    assert made["created_at"].to_list() == [NOW] * 3


def test_row_manifest_and_image_tell_the_same(made):
    for row in made.iter_rows(named=True):
        manifest = read_manifest(Path(row["manifest_path"]))
        image = Image.open(row["image_path"])
        assert Path(row["manifest_path"]).stem == row["work_id"] == digest_of(manifest)
        assert Path(row["image_path"]).stem == row["work_id"]
        assert row["pixel_sha256"] == pixel_sha256(image) == manifest.work.pixel_sha256
        assert row["process_digest"] == process_digest(manifest.process)
        assert row["title"] == manifest.work.title
        assert manifest.steering.line == row["line"]


def test_same_call_writes_the_same_files_again(made, quick_engine, tmp_path):
    again = generate_brief(BRIEF, quick_engine, tmp_path, seed=1, created_at=NOW)
    assert again["work_id"].to_list() == made["work_id"].to_list()
    for first, second in zip(made["image_path"], again["image_path"], strict=True):
        assert Path(first).read_bytes() == Path(second).read_bytes()


def test_a_line_does_not_depend_on_the_lines_before_it(made, quick_engine, tmp_path):
    alone = generate_brief(BRIEF[1:], quick_engine, tmp_path, seed=1, created_at=NOW)
    assert alone["work_id"].to_list() == made["work_id"].to_list()[2:]


def test_another_seed_makes_other_works(made, quick_engine, tmp_path):
    other = generate_brief(BRIEF, quick_engine, tmp_path, seed=2, created_at=NOW)
    assert set(other["pixel_sha256"]).isdisjoint(made["pixel_sha256"])


def test_known_pixels_are_not_made_again_but_replaced_from_the_next_seed(
    made, quick_engine, tmp_path
):
    known = {made["pixel_sha256"][0]}
    works = generate_brief(
        BRIEF, quick_engine, tmp_path, seed=1, created_at=NOW, known_pixel_hashes=known
    )
    assert works["pixel_sha256"][0] not in known
    assert works["seed"][0] == str(work_seed(1, "brief-1", 0, 0, attempt=1))
    assert works["pixel_sha256"].to_list()[1:] == made["pixel_sha256"].to_list()[1:]


class _Everything:
    """A set that holds every hash: as if the model could only repeat itself."""

    def __contains__(self, value):
        return True

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0


def test_model_that_repeats_itself_is_given_up_after_some_seeds(quick_engine):
    line = BRIEF.row(0, named=True)
    with pytest.raises(GenerationError, match=f"nothing new of style 'rings' from {MAX_ATTEMPTS}"):
        make_work(line, 0, quick_engine, 1, _Everything())


def test_unknown_style_is_refused_before_anything_is_made(quick_engine, tmp_path):
    brief = BRIEF.with_columns(style=pl.Series(["rings", "cubism"]))
    with pytest.raises(NotFoundError, match="'cubism' is unknown; known styles: rings"):
        generate_brief(brief, quick_engine, tmp_path, seed=1, created_at=NOW)
    assert list(tmp_path.iterdir()) == []


def test_brief_without_a_column_is_refused_by_its_name(quick_engine, tmp_path):
    with pytest.raises(UsageError, match="brief lacks price_wei"):
        generate_brief(BRIEF.drop("price_wei"), quick_engine, tmp_path, seed=1, created_at=NOW)


def test_negative_number_of_works_is_refused(quick_engine, tmp_path):
    brief = BRIEF.with_columns(works=pl.lit(-1))
    with pytest.raises(UsageError, match="asks for -1 works"):
        generate_brief(brief, quick_engine, tmp_path, seed=1, created_at=NOW)


def test_line_of_no_works_makes_none(quick_engine, tmp_path):
    brief = BRIEF.with_columns(works=pl.lit(0))
    works = generate_brief(brief, quick_engine, tmp_path, seed=1, created_at=NOW)
    assert works.is_empty()
    assert works.schema == table("works").polars_schema


def test_on_work_is_told_each_style_as_it_is_made(quick_engine, tmp_path):
    told = []
    generate_brief(BRIEF, quick_engine, tmp_path, seed=1, created_at=NOW, on_work=told.append)
    assert told == ["rings", "rings", "mosaic"]


def test_work_seeds_fit_63_bits_and_differ_by_every_argument():
    base = (1, "brief-1", 0, 0, 0)
    others = [(2, "brief-1", 0, 0, 0), (1, "brief-2", 0, 0, 0), (1, "brief-1", 1, 0, 0)]
    others += [(1, "brief-1", 0, 1, 0), (1, "brief-1", 0, 0, 1)]
    seeds = [work_seed(*place) for place in (base, *others)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_manifest_holds_no_path_and_no_time_of_this_machine(made, tmp_path):
    text = Path(made["manifest_path"][0]).read_text()
    assert str(Path(made["image_path"][0]).parent) not in text
    assert "2026-01-02" not in text


def test_digest_on_chain_changes_with_the_process(made):
    manifest = read_manifest(Path(made["manifest_path"][0]))
    other = msgspec.structs.replace(manifest.process, steps=3)
    assert process_digest(other) != made["process_digest"][0]


def test_works_of_one_process_share_its_digest(made):
    """Seed and prompt are the work's own: a process is registered once, not with every work."""
    seeds = {read_manifest(Path(path)).process.seed for path in made["manifest_path"]}
    assert len(seeds) == made.height
    assert made["process_digest"].n_unique() == 1


def test_png_holds_exactly_the_pixels_of_the_engine(made, quick_engine):
    image = quick_engine.make("rings", int(made["seed"][0]))
    saved = np.asarray(Image.open(made["image_path"][0]))
    assert np.array_equal(saved, np.asarray(image))
