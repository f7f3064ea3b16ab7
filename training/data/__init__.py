"""What networks learn from: rings of volumes, the sources that fill them, slices drawn from them and varied."""
