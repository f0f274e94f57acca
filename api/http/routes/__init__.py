"""The routes of the API, one module per kind of thing.

A route reads its parameters, calls one function of another module, and answers; begin with
`common.py` for the rights of callers and the forms of answers. A new module of routes is named in
`ROUTERS`. Routes import all of `api.http` but the server, and nothing imports them but the server.
"""

from api.http.routes import (
    boxes,
    costs,
    history,
    models,
    partitions,
    profiles,
    runs,
    service,
    site,
    workloads,
)

ROUTERS = (
    models.router,
    partitions.router,
    profiles.router,
    workloads.router,
    runs.router,
    history.router,
    site.router,
    costs.router,
    boxes.router,
    service.router,
)
