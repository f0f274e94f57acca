"""The client of the service. `clients` sends requests; `calls` holds the methods.

Each method is written once for both clients, as a generator of requests. `patience` sends those
again that a busy service refuses, `turns` sends urgent ones first, and `wire` turns tensors into
files and back. Begin with ``calls/on_runs.py``.
"""
