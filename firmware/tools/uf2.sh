#!/bin/bash
# Build MicroPython for the RP2040 with the supervisor frozen in, from Debian 13's source packages: uf2.sh OUTPUT.uf2
# Takes the compiler from this machine (gcc-arm-none-eabi, cmake) and says what is missing; sources and picotool come
# with apt-get into a folder of the cache and are not installed.
set -euo pipefail
output=$(realpath "${1:?usage: uf2.sh OUTPUT.uf2}")
firmware=$(dirname "$(dirname "$(realpath "$0")")")
work=${XDG_CACHE_HOME:-$HOME/.cache}/offhook/rp2

tools=(gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib cmake g++ make dpkg-dev python3)
sources=(micropython mbedtls)
packages=(pico-sdk-source tinyusb-source picotool pioasm)
libraries=(libc6 libgcc-s1 libstdc++6 libusb-1.0-0 libudev1 libcap2 libmbedcrypto16)

fail() { echo "The image of the supervisor cannot be built: $*" >&2; exit 1; }
missing=()
for tool in "${tools[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$tool" 2>/dev/null)" = installed ] || missing+=("$tool")
done
[ ${#missing[@]} = 0 ] || fail "missing are ${missing[*]}; apt-get install ${missing[*]}"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || fail "$keyring is missing (package debian-archive-keyring)"
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -m1 '/debian/\?$' || true)
[ -n "$mirror" ] || fail "no Debian mirror stands in /etc/apt"

if [ ! -e "$work/ready" ]; then
  rm -rf "$work" && mkdir -p "$work"/apt/{lists,archives}/partial "$work"/{debs,root,lib} && cd "$work"
  for kind in deb deb-src; do echo "$kind [signed-by=$keyring] ${mirror%/} trixie main"; done > apt/sources.list
  : > apt/status
  options=(-o "Dir::Etc::SourceList=$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::State::Status=$work/apt/status" -o "Dir::Cache=$work/apt"
    -o "APT::Architecture=$(dpkg --print-architecture)" -o "APT::Architectures=$(dpkg --print-architecture)"
    -o APT::Sandbox::User= -o Acquire::Languages=none)
  apt-get "${options[@]}" -qq update || fail "Debian 13's package lists could not be fetched"
  (cd debs && apt-get "${options[@]}" -qq download "${packages[@]}" "${libraries[@]}") || fail "Debian 13's packages"
  for source in "${sources[@]}"; do
    (cd debs && apt-get "${options[@]}" -qq source --download-only "$source") || fail "Debian 13's source of $source"
    mkdir "$source" && tar xf debs/"$source"_*.orig.tar.* -C "$source" --strip-components=1
  done
  for deb in debs/*.deb; do dpkg-deb -x "$deb" root; done
  # Debian strips from the source what it packages by itself.
  rm -rf micropython/lib/{pico-sdk,tinyusb,mbedtls}
  cp -r root/usr/src/pico-sdk root/usr/src/tinyusb mbedtls micropython/lib/
  touch lib/README.md # stands for micropython-lib, of which nothing is frozen
  loader=$(find "$work/root" -name 'ld-linux*.so.*' -print -quit)
  mv root/usr/bin/picotool root/usr/bin/picotool.real
  cat > root/usr/bin/picotool <<END
#!/bin/sh
exec "$loader" --library-path "$(dirname "$(find "$work/root" -name 'libusb-1.0.so.0' -print -quit)"):$(dirname "$loader")" \
  "$work/root/usr/bin/picotool.real" "\$@"
END
  chmod 755 root/usr/bin/picotool
  make -C micropython/mpy-cross >/dev/null
  touch ready
fi
cd "$work"
port=$work/micropython/ports/rp2
cmake -S "$port" -B out -DMICROPY_BOARD=RPI_PICO -DMICROPY_BOARD_DIR="$port/boards/RPI_PICO" \
  -DPICO_SDK_PATH="$work/micropython/lib/pico-sdk" -DMICROPY_LIB_DIR="$work/lib" \
  -Dpicotool_DIR="$work/root/usr/lib/cmake/picotool" -DMICROPY_FROZEN_MANIFEST="$firmware/manifest.py" >cmake.log 2>&1 \
  || { tail -20 cmake.log >&2; fail "cmake (its whole log: $work/cmake.log)"; }
make -C out -j"$(nproc)" >make.log 2>&1 || { tail -20 make.log >&2; fail "make (its whole log: $work/make.log)"; }
cp out/firmware.uf2 "$output"
echo "$output: $(stat -c %s "$output") bytes; hold BOOTSEL, plug the supervisor in, copy the file onto it"
