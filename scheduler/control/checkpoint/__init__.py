"""The state of the brain as plain data and back: a fold goes on from there as from nothing."""

from scheduler.control.checkpoint.taking import VERSION, reads_back, resume, taken

__all__ = ["VERSION", "reads_back", "resume", "taken"]
