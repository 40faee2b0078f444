"""Measure the speed of each part of a run."""
