"""Frames of a simulated recording, one after the other."""
