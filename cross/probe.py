"""The probe phone's library for the boards: PJSUA2 for Python, from the PJSIP that Debian's asterisk carries.

No wheel of it exists for ARM, and Debian has no package of it; its source is a component of the source package of
asterisk (in sid, where that is). Only what a phone without devices needs is built: G.711 and G.722, TLS, SRTP.
"""

from __future__ import annotations

import re
from pathlib import Path

from cross import cache, chroot, debian, extract, tools

DEVELOPMENT = ("libssl-dev", "libsrtp2-dev", "libspeex-dev", "libspeexdsp-dev", "libpython3-dev", "uuid-dev")
MODULE = ("pjsua2.py", "_pjsua2.so")

# apt's lists of sources, apart from those of packages.
SOURCES = """
echo '{line}' > /tmp/sources.list
mkdir -p /tmp/lists/partial
options="-o Dir::Etc::sourcelist=/tmp/sources.list -o Dir::Etc::sourceparts=/none -o Dir::State::lists=/tmp/lists"
apt-get $options update -q > /tmp/update.log 2>&1 || {{ cat /tmp/update.log; exit 1; }}
"""
VERSION = (
    "apt-cache $options -o APT::Default-Release=sid showsrc asterisk | sed -n 's/^Version: //p' | sort -V | tail -1\n"
)
FETCH = "cd /out; apt-get $options -o APT::Default-Release=sid source --download-only -q asterisk=$VERSION\n"
SETTINGS = """
#define PJMEDIA_RESAMPLE_IMP PJMEDIA_RESAMPLE_SPEEX
#define PJMEDIA_HAS_SPEEX_CODEC 0
#define PJMEDIA_HAS_G722_CODEC 1
#define PJMEDIA_HAS_VIDEO 0
#define PJ_HAS_IPV6 1
#define PJ_HAS_SSL_SOCK 1
#define PJSUA_MAX_CALLS 4
"""
CODECS = ("gsm", "ilbc", "speex", "g7221", "l16", "opencore-amr", "silk", "opus", "bcg729", "lyra")
OTHERS = (
    *("sound", "video", "speex-aec", "libwebrtc", "libwebrtc-aec3", "libyuv", "sdl", "ffmpeg", "v4l2", "openh264"),
    *("vpx", "upnp", "resample"),
)
BUILD = """
cd /source
tar xf /out/*.orig-Xpjproject.tar.xz --strip-components=1
cp /out/config_site.h pjlib/include/pj/config_site.h
prefix=/development/usr
export CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++ AR=aarch64-linux-gnu-ar RANLIB=aarch64-linux-gnu-ranlib
export CFLAGS="-O2 -fPIC -w -ffile-prefix-map=/source=pjproject -idirafter $prefix/include \\
  -idirafter $prefix/include/aarch64-linux-gnu"
export CXXFLAGS="$CFLAGS" LDFLAGS="-L/usr/aarch64-linux-gnu/lib -L$prefix/lib/aarch64-linux-gnu"
./aconfigure --host=aarch64-linux-gnu --with-external-speex --with-external-srtp $OPTIONS > configure.log 2>&1 ||
  { tail -30 configure.log; exit 1; }
# Debian leaves these libraries out: its own ones are used, or none.
sed -i 's, third_party/build,,' Makefile
sed -i 's, bdimad_dev.o,,' pjmedia/build/Makefile
for target in dep lib; do
  make -j2 $target > make.log 2>&1 || { tail -40 make.log; exit 1; }
done
cd pjsip-apps/src/swig
includes=$(for part in pjlib pjlib-util pjnath pjmedia pjsip; do echo -n "-I/source/$part/include "; done)
swig -c++ -python -threads -DSWIG_NO_EXPORT_ITERATOR_METHODS -w312 $includes -outdir /out \\
  -o /source/wrapped.cpp pjsua2.i
libraries=$(find /source -name 'lib*.a' | LC_ALL=C sort)
$CXX $CXXFLAGS -DPJ_AUTOCONF=1 -DPJ_IS_BIG_ENDIAN=0 -DPJ_IS_LITTLE_ENDIAN=1 $includes -I$prefix/include/python3.13 \\
  -shared -s -o /out/_pjsua2.so /source/wrapped.cpp -Wl,--start-group $libraries -Wl,--end-group \\
  $LDFLAGS -lssl -lcrypto -lsrtp2 -lspeexdsp -luuid -lm -lpthread
"""


def _sources() -> str:
    return SOURCES.format(line=f"deb-src [check-valid-until=no] {debian.mirror()} sid main")


def tree() -> Path:
    """A folder with the module for arm64. The version in sid is looked up once for each set of tools."""
    root = tools.with_image_tools()
    known = root / "var/lib/offhook-asterisk-version"
    if not known.exists():
        known.write_text(chroot.run(root, _sources() + VERSION).split()[-1])
    version = known.read_text()
    if not re.fullmatch(r"[0-9A-Za-z.+:~-]+", version):
        raise SystemExit(f"Debian's sid names no version of asterisk: {version!r}")

    def make(work: Path) -> None:
        development = extract.extracted("development-probe", DEVELOPMENT)
        chroot.run(root, _sources() + FETCH, {"out": work}, {"VERSION": version})
        (work / "config_site.h").write_text(SETTINGS)
        source = work / "source"
        source.mkdir()
        options = " ".join(f"--disable-{name}" for name in (*(f"{codec}-codec" for codec in CODECS), *CODECS, *OTHERS))
        binds = {"source": source, "out": work, "development": development}
        chroot.run(root, BUILD, binds, {"OPTIONS": options})
        for path in work.iterdir():
            if path.name not in MODULE:
                cache.remove(path) if path.is_dir() else path.unlink()
        (work / "PACKAGE").write_text(f"asterisk-pjproject {version} - GPL-2+\n")

    return cache.made("probe", [Path(__file__), version, *DEVELOPMENT], make)
