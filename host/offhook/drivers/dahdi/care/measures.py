"""Line care: what a person does to find out how a line is, and to set it right. Ports must be idle for most of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kernel_shims.line import Hook, LineError
from offhook.drivers.dahdi.care import wires
from offhook.drivers.dahdi.ports.listening import BusyListener
from offhook.drivers.dahdi.ports.phone import PhonePort
from offhook.drivers.dahdi.ports.trunk import TrunkPort
from offhook.drivers.dahdi.showing.alarms import words_of
from offhook.drivers.dahdi.sounding import AHEAD, BLOCK
from offhook.media.line import dbm0

if TYPE_CHECKING:
    from offhook.drivers.dahdi.lines import Lines
    from offhook.drivers.dahdi.port import Port
    from offhook.media.line import LineLeg

_SETTLE_S = 1.0
_LISTEN_S = 2.0
_TONE_LEAST_DBM0 = -35.0
_STEP_S = 0.05
_BUSY_WITHIN_S = 40.0
_BLOCK_S = BLOCK / 8000
_LEAST_DRIFT_S = 10.0
_KEYS = "0123456789*#ABCDwW"
Tell = Callable[..., None]
"""Takes lines as they become known."""


_ROW = "{:>5} {:<11} {:<11} {:<6} {:>8} {:>8} {:>6} {:>6} {:>5}"


def summary(ports: Iterator[Port]) -> Iterator[str]:
    """``line show``: a line each."""
    yield _ROW.format("Chan", "Signalling", "State", "Alarm", "In dBm0", "Out dBm0", "ERL", "ERLE", "Slips")
    for port in ports:
        levels, losses, slips = ("-", "-"), ("-", "-"), 0
        if port.leg is not None:
            figures, echo = port.leg.line_figures(), port.leg.echo_state()
            levels = (f"{dbm0(figures.level_in):.1f}", f"{dbm0(figures.level_out):.1f}")
            slips = figures.slips_in + figures.slips_out
            if echo is not None:
                losses = (f"{echo.return_loss_db:.1f}", f"{echo.enhancement_db:.1f}")
        state = getattr(port.machine, "state", None)
        word = str(state.value) if state is not None else "in use" if port.machine.calls else "idle"
        alarm = "alarm" if port.machine.alarm else "none"
        yield _ROW.format(port.number, port.signalling, word, alarm, *levels, *losses, slips)


class Borrowed:
    """An idle port's line in somebody's hands: off hook if asked, with sound; put back at the end."""

    def __init__(self, port: Port, *, off_hook: bool) -> None:
        if port.line is None:
            raise LineError(f"channel {port.number} is gone")
        if port.calls or port.leg is not None:
            raise LineError(f"channel {port.number} is in use; try again when it is idle")
        self._port = port
        self._line = port.line
        self._off_hook = off_hook

    async def __aenter__(self) -> LineLeg:
        line, port = self._line, self._port
        port.leave_alone()
        line.ready_audio(BLOCK)
        self._leg = port.pbx.engine.line_leg(line.descriptor, port.law, block=BLOCK, ahead=AHEAD)
        port.leg = self._leg
        if self._off_hook:
            line.hook(Hook.OFF)
        return self._leg

    async def __aexit__(self, *_error: object) -> None:
        self._port.leg = None
        self._leg.close()
        if self._off_hook and self._port.line is not None:
            self._line.hook(Hook.ON)
        self._port.is_idle()


async def level(leg: LineLeg, seconds: float) -> tuple[float, float]:
    """Mean and highest level of what a line says for a while, in dBm0."""
    found: list[int] = []
    for _ in range(max(1, round(seconds / _STEP_S))):
        await asyncio.sleep(_STEP_S)
        found.append(leg.line_figures().level_in)
    return dbm0(sum(found) / len(found)), dbm0(max(found))


async def test(port: Port, tell: Tell) -> None:
    """``line test``: what can be told of a line without instruments. Raises LineError when it is in use."""
    if port.line is None:
        raise LineError(f"channel {port.number} is gone")
    borrowed = Borrowed(port, off_hook=isinstance(port, TrunkPort))
    tell(f"channel {port.number}, {port.signalling}", f"alarms: {words_of(port.line.alarms()) or 'none'}")
    if isinstance(port, PhonePort):
        tell(f"handset: {'off hook' if port.line.off_hook() else 'on hook'}")
    if isinstance(port, PhonePort | TrunkPort):
        tell(*await _metallic(port, phone=isinstance(port, PhonePort)))
    if not isinstance(port, TrunkPort):
        tell(f"listening for {_LISTEN_S:g} s")
        async with borrowed as leg:
            quiet, _ = await level(leg, _LISTEN_S)
        tell(f"noise on hook: {quiet:.1f} dBm0")
        return
    tell(f"off hook, listening for {_SETTLE_S + _LISTEN_S:g} s")
    async with borrowed as leg:
        await asyncio.sleep(_SETTLE_S)
        mean, peak = await level(leg, _LISTEN_S)
    heard = mean > _TONE_LEAST_DBM0
    tell(f"dial tone: {'yes' if heard else 'none'}, {mean:.1f} dBm0, at most {peak:.1f} dBm0")
    if not heard:
        tell("remedy: check that the line is plugged in and in service; see that waitfordialtone is not set")
    elif mean < -20:
        tell(f"it is faint: raise rxgain by about {-13 - mean:.0f} dB (line {port.settings.line} of the file)")


async def _metallic(port: Port, *, phone: bool) -> list[str]:
    try:
        return await wires.test(port, phone=phone)
    except LineError as error:
        return [f"metallic test: none ({error})"]


async def learn_busy(port: Port, number: str, tell: Tell) -> None:
    """``line learn-busy``: call a number that is busy, and learn the exchange's busy tone. Raises LineError."""
    line = _trunk(port)
    if strange := sorted(set(number) - set(_KEYS)):
        raise LineError(f'"{strange[0]}" in "{number}" is no key; write digits, * and #, and w for half a second')
    learned: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()

    def found(on_ms: int, off_ms: int) -> None:
        if not learned.done():
            learned.set_result((on_ms, off_ms))

    async with Borrowed(port, off_hook=True) as leg:
        tell(f"off hook, {number} is dialled; listening for a busy tone, at most {_BUSY_WITHIN_S:.0f} s")
        await asyncio.sleep(_SETTLE_S)
        for digit in number:
            leg.send_digit(digit, port.settings["toneduration"])
        await asyncio.sleep(len(number) * 0.2)
        listener = BusyListener(leg, 4, (), port.now, found)
        try:
            on_ms, off_ms = await asyncio.wait_for(learned, _BUSY_WITHIN_S)
        except TimeoutError:
            raise LineError(
                f"no busy tone within {_BUSY_WITHIN_S:.0f} s of dialling {number}; name a number that is busy now, "
                "such as the line's own"
            ) from None
        finally:
            listener.close()
    line.learn_busy((on_ms, off_ms))
    tell(f"busy tone: {on_ms} ms on, {off_ms} ms off; it is kept, and ends calls on channel {port.number} from now on")
    if written := port.settings["busypattern"]:
        times = ",".join(map(str, written))
        tell(f"but busypattern={times} (line {port.settings.line} of the file) goes before it: take that out")


def forget_busy(port: Port, tell: Tell) -> None:
    """``line learn-busy N forget``. Raises LineError."""
    line = _trunk(port)
    if not line.learned_busy:
        raise LineError(f"channel {port.number}: no busy tone was learned")
    line.learn_busy(())
    tell(f"channel {port.number}: the busy tone that was learned is forgotten")


def _trunk(port: Port) -> TrunkPort:
    if not isinstance(port, TrunkPort):
        raise LineError(f"channel {port.number} has no line from an exchange: its signalling is {port.signalling}")
    return port


async def monitor(port: Port, seconds: float, tell: Tell) -> None:
    """``line monitor``: levels both ways, ten times a second. Raises LineError."""
    leg = port.leg
    if leg is None:
        raise LineError(f"channel {port.number} has no sound now: nobody uses it")
    tell("   in dBm0  out dBm0")
    for _ in range(max(1, round(seconds * 10))):
        await asyncio.sleep(0.1)
        if leg.closed:
            tell("the line is not in use any more")
            return
        figures = leg.line_figures()
        tell(f"{dbm0(figures.level_in):10.1f} {dbm0(figures.level_out):9.1f}")


def timing(lines: Lines) -> Iterator[str]:
    """``line timing``: whose clock the spans follow, and how far it is from ours."""
    spans = lines.system.spans()
    if spans:
        master = next((f"span {span.number}, {span.description}" for span in spans if span.master), "")
        yield f"The master is {master}." if master else "No span is the master: the timer of the drivers' core is."
    for span in spans:
        source = f"span {span.sync_source}" if span.sync_source else "its own clock"
        yield f"span {span.number} ({span.description}): follows {source}"
    for port in lines:
        if port.leg is None:
            continue
        figures = port.leg.line_figures()
        passed = port.now() - port.sound_since
        if passed >= _LEAST_DRIFT_S:
            ppm, within = drift(figures.blocks_in, passed)
            yield (
                f"channel {port.number}: {ppm:+.0f} ppm (±{within:.0f}) against this machine, "
                f"slips {figures.slips_in} in {figures.slips_out} out, underruns {figures.underruns}"
            )


def drift(blocks: int, seconds: float) -> tuple[float, float]:
    """How much faster than ours a line's clock is that gave so many blocks of sound in that time, and how far off that
    can be, for blocks come as a whole; both in millionths."""
    return (blocks * _BLOCK_S / seconds - 1) * 1e6, _BLOCK_S / seconds * 1e6
