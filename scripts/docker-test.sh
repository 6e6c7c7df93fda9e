#!/usr/bin/env bash
# Builds the image's last stage from the host's own files and uses it as a user would: create and destroy on the emulator, in
# two containers. It needs a Docker engine and the built binary, and no registry: with the legacy builder every stage is
# built, so the stages are given the same imported image.
set -euo pipefail
cd "$(dirname "$0")/.."
tag=cluster-provision-test:$$
base=cluster-provision-base:$$
work=$(mktemp -d)
cleanup() {
  docker rmi -f "$tag" "$base" > /dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

[ -x ./cluster-provision ] || make -s build
mkdir -p "$work/root/out/etc/ssl/certs" "$work/root/out/usr/share" "$work/root/out/tmp" "$work/state"
cp cluster-provision "$work/root/out/"
cp /etc/ssl/certs/ca-certificates.crt "$work/root/out/etc/ssl/certs/"
[ ! -d /usr/share/zoneinfo ] || cp -r /usr/share/zoneinfo "$work/root/out/usr/share/"
tar -C "$work/root" -c . | docker import - "$base" > /dev/null

# The builder stage cannot run without Go; the legacy builder has no way to skip it. Its part is left out here and everything
# from the choice of the stage on is the Dockerfile's own.
mkdir "$work/context"
{ echo "ARG PREBUILT_IMAGE"; echo "ARG BUILD"; sed -n '/^FROM ${PREBUILT_IMAGE}/,$p' Dockerfile; } > "$work/context/Dockerfile"
docker build -q --build-arg PREBUILT_IMAGE="$base" --build-arg BUILD=prebuilt -t "$tag" "$work/context" > /dev/null

run() { docker run --rm --env-file examples/minimal.list -v "$work/state:/emulated" "$tag" --emulate /emulated --time-scale 50 "$@"; }
echo "docker: Create"
run Create --show-proxy-url no
[ "$(./cluster-provision emulator resources --dir "$work/state" | grep -c '"builtin": false')" -gt 0 ]
echo "docker: Destroy in another container"
run Destroy
left=$(./cluster-provision emulator resources --dir "$work/state" | grep -c '"builtin": false' || true)
[ "$left" -eq 0 ] || { echo "docker: $left resources are left"; exit 1; }
echo "docker: bad settings end with 2"
code=0
docker run --rm "$tag" Create > /dev/null 2>&1 || code=$?
[ "$code" -eq 2 ] || { echo "docker: exit code $code"; exit 1; }
echo "docker: passed; image $(docker image inspect -f '{{.Size}}' "$tag" | awk '{printf "%d MB", $1 / 1000000}')"
