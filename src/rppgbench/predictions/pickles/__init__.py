"""Pickles of others, read by an interpreter that calls nothing the pickle names."""
