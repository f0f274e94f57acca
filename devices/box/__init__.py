"""The box itself: its providers and machines, their fingerprint, the priority of processes."""
