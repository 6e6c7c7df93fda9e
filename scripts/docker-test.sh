#!/usr/bin/env bash
# Builds the image and uses it as a user would: create and destroy on the emulator, in containers of their own. It needs a
# Docker engine that answers, and no registry: base images are made from the host's own files.
#
#   scripts/docker-test.sh                  the last stage of the Dockerfile, over the binary that is built on the host
#   DOCKER_FULL=1 scripts/docker-test.sh    all of the Dockerfile: the builder stage is the host's Go with a static busybox
set -euo pipefail
cd "$(dirname "$0")/.."
tag=cluster-provision-test:$$
base=cluster-provision-base:$$
container=cluster-provision-test-$$
work=$(mktemp -d)
cleanup() {
  docker rm -f "$container" > /dev/null 2>&1 || true
  docker rmi -f "$tag" > /dev/null 2>&1 || true
  # stages before the last one have no name; their ids are in the log, and one that is gone already is no fault
  if [ -f "$work/build.log" ]; then
    sed -n 's/^ ---> \([0-9a-f]\{12\}\)$/\1/p' "$work/build.log" | tac | xargs -r docker rmi > /dev/null 2>&1 || true
  fi
  docker rmi -f "$base" > /dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
fail() {
  echo "docker: $*"
  exit 1
}

make -s build > /dev/null
mkdir -p "$work/state" "$work/context" "$work/root/out/tmp"

# data puts CA certificates and time zones where an image of Debian has them.
data() {
  mkdir -p "$1/etc/ssl/certs" "$1/usr/share/zoneinfo"
  cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
  if [ -d /usr/share/zoneinfo ]; then cp -r /usr/share/zoneinfo/. "$1/usr/share/zoneinfo/"; fi
}

# build is docker build by the builder that every engine has. It names no stage that is not needed, so all are built.
build() {
  DOCKER_BUILDKIT=0 docker build -t "$tag" "$@" > "$work/build.log" 2>&1 || {
    cat "$work/build.log"
    fail "the image could not be built"
  }
}

if [ "${DOCKER_FULL:-}" = 1 ]; then
  busybox=$(command -v busybox) || fail "DOCKER_FULL=1 needs busybox-static: apt-get install busybox-static"
  data "$work/root"
  mkdir -p "$work/root/bin" "$work/root/tmp" "$work/root/usr/local"
  cp "$busybox" "$work/root/bin/busybox"
  for applet in sh mkdir cp rm; do ln -s busybox "$work/root/bin/$applet"; done
  cp -r "$(go env GOROOT)" "$work/root/usr/local/go"
  go mod download
  mkdir -p "$work/root/proxy"
  cp -r "$(go env GOMODCACHE)/cache/download/." "$work/root/proxy/"
  tar -C "$work/root" -c . | docker import -c "ENV PATH=/usr/local/go/bin:/bin" -c "ENV GOTOOLCHAIN=local" \
    -c "ENV GOPROXY=file:///proxy" -c "ENV GOSUMDB=off" -c "ENV HOME=/tmp" - "$base" > /dev/null
  echo "docker: building every stage"
  build --build-arg GO_IMAGE="$base" --build-arg VERSION=from-docker .
  docker run --rm "$tag" version | grep -q from-docker || fail "the version is not the one that was given"
else
  # The builder stage cannot run without Go, and the builder cannot leave it out. So it is cut off here; everything from
  # the choice of the stage on is the Dockerfile's own.
  data "$work/root/out"
  cp cluster-provision "$work/root/out/"
  tar -C "$work/root" -c . | docker import - "$base" > /dev/null
  { printf 'ARG PREBUILT_IMAGE\nARG BUILD\n' && sed -n '/^FROM ${PREBUILT_IMAGE}/,$p' Dockerfile; } > "$work/context/Dockerfile"
  build --build-arg PREBUILT_IMAGE="$base" --build-arg BUILD=prebuilt "$work/context"
fi

# provision runs the program in a container, as the user who runs this script so that the state can be removed afterwards.
provision() {
  docker run --rm --name "$container" --user "$(id -u):$(id -g)" --env-file examples/env.list -v "$work/state:/emulated" \
    "$tag" --emulate /emulated --time-scale 50 "$@"
}
ours() { ./cluster-provision emulator resources --dir "$work/state" | grep -c '"builtin": false' || true; }

echo "docker: Create"
provision Create --show-proxy-url no
[ "$(ours)" -gt 0 ] || fail "Create made nothing"
echo "docker: Destroy in another container"
provision Destroy
[ "$(ours)" -eq 0 ] || fail "$(ours) resources are left"

echo "docker: SIGTERM while Create runs"
provision Create --time-scale 4 > "$work/stopped.log" 2>&1 &
running=$!
tries=0
until grep -q ': started' "$work/stopped.log"; do
  tries=$((tries + 1))
  [ "$tries" -le 100 ] || fail "Create did not start within 10 s"
  sleep 0.1
done
docker kill --signal TERM "$container" > /dev/null
code=0
wait "$running" || code=$?
[ "$code" -eq 143 ] || { cat "$work/stopped.log"; fail "a Create that was told to stop ended with $code, not 143"; }
provision Destroy > /dev/null 2>&1 || fail "what it left could not be destroyed"
[ "$(ours)" -eq 0 ] || fail "$(ours) resources are left after it"

echo "docker: settings that are missing"
code=0
docker run --rm "$tag" Create > /dev/null 2>&1 || code=$?
[ "$code" -eq 2 ] || fail "they ended with $code, not 2"

echo "docker: passed; image $(docker image inspect -f '{{.Size}}' "$tag" | awk '{printf "%d MB", $1 / 1000000}')"
