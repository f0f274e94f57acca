"""Constructive heuristics: one pass, always an answer. Each published one is a named instance.

Start at `ranked` (HEFT and other lists ordered beforehand) or `ready` (batch modes and dispatching
rules, which compare all ready operations at each step). `single_machine` keeps a plan on one
machine, `left_shift` repairs plans of others. `priorities`, `choices` and `clustering` are their
parts. Imports `scheduler.model`, the array form, `search` and `kernels`.
"""
