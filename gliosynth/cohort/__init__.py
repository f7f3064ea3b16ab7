"""Cohorts: from a spec to accepted cases, and from those to a BIDS data set that explains itself."""
