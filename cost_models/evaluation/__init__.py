"""How good predictions are, beside simple ones on the same rows and the noise of the box."""
