"""A simulated supervisor board: its firmware under MicroPython's unix port, its UART a pseudo terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import time
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offhook.field.supervisor.conversation import Answered, Conversation, Event

CHECKOUT = Path(__file__).resolve().parents[2]
FIRMWARE = CHECKOUT / "firmware"
WIRE = CHECKOUT / "host/offhook/field/supervisor"
RESTART = 75
HOST_POWER, RELAY_1, RELAY_2, BATTERY, RINGING, STOP = 2, 3, 4, 5, 6, 7
MODE_BUTTON, RESET_BUTTON, CARD_1, STATUS_LED, FAULT_LED, POWER_FAIL = 8, 9, 10, 14, 15, 16
LONGEST_MS = 20_000
"""An order passes no more time: the board keeps the changes of its pins in memory until it answers."""
PACE = 0.25
"""Simulated seconds in a real one while a board runs by itself: a host on a busy machine has four times as long."""
PATIENCE_S = 180.0
"""Real time after which a test that waits for the board gives up."""


class Board:
    """A board that runs until ``close``; it is started again when it restarts itself."""

    def __init__(self, interpreter: str, flash: Path) -> None:
        self._interpreter = interpreter
        self.flash = flash
        self._board_end, self.host_end = pty.openpty()
        tty.setraw(self.host_end)
        self.port = os.ttyname(self.host_end)
        """The serial port to which the host finds the board connected."""
        self.restarts = 0
        self.errors = ""
        """What it printed on its console: traces of faults."""
        self.now = 0
        self.outputs: dict[int, int] = {}
        self.changes: list[tuple[int, int, int]] = []
        """(ms, pin, level) of this life of the board."""
        self.clock_chip: list[int] = []
        self._process: subprocess.Popen[str] | None = None
        self._start()

    def _start(self) -> None:
        self.changes.clear()
        self._process = subprocess.Popen(
            [self._interpreter, FIRMWARE / "sim/simulate.py", FIRMWARE, WIRE, str(self._board_end), self.flash],
            pass_fds=(self._board_end,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.advance(0)

    def order(self, **order: Any) -> bool:
        """Give an order and take its answer; False when the board restarted instead of answering."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it restarts right now; reading tells
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
        while (line := process.stdout.readline()) and not line.startswith("{"):
            self.errors += line
        if not line:
            self._ended()
            return False
        answer = json.loads(line)
        self.now = answer["now"]
        self.outputs = {int(pin): level for pin, level in answer["outputs"].items()}
        self.changes += [(at, pin, level) for at, pin, level in answer["changes"]]
        self.clock_chip = answer["clock"]
        return True

    def _ended(self) -> None:
        assert self._process is not None
        _, errors = self._process.communicate(timeout=PATIENCE_S)
        self.errors += errors
        assert self._process.returncode == RESTART, f"the board ended with {self._process.returncode}: {self.errors}"
        self.restarts += 1
        self._start()

    def advance(self, ms: int) -> bool:
        """Let simulated time pass; False when the board restarted meanwhile, which ends it."""
        while ms > LONGEST_MS:
            if not self.order(do="advance", ms=LONGEST_MS):
                return False
            ms -= LONGEST_MS
        return self.order(do="advance", ms=ms)

    def set(self, **what: Any) -> None:
        """Change the outside world: pins, analog, temperature, chips."""
        assert self.order(do="set", **what)

    def free(self, on: bool) -> None:
        """Run by itself, or wait for orders again."""
        if self.order(do="free", on=on, pace=PACE) and not on:
            self.advance(0)  # answered from where it waits: it serves the link no more

    def watch(self) -> None:
        """While it runs freely: start it again when it has restarted itself."""
        assert self._process is not None
        if self._process.poll() is not None:
            self._ended()
            self.free(True)

    def when(self, pin: int, level: int, after: int = 0) -> int:
        """The time (ms) at which an output went to a level, the first one after a time."""
        return next(at for at, which, new in self.changes if which == pin and new == level and at >= after)

    def close(self) -> None:
        """End it."""
        process = self._process
        if process is not None:
            process.kill()
            process.communicate()
        os.close(self.host_end)
        os.close(self._board_end)


class Talk:
    """The host's conversation with a board, both on the board's simulated clock."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.conversation = Conversation()
        self.events: list[Event] = []

    def turn(self, ms: int = 5) -> None:
        """Hand bytes over both ways and let a little time pass."""
        now = self.board.now / 1000
        self.events += self.conversation.timer(now)
        if data := self.conversation.to_send():
            os.write(self.board.host_end, data)
        if not self.board.advance(ms):
            self.conversation.restarted()
        while select.select([self.board.host_end], [], [], 0)[0]:
            data = os.read(self.board.host_end, 4096)
            self.events += self.conversation.receive(data, self.board.now / 1000)

    def pass_time(self, ms: int) -> None:
        """Let simulated time pass, keeping the conversation going every 5 ms."""
        end = self.board.now + ms
        while self.board.now < end:
            self.turn(min(5, end - self.board.now))

    def until(self, condition: Callable[[], bool]) -> None:
        """Go on until a condition holds."""
        limit = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < limit, "the board did not get there"
            self.turn()

    def ask(self, kind: int, body: bytes = b"") -> Answered:
        """Ask and wait for the answer."""
        ticket = self.conversation.ask(kind, body, self.board.now / 1000)
        found: list[Answered] = []

        def answered() -> bool:
            found.extend(one for one in self.events if isinstance(one, Answered) and one.ticket == ticket)
            return bool(found)

        self.until(answered)
        return found[0]
