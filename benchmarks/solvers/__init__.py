"""The quality of the solvers beside others: gaps to best-known values, proofs, and their times."""
