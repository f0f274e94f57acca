"""Settings of the property tests."""

from __future__ import annotations

from hypothesis import settings

# The box is shared: how long an example takes says nothing about the code.
settings.register_profile("fjord", deadline=None)
settings.load_profile("fjord")
