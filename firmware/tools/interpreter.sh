#!/bin/bash
# Lay out Debian 13's MicroPython with the libraries it needs in a private folder, and print the command that starts it.
#   interpreter.sh FOLDER
# Nothing is installed: packages are downloaded with apt-get and unpacked. FOLDER/micropython is the command; it runs
# under Debian 13's own loader, so it works on Debian 12 as well.
set -euo pipefail
folder=${1:?usage: interpreter.sh FOLDER}
packages=(micropython libc6 libffi8 libmbedcrypto16 libmbedtls21 libmbedx509-7)

if [ -x "$folder/micropython" ]; then echo "$folder/micropython"; exit 0; fi
fail() { echo "Debian 13's micropython could not be had: $*" >&2; exit 1; }
command -v apt-get >/dev/null || fail "this is no Debian"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || fail "$keyring is missing (package debian-archive-keyring)"
# The mirror this machine takes Debian from.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -m1 '/debian/\?$' || true)
[ -n "$mirror" ] || fail "no Debian mirror stands in /etc/apt"

mkdir -p "$folder"
folder=$(realpath "$folder")
apt=$folder/apt
mkdir -p "$apt"/{lists/partial,archives/partial,preferences.d}
echo "deb [signed-by=$keyring] ${mirror%/} trixie main" > "$apt/sources.list"
: > "$apt/status"
options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o "Dir::Etc::SourceParts=/dev/null" -o "Dir::State::Lists=$apt/lists"
  -o "Dir::State::Status=$apt/status" -o "Dir::Cache=$apt" -o "Dir::Etc::PreferencesParts=$apt/preferences.d"
  -o "APT::Architecture=$(dpkg --print-architecture)" -o "APT::Sandbox::User=" -o Acquire::Languages=none)
apt-get "${options[@]}" -qq update >&2 || fail "the package lists of Debian 13 could not be fetched from $mirror"
(cd "$apt/archives" && apt-get "${options[@]}" -qq download "${packages[@]}" >&2) || fail "the packages ${packages[*]}"
rm -rf "$folder/root" && mkdir "$folder/root"
for deb in "$apt"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root"; done
rm -rf "$apt"
loader=$(find "$folder/root" -name 'ld-linux*.so.*' -print -quit)
libraries=$(dirname "$(find "$folder/root" -name 'libffi.so.8' -print -quit)")
cat > "$folder/micropython" <<END
#!/bin/sh
exec "$loader" --library-path "$libraries:$(dirname "$loader")" "$folder/root/usr/bin/micropython" "\$@"
END
chmod 755 "$folder/micropython"
"$folder/micropython" -c 'import sys; assert sys.implementation.name == "micropython"' || {
  rm -f "$folder/micropython"; fail "it was unpacked below $folder and does not start"; }
echo "$folder/micropython"
