"""The books of the simulated market: one module per contract, each exact to the wei."""
