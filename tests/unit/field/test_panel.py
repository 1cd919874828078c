"""Lamp and button of a box on a simulated clock, by the simulated GPIO lines that every board's stand in for."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import pytest

from kernel_shims.linecard.gpio import SimulatedGpio
from offhook.field import panel
from offhook.field.box_console import logged_in

LAMP, BUTTON = 6, 5


class Face:
    """A box's face, and somebody before it: presses at some times, and what the lamp did."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.gpio = SimulatedGpio()
        self.now = 0.0
        self.resets: list[float] = []
        self.lit: list[tuple[float, bool]] = []

    def live(self, seconds: float, presses: tuple[tuple[float, float], ...] = ()) -> None:
        """Time passes; the button is held from, to."""
        begin = self.now

        def sleep(_: float) -> None:
            self.lit.append((self.now - begin, self.gpio.outputs.get(LAMP, False)))
            self.now += panel.TURN_S
            if self.now - begin > seconds:
                raise TimeoutError
            at = self.now - begin
            self.gpio.inputs[BUTTON] = not any(start <= at < end for start, end in presses)

        with contextlib.suppress(TimeoutError):
            panel.serve(self.gpio, LAMP, BUTTON, self.run, self._reset, lambda: self.now, sleep)

    def _reset(self) -> None:
        self.resets.append(self.now)

    def flashes(self) -> int:
        """How often the lamp went on."""
        states = [lit for _, lit in self.lit]
        return sum(not before and after for before, after in itertools.pairwise(states))


@pytest.fixture
def face(tmp_path: Path) -> Face:
    return Face(tmp_path)


def test_it_is_on_while_calls_can_be_made(face: Face) -> None:
    panel.note(face.run, panel.READY)
    face.live(5)
    assert all(lit for _, lit in face.lit)


def test_it_blinks_while_the_box_starts(face: Face) -> None:
    face.live(6)
    assert 5 <= face.flashes() <= 6


@pytest.mark.parametrize(("what", "flashes"), panel.WRONG.items())
def test_flashes_tell_what_is_wrong(face: Face, what: str, flashes: int) -> None:
    panel.note(face.run, panel.READY)
    panel.note(face.run, what)
    round_s = flashes * 2 * panel.FLASH_S + panel.PAUSE_S
    face.live(round_s * 3)
    assert face.flashes() in (flashes * 3 - 1, flashes * 3)
    dark = [at for at, lit in face.lit if not lit]
    assert any(panel.FLASH_S * 2 * flashes < at < round_s for at in dark)
    panel.note(face.run, what, known=False)
    face.lit.clear()
    face.live(3)
    assert all(lit for _, lit in face.lit)


def test_held_and_let_go_it_opens_the_console_for_a_while(face: Face, capsys: pytest.CaptureFixture[str]) -> None:
    secret = face.run / "console.secret"
    secret.write_text("00:00\n")
    face.live(8, ((1.0, 5.0),))
    assert panel.unlocked(face.run, face.now)
    assert not panel.unlocked(face.run, face.now + panel.UNLOCKED_S)
    assert logged_in(secret, rescued=panel.unlocked(face.run, face.now))
    assert "no password" in capsys.readouterr().out
    held = [lit for at, lit in face.lit if 4.2 < at < 4.9]
    assert True in held and False in held, "it flickers when it is time to let go"
    assert not face.resets


def test_a_touch_does_nothing(face: Face) -> None:
    face.live(10, ((1.0, 1.5), (3.0, 5.5)))
    assert not panel.unlocked(face.run, face.now)
    assert not face.resets


def test_held_long_it_resets_once_and_opens_nothing(face: Face) -> None:
    face.live(20, ((1.0, 15.0),))
    assert len(face.resets) == 1
    assert 11.0 <= face.resets[0] <= 11.2
    assert not panel.unlocked(face.run, face.now)


def test_a_button_that_is_down_from_the_beginning_does_nothing_until_it_was_up(face: Face) -> None:
    face.gpio.inputs[BUTTON] = False
    face.live(30, ((0.0, 25.0),))
    assert not face.resets
    assert not panel.unlocked(face.run, face.now)
    face.live(20, ((1.0, 15.0),))
    assert len(face.resets) == 1
