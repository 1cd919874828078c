"""A simulated Astribank kept plugged into this machine's kernel, and the commands that move its telephones."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

from kernel_shims.astribank.simulated.box import SimulatedAstribank
from kernel_shims.astribank.simulated.cards import LINES, Telephone
from kernel_shims.astribank.simulated.usbip import VirtualSocket
from kernel_shims.line import LineError
from kernel_shims.simulator import sound

_TICK_S = 0.001
_MOST_BEHIND_S = 0.02
"""Time made up for when this process was held up; more is skipped, as sound is when a box is unplugged."""
_LONGEST_LINE = 1 << 20
_READ = 1 << 16


class Commands:
    """What can be said to a running box, a line each; every answer is a line of JSON."""

    def __init__(self, box: SimulatedAstribank, socket_: VirtualSocket) -> None:
        self._box = box
        self._socket = socket_
        self.done = False
        self._known: dict[str, tuple[str, Callable[..., object]]] = {
            "state": ("", self.state),
            "lift": ("LINE", lambda line: self._hook(line, off=True)),
            "lower": ("LINE", lambda line: self._hook(line, off=False)),
            "dial": (
                "LINE DIGITS",
                lambda line, digits: self._phone(line).say(sound.encode(sound.dtmf(digits), "ulaw")),
            ),
            "say": ("LINE HEX", lambda line, octets: self._phone(line).say(bytes.fromhex(octets))),
            "heard": ("LINE", self._heard),
            "forget": ("LINE", lambda line: self._phone(line).heard.clear()),
            "echo": ("LINE on|off", lambda line, word: setattr(self._phone(line), "echo", word == "on")),
            "contact": ("NUMBER open|close", self._contact),
            "cable": ("CARD in|out", self._cable),
            "unplug": ("", self._unplug),
            "plug": ("", self._plug),
            "power": ("on|off", self._power),
            "help": ("", self._help),
            "quit": ("", self._quit),
        }

    def obey(self, line: str) -> str:
        """Do what a line says; the answer."""
        word, *arguments = line.split() or ["help"]
        usage, work = self._known.get(word, ("", None))
        if work is None:
            return json.dumps({"error": f'no command "{word}"; there are {", ".join(self._known)}'})
        wanted = usage.split()
        fits = len(arguments) == len(wanted) and all(
            given in choices.split("|") for given, choices in zip(arguments, wanted, strict=True) if "|" in choices
        )
        if not fits:
            return json.dumps({"error": f"write {word} {usage}".rstrip()})
        try:
            return json.dumps({"ok": work(*arguments)})
        except (LineError, ValueError) as error:
            return json.dumps({"error": f"{line}: {error}"})

    def _phone(self, line: str) -> Telephone:
        count = sum(len(card.telephones) for card in self._box.fxs)
        if not line.isdigit() or int(line) >= count:
            raise ValueError(f"there is no telephone {line}, but 0 to {count - 1}")
        return self._box.fxs[int(line) // LINES].telephones[int(line) % LINES]

    def _hook(self, line: str, *, off: bool) -> None:
        self._phone(line)
        self._box.hook(int(line), off)

    def _help(self) -> list[str]:
        return [f"{word} {usage}".rstrip() for word, (usage, _) in self._known.items()]

    def state(self) -> dict[str, object]:
        """Everything that can be seen of the box."""
        box = self._box
        phones = [
            {
                "off_hook": phone.is_off_hook,
                "rings": phone.rings,
                "linefeed": phone.linefeed,
                "heard": len(phone.heard),
                "flashes": phone.flashes,
            }
            for card in box.fxs
            for phone in card.telephones
        ]
        return {
            "product": f"{box.look.product:04x}",
            "plugged": self._socket.descriptor >= 0,
            "ticking": box.ticking,
            "sync": box.sync.name,
            "host_version": box.host_version,
            "fpga_octets": len(box.fpga),
            "programs": sorted(box.programs),
            "twinstar_port": box.twinstar_port,
            "watchdog": box.watchdog,
            "outputs": [closed for card in box.fxs for closed in card.outputs],
            "inputs": [closed for card in box.fxs for closed in card.inputs],
            "cables": {str(number): card.cabled for number, card in box.digital.items()},
            "phones": phones,
        }

    def _heard(self, line: str) -> str:
        return b"".join(self._phone(line).heard).hex()

    def _contact(self, number: str, word: str) -> None:
        inputs = self._box.fxs[0].inputs if self._box.fxs else []
        if not number.isdigit() or int(number) >= len(inputs):
            there = f"but 0 to {len(inputs) - 1}" if inputs else "for no card has any"
            raise ValueError(f"there is no input contact {number}, {there}")
        inputs[int(number)] = word == "close"

    def _cable(self, number: str, word: str) -> None:
        if not number.isdigit() or int(number) not in self._box.digital:
            there = ", ".join(map(str, self._box.digital)) or "none"
            raise ValueError(f"card {number} has no cable; cards with cables: {there}")
        self._box.digital[int(number)].plug(cabled=word == "in")

    def _unplug(self) -> None:
        self._socket.unplug()
        self._box.on_change = None
        self._box.unplugged()
        self._box.on_change = self._socket.enumerate_anew

    def _plug(self) -> None:
        if self._socket.descriptor >= 0:
            raise ValueError("it is plugged in already")
        self._box.twinstar_port = 0
        self._socket.plug()

    def _power(self, word: str) -> None:
        self._box.powered[1] = word == "on"

    def _quit(self) -> None:
        self.done = True


class Terminal:
    """Somebody who types commands and reads answers; the end of the input is as good as "quit"."""

    def fileno(self) -> int:
        """The standard input."""
        return 0

    def recv(self, size: int) -> bytes:
        """What was typed."""
        return os.read(0, size) or b"quit\n"

    def sendall(self, data: bytes) -> None:
        """An answer."""
        os.write(1, data)

    def close(self) -> None:
        """The terminal stays."""


class Running:
    """The loop of a box: its USB, its clock, and those who command it: at the terminal, or over a socket in the file
    system.

    Real boxes tick every millisecond; ``burst`` of them together spare a slow machine (the drivers take up to ten).
    """

    def __init__(self, box: SimulatedAstribank, path: Path | None = None, burst: int = 1) -> None:
        self._box = box
        self._burst = burst
        self._socket = VirtualSocket(box)
        self._commands = Commands(box, self._socket)
        self._listener: socket.socket | None = None
        self._clients: dict[int, tuple[socket.socket | Terminal, bytearray]] = {}
        if path is None:
            self._clients[0] = (Terminal(), bytearray())
            return
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        try:
            self._listener.bind(str(path))
        except OSError as error:
            raise LineError(f"{path}: {error.strerror}") from None
        self._listener.listen()

    def run(self) -> None:
        """Plug the box in and serve until somebody says quit. Raises LineError when it cannot be plugged in."""
        self._socket.plug()
        due = time.monotonic()
        while not self._commands.done:
            self._wait(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            due = max(due, now - _MOST_BEHIND_S)
            while due <= now:
                due += _TICK_S * self._burst
                with self._socket.together():
                    for _ in range(self._burst):
                        self._socket.tick()
                        self._box.tick()
        self._socket.unplug()

    def _wait(self, seconds: float) -> None:
        sources = [*self._clients]
        if self._listener is not None:
            sources.append(self._listener.fileno())
        if self._socket.descriptor >= 0:
            sources.append(self._socket.descriptor)
        ready, _, _ = select.select(sources, [], [], seconds)
        for descriptor in ready:
            if descriptor == self._socket.descriptor:
                self._socket.readable()
            elif self._listener is not None and descriptor == self._listener.fileno():
                client, _ = self._listener.accept()
                self._clients[client.fileno()] = (client, bytearray())
            elif descriptor in self._clients:
                self._serve(descriptor)

    def _serve(self, descriptor: int) -> None:
        client, text = self._clients[descriptor]
        data = client.recv(_READ)
        text += data
        if not data or len(text) > _LONGEST_LINE:
            del self._clients[descriptor]
            client.close()
            return
        while b"\n" in text:
            line, _, rest = text.partition(b"\n")
            text[:] = rest
            client.sendall(self._commands.obey(line.decode()).encode() + b"\n")


class Remote:
    """The other end: commands to a box that runs in another process."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._answers = self._socket.makefile("r")

    def __call__(self, *words: object) -> object:
        """Say a command; what it answers. Raises LineError."""
        self._socket.sendall((" ".join(map(str, words)) + "\n").encode())
        answer = json.loads(self._answers.readline())
        if "error" in answer:
            raise LineError(answer["error"])
        return answer["ok"]

    def close(self) -> None:
        """Leave it running."""
        self._answers.close()
        self._socket.close()
