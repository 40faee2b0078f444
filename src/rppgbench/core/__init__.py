"""The nouns: recording, waveform, method, estimate, protocol."""
