"""Other people's predictions, set beside references and stored as results."""
