"""``python -m api.history``: the process that archives."""

from __future__ import annotations

from api.history.process import main

if __name__ == "__main__":
    main()
