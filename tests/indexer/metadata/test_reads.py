"""URIs read from contracts: what they answer, and what hostile ones do instead."""

import asyncio
from datetime import datetime

import aiohttp
import pytest

from data.errors import UpstreamError
from indexer.metadata.reads import Place, Read, Token, decode_text, read_uris
from indexer.rpc import RpcClient
from tests.indexer.served import served

COLLECTION = "0x" + "c0" * 20
PLACE = Place(100, "0x" + "ab" * 32, datetime(2026, 1, 1))


def encoded(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return "0x" + f"{32:064x}{len(raw):064x}" + raw.hex() + "00" * (-len(raw) % 32)


def ask(answer, *tokens):
    """What the tokens' contracts tell, where `answer(call)` gives the result or error of each."""
    seen = []

    def reply(calls):
        seen.append(len(calls))
        return [{"jsonrpc": "2.0", "id": call["id"], **answer(call["params"][0])} for call in calls]

    async def run():
        async with served(reply) as url, aiohttp.ClientSession() as session:
            client = RpcClient([url], session, first_pause_s=0.001)
            return await read_uris(client, tokens, PLACE)

    return asyncio.run(run()), seen


def token(number=1, standard="erc721"):
    return Token(COLLECTION, str(number), standard)


def test_each_standard_is_asked_by_its_own_function():
    def answer(call):
        return {"result": encoded(call["data"])}

    most = 2**256 - 1
    (first, second), _ = ask(answer, token(7), token(most, "erc1155"))
    assert first.uri == "0xc87b56dd" + f"{7:064x}"
    assert second.uri == "0x0e89341c" + "f" * 64


def test_ids_are_put_into_the_uris_of_editions():
    (found,), _ = ask(lambda _: {"result": encoded("ipfs://x/{id}")}, token(255, "erc1155"))
    assert found.uri == "ipfs://x/" + "0" * 62 + "ff"


@pytest.mark.parametrize(
    "error",
    [
        {"code": 3, "message": "execution reverted: rate limit exceeded, too many requests"},
        {"code": -32000, "message": "execution reverted"},
        {"code": -32015, "message": "VM execution error."},
        {"code": -32000, "message": "out of gas"},
        {"code": -32000, "message": "invalid opcode: INVALID"},
    ],
)
def test_contract_that_reverts_is_a_reason_and_the_others_are_read(error):
    def answer(call):
        return {"error": error} if call["data"].endswith("2") else {"result": encoded("ar://x")}

    found, seen = ask(answer, token(1), token(2), token(3))
    assert [each.uri for each in found] == ["ar://x", None, "ar://x"]
    assert found[1] == Read(token(2), None, "tokenURI reverts")
    assert seen == [3]


@pytest.mark.parametrize(
    "result",
    [
        "0x", "0x00", "0x" + "00" * 32, "0x" + "ff" * 64, encoded("cut off")[:-56],
        "0x" + f"{2**255:064x}{5:064x}", "0x" + f"{32:064x}{2**200:064x}", encoded(b"\xff\xfe"),
        "0xzz", None, 5,
    ],
)  # fmt: skip
def test_answer_that_is_no_text_is_a_reason(result):
    if result is None:
        assert decode_text(result) is None
        return
    (found,), _ = ask(lambda _: {"result": result}, token())
    assert found == Read(token(), None, "tokenURI answers with no text")


def test_answer_without_end_is_a_reason_for_its_own_token_only():
    def answer(call):
        return {"result": encoded("x" * (900_000 if call["data"].endswith("3") else 10))}

    async def run():
        def reply(calls):
            return [{"id": call["id"], **answer(call["params"][0])} for call in calls]

        async with served(reply) as url, aiohttp.ClientSession() as session:
            client = RpcClient([url], session, first_pause_s=0.001, max_answer_bytes=1_000_000)
            return await read_uris(client, [token(n) for n in range(1, 6)], PLACE)

    found = asyncio.run(run())
    assert [each.uri is None for each in found] == [False, False, True, False, False]
    assert "too much" in found[2].reason


def test_text_of_megabytes_and_a_flood_of_ids_are_bounded():
    (long,), _ = ask(lambda _: {"result": encoded("data:," + "x" * 2_000_000)}, token())
    assert long == Read(token(), None, "tokenURI answers with too much")
    (flood,), _ = ask(lambda _: {"result": encoded("{id}" * 100_000)}, token(1, "erc1155"))
    assert len(flood.uri) == 16 * 64 + (100_000 - 16) * 4


def test_node_that_fails_is_no_answer_of_a_contract():
    with pytest.raises(UpstreamError):
        ask(lambda _: {"error": {"code": -32601, "message": "the method does not exist"}}, token())
