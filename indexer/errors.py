"""Errors of the indexer.

UpstreamError (4, from data.errors)
├── RpcError             a node answered with an error that no retry will cure
│   ├── RangeTooWide     the node refuses the block range; may carry the limit it named
│   ├── TooManyResults   the node refuses the size of the answer
│   └── BatchRefused     the node refuses a batch for its size, or any batch
├── RootError            a root cannot be recomputed from what the node told
├── WrongChainError      the endpoint serves another chain than was asked for
└── RetryableError       (from data.errors) an equal call may succeed later
    ├── Throttled        a node asks for fewer calls
    ├── SlowAnswer       a call takes longer than it may
    ├── UnknownBlock     a node does not have a block, or not yet
    └── Unreachable      no connection can be made
IntegrityError (5, from data.errors)
├── GapError             blocks hold logs that could not be had, or, if strict, may hold such
├── DeepReorgError       no stored block within the window is on the node's chain
└── ReorgError           a block's parent is not the stored block; the run rolls back and goes on
UsageError (2, from data.errors)
├── AbiError             an event signature that cannot be compiled
└── BlockSyntaxError     a block range that cannot be understood
"""

from data.errors import IntegrityError, RetryableError, UpstreamError, UsageError


class RpcError(UpstreamError):
    """Raised when a node answers with an error that no retry will cure."""


class SizeRefused(RpcError):  # noqa: N818 - a refusal that is acted upon, not a failure
    """Raised when a node refuses how much is asked for at once.

    `limit` is what it named as the most, `suggested` the blocks (both ends count) that it said
    would work, `url` the endpoint, which is kept out of messages.
    """

    def __init__(
        self, message: str, limit: int | None = None, suggested: tuple[int, int] | None = None
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.suggested = suggested
        self.url = ""


class RangeTooWide(SizeRefused):
    """Raised when a node refuses a block range; `limit` is in blocks."""


class TooManyCriteria(SizeRefused):
    """Raised when a node refuses the number of addresses in a filter."""


class TooManyResults(SizeRefused):
    """Raised when a node refuses to send so many logs at once; `limit` is in logs."""


class TooManyBytes(TooManyResults):
    """Raised when a node refuses to send, or we to take, so many bytes; `limit` is in bytes."""


class BatchRefused(RpcError):  # noqa: N818 - as SizeRefused
    """Raised when a node refuses a batch for the number of its calls."""


class Throttled(RetryableError):  # noqa: N818 - as SizeRefused
    """Raised when a node asks for fewer calls; `retry_after_s` is the pause it named, if any."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SlowAnswer(RetryableError):  # noqa: N818 - as SizeRefused
    """Raised when a call takes longer than it may, by the node's clock or by ours.

    `url` is the endpoint, which is kept out of messages.
    """

    url = ""


class UnknownBlock(RetryableError):  # noqa: N818 - as SizeRefused
    """Raised when a node does not have a block: it is behind, reorganises, or pruned it."""


class Unreachable(RetryableError):  # noqa: N818 - as SizeRefused
    """Raised when no connection to an endpoint can be made."""


class RootError(UpstreamError):
    """Raised when a root of a block cannot be recomputed: parts are missing or of unknown kind."""


class WrongChainError(UpstreamError):
    """Raised when an endpoint serves another chain than the one asked for."""


class GapError(IntegrityError):
    """Raised at the end of a run or an audit that leaves blocks with logs that could not be had."""


class ReorgError(IntegrityError):
    """Raised when a fetched block does not descend from the stored one before it."""


class DeepReorgError(IntegrityError):
    """Raised when no stored block within the reorg window is on the node's chain."""


class AbiError(UsageError):
    """Raised when an event signature cannot be parsed or has a shape without a decoder."""


class BlockSyntaxError(UsageError):
    """Raised when a block range cannot be understood."""
