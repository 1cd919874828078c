"""The compiled binding of libss7, and its callbacks handed to the linkset that they are about."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from kernel_shims.line import LineError

log = logging.getLogger(__name__)


class Told(Protocol):
    """Who is called by the library; everything here happens inside one of its functions."""

    def message(self, text: str) -> None:
        """It has a line to say."""

    def wants_end(self, cic: int, point_code: int, cause: int, what: int) -> int:
        """A call shall be cleared."""

    def out_of_service(self, cic: int, point_code: int) -> None:
        """A circuit does not answer to REL (T5)."""

    def forgets(self, pointer: Any) -> None:
        """A call is about to be freed."""


told: dict[int, Told] = {}
"""By the linkset's handle."""
_printed: list[str] = []


def binding() -> Any:
    """The compiled binding. Raises LineError with the remedy when it is not built."""
    try:
        from kernel_shims.ss7 import _ss7  # type: ignore[attr-defined]
    except ImportError as error:
        raise LineError(
            f"the binding of libss7 is not built ({error}): install libss7-dev and run make -C kernel-shims"
        ) from None
    if not told:
        _bind(_ss7)
    return _ss7


def version() -> str:
    """The library's version. Raises LineError."""
    bound = binding()
    return str(bound.ffi.string(bound.lib.ss7_get_version()).decode())


def key(ffi: Any, handle: Any) -> int:
    """A handle as a number."""
    return int(ffi.cast("uintptr_t", handle))


def printed(table: Any, handle: Any) -> list[str]:
    """The lines that one of the library's tables prints."""
    _printed.clear()
    table(handle)
    lines = "".join(_printed).splitlines()
    _printed.clear()
    return lines


def _bind(bound: Any) -> None:
    ffi = bound.ffi

    def text_of(chars: Any) -> str:
        return str(ffi.string(chars).decode("latin-1"))

    def message(handle: Any, text: Any) -> None:
        whose = told.get(key(ffi, handle))
        if whose is not None:
            whose.message(text_of(text).rstrip("\n"))
        else:
            log.info("%s", text_of(text).rstrip("\n"))

    def wants_end(handle: Any, cic: int, point_code: int, cause: int, what: int) -> int:
        whose = told.get(key(ffi, handle))
        return whose.wants_end(cic, point_code, cause, what) if whose is not None else 0

    def out_of_service(handle: Any, cic: int, point_code: int) -> None:
        whose = told.get(key(ffi, handle))
        if whose is not None:
            whose.out_of_service(cic, point_code)

    def forgets(handle: Any, call: Any, _lock: int) -> None:
        whose = told.get(key(ffi, handle))
        if whose is not None:
            whose.forgets(call)

    ffi.def_extern(name="ss7_told")(message)
    ffi.def_extern(name="ss7_complained")(message)
    ffi.def_extern(name="ss7_wants_end")(wants_end)
    ffi.def_extern(name="ss7_out_of_service")(out_of_service)
    ffi.def_extern(name="ss7_forgets")(forgets)
    ffi.def_extern(name="ss7_printed")(lambda text: _printed.append(text_of(text)))
    bound.lib.ss7_tell_us()
