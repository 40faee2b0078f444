"""Recordings that repeat each other, by fingerprints of pulses and frames."""
