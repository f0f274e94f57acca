#!/bin/sh
# Does what the Dockerfile does, without an engine: installs, compiles the kernels and runs a
# command as a user without rights, and says so. Takes minutes; needs the package index.
#
# usage: deploy/container/try.sh
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

sh "$here/install.sh" "$work/fjord"
mkdir "$work/data" "$work/cache"

as_user() {
    set -- env -i PATH="$work/fjord/bin:/usr/bin:/bin" HOME="$work/data" PYTHONSAFEPATH=1 \
        FJORD_DATA="$work/data" XDG_CACHE_HOME="$work/cache" \
        NUMBA_CPU_NAME="${KERNEL_CPU:-x86-64-v3}" NUMBA_CPU_FEATURES= "$@"
    cd "$work/data"
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid 10001 --regid 10001 --clear-groups "$@"
    else
        "$@"
    fi
}

[ "$(id -u)" != 0 ] || chown 10001:10001 "$work/data" "$work/cache"
as_user fjord compile
kernels=$(find "$work/cache" -name '*.nbc' | wc -l)
[ "$kernels" -gt 0 ] || { echo "no kernel was compiled" >&2; exit 1; }

as_user fjord --version
printf '2 2\n2 1 1 3 1 2 2\n2 1 2 1 1 1 4\n' >"$work/data/tiny.fjs"
as_user fjord solve tiny.fjs --time-limit-s 1
[ "$(find "$work/cache" -name '*.nbc' | wc -l)" -eq "$kernels" ] ||
    { echo "a kernel was compiled when it ran" >&2; exit 1; }
echo "the steps of the image work: $kernels kernels compiled, none when it ran"
