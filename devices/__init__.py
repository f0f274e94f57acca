"""The part of Fjord on each box: providers, tensors, workers, and the agent over them.

`catalogue.py` lists execution providers, `tensors.py` keeps tensors in shared memory, `models`
reads ONNX files, `functions` are stages in Python, `sensing` watches the box, `box` finds its
machines, `runtime` is the door to ONNX Runtime, `worker` runs operations, `agent` serves a site.
May import `scheduler.model` alone. Begin with `agent`.
"""
