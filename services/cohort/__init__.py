"""The cohort service: durable jobs that make synthetic cohorts."""
