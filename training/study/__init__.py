"""The study of paper 002: what synthetic cases add to a base set, from one command to tables, plots, reader test."""
