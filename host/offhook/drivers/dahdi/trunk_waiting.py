"""Message waiting as an exchange tells a line of it: by data while the line is idle, by neon, or with a ring."""

from __future__ import annotations

import asyncio
import logging
import shlex
from typing import TYPE_CHECKING

from kernel_shims.line import LineError
from offhook.drivers.dahdi.listening import CallerIdListener
from offhook.drivers.dahdi.sounding import AHEAD, BLOCK
from offhook.media.callerid import Call, Waiting

if TYPE_CHECKING:
    from offhook.drivers.dahdi.trunk_port import TrunkPort
    from offhook.media.line import LineLeg

log = logging.getLogger(__name__)

_BY_DATA = frozenset({"fsk", "yes"})


class WaitingWatch:
    """Listens on an idle line, and makes known what it hears of the mailbox."""

    def __init__(self, port: TrunkPort) -> None:
        self._port = port
        self._leg: LineLeg | None = None
        self._listener: CallerIdListener | None = None
        self._lit: bool | None = None

    def rest(self) -> None:
        """The line is idle: listen, if messages come by data."""
        port = self._port
        wanted = port.settings["mailbox"] and port.settings["mwimonitor"] & _BY_DATA
        if not wanted or self._leg is not None or port.line is None or port.leg is not None:
            return
        try:
            port.line.ready_audio(BLOCK)
        except LineError as error:
            log.warning("%s: message waiting is not heard", error)
            return
        self._leg = port.pbx.engine.line_leg(port.line.descriptor, port.law, block=BLOCK, ahead=AHEAD)
        self._listener = CallerIdListener(self._leg, True, False, self._heard)

    def pause(self) -> None:
        """Somebody else needs the line's sound. Harmless twice."""
        listener, self._listener = self._listener, None
        leg, self._leg = self._leg, None
        if listener is not None:
            listener.close()
        if leg is not None:
            leg.close()

    def _heard(self, message: Call | Waiting) -> None:
        if isinstance(message, Waiting):
            self.told(message.lamp)

    def told(self, on: bool) -> None:
        """The exchange says whether messages wait."""
        port = self._port
        mailbox, program = port.settings["mailbox"], port.settings["mwimonitornotify"]
        if not mailbox:
            return
        port.pbx.mailboxes.publish(mailbox, int(on), 0)
        log.info("channel %d: messages %s in %s", port.number, "wait" if on else "wait no more", mailbox)
        if program and on != self._lit:
            port.pbx.spawn(self._notify(program, mailbox, on), f"mwimonitornotify of channel {port.number}")
        self._lit = on

    async def _notify(self, program: str, mailbox: str, on: bool) -> None:
        command = f"{program} {shlex.quote(mailbox)} {int(on)}"
        process = await asyncio.create_subprocess_shell(command, stdin=asyncio.subprocess.DEVNULL)
        if await process.wait():
            log.warning("mwimonitornotify: %s: exit status %s", command, process.returncode)
