"""Compact head anatomies (data); read them with `gliosynth.anatomy`."""
