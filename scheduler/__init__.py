"""Decides: the problem model, the solvers and the online brain. Performs no I/O."""
