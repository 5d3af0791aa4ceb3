"""Errors of the contracts package.

RaisonneError
├── ContractError     1  a contract refused a call, or an answer of the chain cannot be right
├── GasCapError       1  a transaction would cost more than its caps allow
├── CalldataError     2  a value does not fit the call it is meant for
├── SignerError       2  no account to sign with, or one that may not be used here
├── CompilerError     3  node or solc is missing, or the sources do not compile
├── DeploymentError   3  no contracts are known on this chain, or other ones than ours
├── ChainError        4  the local chain cannot be started or stopped
└── RpcError          4  the node cannot be reached or refuses a request
"""

from data.errors import NotFoundError, RaisonneError, UpstreamError, UsageError


class ContractError(RaisonneError):
    """Raised when a contract refuses a call; the message holds the decoded reason."""


class GasCapError(RaisonneError):
    """Raised when a transaction would need more gas, or a dearer one, than allowed."""


class CalldataError(UsageError):
    """Raised when a value does not fit the type that a contract's function takes."""


class SignerError(UsageError):
    """Raised when no usable signer is named, or it may not sign on this chain."""


class CompilerError(NotFoundError):
    """Raised when node or solc is missing, or when the Solidity sources do not compile."""


class DeploymentError(NotFoundError):
    """Raised when the project's contracts are not on a chain, or others are in their place."""


class ChainError(UpstreamError):
    """Raised when the local chain cannot be started, found or stopped."""


class RpcError(UpstreamError):
    """Raised when a node cannot be reached, answers with an error or not as JSON-RPC does."""

    def __init__(self, message: str, *, code: int | None = None, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data
