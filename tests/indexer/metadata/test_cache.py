"""Files are kept whole under their hash, or not at all."""

import hashlib

from indexer.metadata.cache import Cache


def test_bytes_come_back_under_their_sha256(tmp_path):
    cache = Cache(tmp_path / "cache")
    name = cache.put(b"hello")
    assert name == "0x" + hashlib.sha256(b"hello").hexdigest()
    assert cache.get(name) == b"hello"
    assert cache.put(b"hello") == name
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [name[2:]]


def test_unknown_and_damaged_files_are_not_there(tmp_path):
    cache = Cache(tmp_path)
    name = cache.put(b"hello")
    assert cache.get("0x" + "0" * 64) is None
    cache.path(name).write_bytes(b"hellO")
    assert cache.get(name) is None


def test_file_cut_off_by_a_crash_is_written_anew(tmp_path):
    cache = Cache(tmp_path)
    name = cache.put(b"hello")
    cache.path(name).write_bytes(b"hel")
    assert cache.put(b"hello") == name
    assert cache.get(name) == b"hello"
