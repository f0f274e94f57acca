"""The service around the brain: HTTP, store, controller, learning, history, command line.

Each folder is a room, and arrows between rooms run down only (`pyproject.toml` draws them): `cli`
over `supervisor` and `tools`, over `http`, `wiring`, `controller`, `learning`, `history` and
`oracle`, `store`, and `process` at the bottom. Begin with `wiring.py`, where concrete parts meet.
"""
