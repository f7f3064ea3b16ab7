"""The metrics service: scores label maps and images."""
