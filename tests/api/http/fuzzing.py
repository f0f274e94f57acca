"""Ask a real site all that its OpenAPI document allows, and much that it does not.

    python -m tests.api.http.fuzzing SCHEMATHESIS [--seconds 600] [--seed 20]

Schemathesis has an environment of its own (``make fuzz-http``). An answer of 5xx, of a status, a
type or a form that the document does not declare is a failure. The stream of events is left out: it
has no end.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from api.tools.demo.service import running_service

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
EXAMPLES = 150
"""Requests per operation in the phase of random ones."""
START_S = 300.0


def main() -> int:
    """Start a site, let Schemathesis ask it, and give its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("schemathesis", type=Path)
    parser.add_argument("--seconds", type=int, default=600, help="most time for the requests")
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    # With a token of all scopes: without one most requests would be answered 401, and end there.
    token = secrets.token_urlsafe(24)
    os.environ["FJORD_TOKEN"] = token
    own = {"FJORD_TOKENS": f"fuzz:read+submit+operate+agent:{token}"}
    with (
        tempfile.TemporaryDirectory(prefix="fjord-fuzz-") as folder,
        running_service(Path(folder), environment=own, start_s=START_S) as service,
    ):
        command = [
            *(str(arguments.schemathesis), "run", f"{service.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {token}", "--exclude-path", "/v1/events"),
            *("--phases", "coverage,fuzzing,stateful", "--checks", ",".join(CHECKS)),
            *("--max-examples", str(EXAMPLES), "--max-time", str(arguments.seconds)),
            *("--seed", str(arguments.seed), "--workers", "4", "--request-timeout", "60"),
            *("--continue-on-failure", "--suppress-health-check", "all"),
        ]
        return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
