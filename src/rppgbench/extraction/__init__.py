"""What one decoding pass takes from a video, and keeps."""
