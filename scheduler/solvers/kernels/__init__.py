"""Compiled loops over arrays. Plain Python that numba compiles once per installation."""
