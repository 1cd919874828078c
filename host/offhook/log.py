"""Log levels that Asterisk has and Python has not, verbose messages, and the call a message belongs to.

Code anywhere logs with ``logging.getLogger(__name__)`` at the usual levels, with ``log.log(NOTICE, ...)``, or
with ``verbose``. Where messages go is decided by offhook.daemon.logger.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Final

DEBUG: Final = logging.DEBUG
VERBOSE: Final = 15
DTMF: Final = 16
FAX: Final = 17
SECURITY: Final = 18
NOTICE: Final = 25
WARNING: Final = logging.WARNING
ERROR: Final = logging.ERROR

for _level, _name in ((VERBOSE, "VERBOSE"), (DTMF, "DTMF"), (FAX, "FAX"), (SECURITY, "SECURITY"), (NOTICE, "NOTICE")):
    logging.addLevelName(_level, _name)

call_id: ContextVar[str] = ContextVar("call_id", default="")
"""The log's name for the call that the running task works for, e.g. "C-00000001"."""

call_group: ContextVar[str] = ContextVar("call_group", default="")
"""The group of calls (LOG_GROUP) that the running task's call is in; consoles may be told to show some groups alone."""

most_verbose = 0
"""The highest verbose level that anybody looks at; kept by the logger, so that nothing is formatted in vain."""

_calls = 0


def new_call_id() -> str:
    """The next call's name in the log; set it with ``call_id.set`` in the call's task."""
    global _calls
    _calls += 1
    return f"C-{_calls:08x}"


def verbose(level: int, message: str, *args: object, logger: logging.Logger | None = None) -> None:
    """Tell people what is going on: level 1 the most important, 5 the least; ``args`` as for logging.

    The console shows it with Asterisk's prefix of the level ("    -- " for 3).
    """
    if level <= most_verbose:
        (logger or _verbose).log(VERBOSE, message, *args, extra={"verbosity": level}, stacklevel=2)


_verbose = logging.getLogger("offhook.verbose")
