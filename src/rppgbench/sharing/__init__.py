"""Results as one checked file, and a leaderboard of such files."""
