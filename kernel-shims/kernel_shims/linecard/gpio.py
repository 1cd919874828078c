"""Lines of the processor that are switched and read: one small protocol, and what can be behind it."""

from __future__ import annotations

from typing import Any, Protocol

from kernel_shims.linecard.bus import LineCardError


class Gpio(Protocol):
    """GPIO lines by number. A line is set up with the first call that names it."""

    def write(self, line: int, level: bool) -> None:
        """Make it an output of this level."""

    def read(self, line: int) -> bool:
        """Make it an input with a pull-up; its level."""

    def close(self) -> None:
        """Give every line back."""


class RPiGpio:
    """RPi.GPIO, or rpi-lgpio, which has the same name and calls and serves a Raspberry Pi 5 too."""

    def __init__(self) -> None:
        try:
            from RPi import GPIO
        except (ImportError, RuntimeError) as error:
            raise LineCardError(
                f"RPi.GPIO cannot be used ({error}): install python3-rpi.gpio, on a Raspberry Pi 5 rpi-lgpio instead"
            ) from error
        self._gpio: Any = GPIO
        self._gpio.setwarnings(False)
        self._gpio.setmode(GPIO.BCM)
        self._inputs: set[int] = set()
        self._outputs: set[int] = set()

    def write(self, line: int, level: bool) -> None:
        """As Gpio."""
        if line in self._outputs:
            self._gpio.output(line, level)
            return
        self._gpio.setup(line, self._gpio.OUT, initial=level)
        self._outputs.add(line)
        self._inputs.discard(line)

    def read(self, line: int) -> bool:
        """As Gpio."""
        if line not in self._inputs:
            self._gpio.setup(line, self._gpio.IN, pull_up_down=self._gpio.PUD_UP)
            self._inputs.add(line)
            self._outputs.discard(line)
        return bool(self._gpio.input(line))

    def close(self) -> None:
        """As Gpio."""
        self._gpio.cleanup(sorted(self._inputs | self._outputs))


class GpiodGpio:
    """The kernel's own interface, by libgpiod 2; the chip by its label or path."""

    def __init__(self, chip: str) -> None:
        try:
            import gpiod
        except ImportError as error:
            raise LineCardError("libgpiod's Python module is missing: install python3-libgpiod") from error
        if not hasattr(gpiod, "request_lines"):
            raise LineCardError("libgpiod is too old: version 2 is needed (Debian 13 has it)")
        self._gpiod: Any = gpiod
        self._path = chip if chip.startswith("/") else self._find(chip)
        self._requests: dict[int, tuple[bool, Any]] = {}

    def _find(self, label: str) -> str:
        from pathlib import Path

        labels = []
        for path in sorted(Path("/dev").glob("gpiochip*")):
            with self._gpiod.Chip(str(path)) as chip:
                labels.append(chip.get_info().label)
            if labels[-1] == label:
                return str(path)
        raise LineCardError(f'there is no GPIO chip "{label}"; there are {", ".join(labels) or "none"}')

    def _request(self, line: int, output: bool, level: bool) -> Any:
        known = self._requests.get(line)
        if known is not None and known[0] == output:
            return known[1]
        if known is not None:
            known[1].release()
        types = self._gpiod.line
        value = types.Value.ACTIVE if level else types.Value.INACTIVE
        settings = (
            self._gpiod.LineSettings(direction=types.Direction.OUTPUT, output_value=value)
            if output
            else self._gpiod.LineSettings(direction=types.Direction.INPUT, bias=types.Bias.PULL_UP)
        )
        request = self._gpiod.request_lines(self._path, consumer="offhook", config={line: settings})
        self._requests[line] = (output, request)
        return request

    def write(self, line: int, level: bool) -> None:
        """As Gpio."""
        types = self._gpiod.line
        request = self._request(line, True, level)
        request.set_value(line, types.Value.ACTIVE if level else types.Value.INACTIVE)

    def read(self, line: int) -> bool:
        """As Gpio."""
        return bool(self._request(line, False, False).get_value(line) == self._gpiod.line.Value.ACTIVE)

    def close(self) -> None:
        """As Gpio."""
        for _, request in self._requests.values():
            request.release()
        self._requests.clear()


class SimulatedGpio:
    """Lines that are not there: inputs read what ``inputs`` says (pulled up by default), outputs are in ``outputs``."""

    def __init__(self) -> None:
        self.inputs: dict[int, bool] = {}
        self.outputs: dict[int, bool] = {}

    def write(self, line: int, level: bool) -> None:
        """As Gpio."""
        self.outputs[line] = level

    def read(self, line: int) -> bool:
        """As Gpio."""
        self.outputs.pop(line, None)
        return self.inputs.get(line, True)

    def close(self) -> None:
        """As Gpio."""
        self.outputs.clear()


def open_gpio(library: str, chip: str = "") -> Gpio:
    """The lines of a board, by the library that board.toml names. Raises LineCardError."""
    if library in ("RPi.GPIO", "rpi-lgpio"):
        return RPiGpio()
    if library == "gpiod":
        return GpiodGpio(chip)
    if library == "simulated":
        return SimulatedGpio()
    raise LineCardError(f'there is no GPIO library "{library}"')
