"""Generators of images from brain maps: presets, what is trained, pictures, evaluation."""
