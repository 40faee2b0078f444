"""What code and data stand behind a result."""
