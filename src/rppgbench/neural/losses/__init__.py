"""Losses on pulses and their spectra."""
