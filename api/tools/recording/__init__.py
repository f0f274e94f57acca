"""Recordings of live sites: their file, how one is taken, and how it is folded again."""
