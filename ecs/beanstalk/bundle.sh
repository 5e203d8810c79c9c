#!/usr/bin/env bash
# Makes the source bundle for Elastic Beanstalk: ecs/beanstalk/bundle.sh [FILE] (sightline-page.zip).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

case ${1:-} in
    -h | --help) sed -n 2p "$0"; exit 0 ;;
esac
file=$(realpath -m "${1:-sightline-page.zip}")
python=$(command -v python3 || command -v python) || { echo "python3 is missing: it writes the zip file" >&2; exit 1; }

bundle=$(mktemp -d)
trap 'rm -rf "$bundle"' EXIT
cp -r ecs/beanstalk/docker-compose.yml ecs/beanstalk/nginx.conf.template static "$bundle"
# Whoever runs nginx in the container may read them, whatever this user's umask is.
chmod -R a+rX "$bundle"
rm -f "$file"
(cd "$bundle" && "$python" -m zipfile -c "$file" docker-compose.yml nginx.conf.template static)
echo "$file"
