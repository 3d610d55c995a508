#!/bin/sh
# Builds the image of the Dockerfile with docker or podman, starts it, asks for its health and for a matte, and says how large it is.
# Ends with 77 where neither of them is there.
set -eu
cd -- "$(dirname -- "$0")/../.."
engine=$(command -v docker || command -v podman) || { echo "container.sh: no docker and no podman; nothing was tried." >&2; exit 77; }
"$engine" build -t background-matting:tried .
container=$("$engine" run -d --rm -p 127.0.0.1:7860:7860 -e MATTING_TOKEN=tried background-matting:tried)
trap '"$engine" stop "$container" >/dev/null' EXIT
curl -sf --retry 60 --retry-delay 2 --retry-all-errors http://127.0.0.1:7860/v1/health
curl -sf -H "Authorization: Bearer tried" -F src=@image/sample/src.jpg -F bgr=@image/sample/bgr.jpg \
    -w '\nmatte: %{size_download} bytes, %{content_type}\n' -o /dev/null http://127.0.0.1:7860/v1/mattes
[ "$("$engine" exec "$container" id -u)" != 0 ] || { echo "NOT SO: it runs as root" >&2; exit 1; }
echo "$(($("$engine" image inspect -f '{{.Size}}' background-matting:tried) >> 20)) MiB"
