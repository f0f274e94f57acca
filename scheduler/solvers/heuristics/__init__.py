"""Constructive heuristics: one pass, always an answer. Each published one is a named point.

`ranked`: one list, ordered beforehand. `ready`: batch modes and dispatching rules, which compare
what is ready at each step. `single_machine`: everything in one place.
"""
