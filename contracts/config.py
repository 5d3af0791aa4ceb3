"""What this package reads from the environment, in one place."""

import os

PASSWORD_VARIABLE = "RAISONNE_SIGNER_PASSWORD"  # noqa: S105 (the name of a variable)
SIGNER_VARIABLE = "RAISONNE_SIGNER"


def read_environment(name: str) -> str | None:
    """Returns the value of an environment variable, or None when it is unset or empty."""
    return os.environ.get(name) or None
