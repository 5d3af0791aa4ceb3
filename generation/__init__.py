"""Brief to works: training art, model, engines, lineage, minting and verification.

Importing the package loads nothing heavy; torch and diffusers live in `pipeline`, and inside the
functions of `train` and `engine` that need them.
"""
