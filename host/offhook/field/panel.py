"""The face of a box: a lamp that says how it is, and a button for whoever stands before it.

The lamp is on while calls can be made. It blinks slowly while the box starts. Flashes and a pause tell what is wrong:
two, provision.toml could not be used; three, the exchange does not answer; four, this system cannot be marked good.
Held for three seconds and let go, the button has the serial console ask for no password for ten minutes (the lamp
flickers when it is time to let go); held for ten, everything on the data partition goes (the lamp is out then). A line
that is low from the beginning is no press: nobody may lose a box to a button that is stuck, or not there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kernel_shims.linecard.gpio import Gpio

LAMP, BUTTON = "status_led", "rescue_button"
TURN_S: Final = 0.05
FLASH_S: Final = 0.2
"""A flash, and the dark after it."""
PAUSE_S: Final = 1.2
"""The dark after the last flash."""
SLOW_S: Final = 1.0
UNLOCK_S: Final = 3.0
RESET_S: Final = 10.0
UNLOCKED_S: Final = 600.0
FOLDER: Final = "offhook-box"
"""Below /run: a file for each thing that is known, named as below."""
READY: Final = "ready"
WRONG: Final = {"provision": 2, "exchange": 3, "system": 4}
"""File -> flashes; the first that is there is told."""
UNLOCKED: Final = "unlocked"


class Action(Enum):
    """What the button asks for."""

    UNLOCK = "unlock"
    RESET = "reset"


@dataclass(slots=True)
class Panel:
    """Lamp and button on somebody else's clock."""

    _released: bool = False
    """The button was seen to be up."""
    _pressed_at: float | None = None
    _spent: bool = False
    """This press has done what it can do."""

    def turn(self, now: float, pressed: bool, flashes: int, ready: bool) -> tuple[bool, Action | None]:
        """Whether the lamp is lit now, and what is to be done.

        Args:
            now: monotonic seconds.
            pressed: whether the button is.
            flashes: what is wrong, 0 for nothing.
            ready: whether calls can be made.
        """
        action = self._button(now, pressed)
        held = now - self._pressed_at if self._pressed_at is not None else 0.0
        if held >= RESET_S:
            return False, action
        if held >= UNLOCK_S:
            return now % 0.2 < 0.1, action
        if flashes:
            at = now % (flashes * 2 * FLASH_S + PAUSE_S)
            return at < flashes * 2 * FLASH_S and at % (2 * FLASH_S) < FLASH_S, action
        return ready or now % SLOW_S < SLOW_S / 2, action

    def _button(self, now: float, pressed: bool) -> Action | None:
        if not self._released:
            self._released = not pressed
            return None
        if pressed and self._pressed_at is None:
            self._pressed_at, self._spent = now, False
            return None
        if self._pressed_at is None:
            return None
        held = now - self._pressed_at
        if pressed:
            if held >= RESET_S and not self._spent:
                self._spent = True
                return Action.RESET
            return None
        self._pressed_at = None
        return Action.UNLOCK if held >= UNLOCK_S and not self._spent else None


# ---- what is known --------------------------------------------------------------------------------------


def note(run: Path, name: str, known: bool = True) -> None:
    """Say that something is so, or is so no more."""
    path = run / FOLDER / name
    if known:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    else:
        path.unlink(missing_ok=True)


def known(run: Path) -> tuple[int, bool]:
    """Flashes for what is wrong (0: nothing), and whether calls can be made."""
    folder = run / FOLDER
    flashes = next((number for name, number in WRONG.items() if (folder / name).exists()), 0)
    return flashes, (folder / READY).exists()


def unlock(run: Path, now: float) -> None:
    """Have the console ask for no password for a while."""
    path = run / FOLDER / UNLOCKED
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{now + UNLOCKED_S:.1f}\n")


def unlocked(run: Path, now: float) -> bool:
    """Whether somebody held the button a while ago."""
    try:
        return now < float((run / FOLDER / UNLOCKED).read_text())
    except (FileNotFoundError, ValueError):
        return False


# ---- at work --------------------------------------------------------------------------------------------


def serve(
    gpio: Gpio,
    lamp: int | None,
    button: int | None,
    run: Path,
    reset: Callable[[], object],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Look after lamp and button until the reset is asked for. Lines are None where a board has none."""
    panel, lit = Panel(), None
    while True:
        now = clock()
        shines, action = panel.turn(now, button is not None and not gpio.read(button), *known(run))
        if lamp is not None and shines != lit:
            gpio.write(lamp, shines)
            lit = shines
        if action is Action.UNLOCK:
            unlock(run, now)
        elif action is Action.RESET:
            reset()
            return
        sleep(TURN_S)
