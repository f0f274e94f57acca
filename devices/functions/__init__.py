"""Functions that workloads may call: pure Python, declared with types, found by entry point."""
