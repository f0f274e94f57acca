"""Makes foreign load on a box, of a known kind and for a known time, to measure beside it.

`generator.py` starts processes of `burner.py` on chosen cores and ends them. Imports no other room.
Begin with `generator.py`.
"""

from devices.load_generator.generator import KINDS, LoadGenerator

__all__ = ["KINDS", "LoadGenerator"]
