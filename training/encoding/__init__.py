"""Teaching the feature encoder: what it must say of a slice, and how well it says it."""
