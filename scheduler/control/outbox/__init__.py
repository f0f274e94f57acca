"""Plans, records and wake-ups: all that goes out at the end of a turn."""
