"""The errors of `generation`.

GenerationError       (RaisonneError)   1  a work cannot be made
├── UnknownStyleError (NotFoundError)   3  a style that data/styles.csv does not list
├── ModelMissingError (NotFoundError)   3  no model folder or pipeline of that name
├── ModelCorruptError (IntegrityError)  5  model files that contradict their recipe
├── ManifestError     (IntegrityError)  5  a lineage manifest that cannot be trusted or read
├── WorkMissingError  (NotFoundError)   3  no work of that path or id
└── UnregisteredError                   1  a digest is not on the register, or is tainted there
"""

from data.errors import IntegrityError, NotFoundError, RaisonneError


class GenerationError(RaisonneError):
    """Raised when a work cannot be made or minted."""


class UnknownStyleError(GenerationError, NotFoundError):
    """Raised when a style is asked for that data/styles.csv does not list."""

    exit_code = NotFoundError.exit_code

    def __init__(self, style: str, known: list[str]) -> None:
        message = f"unknown style {style!r}; use one of: {', '.join(known)}"
        super().__init__(message)
        self.style = style
        self.known = known


class ModelMissingError(GenerationError, NotFoundError):
    """Raised when a model folder or a pipeline name does not exist."""

    exit_code = NotFoundError.exit_code


class ModelCorruptError(GenerationError, IntegrityError):
    """Raised when a model's files contradict its recipe or cannot be read."""

    exit_code = IntegrityError.exit_code


class ManifestError(GenerationError, IntegrityError):
    """Raised when a lineage manifest cannot be parsed or contradicts its hash."""

    exit_code = IntegrityError.exit_code


class WorkMissingError(GenerationError, NotFoundError):
    """Raised when no work lies at a path or under an id."""

    exit_code = NotFoundError.exit_code


class UnregisteredError(GenerationError):
    """Raised when works cannot be minted for what the register says, or does not, of their make."""
