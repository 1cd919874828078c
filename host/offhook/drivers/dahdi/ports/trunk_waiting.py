"""What is heard on an idle line: messages that wait, by data (or told by neon, or with a ring), and caller ID in DTMF
that comes before any ring (cidstart = dtmf)."""

from __future__ import annotations

import asyncio
import logging
import shlex
from typing import TYPE_CHECKING

from kernel_shims.line import LineError
from offhook.drivers.dahdi.ports.listening import CallerIdListener
from offhook.drivers.dahdi.sounding import AHEAD, BLOCK
from offhook.log import verbose
from offhook.media.callerid import Call, Receiver, Waiting
from offhook.media.events import DigitEnd

if TYPE_CHECKING:
    from offhook.drivers.dahdi.ports.trunk import TrunkPort
    from offhook.media.events import MediaEvent
    from offhook.media.line import LineLeg

log = logging.getLogger(__name__)


class WaitingWatch:
    """Listens on an idle line, and makes known what it hears of the mailbox, and digits."""

    def __init__(self, port: TrunkPort) -> None:
        self._port = port
        self._leg: LineLeg | None = None
        self._listener: CallerIdListener | None = None
        self._lit: bool | None = None

    def rest(self) -> None:
        """The line is idle: listen, if messages come by data or callers by digits."""
        port = self._port
        by_data = bool(port.settings["mailbox"] and "fsk" in port.settings["mwimonitor"])
        by_digits = port.settings["usecallerid"] and port.settings["cidstart"] == "dtmf"
        if not (by_data or by_digits) or self._leg is not None or port.line is None or port.leg is not None:
            return
        try:
            port.line.ready_audio(BLOCK)
        except LineError as error:
            log.warning("%s: the idle line is not heard", error)
            return
        self._leg = port.pbx.engine.line_leg(port.line.descriptor, port.law, block=BLOCK, ahead=AHEAD)
        if by_data:
            self._listener = CallerIdListener(self._leg, Receiver(), False, self._heard)
        if by_digits:
            self._leg.detect_digits(True)
            self._leg.on_event = self._digit_heard

    def pause(self) -> None:
        """Somebody else needs the line's sound. Harmless twice."""
        listener, self._listener = self._listener, None
        leg, self._leg = self._leg, None
        if listener is not None:
            listener.close()
        if leg is not None:
            leg.close()

    def _digit_heard(self, event: MediaEvent) -> None:
        if isinstance(event, DigitEnd):
            self._port.digit_before_ring(event.digit)

    def _heard(self, message: Call | Waiting) -> None:
        if isinstance(message, Waiting):
            self.told(message.lamp)

    def told(self, on: bool) -> None:
        """The exchange says whether messages wait."""
        port = self._port
        mailbox, program = port.settings["mailbox"], port.settings["mwimonitornotify"]
        if not mailbox:
            return
        port.pbx.mailboxes.publish(mailbox, int(on), int(on))
        verbose(3, "channel %d: messages %s in %s", port.number, "wait" if on else "wait no more", mailbox)
        if program and on != self._lit:
            port.pbx.spawn(self._notify(program, mailbox, on), f"mwimonitornotify of channel {port.number}")
        self._lit = on

    async def _notify(self, program: str, mailbox: str, on: bool) -> None:
        command = f"{program} {shlex.quote(mailbox)} {int(on)}"
        process = await asyncio.create_subprocess_shell(command, stdin=asyncio.subprocess.DEVNULL)
        if await process.wait():
            log.warning("mwimonitornotify: %s: exit status %s", command, process.returncode)
