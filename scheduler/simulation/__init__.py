"""The discrete-event shell around the brain: simulated agents, simulated time, one seed."""
