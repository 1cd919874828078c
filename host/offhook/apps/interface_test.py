"""TestServer and TestClient: two exchanges call each other and try digits and sound both ways.

The server sends 1, 4, 5 and 8 and the client 2 and 7, each of which the other waits for; between them each side first
listens to the silence of the line and then to the other's tone. Both write down how every step went.
"""

from __future__ import annotations

import logging
import os
from array import array
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TextIO

from offhook.apps.digits import channel_timeouts, send_digits
from offhook.calls.channel import Channel, Hangup, State
from offhook.media.rtp import RtpLeg
from offhook.media.tones import Tone, ToneSpec
from offhook.modules import Module, Syntax

if TYPE_CHECKING:
    from offhook.media.recording import Recording

log = logging.getLogger(__name__)
module = Module("app_test", "Interface Test Application")

_VERSION = "8378*1#"
"""TEST on a telephone's keys and the version of the test."""
_LONGEST = 79
_PATIENCE_S = 3.0
_GAP_S = 0.1
_TONE_MS = 6000
_TONE = ToneSpec((Tone(1537, 2195, _TONE_MS),), repeat=None, level=8192)
_LABEL_WIDTH = 15


class _Failed(Exception):
    """A step did not go as it should; the test ends there."""


class _Run:
    """A test on a channel and the report of it. Steps raise _Failed."""

    def __init__(self, channel: Channel, report: TextIO) -> None:
        self._channel = channel
        self._report = report
        self._early = ""
        """The digit that ended our tone."""

    def note(self, label: str, text: str) -> None:
        """Write a line of the report; it is on disk at once, as the call may end at any time."""
        self._report.write(f"{label + ':':<{_LABEL_WIDTH}}{text}\n")

    async def _step(self, label: str, work: Awaitable[str]) -> None:
        try:
            found = await work
        except _Failed as failed:
            self.note(label, f"FAIL{failed}")
            raise
        except BaseException:
            self.note(label, "FAIL")
            raise
        self.note(label, f"PASS{found}")

    async def send(self, digit: str) -> None:
        """Send a digit."""
        await self._step(f"SEND DTMF {digit}", self._send(digit))

    async def _send(self, digit: str) -> str:
        await _dial(self._channel, digit)
        return ""

    async def expect(self, digit: str) -> None:
        """Wait for a digit, unless it came during our tone."""
        await self._step(f"WAIT DTMF {digit}", self._expect(digit))

    async def _expect(self, digit: str) -> str:
        early, self._early = self._early, ""
        if (early or await self._channel.read_digit(_PATIENCE_S)) != digit:
            raise _Failed
        return ""

    async def rest(self) -> None:
        """Wait a second, with a line in the report."""
        await self._step("WAIT 1 SEC", self._rest(1))

    async def _rest(self, seconds: float) -> str:
        await self._channel.sleep(seconds)
        return ""

    async def measure(self, what: str, seconds: float) -> None:
        """Measure the mean magnitude (of 32767) of what arrives."""
        await self._step(f"MEASURE{what}", self._measure(seconds))

    async def _measure(self, seconds: float) -> str:
        channel, leg = self._channel, self._channel.media
        if leg is None:
            raise _Failed(" (-1)")
        before = leg.stats().rx_packets if isinstance(leg, RtpLeg) else -1
        memory = os.memfd_create("heard")
        recording = leg.record(f"/proc/self/fd/{memory}", "sln")
        try:
            await channel.sleep(seconds)
            recording.stop()
            await recording.wait()
            level = _mean_magnitude(memory)
        finally:
            recording.stop()
            channel.pbx.spawn(_let_go(recording, memory), "let go of what was measured")
        if level is None or (isinstance(leg, RtpLeg) and leg.stats().rx_packets == before):
            log.warning("%s: no sound arrives from the other side", channel.name)
            raise _Failed(" (-1)")
        return f" ({level})"

    async def tone(self) -> None:
        """Send a tone until it is over or a digit comes."""
        await self._step("SENDTONE", self._tone())

    async def _tone(self) -> str:
        if self._channel.media is None:
            raise _Failed
        playback = self._channel.media.tones(_TONE)
        try:
            self._early = await self._channel.read_digit(_TONE_MS / 1000) or ""
        finally:
            playback.stop()
        return ""

    async def hangup(self) -> None:
        """Wait for the other side to hang up."""
        try:
            await self._channel.sleep(10)
        except BaseException:
            self.note("WAIT HANGUP", "PASS")
            raise
        self.note("WAIT HANGUP", "FAIL")


async def _serve(run: _Run) -> None:
    await run.send("1")
    await run.expect("2")
    await run.measure("NOISE", 6)
    await run.send("4")
    await run.rest()
    await run.measure("TONE", 4)
    await run.send("5")
    await run.tone()
    await run.expect("7")


async def _ask(run: _Run) -> None:
    await run.send("2")
    await run.rest()
    await run.measure("NOISE", 5)
    await run.expect("4")
    await run.tone()
    await run.expect("5")
    await run.rest()
    await run.measure("TONE", 4)
    await run.send("7")
    await run.expect("8")


@module.application("TestServer", see_also=("TestClient",))
async def test_server(channel: Channel) -> None:
    """Answer the test that TestClient of another exchange makes, and hang up.

    The report is testresults/ID-server.txt below astlogdir, where ID is the client's.
    """
    if channel.state is not State.UP:
        channel.answer()
    await _digits(channel)
    await channel.sleep(1)
    await _dial(channel, _VERSION)
    testid = await _digits(channel)
    with await _report(channel, testid, "server") as report:
        run = _begin(channel, report, testid, "SERVER")
        try:
            await channel.sleep(1)
            await _serve(run)
            await channel.sleep(1)
            await run.send("8")
            await run.hangup()
        except _Failed:
            log.warning("%s: TestServer: test %s failed; see %s", channel.name, testid, report.name)
        finally:
            report.write("-- END TEST--\n")
    raise Hangup


@module.application(
    "TestClient",
    Syntax("testid", testid="Digits (0-9, *, A-D) that name the test; both reports have it in their names."),
    see_also=("TestServer",),
)
async def test_client(channel: Channel, testid: str = "") -> None:
    """Test the line to an exchange where TestServer answers, and hang up.

    The report is testresults/ID-client.txt below astlogdir.
    """
    if not testid:
        log.warning("%s: TestClient needs an identifier of the test: TestClient(1234)", channel.name)
        raise Hangup
    if channel.state is not State.UP:
        channel.answer()
    await channel.sleep(3)
    await _dial(channel, _VERSION)
    await _digits(channel)
    await channel.sleep(1)
    await _dial(channel, f"{testid}#")
    with await _report(channel, testid, "client") as report:
        run = _begin(channel, report, testid, "CLIENT")
        try:
            await run.expect("1")
            await channel.sleep(1)
            await _ask(run)
            await channel.sleep(1)
        except _Failed:
            log.warning("%s: TestClient: test %s failed; see %s", channel.name, testid, report.name)
        finally:
            report.write("-- END TEST--\n")
    raise Hangup


def _begin(channel: Channel, report: TextIO, testid: str, side: str) -> _Run:
    run = _Run(channel, report)
    run.note(f"{side}CHAN", channel.name)
    run.note(f"{side}TEST ID", testid)
    run.note("ANSWER", "PASS")
    return run


async def _dial(channel: Channel, digits: str) -> None:
    await send_digits(channel, digits, _GAP_S)
    channel.frames.clear()


async def _digits(channel: Channel) -> str:
    """What the other side dials up to #."""
    first, between = channel_timeouts(channel)
    digits = ""
    while len(digits) < _LONGEST:
        digit = await channel.read_digit(between if digits else first)
        if digit is None or digit == "#":
            break
        digits += digit
    return digits


async def _report(channel: Channel, testid: str, side: str) -> TextIO:
    """The file of a report. Raises Hangup where there can be none."""
    if not testid or "/" in testid:
        log.warning("%s: no identifier of a test%s", channel.name, f': "{testid}" has a slash' if testid else " came")
        raise Hangup
    folder = os.path.join(channel.pbx.paths.log, "testresults")
    try:
        report: TextIO = await channel.pbx.off_loop(_create, folder, f"{testid}-{side}.txt")
    except OSError as error:
        log.warning("%s: the report of test %s cannot be written: %s", channel.name, testid, error)
        raise Hangup from None
    return report


def _create(folder: str, name: str) -> TextIO:
    os.makedirs(folder, exist_ok=True)
    return open(os.path.join(folder, name), "w", encoding="utf-8", buffering=1)


def _mean_magnitude(memory: int) -> int | None:
    """Of 16-bit samples; None when there are none."""
    data = os.pread(memory, os.fstat(memory).st_size, 0)
    samples = array("h", data[: len(data) // 2 * 2])
    return sum(map(abs, samples)) // len(samples) if samples else None


async def _let_go(recording: Recording, memory: int) -> None:
    """Close the memory, which the engine knows by its number, once it has let go of it."""
    await recording.wait()
    os.close(memory)
