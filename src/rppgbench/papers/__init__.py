"""Papers' tables and figures, printed beside measured."""
