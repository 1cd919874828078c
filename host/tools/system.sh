#!/bin/bash
# Install the Debian packages that are missing, with sudo where that is needed, and say so first.
#   system.sh build     what building and running needs
#   system.sh test      the same and what the tests need
#   system.sh cross     what building for boards needs; everything else of that is installed beside this system
#   system.sh fuzz      what fuzzing the media engine needs
#   system.sh python    Debian's own Python packages, for where no package registry is reached
set -euo pipefail

build=(gcc libc6-dev pkg-config python3-dev python3-venv libspandsp-dev libspeexdsp-dev libopus-dev libpri-dev libopenr2-dev libss7-dev libspeex-dev libssl-dev)
sounds=(asterisk-core-sounds-en-wav asterisk-moh-opsound-wav)
test=(libsrtp2-dev chromium libcodec2-dev libbcg729-0 sip-tester iproute2 procps postgresql unixodbc libsqliteodbc
  mmdebstrap)
# The DAHDI drivers' own header, which ours is compared with, and much that comes along; later releases have it in a
# package that builds modules. Without it the comparison is skipped, unless the guest's modules were built before.
[ -z "${CI:-}" ] || ! grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release || test+=(dahdi-source)
cross=(mmdebstrap)
python=(python3-cffi python3-uvloop python3-dnspython python3-prompt-toolkit python3-cryptography python3-h11
  python3-wsproto python3-serial python3-setuptools)

# These start by themselves where they are installed: not on a machine that somebody works on. Their tests are skipped.
[ -z "${CI:-}" ] || test+=(kamailio kamailio-tls-modules nftables openssh-server)

case "${1:-}" in
  build) wanted=("${build[@]}" "${sounds[@]}") ;;
  test) wanted=("${build[@]}" "${sounds[@]}" "${test[@]}") ;;
  cross) wanted=("${cross[@]}") ;;
  fuzz) wanted=(clang libclang-rt-dev) ;;
  python) wanted=("${python[@]}") ;;
  *) echo "usage: system.sh build|test|cross|fuzz|python" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "This is no Debian: see to it that there are a C compiler, pkg-config, the Python headers, and the development"
  echo "files of spandsp, speex, speexdsp, opus and OpenSSL; sounds are made with espeak-ng where there are none."
  exit 0
fi
missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || {
    echo "These Debian packages are missing: ${missing[*]}" >&2
    echo "Install them as root (apt-get install ${missing[*]}) and come back, or install sudo." >&2
    exit 1
  }
  root=(sudo)
fi
# Another installation may be under way: wait for it.
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@"; }
available() { apt-cache policy "$1" 2>/dev/null | grep 'Candidate: [0-9]' >/dev/null; }

echo "Installing Debian packages with ${root[*]:+sudo }apt-get: ${missing[*]}"
# A machine made from an image has old package lists, or none.
apt update -qq || echo "The package lists could not be renewed: going on with those at hand." >&2
chosen=()
for package in "${missing[@]}"; do
  if available "$package"; then
    chosen+=("$package")
  elif [[ " ${sounds[*]} " == *" $package "* ]]; then
    echo "No package $package here: sounds will be spoken by espeak-ng and music made." >&2
    chosen+=(espeak-ng)
  else
    echo "Debian's package $package is not available: check /etc/apt/sources.list.d and the network." >&2
    exit 1
  fi
done
apt install -y -qq --no-install-recommends "${chosen[@]}" >/dev/null || {
  echo "apt-get could not install: ${chosen[*]}. Its own message is above." >&2
  exit 1
}
