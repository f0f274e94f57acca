"""The process that runs a box's machines for a site.

`brain` decides, without a clock or I/O; `shell` holds sockets, files and worker processes, and
carries out what the brain says; `nursery.py` is the process in which workers live. Begin with
`shell/agent.py` for the loop, with `brain/state.py` for the rules.
"""
