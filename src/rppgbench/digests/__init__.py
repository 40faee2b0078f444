"""Digests of the code behind a result."""
