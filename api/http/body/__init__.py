"""Bodies of requests: bytes to values and back."""
