"""Serves: routes, store, controller shell, supervisor, dashboard, client and command line."""
