#!/bin/bash
# Make the virtual environment: Offhook from this checkout and what it depends on.
#   venv.sh VENV [test]     with "test": pytest, ruff and mypy as well
# Takes Debian's python3-* packages where no package registry is reached.
set -euo pipefail
venv=$1 extra=${2:-}
here=$(dirname "$(realpath "$0")")
host=$(dirname "$here")
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Offhook needs Python 3.11 or newer; $python is $("$python" -V). Name another with PYTHON=." >&2
  exit 1
}
requirements() {
  "$python" - "$host/pyproject.toml" "$1" <<'EOF'
import sys, tomllib
project = tomllib.load(open(sys.argv[1], "rb"))["project"]
print("\n".join(project["optional-dependencies"]["test"] if sys.argv[2] else project["dependencies"]))
EOF
}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
mapfile -t wanted < <(requirements "")
if ! "$venv/bin/python" -m pip install -q --disable-pip-version-check "${wanted[@]}"; then
  echo "No package registry is reached: taking Debian's Python packages instead."
  "$here/system.sh" python
  "$python" -m venv --clear --system-site-packages "$venv"
  "$venv/bin/python" -c 'import cffi, dns, prompt_toolkit, cryptography, h11, wsproto, serial' || {
    echo "The Python packages are not complete. Remedy: reach a package registry (pip), or Debian's (apt-get)." >&2
    exit 1
  }
fi
if [ -n "$extra" ]; then
  mapfile -t wanted < <(requirements test)
  "$venv/bin/python" -m pip install -q --disable-pip-version-check "${wanted[@]}"
fi
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$host" "$(dirname "$host")/kernel-shims" > "$site/offhook.pth"
cat > "$venv/bin/offhook" <<EOF
#!$(realpath -s "$venv")/bin/python -I
import sys

from offhook.main import main

sys.exit(main())
EOF
chmod 755 "$venv/bin/offhook"
