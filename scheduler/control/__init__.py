"""The online brain: a pure state machine, events in and commands out."""
