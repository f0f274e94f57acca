#!/bin/sh
# tritonclient 2.73.0 with its extra grpc, and ortools 9.14.6206 (Python 3.11+, Linux).
# Guess: both take protobuf 6 (the client: from 6.30.0, below 7.0), so that they work in one environment.
# Seen: pip installs both and finds nothing wrong with protobuf 6.31.1, the only series that OR-Tools takes. The client
# cannot be imported: its messages were generated for 6.33.5, which is newer than what its metadata asks for.
# Consequence: a program that schedules with OR-Tools and calls Triton over gRPC needs an older client, or two
# environments. The client over HTTP is not touched.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check "tritonclient[grpc]==2.73.0" "ortools==9.14.6206"
"$folder/env/bin/pip" check
"$folder/env/bin/python" - <<'PY'
import importlib.metadata
import sys

import ortools.sat.python.cp_model

print("protobuf", importlib.metadata.version("protobuf"))
try:
    import tritonclient.grpc
except Exception as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(0 if "gencode 6.33.5" in str(error) else 1)
sys.exit(1)
PY
