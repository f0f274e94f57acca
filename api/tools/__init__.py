"""Tools behind the command line: demo, charts, collecting of measurements."""
