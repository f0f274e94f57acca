"""``fjord cost``: what work costs, how that is predicted, and how good the predictions are."""

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
