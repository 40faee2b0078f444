"""Plumbing: files, processes, progress, faults and digests."""
