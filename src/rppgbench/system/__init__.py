"""Files, processes, progress and digests."""
