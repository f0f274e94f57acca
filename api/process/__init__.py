"""One box and its processes: settings, ports, cores, children, the embedded store.

Begin with `settings.py`. `children.py` and `forking.py` start children, `answering_child.py`
exchanges messages with one, `cores.py` divides the cores, `garbage.py` and `stalls.py` keep the
loop of a process quick. The room imports no other room of `api`, and every other may import it.
"""
