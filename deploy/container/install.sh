#!/bin/sh
# Installs Fjord of this checkout, as the image has it, into an environment of its own.
#
# usage: deploy/container/install.sh FOLDER
#
# PYTHON chooses the interpreter, python3 by default. The checkout is not changed.
set -eu

[ $# -eq 1 ] || { echo "usage: deploy/container/install.sh FOLDER" >&2; exit 2; }
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$1
python=$folder/bin/python

"${PYTHON:-python3}" -m venv "$folder"
# Wheels only: nothing is compiled by a compiler, neither here nor when it runs.
"$python" -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: \
    --require-hashes -r "$here/requirements.lock"

source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
for part in LICENSE MANIFEST.in README.md pyproject.toml api cost_models devices fjord scheduler; do
    cp -R "$here/../../$part" "$source/"
done
"$python" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps \
    --no-build-isolation "$source"

# Layers of an image keep whole seconds only. Compiled code whose source has another time than when
# it was compiled would be compiled anew at each start.
find "$folder/lib" -name '*.py' -exec touch -d @"${SOURCE_DATE_EPOCH:-1767225600}" {} +
# Some packages ship files that are no code of this Python; nobody imports them.
"$python" -m compileall -q -j 0 "$folder/lib" >/dev/null || true
