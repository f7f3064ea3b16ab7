"""Durable jobs: DBOS owns the queue, its priorities, the steps and their recovery, on SQLite or PostgreSQL.

Ours is what it lacks: the cohorts as rows that callers list, watch and cancel (`tables`, `records`, `cohorts`), their
states changed in one transaction with the queue (`transitions`, `runs`), and the signs of life from which a worker
knows that another one is dead (`leases`): without its commercial conductor DBOS takes up a dead process' jobs only when
that very process starts again.
"""
