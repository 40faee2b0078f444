"""A results folder: estimates and references."""
