"""The loop that every trainer shares, and the folder that a run leaves behind."""
