"""How good the solvers are: gaps to best-known values, proofs, and how soon, beside others."""
