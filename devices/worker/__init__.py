"""A process that runs one machine's operations, one at a time."""
