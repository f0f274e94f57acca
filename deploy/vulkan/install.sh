#!/bin/sh
# Makes a software Vulkan (Mesa's lavapipe, 25 or newer) available beside the project, for the
# WebGPU provider on a machine without a GPU. Needs apt, no root; the system stays as it is.
#
# usage: deploy/vulkan/install.sh [FOLDER]      default: .vulkan beside the project
#
# Debian 12's own Mesa 22 lacks features that WebGPU requires, so there it comes from backports.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${1:-${FJORD_VULKAN_DIR:-$here/../../.vulkan}}
mkdir -p "$target"
target=$(CDPATH='' cd -- "$target" && pwd)

say() { printf '%s\n' "vulkan: $*" >&2; }

finish() {
    say "ready in $target"
    printf 'export FJORD_VULKAN_DIR=%s\n' "$target"
    exit 0
}

# The folder is complete once the ICD file is there: it is written last.
[ -f "$target/icd.json" ] && finish
command -v apt-get >/dev/null || { say "this needs apt (Debian or Ubuntu)"; exit 1; }
command -v dpkg-deb >/dev/null || { say "this needs dpkg"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"

# A private apt: its own lists, archives and locks, the system's keys, proxies and dpkg status.
set -- -qq -o Dir::State::lists="$work/lists" -o Dir::Cache="$work" \
    -o Dir::Cache::archives="$work/archives" -o Debug::NoLocking=1 -o APT::Sandbox::User=root

codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
if [ "$codename" = bookworm ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' |
        awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
    [ -n "$mirror" ] || { say "no apt source for Debian bookworm main"; exit 1; }
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    for suite in bookworm bookworm-backports; do
        printf 'deb [signed-by=%s] %s %s main\n' "$keys" "$mirror" "$suite"
    done >"$work/sources.list"
    set -- "$@" -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
        -t bookworm-backports
fi

say "downloading Mesa's lavapipe"
apt-get "$@" update >&2
apt-get "$@" install -y --reinstall --no-install-recommends --download-only \
    mesa-vulkan-drivers libvulkan1 libdrm2 libdrm-amdgpu1 >&2
for package in "$work"/archives/*.deb; do
    dpkg-deb -x "$package" "$work/root"
done

driver=$(find "$work/root" -name libvulkan_lvp.so | head -n 1)
[ -n "$driver" ] || { say "mesa-vulkan-drivers holds no lavapipe"; exit 1; }
libraries=$(dirname "$driver")
triplet=$(basename "$libraries")
export LD_LIBRARY_PATH="$libraries:$work/root/lib/$triplet"

missing=$(ldd "$driver" | awk '/not found/ { print $1 }')
[ -z "$missing" ] || { say "libraries are missing: $missing"; exit 1; }

# Keep only what the driver and the loader need and the system lacks, under the names they ask for.
rm -rf "$target/lib"
mkdir -p "$target/lib"
cp -L "$driver" "$libraries/libvulkan.so.1" "$target/lib/"
ldd "$driver" "$libraries/libvulkan.so.1" |
    awk -v root="$work/root" '$2 == "=>" && index($3, root) == 1 { print $1, $3 }' | sort -u |
    while read -r name path; do
        cp -L "$path" "$target/lib/$name"
    done

printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "./lib/libvulkan_lvp.so", "api_version": "1.4.305"}}\n' \
    >"$target/icd.json.new"
mv "$target/icd.json.new" "$target/icd.json"
finish
