"""The protocol over gRPC: the same models, calls and errors as over HTTP."""
