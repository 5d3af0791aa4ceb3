"""Records: append-only, never rebuilt."""

from data.schema.model import CHAIN, RUN, Column, Table
from data.types import FLOAT, HASH, INT, JSON, TEXT, TIME, UINT256, WEI

RECORDS = (
    Table(
        "briefs",
        "record",
        "What the forecasts ask the studio to make",
        (
            Column("brief_id", TEXT, "Brief; all its lines share it"),
            Column("line", INT, "Line within the brief, from 0"),
            Column("created_at", TIME, "When it was written, UTC"),
            CHAIN,
            Column("style", TEXT, "Style to make"),
            Column("works", INT, "How many works"),
            Column("price_wei", WEI, "Asking price of each", "wei"),
            Column("expected_sales", FLOAT, "Forecast clean sales of the style over the horizon"),
            Column("lo_80", FLOAT, "Lower 80 % bound of those sales"),
            Column("hi_80", FLOAT, "Upper 80 % bound of those sales"),
            Column("model", TEXT, "Forecast model it rests on"),
            Column("reason", TEXT, "Why, in a sentence"),
            RUN,
        ),
        ("brief_id", "line"),
    ),
    Table(
        "works",
        "record",
        "Works the studio made; the chain tells which were minted (tokens.manifest)",
        (
            Column("work_id", HASH, "SHA-256 of the lineage manifest, the on-chain word"),
            Column("brief_id", TEXT, "Brief that asked for it"),
            Column("line", INT, "Line of the brief"),
            RUN,
            Column("style", TEXT, "Style"),
            Column("title", TEXT, "Title"),
            Column("prompt", TEXT, "Prompt or class label"),
            Column("seed", UINT256, "Seed, decimal text"),
            Column("price_wei", WEI, "Asking price of the brief", "wei"),
            Column("model_digest", HASH, "Digest of the weights"),
            Column("dataset_digest", HASH, "Digest of the training data recipe"),
            Column("process_digest", HASH, "Digest of the generation process"),
            Column("pixel_sha256", HASH, "SHA-256 of the decoded pixels"),
            Column("phash", TEXT, "64-bit perceptual hash, 16 hex digits"),
            Column("image_path", TEXT, "PNG file"),
            Column("manifest_path", TEXT, "Manifest file"),
            Column("created_at", TIME, "When it was made, UTC"),
        ),
        ("work_id",),
    ),
    Table(
        "runs",
        "record",
        "Runs that wrote to the store",
        (
            RUN,
            Column("verb", TEXT, "Command: index, analyze, forecast, brief, generate"),
            Column("code_version", TEXT, "Version of the program"),
            Column(
                "data_digest", HASH, "Digest of the facts that the run read; NULL for index runs"
            ),
            Column("started_at", TIME, "Start, UTC"),
            Column("finished_at", TIME, "End, UTC"),
            Column("details", JSON, "Parameters and counts"),
        ),
        ("run_id",),
    ),
)
