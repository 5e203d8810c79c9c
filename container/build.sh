#!/bin/sh
# `build.sh IMAGE [FLAG ...]` builds the image with docker, podman or buildah, whichever works here. ENGINE=podman picks one.
set -eu
cd "$(dirname "$0")/.."

pick() {
    # The docker command can be there without the service behind it.
    if docker info >/dev/null 2>&1; then echo docker
    elif podman info >/dev/null 2>&1; then echo podman
    elif command -v buildah >/dev/null 2>&1; then echo buildah
    else
        echo "Neither docker nor podman nor buildah works here. On Debian or Ubuntu type: sudo apt-get install podman" >&2
        exit 1
    fi
}

engine=${ENGINE:-$(pick)}
image=$1
shift
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
set -- --file container/Dockerfile --tag "$image" --build-arg "EXTRAS=${EXTRAS:-}" \
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" "$@" .
case $engine in
    docker) DOCKER_BUILDKIT=1 exec docker build "$@" ;;
    # The OCI form has no place for HEALTHCHECK.
    podman) exec podman build --format docker "$@" ;;
    buildah) exec buildah bud --format docker --layers "$@" ;;
    *) echo "ENGINE is docker, podman or buildah, not $engine" >&2; exit 1 ;;
esac
