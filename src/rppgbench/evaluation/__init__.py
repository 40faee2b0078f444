"""From waveforms to heart rates, metrics and intervals."""
