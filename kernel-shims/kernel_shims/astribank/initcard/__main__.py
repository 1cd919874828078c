"""What the xpp driver runs for each card (init_card_TYPE_30): python3 -m kernel_shims.astribank.initcard TYPE.

The driver says in the environment which card it is; what is said goes to the kernel's log, as there is no other place.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from kernel_shims.astribank.initcard import daa, falc, slic, xhfc
from kernel_shims.astribank.initcard.registers import SYSFS, ChipRegisters
from kernel_shims.line import LineError

log = logging.getLogger(__name__)

_CONFIGURATION = (Path("/etc/offhook/dahdi/xpp.conf"), Path("/etc/dahdi/xpp.conf"))
_MAKERS = Path("/usr/share/dahdi")
_KERNEL_LOG = "/dev/kmsg"
_OURS = (1, 2, 3, 4, 5)
"""Types of cards that are set up here: FXS, FXO, BRI, PRI and echo cancellers."""
_ON = ("1", "yes", "on", "true")


def settings(files: tuple[Path, ...] = _CONFIGURATION) -> dict[str, str]:
    """xpp.conf: "name value" lines. The first file there is counts."""
    path = next((path for path in files if path.exists()), None)
    found: dict[str, str] = {}
    for line in path.read_text(encoding="latin-1").splitlines() if path is not None else ():
        name, value = (*line.partition("#")[0].split(None, 1), "", "")[:2]
        if name:
            found[name] = value.strip()
    return found


def set_up(kind: int, environment: Mapping[str, str], conf: Mapping[str, str], sysfs: Path = SYSFS) -> str:
    """Set up one card. What was done, a sentence. Raises LineError."""
    folders = _ports(environment, sysfs)
    folder = folders[0]
    chips = ChipRegisters(folder)
    second = environment.get("XBUS_MODEL_STRING", "").rpartition("/")[2].startswith("20")
    match kind:
        case 1:
            skip = conf.get("fxs_skip_calib", "").lower() in _ON
            return slic.set_up(chips, folder, time.sleep, second=second, skip=skip)
        case 2:
            return daa.set_up(chips, conf.get("opermode", "FCC"))
        case 3:
            network = [bool(_number(environment, "UNIT_SUBUNITS_DIR") >> port & 1) for port in range(len(folders))]
            return xhfc.set_up([ChipRegisters(port) for port in folders], network)
        case 4:
            return falc.set_up(chips, folders, [falc.protocol(port, environment, conf) for port in range(len(folders))])
        case 5:
            return "its echo canceller is left alone; the engine cancels"
    raise LineError(f"cards of type {kind} are set up by Debian's init_card_{kind}_30, which needs Perl; install dahdi")


def _ports(environment: Mapping[str, str], sysfs: Path) -> list[Path]:
    """The card's folders in sysfs: one for each of its ports where those are spans of their own, else one."""
    card = f"{_number(environment, 'XBUS_NUMBER'):02d}:{_number(environment, 'UNIT_NUMBER')}"
    return [sysfs / f"{card}:{port}" for port in range(int(environment.get("UNIT_SUBUNITS", "1")))]


def _number(environment: Mapping[str, str], name: str) -> int:
    try:
        return int(environment[name])
    except (KeyError, ValueError):
        raise LineError(f"the driver names no card: {name} is missing; it has to run this program itself") from None


def main(arguments: list[str]) -> int:
    """See the text of this file."""
    kind = int(arguments[0]) if arguments and arguments[0].isdigit() else 0
    makers = _MAKERS / f"init_card_{kind}_30"
    if kind not in _OURS and makers.exists() and os.access("/usr/bin/perl", os.X_OK):
        os.execv(makers, [str(makers)])
    where = f"{os.environ.get('XBUS_NAME', 'XBUS')}/{os.environ.get('UNIT_NUMBER', '?')}"
    try:
        log.info("%s: %s", where, set_up(kind, os.environ, settings()))
    except LineError as error:
        log.error("%s: %s", where, error)
        return 1
    return 0


def to_kernel_log() -> None:
    """The driver gives a program no place to write to: what goes to stderr goes to the kernel's log instead."""
    descriptor = os.open(_KERNEL_LOG, os.O_WRONLY)
    os.dup2(descriptor, 2)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(stream=sys.stderr, format="offhook: %(message)s", level=logging.INFO)


if __name__ == "__main__":
    to_kernel_log()
    sys.exit(main(sys.argv[1:]))
