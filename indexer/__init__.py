"""Chain to facts: sources, decoding, protocols, ranges, reorgs, link tables."""
