"""What of Debian a board carries to run Offhook, and what the engine is compiled against."""

from __future__ import annotations

import re

from cross import cache

PYTHON = (
    "python3-minimal",
    "libpython3-stdlib",
    "python3-cffi-backend",
    "python3-uvloop",
    "python3-dnspython",
    "python3-prompt-toolkit",
    "python3-cryptography",
    "python3-h11",
    "python3-wsproto",
    # The supervisor, line cards, lamp and button.
    *("python3-serial", "python3-spidev", "python3-libgpiod"),
)
LIBRARIES = (
    *("libspandsp2t64", "libspeexdsp1", "libspeex1", "libopus0", "libcodec2-1.2", "libbcg729-0", "libssl3t64"),
    *("libpri1.4", "libopenr2-3", "libss7-2.0"),
)
SYSTEM = cache.CHECKOUT / "host/tools/system.sh"


def _build_list() -> list[str]:
    """The -dev packages of libraries that building on this machine needs."""
    found = re.search(r"^build=\((.*?)\)", SYSTEM.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, SYSTEM
    return [name for name in found[1].split() if name.startswith("lib") and name.endswith("-dev")]


DEVELOPMENT = (*_build_list(), "libpython3-dev")
PROBE = ("libsrtp2-1", "libspeexdsp1", "libssl3t64", "libstdc++6", "libuuid1")
"""What the probe phone's library is linked with."""
BOX = (
    # A small Debian
    *("base-files", "base-passwd", "libc-bin", "bash", "dash", "coreutils", "sed", "grep", "gzip", "tar", "findutils"),
    *("util-linux", "mount", "procps", "kmod", "udev", "systemd", "systemd-sysv", "systemd-resolved"),
    *("systemd-timesyncd", "dbus", "dbus-daemon", "tzdata", "netbase", "ca-certificates", "busybox-static", "less"),
    *("iproute2", "iputils-ping", "openssh-server", "wpasupplicant", "nftables"),
    # Its disk and its updates
    *("e2fsprogs", "fdisk", "rauc", "rauc-service", "libubootenv-tool"),
    # Telephony
    *("asterisk-core-sounds-en-wav", "asterisk-moh-opsound-wav", "dahdi-firmware-nonfree", "firmware-brcm80211"),
    *PYTHON,
    *LIBRARIES,
    *PROBE,
)
