"""The state machine of an agent: reports and commands in, instructions out; no clock, no I/O."""
