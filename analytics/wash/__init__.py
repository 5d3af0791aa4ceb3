"""Wash trading: Dune's five rules, one file each, and the score that joins them."""
