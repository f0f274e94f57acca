r"""Readers of public formats, and the writer of ours. Callers read files; nothing here does.

Start at `recognising.parse`, which finds the format and calls the reader of that name (`fjsp`,
`psplib`, ...); `resembling` finds the format that a malformed file is nearest to. `reading` holds
the parts that readers share, `instance` the result. Imports `scheduler.model`; only `fleet`, which
reads arrays, imports the array form of `scheduler.solvers`.

Examples
--------
>>> shop = parse(b"1 2\n2  1 0 3  2 0 4 1 2\n", filename="tiny.fjs")
>>> shop.format, len(shop.problem.operations), shop.value(3)
('fjsp', 2, 3)
"""

from scheduler.instances.instance import Instance
from scheduler.instances.native import write
from scheduler.instances.recognising import FORMATS, parse

__all__ = ["FORMATS", "Instance", "parse", "write"]
