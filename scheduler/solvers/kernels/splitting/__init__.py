"""Kernels of splits of neural networks: `ideals` enumerates the sets, `loading` fills devices.

Serves `scheduler/splitting/ideals.py`. Imports only the modules directly in `kernels`.
"""
