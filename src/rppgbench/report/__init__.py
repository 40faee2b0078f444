"""Scores, figures and provenance as one HTML file."""
