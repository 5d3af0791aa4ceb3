"""Metadata of tokens: read when asked, under limits, and never trusted."""
