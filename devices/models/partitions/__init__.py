"""Convex pieces of a model, each a model of its own: the legal places to cut, and the extraction.

`links.py` is the graph without its constants, `extracting.py` makes models of sets of nodes,
`naming.py` cuts at tensors by name, `points.py` lists tensors that carry all by themselves, and
`bonds.py` says which nodes no cut may part. Costs are not known here. Begin with `links.py`.
"""
