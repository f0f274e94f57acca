"""What the brain remembers of one thing."""
