"""A protocol as jobs: planned, done once, stored whole."""
