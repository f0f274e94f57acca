"""Calls on their way from an API process to a worker of its box, past agent and controller.

`frames.py` is what both sides say over a Unix socket, `places.py` where that socket lies. May
import what lies below. Begin with `frames.py`.
"""
