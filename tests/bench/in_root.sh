#!/bin/bash
# in_root.sh ROOT COMMAND...   run a command in a root folder, with this machine's /tmp, in a mount namespace of its own
set -eu
export ROOT=$1; shift
exec unshare --mount bash -c '
  mount --make-rprivate /
  for folder in tmp proc dev; do mount --rbind "/$folder" "$ROOT/$folder"; done
  exec chroot "$ROOT" "$@"' in_root "$@"
