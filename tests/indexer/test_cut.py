import json
from random import Random

import pytest

import indexer.evidence
from data.errors import RetryableError
from indexer.cut import cut_logs
from indexer.evidence import parse_logs
from tests.indexer.samples import make_transfer
from tests.quick import quick_and_slow


def compact(*logs):
    return json.dumps(logs, separators=(",", ":")).encode()


def shuffled_logs(random, members):
    """Logs of all numbers of topics, with data and numbers of many lengths, in one form."""
    logs = []
    for index in range(random.randrange(1, 60)):
        log = make_transfer(random.randrange(2**60), block=random.randrange(1, 2**30), index=index)
        log["topics"] = log["topics"][: random.randrange(5)]
        log["data"] = "0x" + random.randbytes(random.choice([0, 1, 31, 32, 64, 200])).hex()
        log["transactionIndex"] = hex(random.choice([0, 15, 16, 4095, 4096, 2**40]))
        logs.append({name: log[name] for name in members})
    return logs


def read_both_ways(raw, monkeypatch):
    cut = parse_logs([raw], 1)
    with monkeypatch.context() as patch:
        patch.setattr(indexer.evidence, "cut_logs", lambda _: None)
        return cut, parse_logs([raw], 1)


@pytest.mark.parametrize("seed", range(40))
def test_cut_logs_are_those_that_the_json_reader_finds(seed, monkeypatch):
    random = Random(seed)
    members = list(make_transfer(1))
    random.shuffle(members)
    for optional in OPTIONAL:
        if random.random() < 0.3 and optional in members:
            members.remove(optional)
    raw = compact(*shuffled_logs(random, members))
    assert cut_logs(raw) is not None
    cut, read = read_both_ways(raw, monkeypatch)
    assert cut.logs.equals(read.logs)
    assert cut.logs.schema == read.logs.schema
    assert (cut.counts, cut.malformed.height) == (read.counts, read.malformed.height)


def test_null_for_the_time_is_cut_as_no_time():
    raw = compact(make_transfer(1, index=0) | {"blockTimestamp": None})
    assert cut_logs(raw)["seconds"].to_list() == [None]


GOOD = make_transfer(1, index=0)
OTHERS = [
    {"removed": True},
    {"removed": None},
    {"blockHash": GOOD["blockHash"][:-1]},
    {"blockHash": GOOD["blockHash"].upper().replace("0X", "0x")},
    {"blockHash": None},
    {"address": "0x12"},
    {"address": "\u00e9" * 21},
    {"topics": None},
    {"topics": [*GOOD["topics"], GOOD["topics"][0]]},
    {"topics": [GOOD["topics"][0], None]},
    {"topics": [GOOD["topics"][0][:-2]]},
    {"data": "0x123"},
    {"data": "0xzz"},
    {"data": "1234"},
    {"data": None},
    {"logIndex": "0x"},
    {"logIndex": "0x" + "f" * 20},
    {"logIndex": "7"},
    {"logIndex": 7},
    {"logIndex": "0xg"},
    {"blockNumber": "0x+1"},
    {"extra": "0x1"},
    {"extra": {}},
    {"removed": False, "blockTimestamp": False},
]


@pytest.mark.parametrize("change", OTHERS, ids=str)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_log_of_another_form_leaves_the_answer_to_the_json_reader(change, place):
    logs = [make_transfer(i, index=i) for i in range(3)]
    assert cut_logs(compact(*logs)) is not None
    logs[place] |= change
    assert cut_logs(compact(*logs)) is None


OPTIONAL = ("blockTimestamp", "removed")


@pytest.mark.parametrize("member", OPTIONAL)
def test_logs_with_and_without_an_optional_member_are_cut(member, monkeypatch):
    raw = compact(GOOD, {k: v for k, v in make_transfer(2, index=1).items() if k != member})
    assert cut_logs(raw) is not None
    cut, read = read_both_ways(raw, monkeypatch)
    assert cut.logs.equals(read.logs)


@pytest.mark.parametrize("member", [name for name in GOOD if name not in OPTIONAL])
def test_log_without_a_member_that_others_have_is_left_to_the_json_reader(member):
    short = {name: value for name, value in GOOD.items() if name != member}
    assert cut_logs(compact(GOOD, short)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"[]",
        lambda raw: b"",
        lambda raw: b"null",
        lambda raw: raw[:-1],
        lambda raw: raw[1:],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw.replace(b"},{", b"} {"),
        lambda raw: raw.replace(b"},{", b"},,{"),
        lambda raw: raw.replace(b"},{", b"},7,{"),
        lambda raw: raw.replace(b'"removed"', b'"re\\u006doved"'),
        lambda raw: raw.replace(b'":"0x', b'": "0x', 1),
        lambda raw: raw + b",{}",
        lambda raw: b'{"result":' + raw + b"}",
    ],
)
def test_bytes_that_are_no_plain_list_of_logs_are_left_to_the_json_reader(change):
    raw = compact(make_transfer(1, index=0), make_transfer(2, index=1))
    assert cut_logs(raw) is not None
    assert cut_logs(change(raw)) is None


@pytest.mark.parametrize(("seed", "rounds"), quick_and_slow([(5, 1)], [(6, 20)]))
def test_no_changed_byte_is_read_otherwise_than_by_the_json_reader(monkeypatch, seed, rounds):
    raw = compact(make_transfer(1, index=0), make_transfer(2, index=1))
    random = Random(seed)
    for at in [*range(len(raw))] * rounds:
        other = bytes(random.sample(b'"0aF{}[]:,x \\\n\xff', random.randrange(3)))
        changed = raw[:at] + other + raw[at + 1 :]
        if cut_logs(changed) is not None:
            cut, read = read_both_ways(changed, monkeypatch)
            assert cut.logs.equals(read.logs)
            assert cut.malformed.equals(read.malformed)


def test_answers_read_together_are_those_read_one_by_one(monkeypatch):
    random = Random(11)
    members = list(make_transfer(1))
    for _ in range(10):
        answers = []
        for block in range(random.randrange(2, 8)):
            logs = shuffled_logs(random, members) if random.random() < 0.6 else []
            answers.append(compact(*(log | {"blockNumber": hex(block)} for log in logs)))
        together = parse_logs(answers, 1)
        apart = [parse_logs([raw], 1) for raw in answers]
        with monkeypatch.context() as patch:
            patch.setattr(indexer.evidence, "_MOST_JOINED_BYTES", 0)
            one_by_one = parse_logs(answers, 1)
        assert together.logs.equals(one_by_one.logs)
        assert together.logs.schema == one_by_one.logs.schema
        assert together.counts == one_by_one.counts == tuple(each.counts[0] for each in apart)
        assert sum(together.counts) == together.logs.height


@pytest.mark.parametrize("odd", [b"", b"null", b"{", b"[}", b'["a"]'])
def test_answer_that_is_no_list_of_logs_is_refused_among_others(odd):
    with pytest.raises(RetryableError, match="no list of logs"):
        parse_logs([compact(GOOD), odd, b"[]"], 1)


def test_answers_of_nothing_are_no_logs():
    parsed = parse_logs([b"[]", b" []", b"[ ]"], 1)
    assert (parsed.logs.height, parsed.malformed.height, parsed.counts) == (0, 0, (0, 0, 0))


def test_odd_log_of_one_answer_leaves_the_others_whole():
    other = make_transfer(2, index=0, block=2)
    mixed = compact(GOOD | {"data": "0xzz"}, GOOD | {"logIndex": "0x5"})
    parsed = parse_logs([mixed, compact(other)], 1)
    assert (parsed.logs.height, parsed.malformed.height, parsed.counts) == (2, 1, (2, 1))
