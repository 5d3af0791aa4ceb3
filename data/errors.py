"""The project's error tree.

RaisonneError           1  a failure with a sentence for the user
├── UsageError          2  the call cannot be understood
├── NotFoundError       3  what was named does not exist
├── UpstreamError       4  a node or a service did not answer as it must
│   └── RetryableError  4  the same call may succeed later
└── IntegrityError      5  a gap, a reorg beyond the window, a digest or version mismatch

Every message says what happened, the value, and the fix.
"""


class RaisonneError(Exception):
    """Root of all errors that the command line turns into one line and an exit code."""

    exit_code = 1


class UsageError(RaisonneError):
    """Raised when an argument, option or input file cannot be understood."""

    exit_code = 2


class NotFoundError(RaisonneError):
    """Raised when a file, store, transaction, style or contract that was named does not exist."""

    exit_code = 3


class UpstreamError(RaisonneError):
    """Raised when an endpoint cannot be reached or answers with something unusable."""

    exit_code = 4


class RetryableError(UpstreamError):
    """Raised when an endpoint failed in a way that a later, equal call may survive."""


class IntegrityError(RaisonneError):
    """Raised when data contradicts itself: a gap, a deep reorg, a wrong version or digest."""

    exit_code = 5
