"""Fitting of gliosynth's networks: simulator stream, trainer, export into the model repository."""
