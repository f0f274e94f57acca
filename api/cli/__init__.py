"""The command line: ``fjord``.

Begin with `app.py`, which lists all commands; each module is one command or a group of them.
`options.py` holds options that commands share, `output.py` the forms of output. Heavy modules are
imported inside of the functions that need them, so that every command starts at once. The room may
import all others, and none imports it.
"""

from api.cli.app import main

__all__ = ["main"]
