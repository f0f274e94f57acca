"""Makes foreign load on a box, of a known kind and for a known time, to measure beside it."""

from devices.load_generator.generator import KINDS, LoadGenerator

__all__ = ["KINDS", "LoadGenerator"]
