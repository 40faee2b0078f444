"""The contract of methods, as tests."""
