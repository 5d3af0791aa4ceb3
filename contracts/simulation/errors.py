"""Errors of the simulated market.

RaisonneError
└── SimulationError           1  the simulation cannot run here, or contradicts the chain
    ├── ForeignChainError     2  the node is no local chain
    ├── AlreadySimulatedError 2  the chain carries another simulation, or half of one
    └── NotSimulatedError     3  there is no market to continue
"""

from data.errors import RaisonneError


class SimulationError(RaisonneError):
    """Raised when the market's own books and the chain disagree, or its state cannot be read."""


class ForeignChainError(SimulationError):
    """Raised when a simulation is asked for on a chain that is not the local one."""

    exit_code = 2


class AlreadySimulatedError(SimulationError):
    """Raised when a chain carries a simulation with other parameters, or half of one."""

    exit_code = 2


class NotSimulatedError(SimulationError):
    """Raised when a market is to be continued on a chain that carries none."""

    exit_code = 3
