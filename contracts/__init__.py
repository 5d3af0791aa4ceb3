"""Solidity sources, their committed ABI, and the Python side: local chain, deployment, calls."""
