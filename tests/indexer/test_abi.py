"""Columnar decoding against eth-abi, which decodes one value at a time."""

import re
from decimal import Decimal

import polars as pl
import pytest
from eth_abi import decode as oracle_decode
from eth_abi import encode
from eth_abi.exceptions import DecodingError
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.abi import Event, decode
from indexer.abi_rows import MAX_DATA_BYTES
from indexer.errors import AbiError

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=70)
VALUES = {
    "address": addresses,
    "bool": st.booleans(),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes32": st.binary(min_size=32, max_size=32),
    "uint8": st.integers(0, 2**8 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "uint96": st.integers(0, 2**96 - 1),
    "uint256": st.one_of(
        st.integers(0, 2**256 - 1), st.sampled_from([0, 2**128 - 1, 2**128, 10**38, 2**256 - 1])
    ),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "int256": st.one_of(
        st.integers(-(2**255), 2**255 - 1), st.sampled_from([-1, 0, -(2**128), -(2**255)])
    ),
    "string": TEXTS,
    "bytes": st.binary(max_size=70),
    "uint256[]": st.lists(st.integers(0, 2**256 - 1), max_size=4),
    "bytes32[2]": st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=2),
    "(uint8,address,int256)[]": st.lists(
        st.tuples(st.integers(0, 255), addresses, st.integers(-(2**255), 2**255 - 1)), max_size=3
    ),
    "(address,uint256)": st.tuples(addresses, st.integers(0, 2**256 - 1)),
    "string[]": st.lists(TEXTS, max_size=3),
    "bytes[2]": st.lists(st.binary(max_size=40), min_size=2, max_size=2),
    "(address,string,uint256)[]": st.lists(
        st.tuples(addresses, TEXTS, st.integers(0, 2**256 - 1)), max_size=3
    ),
    "(string,int16)": st.tuples(TEXTS, st.integers(-(2**15), 2**15 - 1)),
}
TYPES = sorted(VALUES)
type_lists = st.lists(st.sampled_from(TYPES), max_size=5)
rows_of_values = type_lists.flatmap(
    lambda kinds: st.tuples(
        st.just(kinds),
        st.lists(st.tuples(*(VALUES[kind] for kind in kinds)), min_size=1, max_size=4),
    )
)


def event_of(kinds):
    return Event.parse(f"Test({', '.join(f'{kind} v{i}' for i, kind in enumerate(kinds))})")


def logs_of(datas, topics=()):
    columns = {f"topic{i + 1}": [topic] * len(datas) for i, topic in enumerate(topics)}
    return pl.DataFrame({"data": datas, **columns}, schema_overrides={"data": pl.Binary})


def as_python(decoded, kinds, row):
    """The values of one row as eth-abi would give them; None when the row is at fault."""
    if row in decoded.faults["row"]:
        return None
    found = decoded.rows.filter(pl.col("row") == row).row(0, named=True)
    return tuple(_value(decoded, found, f"v{i}", kind, row) for i, kind in enumerate(kinds))


def _value(decoded, found, name, kind, row):
    if kind.endswith("]"):
        part = decoded.items[name].filter(pl.col("row") == row).sort("item").drop("row", "item")
        element = kind[: kind.index("[")] if kind[0] != "(" else kind[: kind.rindex("[")]
        leaves = element.strip("()").split(",")
        items = [tuple(map(_leaf, leaves, values)) for values in part.iter_rows()]
        return tuple(items if element[0] == "(" else (item[0] for item in items))
    if kind[0] == "(":
        leaves = kind.strip("()").split(",")
        return tuple(_leaf(leaf, found[f"{name}.arg{i}"]) for i, leaf in enumerate(leaves))
    return _leaf(kind, found[name])


def _leaf(kind, value):
    if kind.startswith(("uint", "int")):
        return int(value)
    if kind.startswith("bytes") and kind != "bytes":
        return bytes.fromhex(value[2:])
    return value


@settings(max_examples=120, deadline=None)
@given(rows_of_values)
def test_decoded_columns_equal_those_of_eth_abi(case):
    kinds, rows = case
    decoded = decode(event_of(kinds), logs_of([encode(kinds, row) for row in rows]))
    assert decoded.faults.is_empty(), decoded.faults
    for i, row in enumerate(rows):
        data = encode(kinds, row)
        assert as_python(decoded, kinds, i) == oracle_decode(kinds, data)


@settings(max_examples=250, deadline=None)
@given(rows_of_values, st.data())
def test_damaged_data_are_marked_or_read_as_eth_abi_reads_them(case, draw):
    kinds, rows = case
    datas = [_damage(encode(kinds, row), draw) for row in rows]
    decoded = decode(event_of(kinds), logs_of(datas))
    assert decoded.rows.height + decoded.faults.height == len(datas)
    for i, data in enumerate(datas):
        found = as_python(decoded, kinds, i)
        if found is None:
            continue
        # Never a wrong value: what was accepted, the oracle reads alike.
        try:
            expected = oracle_decode(kinds, data)
        except (DecodingError, UnicodeDecodeError) as error:
            pytest.fail(f"{kinds}: accepted {data.hex()}, which eth-abi refuses: {error}")
        assert found == expected


def _damage(data, draw):
    how = draw.draw(st.sampled_from(["cut", "extend", "flip", "word", "none"]))
    if not data or how == "none":
        return data
    at = draw.draw(st.integers(0, len(data) - 1))
    if how == "cut":
        return data[:at]
    if how == "extend":
        return data + b"\x00" * at
    if how == "flip":
        return data[:at] + bytes([data[at] ^ draw.draw(st.integers(1, 255))]) + data[at + 1 :]
    slot = at // 32 * 32
    number = draw.draw(st.sampled_from([0, 1, 31, 32, 64, 2**31, 2**63, 2**64, 2**256 - 1]))
    return data[:slot] + number.to_bytes(32, "big") + data[slot + 32 :]


def test_one_bad_log_does_not_touch_its_neighbours():
    event = Event.parse("Test(uint8 small, string text)")
    good = encode(["uint8", "string"], [7, "fine"])
    datas = [good, good[:40], (300).to_bytes(32, "big") + good[32:], good]
    decoded = decode(event, logs_of(datas))
    assert decoded.rows["row"].to_list() == [0, 3]
    assert decoded.rows["text"].to_list() == ["fine", "fine"]
    reasons = dict(decoded.faults.iter_rows())
    assert set(reasons) == {1, 2}
    assert reasons[2] == "small: not a clean uint8"


def test_text_that_is_not_utf8_is_a_fault_of_its_own_log_only():
    event = Event.parse("Test(string text)")
    as_bytes = [b"fine", b"", b"\xff\xfe", "\u00fc".encode(), b"\xc3", b"\xed\xa0\x80"]
    decoded = decode(event, logs_of([encode(["bytes"], [raw]) for raw in as_bytes]))
    assert decoded.rows.select("row", "text").rows() == [(0, "fine"), (1, ""), (3, "\u00fc")]
    assert decoded.faults["row"].to_list() == [2, 4, 5]
    assert set(decoded.faults["reason"]) == {"text: not UTF-8"}


def test_bad_item_sets_its_whole_log_aside():
    event = Event.parse("Test((uint8 kind, uint256 amount)[] parts)")
    kinds = ["(uint8,uint256)[]"]
    bad = bytearray(encode(kinds, [[(1, 5), (2, 6)]]))
    bad[64] = 1  # the first byte of the first kind
    decoded = decode(event, logs_of([bytes(bad), encode(kinds, [[(3, 4)]])]))
    assert decoded.faults.row(0) == (0, "parts.kind: not a clean uint8")
    assert decoded.items["parts"].rows() == [(1, 0, 3, "4")]


def test_indexed_values_come_from_topics_and_dynamic_ones_are_hashes():
    event = Event.parse("Test(int8 indexed a, string indexed b, address indexed c)")
    topics = ["0x" + encode(["int8"], [-3]).hex(), "0x" + "ab" * 32, "0x" + "00" * 12 + "cd" * 20]
    row = decode(event, logs_of([b""], topics)).rows.row(0, named=True)
    assert (row["a"], row["b"], row["c"]) == (-3, "0x" + "ab" * 32, "0x" + "cd" * 20)


def test_topic_with_dirt_above_an_address_is_a_fault():
    event = Event.parse("Test(address indexed a)")
    decoded = decode(event, logs_of([b""], ["0x" + "01" * 32]))
    assert decoded.faults["reason"].to_list() == ["a: not a clean address"]


WORD_DIGITS = st.one_of(
    st.integers(0, 2**256 - 1).map("{:064x}".format),
    st.integers(0, 2**64 + 1).map("{:064x}".format),
    st.integers(0, 2**160 + 1).map("{:064X}".format),
    st.text("0123456789abcdefABCDEFgGxX /:@`é", min_size=62, max_size=66),
)


@given(st.lists(WORD_DIGITS, min_size=1, max_size=6))
def test_topics_are_read_as_python_reads_them_or_marked(words):
    event = Event.parse("E(uint256 indexed n)")
    topics = ["0x" + digits for digits in words]
    logs = pl.DataFrame({"topic1": topics, "data": [b""] * len(topics)})
    decoded = decode(event, logs)
    is_word = [re.fullmatch("[0-9a-fA-F]{64}", digits) is not None for digits in words]
    good = [str(int(digits, 16)) for digits, ok in zip(words, is_word, strict=True) if ok]
    assert decoded.rows["n"].to_list() == good
    assert decoded.faults["row"].to_list() == [i for i, ok in enumerate(is_word) if not ok]


@given(st.lists(WORD_DIGITS, min_size=1, max_size=6))
def test_addresses_are_the_last_forty_digits_of_clean_words_or_marked(words):
    event = Event.parse("E(address indexed a)")
    logs = pl.DataFrame({"topic1": ["0x" + digits for digits in words], "data": [b""] * len(words)})
    decoded = decode(event, logs)
    is_clean = [re.fullmatch("0{24}[0-9a-fA-F]{40}", digits) is not None for digits in words]
    good = ["0x" + digits[24:] for digits, ok in zip(words, is_clean, strict=True) if ok]
    assert decoded.rows["a"].to_list() == good
    assert decoded.faults["row"].to_list() == [i for i, ok in enumerate(is_clean) if not ok]


@pytest.mark.parametrize(
    ("amount", "fits"), [(0, True), (10**38 - 1, True), (10**38, False), (2**256 - 1, False)]
)
def test_amount_of_money_is_exact_or_marked_never_truncated(amount, fits):
    event = Event.parse("Test(uint256 price, uint256[] parts)", wei=["price", "parts"])
    decoded = decode(event, logs_of([encode(["uint256", "uint256[]"], [amount, [amount]])]))
    if fits:
        assert decoded.rows["price"].to_list() == [Decimal(amount)]
        assert decoded.items["parts"]["value"].to_list() == [Decimal(amount)]
    else:
        assert decoded.faults["reason"].to_list() == ["price: amount above 38 digits"]
        assert decoded.items["parts"].is_empty()


@pytest.mark.parametrize(
    "kind",
    ["uint256[][]", "string[][]", "(uint8,bytes[])", "uint8[2][]", "(uint8,(uint8,uint8[])[])"],
)
def test_deeply_nested_shape_is_refused_when_compiled(kind):
    with pytest.raises(AbiError, match=r"nested too deeply|no decoder"):
        Event.parse(f"Test({kind} x)")


def test_names_and_amounts_of_structs_with_text_are_exact_or_marked():
    event = Event.parse(
        "Test((string name, uint256 price)[] offers, (address who, bytes note) by)",
        wei=["offers.price"],
    )
    kinds = ["(string,uint256)[]", "(address,bytes)"]
    by = ("0x" + "ab" * 20, b"note")
    datas = [encode(kinds, [[("a", amount), ("b", 1)], by]) for amount in (7, 10**38)]
    decoded = decode(event, logs_of(datas))
    assert decoded.rows.rows() == [(0, *by)]
    assert decoded.rows.columns == ["row", "by.who", "by.note"]
    assert decoded.items["offers"].rows() == [(0, 0, "a", Decimal(7)), (0, 1, "b", Decimal(1))]
    assert decoded.faults.rows() == [(1, "offers: amount above 38 digits")]


def test_array_within_a_struct_is_items_of_its_own():
    event = Event.parse(
        "Test(uint8 a, (address who, (uint16 rate, uint256 paid)[] fees, (uint256[] ids) of) by)",
        wei=["by.fees.paid"],
    )
    kinds = ["uint8", "(address,(uint16,uint256)[],(uint256[]))"]
    who = "0x" + "ab" * 20
    values = [(who, [(5, amount), (6, 8)], ([2**255],)) for amount in (7, 10**38)] + [
        (who, [], ([],))
    ]
    decoded = decode(event, logs_of([encode(kinds, [1, each]) for each in values]))
    assert decoded.rows.rows() == [(0, 1, who), (2, 1, who)]
    assert decoded.items["by.fees"].rows() == [(0, 0, 5, Decimal(7)), (0, 1, 6, Decimal(8))]
    assert decoded.items["by.of.ids"].rows() == [(0, 0, str(2**255))]
    assert decoded.faults.rows() == [(1, "by.fees: amount above 38 digits")]


def test_data_too_long_for_one_by_one_are_marked():
    event = Event.parse("Test(string[] names)")
    decoded = decode(event, logs_of([encode(["string[]"], [["x" * MAX_DATA_BYTES]])]))
    assert "too long" in decoded.faults["reason"].item()


def test_empty_batch_gives_empty_frames_of_the_right_columns():
    decoded = decode(event_of(["uint256", "uint256[]"]), logs_of([]))
    assert decoded.rows.columns == ["row", "v0"]
    assert decoded.items["v1"].columns == ["row", "item", "value"]
    assert decoded.faults.is_empty()
