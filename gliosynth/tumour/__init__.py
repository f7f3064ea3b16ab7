"""Tumours: plans, shapes, placement and mass effect in a deformed anatomy."""
