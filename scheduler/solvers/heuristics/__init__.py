"""Constructive heuristics: one pass, always an answer, one file per published rule."""
