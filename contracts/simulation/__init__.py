"""An agent-based art market that lives on the project's own contracts, with known ground truth."""
