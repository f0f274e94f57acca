"""The Open Inference Protocol, version 2, over HTTP: models are called by name, in JSON or binary.

`app.py` answers all paths under ``/v2``, apart from the framework: its dependency machinery would
take longer than most calls. `requests.py` and `responses.py` are the two forms of a body,
`inference.py` calls a model or has a run do it, `models.py` tells of models. Errors are
``{"error": text}`` on every path.
"""
