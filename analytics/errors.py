"""Errors of the analytics.

RaisonneError
├── UsageError
│   ├── InputColumnError   2  a file or frame lacks a column, or has one that nobody knows
│   ├── InputValueError    2  a value cannot be read as its column's type
│   └── UnknownNameError   2  an analysis, model or mode that does not exist
├── NotFoundError
│   ├── InputFileError     3  the named file does not exist
│   └── NoForecastError    3  a brief was asked for before a forecast was made
└── NotEnoughDataError     1  the data cannot carry the estimate
"""

from collections.abc import Iterable

from data.errors import NotFoundError, RaisonneError, UsageError


class InputColumnError(UsageError):
    """Raised when an input lacks a column or has unknown ones; the message names them all."""


class InputValueError(UsageError):
    """Raised when a value of an input cannot be read as its column's type."""


class UnknownNameError(UsageError):
    """Raised when an analysis, a model or a mode does not exist; the message lists the known."""

    @classmethod
    def among(cls, name: str, known: Iterable[str], *, kind: str) -> "UnknownNameError":
        """The error for a name of that kind that is not among the known ones."""
        return cls(f"{kind} {name!r} is unknown; known: {', '.join(known)}")


class InputFileError(NotFoundError):
    """Raised when an input file does not exist."""


class NoForecastError(NotFoundError):
    """Raised when a brief has no forecasts to rest on."""


class NotEnoughDataError(RaisonneError):
    """Raised when every series is too short, or no sale is there, to estimate anything."""
