"""Processes of one box: settings, ports, children, cores, the embedded store."""
