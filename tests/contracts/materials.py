"""A model, a dataset and a process that works of tests are made with."""

import hashlib

from contracts.bindings import Contracts
from contracts.bindings.registry import Kind

MODEL, DATASET, PROCESS = (
    hashlib.sha256(name).digest() for name in (b"model", b"dataset", b"process")
)


def register(rpc_url, state_dir):
    """Registers them in the name of the first account, which deployed."""
    registry = Contracts.connect(rpc_url, state_dir).registry
    for digest, kind in ((MODEL, Kind.MODEL), (DATASET, Kind.DATASET), (PROCESS, Kind.PROCESS)):
        registry.register(digest, kind)
