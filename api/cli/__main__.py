"""``python -m api.cli``: the command line of this interpreter's environment."""

from api.cli.app import main

main()
