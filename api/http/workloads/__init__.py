"""Posted workloads, checked and mapped to the form that the brain knows.

Begin with `mapping.py`. `graph.py` checks references, order and cycles; `sizes.py` estimates
outputs for the cost of moving them. The room imports schemas, errors and records of the store.
"""
