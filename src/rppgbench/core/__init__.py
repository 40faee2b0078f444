"""The records of the field: recording, waveform, method, estimate, protocol."""
