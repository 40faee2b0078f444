"""How fast this machine runs each part."""
