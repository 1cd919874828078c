"""Requests to a DAHDI device: numbers and layouts of abi.h, errors as sentences."""

from __future__ import annotations

import errno
import grp
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from kernel_shims.line import LineError

DEV = "/dev/dahdi"

RETURN_MASTER = 0x40000000
"""Added to a channel's number for GET_PARAMS: the number that comes back has the bundle's channel in its upper half."""
_REMEDIES = {
    errno.ENOENT: "the DAHDI drivers are not loaded (modprobe dahdi)",
    errno.ENODEV: "the drivers have no such device",
    errno.ENXIO: "the drivers have no such channel",
    errno.ENOTTY: "the driver cannot do that",
    errno.ENOSYS: "the driver cannot do that",
}


def binding() -> Any:
    """The compiled binding. Raises LineError with the remedy when it is not built."""
    try:
        from kernel_shims.dahdi import _dahdi  # type: ignore[attr-defined]
    except ImportError as error:
        raise LineError(f"the binding of the DAHDI drivers is not built ({error}): run make -C kernel-shims") from None
    return _dahdi


def sentence(what: str, number: int) -> str:
    """What failed and why, with the remedy where there is one."""
    why = os.strerror(number)
    remedy = _owner() if number == errno.EACCES else _user() if number == errno.EBUSY else _REMEDIES.get(number)
    return f"{what}: {why}; {remedy}" if remedy else f"{what}: {why}"


def _owner() -> str:
    """Who may use the devices."""
    try:
        number = os.stat(f"{DEV}/channel").st_gid
    except OSError:
        return f"the daemon's user has to be in the group that owns {DEV}"
    if not number:
        return f"{DEV} is root's alone; Offhook's rules for udev (61-offhook.rules) give it to its group"
    try:
        group = grp.getgrgid(number).gr_name
    except KeyError:
        group = str(number)
    return f"add the daemon's user to the group {group}, which owns {DEV}, and start it anew"


def _user() -> str:
    """Who else has a device of the drivers open; only root sees that of others."""
    found = []
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        if process.name == str(os.getpid()):
            continue
        with suppress(OSError):
            if any(os.readlink(one).startswith(f"{DEV}/") for one in (process / "fd").iterdir()):
                found.append(f"{(process / 'comm').read_text().strip()} (process {process.name})")
    return f"somebody else has it open: {', '.join(found)}" if found else "somebody else has it open"


class Device:
    """An open DAHDI device file and the requests to it. ``what`` names it in errors."""

    def __init__(self, path: str, what: str = "") -> None:
        bound = binding()
        self.ffi, self.lib = bound.ffi, bound.lib
        self.what = what or path
        try:
            self.descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise LineError(sentence(path, error.errno or 0)) from None

    def attempt(self, request: str, argument: Any) -> int:
        """Make a request; its result, or minus the error's number."""
        return int(self.lib.dahdi_request(self.descriptor, getattr(self.lib, f"DAHDI_{request}"), argument))

    def ask(self, request: str, argument: Any, doing: str = "") -> int:
        """Make a request. Raises LineError."""
        result = self.attempt(request, argument)
        if result < 0:
            raise LineError(sentence(f"{self.what}: {doing or request.lower()}", -result))
        return result

    def number(self, request: str, value: int = 0, doing: str = "") -> int:
        """Make a request whose argument is a number; the number as it came back."""
        cell = self.ffi.new("int *", value)
        self.ask(request, cell, doing)
        return int(cell[0])

    def struct(self, name: str, **fields: Any) -> Any:
        """A zeroed structure of abi.h with some fields set; text is cut to its room."""
        made = self.ffi.new(f"struct dahdi_{name} *")
        for field, value in fields.items():
            if isinstance(value, str):
                room = len(getattr(made, field)) - 1
                value = value.encode()[:room]
            setattr(made, field, value)
        return made

    def text(self, chars: Any) -> str:
        """A text inside a structure."""
        return bytes(self.ffi.buffer(chars)).split(b"\0", 1)[0].decode("latin-1")

    def close(self) -> None:
        """Close the file. Harmless twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
