"""Runs that are not there yet: when a stream's next is due, and a machine free in time for it."""
