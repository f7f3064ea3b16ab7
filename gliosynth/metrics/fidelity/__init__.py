"""Fidelity of a set of cases: how far two distributions lie apart, and whether that can be told at all."""
