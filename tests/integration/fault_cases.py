"""The faults of the campaigns: one case for each behaviour that an indexer must survive."""

from dataclasses import replace

from tests import faults as f
from tests.integration.campaign import Case, Scene
from tests.recording import Recording
from tests.replay import ReplayChain


def phrased(name: str, limit: int, says: str = "right") -> Case:
    """A cap in the words of a provider."""
    phrasing = next(p for p in f.PHRASINGS if p.name == name)
    return Case(lambda _: f.PhrasedCap(phrasing, limit, says))


def other_chain(scene: Scene) -> ReplayChain:
    """An empty chain of another id, as high as that of the scene."""
    return ReplayChain(Recording(5), head=scene.chain.head)


CASES: dict[str, Case] = {
    # refusals
    "range cap": Case(lambda _: f.RangeCap(1)),
    "range cap, no number": Case(lambda _: f.RangeCap(1, message="range limit exceeded")),
    "result cap": Case(lambda _: f.ResultCap(40)),
    "result cap inside a block": Case(lambda _: f.ResultCap(20)),
    "429 three times": Case(lambda _: f.TooManyRequests(3)),
    "429 with an HTTP date": Case(lambda _: f.TooManyRequests(2, "Wed, 21 Oct 2015 07:28:00 GMT")),
    "429 storm": Case(lambda _: f.TooManyRequests(40, 1)),
    "429 by rate": Case(lambda _: f.RequestRate(limit=4, window_s=0.2)),
    "429 as a JSON error": Case(lambda _: f.ThrottledCalls(times=5)),
    "429 as another JSON error": Case(
        lambda _: f.ThrottledCalls(times=5, code=429, message="Your app has exceeded its capacity")
    ),
    "429 as text in a 200": Case(lambda _: f.ThrottledText(times=3)),
    "no batches": Case(lambda _: f.NoBatches()),
    "batches of two": Case(lambda _: f.BatchLimit(max_calls=2)),
    "larger batches dropped": Case(lambda _: f.BatchDropped(max_calls=2)),
    # broken bodies
    "truncated body": Case(lambda _: f.TruncatedBody(times=2)),
    "half a JSON": Case(lambda _: f.CutJson(times=2)),
    "slow body": Case(lambda _: f.SlowBody(times=1, after=3)),
    "hang": Case(lambda _: f.Hang(times=1, after=3)),
    "reset": Case(lambda _: f.Reset(times=3)),
    "late": Case(lambda _: f.Late(times=3, delay_s=0.1)),
    "HTML page, 502": Case(lambda _: f.HtmlPage(times=3)),
    "HTML page, 200": Case(lambda _: f.HtmlPage(times=1, status=200)),
    "HTML page, 403": Case(lambda _: f.HtmlPage(status=403)),
    "text of a 502": Case(lambda _: f.PlainText(times=2)),
    "empty body": Case(lambda _: f.EmptyBody(times=2)),
    "null results": Case(lambda _: f.NullResults(times=2, after=3)),
    "answer missing": Case(lambda _: f.MissingAnswer(times=3)),
    "answers reordered": Case(lambda _: f.ReorderedAnswers()),
    "foreign ids": Case(lambda _: f.ForeignIds(times=2)),
    # replicas
    "lagging replica": Case(
        lambda scene: f.LaggingReplica(turns=(True,), after=2, times=2, head=scene.blocks[-1] - 1)
    ),
    "lagging replica for good": Case(
        lambda scene: f.LaggingReplica(turns=(True,), after=2, head=scene.blocks[-1] - 1)
    ),
    "pruned replica without headers": Case(
        lambda scene: f.PrunedReplica(first_kept=scene.blocks[3], keeps_headers=False)
    ),
    "mixed forks": Case(lambda scene: f.MixedForks(fork=scene.forked(), times=4)),
    "null header": Case(lambda _: f.NullHeader(times=3)),
    "null header for good": Case(lambda scene: f.NullHeader(numbers=frozenset({scene.blocks[-1]}))),
    "null receipt": Case(lambda _: f.NullReceipt(times=3), unasked="eth_getBlockReceipts"),
    "null transaction": Case(
        lambda _: f.NullTransaction(times=3), unasked="eth_getTransactionByHash"
    ),
    # wrong logs
    "every log twice": Case(lambda _: f.DuplicatedLogs()),
    "unordered logs": Case(lambda _: f.UnorderedLogs(seed=7)),
    "removed twins": Case(lambda _: f.RemovedTwins()),
    "removed twins of one block": Case(lambda _: f.RemovedTwins(same_block=True)),
    "logs from elsewhere": Case(lambda _: f.LogsFromElsewhere(times=2)),
    "unknown fields": Case(lambda _: f.UnknownFields()),
    # wrong headers
    "zero bloom": Case(lambda _: f.ZeroBloom()),
    "stale bloom": Case(lambda _: f.StaleBloom()),
    "wrong bloom": Case(lambda _: f.WrongBloom()),
    "fields missing": Case(lambda _: f.MissingBlockFields()),
    "no bloom": Case(lambda _: f.MissingBlockFields(fields=("logsBloom",))),
}

CASES |= {
    "null results from the start": Case(lambda _: f.NullResults(times=2)),
    "one log index twice": Case(lambda _: f.DuplicateLogIndex(times=2)),
    "clock skew in headers": Case(lambda _: f.ClockSkew(times=2)),
    "another chain midway": Case(lambda scene: f.ChainIdChange(chain=other_chain(scene), after=4)),
    "headers of a fork": Case(lambda scene: f.MixedForks(fork=scene.forked(), times=4, odd=False)),
}

LIES: dict[str, Case] = {
    "empty for a range": Case(
        lambda scene: f.EmptyAnswer(blocks=(scene.blocks[1], scene.blocks[1]))
    ),
    "empty now and then": Case(lambda _: f.EmptyAnswer(times=3)),
    "pruned replica": Case(
        lambda scene: f.PrunedReplica(turns=(True,), after=2, first_kept=scene.blocks[3]),
    ),
    "height without logs": Case(
        lambda scene: f.MissingHeight(heights=frozenset({scene.blocks[4]}))
    ),
    "cut at a page": Case(lambda _: f.SilentCut(max_logs=25)),
}

for name in (
    "range cap",
    "result cap inside a block",
    "429 as text in a 200",
    "truncated body",
    "hang",
    "lagging replica",
    "pruned replica without headers",
    "mixed forks",
    "null header",
    "every log twice",
    "removed twins",
    "unknown fields",
    "fields missing",
    "null results from the start",
    "one log index twice",
    "clock skew in headers",
    "another chain midway",
):
    CASES[name] = replace(CASES[name], is_quick=True)

PHRASED: dict[str, Case] = {
    f"{phrasing.name}: {says}": phrased(
        phrasing.name, {"blocks": 7, "logs": 10, "bytes": 8_000}[phrasing.caps], says
    )
    for phrasing in f.PHRASINGS
    for says in ("right", "missing", "high", "low", "same", "inverted")
    if says in ("right", "missing")
    or (says in ("high", "low") and phrasing.names != "none")
    or phrasing.names == "range"
}
