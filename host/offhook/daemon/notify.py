"""Telling systemd how the service is: sd_notify(3) and socket activation, without its library."""

from __future__ import annotations

import contextlib
import os
import socket


class ServiceManager:
    """The service manager that started us, if one did."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        given = os.environ if environment is None else environment
        self.address = given.get("NOTIFY_SOCKET", "")
        mine = given.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_s = int(given.get("WATCHDOG_USEC", "0") or 0) / 1e6 if mine else 0.0
        """Seconds within which it wants to hear WATCHDOG=1; 0 when it does not."""

    def tell(self, state: str) -> None:
        """Send e.g. "READY=1"; a manager that is not there or does not listen costs nothing."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(state.encode(), address)


def activated_socket(path: str, environment: dict[str, str] | None = None) -> socket.socket | None:
    """The listening control socket that systemd hands over (sd_listen_fds(3)), or None."""
    given = os.environ if environment is None else environment
    if given.get("LISTEN_PID") != str(os.getpid()):
        return None
    for descriptor in range(3, 3 + int(given.get("LISTEN_FDS", "0") or 0)):
        try:
            listening = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            continue
        if listening.family == socket.AF_UNIX and listening.getsockname() == path:
            return listening
        listening.close()
    return None
