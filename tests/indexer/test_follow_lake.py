"""Following into DuckLake on a real PostgreSQL: the tables are those of a plain file."""

import pytest

from data.store import Store
from tests.data.test_lake import postgres  # noqa: F401 - a fixture of that module
from tests.data.test_lake import pytestmark as needs_postgres
from tests.forks import fork
from tests.indexer.test_follow import following, start
from tests.indexer.test_reorg import HEAD, serve, undisturbed
from tests.indexer.test_reorg import origin as origin  # noqa: PLC0414 - a fixture of that module

pytestmark = [needs_postgres, pytest.mark.slow]


def test_lake_follows_blocks_and_reorgs_as_a_file_does(tmp_path, postgres, origin):  # noqa: F811
    forked = fork(origin, HEAD - 3, logs="moved")
    url = f"{postgres}?data_path={tmp_path}/parquet"
    with Store.open(url) as lake:
        with serve(start(origin)) as node, following(lake, node) as live:
            live.wait_for("SELECT count(*) > 0 FROM tokens", True, seconds=60)
            node.advance(HEAD)
            live.wait_for_tip(HEAD, seconds=60)
            node.chain = forked
            live.wait_for_tip(HEAD, forked.hash(HEAD), seconds=60)
        assert lake.digest() == undisturbed(forked, tmp_path)
