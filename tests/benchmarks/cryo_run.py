"""One run of cryo, in its own environment: URL FIRST LAST ADDRESS OUT INNER CHUNK [EVENT]."""

import asyncio
import sys

import cryo

_, url, first, last, address, out, inner, chunk, *event = sys.argv
asyncio.run(
    cryo.async_freeze(
        "logs",
        rpc=url,
        blocks=[f"{first}:{int(last) + 1}"],
        contract=[address],
        output_dir=out,
        inner_request_size=int(inner),
        chunk_size=int(chunk),
        overwrite=True,
        verbose=False,
        hex=False,
        reorg_buffer=0,
        **({"event_signature": f"event {event[0]}"} if event else {}),
    )
)
