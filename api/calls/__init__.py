"""Calls under leases of capacity: from this process straight to the workers of its box.

`calls.py` is the page to read first: it takes a call, finds a place for it and asks for leases.
`held.py` is a lease as this process holds it, `connection.py` the line to one worker. May import
the store, and of `devices` what is said to workers.
"""
