"""Other people's toolboxes, run as they are."""
