"""Typed calls of our contracts for one user: what generation, the command line and tests use.

For thousands of transactions on the local chain use `contracts.client` with the encoders of
`contracts.calldata`.
"""

from contracts.bindings.base import Session
from contracts.bindings.facade import Contracts
from contracts.calldata import MintRequest, Parent
from contracts.gas import GasCaps

__all__ = ["Contracts", "GasCaps", "MintRequest", "Parent", "Session"]
