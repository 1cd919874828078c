"""The module chan_iax2: loading, reloading, and the technology IAX2."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.config.acl import named_acls
from offhook.drivers.iax.incoming import take_call
from offhook.drivers.iax.options import FILE
from offhook.drivers.iax.outgoing import parse, request
from offhook.drivers.iax.reading import Reading, read
from offhook.drivers.iax.registrar import take_registration
from offhook.drivers.iax.registrations import Registrations
from offhook.drivers.iax.stack import PART, IaxStack
from offhook.modules import LoadError, Module

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx
    from offhook.drivers.iax.channel import IaxChannel

log = logging.getLogger(__name__)
module = Module("chan_iax2", "Inter Asterisk eXchange (Ver 2)", priority=24, needs="iax.conf")
REGISTRATIONS = "iax2 registrations"
"""Where ``pbx.parts`` has our registrations with others."""


async def _read(pbx: Pbx) -> Reading | None:
    file = await pbx.off_loop(pbx.config.load, FILE, module.name)
    return read(file, named_acls(pbx)) if file is not None else None


@module.on_load
async def load(pbx: Pbx) -> None:
    """Read iax.conf, bind the ports, find the peers."""
    reading = await _read(pbx)
    if reading is None:
        raise LoadError(f"there is no {FILE}: no IAX2")
    stack = IaxStack(pbx, reading)
    stack.on_new, stack.on_register = take_call, take_registration
    stack.open()
    pbx.parts[PART] = stack
    stack.configure(reading)
    registrations = pbx.parts[REGISTRATIONS] = Registrations(stack)
    registrations.configure(reading.general["register"])


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read iax.conf again; calls, and registrations that are still wanted, go on."""
    reading = await _read(pbx)
    if reading is not None:
        stack: IaxStack = pbx.parts[PART]
        stack.configure(reading)
        pbx.parts[REGISTRATIONS].configure(reading.general["register"])


@module.on_unload
def unload(pbx: Pbx) -> None:
    """End every call and registration, give the ports back."""
    registrations: Registrations | None = pbx.parts.pop(REGISTRATIONS, None)
    if registrations is not None:
        registrations.stop()
    stack: IaxStack | None = pbx.parts.pop(PART, None)
    if stack is not None:
        stack.close()


def _device_state(pbx: Pbx, resource: str) -> str | None:
    """A peer that cannot be called is unavailable; else its channels tell. Of an idle one something is known only when
    it is asked whether it is there."""
    stack: IaxStack | None = pbx.parts.get(PART)
    peer = stack.peers.get(parse(resource).peer) if stack is not None else None
    if peer is None:
        return "INVALID"
    idle = "NOT_INUSE" if peer.entry["qualify"] else "UNKNOWN"
    return pbx.devices.from_channels(peer.device, idle) if peer.reachable else "UNAVAILABLE"


@module.driver("IAX2", "Inter Asterisk eXchange Driver (Ver 2)", device_state=_device_state)  # type: ignore[arg-type]
def make(
    pbx: Pbx, address: str, formats: tuple[str, ...], requester: Channel | None, ids: tuple[str, str]
) -> IaxChannel:
    """Make a channel for ``[user[:secret]@]peer[:port][/exten[@context][/options]]``."""
    return request(pbx.parts[PART], address, formats, requester, ids)


# These register themselves with the module above.
from offhook.drivers.iax import actions, commands, functions  # noqa: E402, F401
