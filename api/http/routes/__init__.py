"""The routes of the API, one module per kind of thing."""

from api.http.routes import boxes, costs, history, models, profiles, runs, service, site, workloads

ROUTERS = (
    models.router,
    profiles.router,
    workloads.router,
    runs.router,
    history.router,
    site.router,
    costs.router,
    boxes.router,
    service.router,
)
