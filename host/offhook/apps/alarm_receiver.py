"""AlarmReceiver: takes the reports of burglar and fire alarm panels, in Ademco's formats of DTMF."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.pbx import Pbx
from offhook.calls.prompts import until_done
from offhook.config.model import ConfigError
from offhook.config.options import Schema, flag, integer, string
from offhook.log import verbose
from offhook.media.tones import Tone, ToneSpec
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_alarmreceiver", "Alarm Receiver for Asterisk")

FILE = "alarmreceiver.conf"
_PART = "alarm receiver"
SCHEMA = Schema(module.name, FILE, "how reports of alarm panels are taken")
GENERAL = SCHEMA.type("general", "All of it")
GENERAL.option("timestampformat", string(), "%a %b %d, %Y @ %H:%M:%S %Z", "As of strftime(3), in files.")
GENERAL.option("eventcmd", string(), "", "What is run when a call with events is over.")
GENERAL.option("eventspooldir", string(), "", "Folder that events are written to; without one they are lost.")
GENERAL.option("logindividualevents", flag(), False, "A file for each event rather than for each call.")
GENERAL.option("no_group_meta", flag(), False, "Files without [metadata] and [events].")
GENERAL.option("fdtimeout", integer(1000, 10_000, "ms"), 2000, "How long the first digit may take.")
GENERAL.option("sdtimeout", integer(110, 4000, "ms"), 200, "How long each other digit may take.")
GENERAL.option("answait", integer(500, 10_000, "ms"), 1250, "How long to wait after answering.")
GENERAL.option("loudness", integer(100, 8192), 4096, "Of our tones.")
GENERAL.option("db-family", string(), "", "Family of the AstDB that counts calls and errors; none unless given.")

_UNKNOWN, _CONTACT_ID, _SUPER_FAST = "UNKNOWN_FORMAT", "ADEMCO_CONTACT_ID", "ADEMCO_SUPER_FAST"
_EXPRESS = ("ADEMCO_EXPRESS_4_1", "ADEMCO_EXPRESS_4_2")
_FORMATS = {
    "18": (_CONTACT_ID, 16),
    "98": (_CONTACT_ID, 16),
    "17": (_EXPRESS[0], 8),
    "27": (_EXPRESS[1], 9),
    "55": ("ADEMCO_HIGH_SPEED", 16),
    "56": (_SUPER_FAST, 15),
}
"""By the digits behind the account number: the format, and how many digits a report has."""
_LONGEST = 16
_AUDIO_NEXT = "606"
"""The code of Contact ID after which somebody speaks."""
_WEIGHTS = {digit: weight for weight, digit in enumerate("1234567890*#ABC", 1)}


def adds_up(report: str) -> bool:
    """Whether the checksum is right."""
    return all(digit in _WEIGHTS for digit in report) and sum(map(_WEIGHTS.__getitem__, report)) % 15 == 0


@dataclass(slots=True)
class _Call:
    """One panel's call: what it reported, and how."""

    channel: Channel
    settings: dict[str, Any]
    began: float
    form: str = _UNKNOWN
    length: int = _LONGEST
    checked: bool = True
    greeted: bool = False
    """Digits have come: our tones are needed no longer."""
    retries: int = 0
    """Tones that were not answered well."""
    failures: int = 0
    """Incomplete reports in a row."""
    reports: list[str] = field(default_factory=list)

    # ---- tones and digits ---------------------------------------------------------------------------

    async def burst(self, hertz: int, ms: int, delay_ms: int = 0) -> None:
        """Sound a tone, after a pause."""
        parts = (Tone(0, 0, delay_ms),) if delay_ms else ()
        spec = ToneSpec((*parts, Tone(hertz, 0, ms)), None, self.settings["loudness"])
        if self.channel.media is None:
            raise Hangup
        await until_done(self.channel, self.channel.media.tones(spec))

    async def digits(self) -> tuple[str, bool]:
        """What comes until there are enough digits or none for a while; whether there were enough."""
        found = ""
        while len(found) < self.length:
            ms = self.settings["sdtimeout" if found else "fdtimeout"]
            digit = await self.channel.read_digit(ms / 1000)
            if digit is None:
                return found, False
            found += digit
        return found, True

    def count(self, key: str) -> None:
        """Count in the AstDB."""
        family, astdb = self.settings["db-family"], self.channel.pbx.astdb
        if family:
            known = astdb.get(family, key) or "0"
            astdb.put(family, key, str(int(known) + 1 if known.isdecimal() else 1))

    # ---- reports ------------------------------------------------------------------------------------

    async def receive(self) -> None:
        """Take reports until there are no more to take."""
        self.count("calls-received")
        while not self._limited("ALARMRECEIVER_CALL_LIMIT", (self.channel.pbx.now() - self.began) * 1000):
            if self.settings["logindividualevents"]:
                self.form, self.length, self.checked = _UNKNOWN, _LONGEST, True
            if not self.greeted:
                await self.burst(1400, 100)
                await self.burst(2300, 100, 100)
            report, whole = await self.digits()
            whole = self._understand(report, whole)
            if self._limited("ALARMRECEIVER_RETRIES_LIMIT", self.failures + 2):
                return
            if not whole:
                self._incomplete(report)
            elif self._right(report):
                self.reports.append(report)
                if self.settings["logindividualevents"]:
                    await asyncio.to_thread(self.write, [report])
                await self.burst(1400, 900, 200)
                if self.form == _CONTACT_ID and report[7:10] == _AUDIO_NEXT:
                    return

    def _limited(self, variable: str, reached: float) -> bool:
        limit = self.channel.get(variable) or ""
        return limit.isdecimal() and reached > int(limit)

    def _understand(self, report: str, whole: bool) -> bool:
        """Find the format of a first report; whether it is whole after all."""
        if self.form != _UNKNOWN or len(report) <= 5:
            return whole
        self.form, self.length = _FORMATS.get(report[4:6], (_UNKNOWN, _LONGEST))
        if self.form == _SUPER_FAST:
            self.checked = False
        if not whole and len(report) == self.length - 1 and self.form in _EXPRESS:
            self.length, self.checked = len(report), False
        if whole or len(report) == self.length:
            self.failures = 0
            return True
        return False

    def _incomplete(self, report: str) -> None:
        verbose(2, "AlarmReceiver: Incomplete string: %s, trying again...\n", report)
        self.failures += 1
        if not self.reports:
            self.form, self.length = _UNKNOWN, _LONGEST
        if not self.greeted:
            self.greeted = bool(report)
            self.retries += 1

    def _right(self, report: str) -> bool:
        self.greeted = True
        verbose(2, "AlarmReceiver: Received Event %s\n", report)
        if self.checked and not adds_up(report[: self.length]):
            self.count("checksum-errors")
            verbose(2, "AlarmReceiver: Nonzero checksum\n")
            return False
        if self.form == _UNKNOWN or _FORMATS.get(report[4:6], ("",))[0] != self.form:
            self.count("format-errors")
            verbose(2, "AlarmReceiver: Wrong message type\n")
            return False
        return True

    # ---- what becomes of them -----------------------------------------------------------------------

    def write(self, reports: list[str]) -> None:
        """Write a file. Blocks."""
        folder, plain = self.settings["eventspooldir"], self.settings["no_group_meta"]
        if not folder:
            return
        party = self.channel.caller.id
        number = "".join(sign for sign in party.number.text if sign not in "()- .") if party.number.valid else ""
        lines = [
            f"PROTOCOL={self.form}",
            f"CHECKSUM={'yes' if self.checked else 'no'}",
            f"CALLINGFROM={number or '<unknown>'}",
            f"CALLERNAME={party.name.text if party.name.valid else '<unknown>'}",
            f"TIMESTAMP={time.strftime(self.settings['timestampformat'])}",
            "",
        ]
        if plain:
            lines += [f"event={report}" for report in reports]
        else:
            lines = ["", "", "[metadata]", "", *lines, "[events]", "", *reports]
        try:
            handle, _ = tempfile.mkstemp(prefix="event-", dir=folder)
            with os.fdopen(handle, "w") as file:
                file.write("".join(line + "\n" for line in lines))
        except OSError as error:
            log.error("AlarmReceiver: the reports %s cannot be written: %s", ", ".join(reports), error)

    async def finish(self) -> None:
        """The panel has hung up, or has said all."""
        if self.retries:
            self.count("ack-retries")
        if not self.reports:
            self.count("no-events-received")
        if not self.settings["logindividualevents"]:
            await asyncio.to_thread(self.write, self.reports)
        if self.reports and (command := self.settings["eventcmd"]):
            try:
                process = await asyncio.create_subprocess_shell(command, stdin=asyncio.subprocess.DEVNULL)
                await process.wait()
            except OSError as error:
                log.error("AlarmReceiver: eventcmd %r cannot be run: %s", command, error)


@module.application("AlarmReceiver", Syntax())
async def alarm_receiver(channel: Channel) -> None:
    """Take the reports of an alarm panel: handshake, check and acknowledge them, and keep them in files.

    Ademco's Contact ID, Express 4+1 and 4+2, High Speed and Super Fast are told apart. alarmreceiver.conf says where
    the files are and what is run when the panel has hung up. ALARMRECEIVER_CALL_LIMIT ends it after so many
    milliseconds, ALARMRECEIVER_RETRIES_LIMIT after so many incomplete reports in a row.
    """
    call = _Call(channel, channel.pbx.parts[_PART], channel.pbx.now())
    if channel.state is not State.UP:
        channel.answer()
    await channel.sleep(call.settings["answait"] / 1000)
    try:
        await call.receive()
    except BaseException:
        # The panel has hung up, which ends what runs on its channel.
        channel.pbx.spawn(call.finish(), "keep what an alarm panel reported")
        raise
    await call.finish()


@module.on_load
@module.on_reload
def load(pbx: Pbx) -> None:
    """Read alarmreceiver.conf."""
    errors: list[ConfigError] = []
    config = pbx.config.load(FILE, module.name)
    pbx.parts[_PART] = GENERAL.apply(config.get("general") if config is not None else None, errors)
    for error in errors:
        log.warning("%s", error)
