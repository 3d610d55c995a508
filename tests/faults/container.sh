#!/bin/sh
# Executes what the Dockerfile says, step by step, in chroots that debootstrap makes, since no container engine may be at hand;
# starts the result as its user, asks for its health and for a matte, and says how large it is. Needs root.
#
#   sh tests/faults/container.sh                          # in a temporary folder, removed at the end
#   sh tests/faults/container.sh --work DIR --mount /opt  # keeps DIR; /opt of this machine is seen inside as well
#
# --mount is for machines whose pip finds its packages in a local folder. Ends with 77 where debootstrap is missing.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
command -v debootstrap >/dev/null || { echo "container.sh: debootstrap is not installed; nothing was tried." >&2; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "container.sh: needs root, for chroot." >&2; exit 77; }
cd "$here"
exec "${PYTHON:-python3}" -m tests.faults.container "$@"
