"""Emits real logs of any protocol on a local chain, at the protocol's own addresses."""
