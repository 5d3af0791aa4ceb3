"""One sender at a time per account: what keeps nonces apart among threads and processes.

A nonce is read from the node and used while the account's lock is held. The lock is a file in the
state folder, so that all processes of one folder wait for each other; whoever uses the same key
from elsewhere is met with a second look at the node (`contracts.signers.KeySigner`).
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_guard = threading.Lock()
_threads: dict[str, threading.Lock] = {}

_CONFLICTS = (
    "nonce too low",  # geth, anvil, erigon, reth
    "replacement transaction underpriced",  # geth, anvil
    "replacement underpriced",
    "old nonce",  # nethermind
    "invalid nonce",
)
_KNOWN = ("already known", "already imported", "known transaction", "alreadyknown")


@contextmanager
def one_sender(address: str, folder: Path | None) -> Iterator[None]:
    """Holds the lock of an account: of this process, and of all that share `folder` if given."""
    with _guard:
        lock = _threads.setdefault(address.lower(), threading.Lock())
    with lock:
        if folder is None:
            yield
            return
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{address.lower()}.lock").open("w") as handle:
            # Let go when the file is closed, also by a process that dies.
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def lock_folder(state_dir: Path, chain_id: int) -> Path:
    """Returns where the locks of the senders on a chain are."""
    return state_dir / str(chain_id) / "senders"


def is_nonce_conflict(message: str) -> bool:
    """Returns whether a node's refusal says that the nonce was used by another transaction."""
    said = message.lower()
    return any(part in said for part in _CONFLICTS)


def is_known_transaction(message: str) -> bool:
    """Returns whether a node's refusal says that it has this very transaction already."""
    said = message.lower()
    return any(part in said for part in _KNOWN)
