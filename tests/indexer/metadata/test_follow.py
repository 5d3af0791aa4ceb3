"""`--follow --metadata`: tokens that are minted while the chain is followed get their documents."""

import asyncio

import pytest

from indexer.clock import utc_now
from indexer.follow import Follower
from indexer.run import IndexOptions, open_job
from tests.indexer.metadata.site import data_uri
from tests.indexer.metadata.test_sync import DOTS, fetching, mint, tokens
from tests.indexer.metadata.test_sync import fresh as fresh  # noqa: PLC0414 - a fixture
from tests.indexer.metadata.test_sync import local as local  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.chain


def test_documents_follow_the_heads(fresh, store, tmp_path):
    mint(fresh, data_uri(DOTS))
    options = IndexOptions((fresh[0],), state_dir=fresh[1], metadata=fetching(tmp_path))

    async def until(found):
        async with asyncio.timeout(30):
            while tokens(store, "name, metadata_status") != found:
                await asyncio.sleep(0.05)

    async def run():
        async with open_job(store, options, None, utc_now) as job:
            following = asyncio.create_task(Follower(job, metadata_pause_s=0.1).run())
            try:
                await until([("Dots", "fetched")])
                await asyncio.to_thread(mint, fresh, data_uri({"name": "Second"}))
                await until([("Dots", "fetched"), ("Second", "fetched")])
            finally:
                following.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await following

    asyncio.run(run())
    assert store.read("metadata_documents").height == 2
