"""Data sets on disk: trees, labels, splits, simulated copies."""
