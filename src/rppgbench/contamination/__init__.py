"""Whether recordings repeat each other: fingerprints of pulses and of frames."""
