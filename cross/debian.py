"""Where Debian's packages come from: the mirror this machine uses, the release the boards run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

RELEASE = "trixie"  # Debian 13
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def target(wanted: str, label: str) -> str | None:
    """A field of the package lists that apt has of a label ("Debian", "Debian-Security")."""
    command = ["apt-get", "indextargets", "--format", f"$({wanted})", "Identifier: Packages", f"Label: {label}"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return lines[0].rstrip("/") if lines else None


def mirror(label: str = "Debian") -> str:
    """The address of the mirror; ``$OFFHOOK_MIRROR`` and ``$OFFHOOK_SECURITY_MIRROR`` name others."""
    chosen = os.environ.get("OFFHOOK_MIRROR" if label == "Debian" else "OFFHOOK_SECURITY_MIRROR")
    found = chosen or target("REPO_URI", label)
    if not found:
        raise SystemExit(
            f'No apt source labelled "{label}" is set up here: name a mirror by OFFHOOK_MIRROR= and '
            "OFFHOOK_SECURITY_MIRROR=, or run apt-get update on a Debian."
        )
    return found


def sources(components: str = "main", unstable: bool = False) -> list[str]:
    """Lines of sources.list for the release with its updates; with ``unstable`` also sid, which nothing is taken from
    unless it is asked for (see tools.py)."""
    main, security = mirror(), mirror("Debian-Security")
    suites = [(main, RELEASE, components), (main, f"{RELEASE}-updates", components)]
    suites.append((security, f"{RELEASE}-security", components))
    if unstable:
        suites.append((main, "sid", "main"))
    # A mirror may be a snapshot of some day; its signature counts, its age does not.
    return [f"deb [check-valid-until=no] {where} {suite} {parts}" for where, suite, parts in suites]
