"""Declarations of functions that workloads may call: names, types, parameters."""
