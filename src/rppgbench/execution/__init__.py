"""A protocol planned, executed and stored."""
