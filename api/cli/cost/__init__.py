"""``fjord cost``: features, measurements, training and predictions, one module per command.

Begin with `predict.py`. A command calls `cost_models`, `api.learning` or `api.tools.collecting`.
"""

from __future__ import annotations

import typer

from api.cli.cost import collect, evaluate, features, predict, rows, train

app = typer.Typer(help="Cost models: features, training, accuracy.", no_args_is_help=True)
features.register(app)
collect.register(app)
rows.register(app)
train.register(app)
evaluate.register(app)
predict.register(app)

__all__ = ["app"]
