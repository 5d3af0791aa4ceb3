"""The certificate of a store, and the deep audit against receipts."""

import json

import polars as pl
import pytest

from data.store import Store
from indexer.audit import read_certificates, require_gapless
from indexer.audit_deep import audit_deep
from indexer.errors import GapError
from indexer.run import IndexOptions, index
from raisonne import main
from tests.faults import MissingBlockFields, MissingHeight, SilentCut
from tests.indexer.samples import ALICE, BOB, make_log, make_transfer
from tests.node import ReplayNode

CHAIN, HEAD = 77, 5_000
BLOCKS = (1_003, 1_011, 1_025)
ERC20_TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
LOGS = [
    *(make_transfer(block, block=block) for block in BLOCKS),
    *(make_transfer(7, block=block, index=1, tx=9_000_000 + block, tx_index=1) for block in BLOCKS),
    make_log(ERC20_TRANSFER, ALICE, BOB, 5, block=1_007),
]


def node(*faults):
    return ReplayNode(CHAIN, LOGS, head=HEAD, is_whole=True, faults=faults)


def run(store, served, *blocks, **options):
    blocks = blocks or ("1000:1040",)
    return index(store, IndexOptions((served.url,), blocks=blocks, **options))


def alter_receipts(method, params, result):
    if method != "eth_getBlockReceipts" or not result:
        return result
    return [{**row, "cumulativeGasUsed": "0x7"} for row in result]


def refuse_receipts(method, params, result):
    from tests.faults import RpcError

    if method == "eth_getBlockReceipts":
        raise RpcError(-32_601, "the method does not exist")
    return result


def test_certificate_adds_up_what_the_ranges_say(store):
    with node() as served:
        run(store, served, max_range=10, verify="full")
    (found,) = read_certificates(store)
    assert (found.chain_id, found.blocks_covered, found.ranges) == (CHAIN, 40, [(1_000, 1_040)])
    assert found.blocks_by_mode == {"full": 40}
    assert found.blocks_by_evidence == {"header": 40}
    assert found.blocks_tested == 40
    assert found.blocks_proven_empty == 40
    assert found.blocks_reasked == 1, "the bloom of the foreign Transfer"
    assert (found.unproven, found.gaps, found.findings, found.holes) == (0, 0, [], [])
    assert found.logs == 6
    assert "erc721" in found.protocols
    require_gapless([found], strict=True)


def test_holes_between_ranges_are_told_apart_from_gaps(store):
    with node() as served:
        run(store, served, "1000:1010", "1020:1040", verify="off")
    (found,) = read_certificates(store)
    assert found.holes == [(1_010, 1_020)]
    assert found.blocks_covered == 30
    assert found.blocks_by_mode == {"off": 30}
    assert found.blocks_tested == 0
    require_gapless([found], strict=True)


def test_each_selection_has_its_own_certificate(store):
    with node() as served:
        run(store, served)
        run(store, served, "1000:1020", protocols=("erc721",))
    covered = {found.protocols: found.blocks_covered for found in read_certificates(store)}
    assert covered[("erc721",)] == 20
    assert sorted(covered.values()) == [20, 40]


def test_gap_is_in_no_range_and_is_asked_again_until_it_closes(store):
    hidden = MissingHeight(heights=frozenset({1_011}))
    with node(hidden, alter_receipts) as served:
        summary = run(store, served, verify="full")
        assert summary.verified.gaps == [1_011]
        (found,) = read_certificates(store)
        assert found.ranges == [(1_000, 1_011), (1_012, 1_040)]
        assert (found.gaps, found.holes) == (1, [])
        with pytest.raises(GapError, match="1011"):
            require_gapless([found], strict=False)
        tips = store.read("ranges").select("to_block", "tip_hash")
        assert tips.filter(pl.col("tip_hash").is_null())["to_block"].to_list() == [1_011]
        assert 1_011 not in store.read("logs")["block_number"]
        assert run(store, served, verify="full").verified.gaps == [1_011]
        assert store.read("completeness_findings").filter(verdict="gap").height == 1
        served.faults.clear()
        assert run(store, served, verify="full").blocks == 1
    (found,) = read_certificates(store)
    assert found.ranges == [(1_000, 1_040)]
    assert found.gaps == 0
    with Store.open(":memory:") as honest, node() as served:
        run(honest, served, verify="off")
        assert honest.digest() == store.digest()


def test_unproven_blocks_are_listed_as_spans_with_their_reason(store):
    with node(refuse_receipts, MissingHeight(heights=frozenset({1_011}))) as served:
        run(store, served, verify="full")
    (found,) = read_certificates(store)
    spans = [(each.from_block, each.to_block, each.verdict) for each in found.findings]
    # 1011 is brought back by hash, which makes the answer suspect: all is looked at.
    assert (1_007, 1_008, "unproven") in spans
    assert found.unproven == sum(end - start for start, end, _ in spans)
    assert all("does not exist" in each.reason for each in found.findings)
    require_gapless([found], strict=False)
    with pytest.raises(GapError, match=r"blocks may hold logs"):
        require_gapless([found], strict=True)


def test_empty_store_has_no_certificate(store):
    assert read_certificates(store) == []


# -- deep


def test_deep_audit_recomputes_every_block_with_logs(store):
    with node() as served:
        run(store, served)
        found = audit_deep(store, [served.url])
    assert (found.blocks, found.roots_recomputed, found.unchecked) == (3, 3, {})
    assert (found.logs_checked, found.logs_missing, found.logs_wrong) == (6, 0, 0)
    assert found.headers_recomputed == 0, "hashes of replayed blocks are made up"
    found.require_sound(strict=True)


def test_deep_audit_finds_what_was_cut_off_within_a_block(store):
    """No bloom can tell that one of two logs of a block is missing."""
    with node(SilentCut(max_logs=5)) as served:
        run(store, served, verify="full")
        served.faults.clear()
        found = audit_deep(store, [served.url])
    assert store.query("SELECT count(*) FROM logs").item() == 5
    assert (found.logs_missing, found.logs_wrong, found.bad_blocks) == (1, 0, [1_025])
    with pytest.raises(GapError, match=r"1 logs are missing.*1025.*new store"):
        found.require_sound(strict=False)


@pytest.mark.parametrize(
    "change",
    ["data = '\\x07'::BLOB", f"topic1 = '{'0x' + '00' * 32}'", "tx_hash = '0x00'", "log_index = 9"],
)
def test_deep_audit_finds_every_altered_field(store, change):
    with node() as served:
        run(store, served)
        with store.transaction() as transaction:
            transaction.execute(
                f"UPDATE logs SET {change} WHERE block_number = 1011 AND log_index = 1"
            )
        found = audit_deep(store, [served.url])
    assert (found.logs_wrong, found.logs_missing, found.bad_blocks) == (1, 1, [1_011])


def test_deep_audit_says_what_it_could_not_check(store):
    with node() as served:
        run(store, served)
        served.faults.append(alter_receipts)
        contradicted = audit_deep(store, [served.url])
        served.faults[:] = [refuse_receipts]
        refused = audit_deep(store, [served.url])
    assert contradicted.unchecked == {"the receipts are not those that the header commits to": 3}
    assert refused.unchecked == {"the endpoint refuses the block or its receipts": 3}
    refused.require_sound(strict=False)
    with pytest.raises(GapError, match="not every stored block could be checked"):
        refused.require_sound(strict=True)


def test_deep_audit_of_some_blocks(store):
    with node() as served:
        run(store, served)
        assert audit_deep(store, [served.url], blocks=["1004:1020"]).blocks == 1


def test_deep_audit_keeps_selections_apart(store):
    """Logs of a range that another selection covers are not missing from this one."""
    with node() as served:
        run(store, served, "1000:1010")
        run(store, served, "1000:1040", addresses=("0x" + "ee" * 20,))
        found = audit_deep(store, [served.url])
    assert (found.blocks, found.logs_missing) == (1, 0)


# -- the command


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    captured = capsys.readouterr()
    return end.value.code or 0, captured.out, captured.err


@pytest.fixture
def path(tmp_path):
    return tmp_path / "market.duckdb"


def test_audit_prints_its_certificate_and_exits_with_zero(path, capsys):
    with node() as served:
        options = "--rpc-url", served.url, "--store", path
        assert call(capsys, "index", *options, "--blocks", "1000:1040", "--verify", "full")[0] == 0
        code, out, _ = call(capsys, "audit", "--store", path)
        assert code == 0
        for line in (
            "40  blocks covered (1000:1040)",
            "40  proven empty",
            "0  unproven",
            "0  gaps",
        ):
            assert line in out
        code, out, _ = call(capsys, "audit", "--deep", "--strict", *options)
        assert code == 0
        assert "3  with the receipts root of their header" in out
        code, out, _ = call(capsys, "audit", "--deep", "--json", *options)
    content = json.loads(out)
    assert content["certificates"][0]["blocks_covered"] == 40
    assert content["deep"]["roots_recomputed"] == 3


def test_audit_exits_with_five_on_a_gap(path, capsys):
    hidden = MissingHeight(heights=frozenset({1_011}))
    with node(hidden, alter_receipts) as served:
        code, out, err = call(
            capsys, "index", "--rpc-url", served.url, "--store", path, "--blocks", "1000:1040",
            "--verify", "full",
        )  # fmt: skip
    assert code == 5
    assert "1 blocks hold logs" in err
    assert "1011" in err
    code, out, err = call(capsys, "audit", "--store", path)
    assert code == 5
    assert "gap 1011:1012" in out
    code, out, _ = call(capsys, "audit", "--store", path, "--json")
    assert code == 5
    assert json.loads(out)["certificates"][0]["gaps"] == 1


def test_strict_exits_with_five_on_unproven_blocks_only(path, capsys):
    faults = MissingBlockFields(fields=("logsBloom",)), refuse_receipts
    index_it = "index", "--store", path, "--blocks", "1000:1040", "--verify", "full"
    with node(*faults) as served:
        code, _, err = call(capsys, *index_it, "--rpc-url", served.url, "--strict")
        assert code == 5
        assert "may hold logs" in err
        again = (*index_it[:4], "1040:1050", *index_it[5:])
        code, _, err = call(capsys, *again, "--rpc-url", served.url)
        assert code == 0, err
    assert call(capsys, "audit", "--store", path)[0] == 0
    code, _, err = call(capsys, "audit", "--store", path, "--strict")
    assert code == 5
    assert "may hold logs" in err


def test_unknown_mode_is_a_usage_error(path, capsys):
    code, _, err = call(capsys, "index", "--store", path, "--verify", "total")
    assert code == 2
    assert "--verify off, sample or full" in err
