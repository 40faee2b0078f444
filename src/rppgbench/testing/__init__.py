"""The method contract as tests."""
