"""The HTTP side of the service: routes, bodies, answers, errors."""
