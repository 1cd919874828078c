"""What of Debian a board carries to run Offhook, and what the engine is compiled against."""

from __future__ import annotations

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
)
LIBRARIES = ("libspandsp2t64", "libspeexdsp1", "libopus0", "libssl3t64", "libpri1.4", "libopenr2-3")
DEVELOPMENT = (
    "libc6-dev",
    "libpython3-dev",
    "libspandsp-dev",
    "libspeexdsp-dev",
    "libopus-dev",
    "libssl-dev",
    "libpri-dev",
    "libopenr2-dev",
)
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
)
