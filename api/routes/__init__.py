"""The routes of the API, one module per kind of thing."""

from api.routes import boxes, models, runs, service, site, workloads

ROUTERS = (
    models.router,
    workloads.router,
    runs.router,
    site.router,
    boxes.router,
    service.router,
)
