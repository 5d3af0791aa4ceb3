"""Errors of the dashboard.

RaisonneError
├── PortBusyError  2  the port is taken
└── ServerError    1  the server did not start or ended
"""

from data.errors import RaisonneError, UsageError


class PortBusyError(UsageError):
    """Raised when something listens on the port already."""


class ServerError(RaisonneError):
    """Raised when the dashboard's server did not start, or ended by itself."""
