"""The module res_pjsip: the stack's life, and pjsip.conf read at start and on reload."""

from __future__ import annotations

import asyncio
import errno
import logging
from typing import TYPE_CHECKING

from offhook import __version__
from offhook.calls.events import FullyBooted
from offhook.calls.pbx import Pbx
from offhook.config.model import Section
from offhook.drivers.sip.configuration.reading import FILE, MIRROR, Configuration, read
from offhook.drivers.sip.requests.identify import Identification, Matcher
from offhook.drivers.sip.requests.options_request import on_options
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import Module
from offhook.modules.module import LoadError, StartError
from offhook.sip.transaction import Timing

if TYPE_CHECKING:
    from offhook.config.model import ConfigFile
    from offhook.drivers.sip.configuration.realtime import Mirror

log = logging.getLogger(__name__)

module = Module("res_pjsip", "Basic SIP resource", depends=("acl",), priority=10)


@module.on_load
async def load(pbx: Pbx) -> None:
    """Make the stack, read pjsip.conf and open the transports."""
    stack = SipStack(pbx)
    pbx.parts[PART] = stack
    stack.accepting = pbx.booted
    if not pbx.booted:
        pbx.bus.subscribe(FullyBooted, lambda _: accept(stack))
    stack.handlers["OPTIONS"] = on_options
    if (mirror := pbx.parts.get(MIRROR)) is not None:
        mirror.attach(stack)
    config = read_files(stack, None)
    if config is None:
        raise LoadError(f"{FILE} cannot be read")
    system = config.system
    timing = Timing(t1=system.timer_t1 / 1000, timeout=system.timer_b / 1000)
    stack.layer.timing = timing
    await apply(stack, config)


def accept(stack: SipStack) -> None:
    """Everything is there: take requests from now on."""
    stack.accepting = True


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read pjsip.conf again; what is in force stays so when the file cannot be used."""
    stack: SipStack = pbx.parts[PART]
    stack.admission.authentication.forget_nonces()
    await read_again(stack)


async def read_again(stack: SipStack) -> None:
    """Put what the files say now into force. LoadError when pjsip.conf cannot be read."""
    if (mirror := stack.pbx.parts.get(MIRROR)) is not None:
        mirror.expire_on_reload()
        await mirror.read_all()
    config = read_files(stack, stack.config)
    if config is None:
        raise LoadError(f"{FILE} cannot be read")
    # What system says counts at start only.
    config.objects["system"] = dict(stack.config.objects["system"])
    await apply(stack, config)


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """Close everything."""
    stack: SipStack = pbx.parts.pop(PART)
    stack.accepting = False
    # Let what was sent last leave the buffers of its connections.
    await asyncio.sleep(0)
    stack.close()


def read_files(stack: SipStack, previous: Configuration | None) -> Configuration | None:
    """The objects of pjsip.conf and what other files add; None when pjsip.conf was there and cannot be read now."""
    pbx = stack.pbx
    file: ConfigFile | None = pbx.config.load(FILE, module.name)
    if file is None:
        if previous is not None:
            return None
        log.warning("there is no usable %s: SIP has no transports and no endpoints", FILE)
    sections: list[Section] = list(file) if file is not None else []
    for more in stack.more_sections:
        sections += more(pbx)
    mirror: Mirror | None = pbx.parts.get(MIRROR)
    if mirror is not None:
        sections = mirror.merged(sections)
    result = read(sections, previous)
    for error in result.errors:
        log.error("%s", error)
    return result


async def apply(stack: SipStack, config: Configuration) -> None:
    """Put a configuration into force: transports first, then who may talk to us, then where everybody is."""
    settings = config.settings
    stack.user_agent = settings.user_agent or f"Offhook PBX {__version__}"
    await _open_transports(stack, config)
    identification = Identification(config)
    for section in config.identifies.values():
        identification.add(Matcher(section))
    stack.config = config
    stack.maintenance.intersection_update(config.endpoints)
    stack.admission.configure(config, identification)
    stack.transports.keep_alive_interval = settings.keep_alive_interval
    stack.locations.configure(config)
    for listener in stack.on_reloaded:
        listener()
    if any(matcher.hosts for matcher in identification.matchers):
        stack.pbx.spawn(identification.look_up(stack.resolver), "look up identify names")


async def _open_transports(stack: SipStack, config: Configuration) -> None:
    transports = stack.transports
    taken: list[str] = []
    for name in [name for name in transports.sections if name not in config.transports]:
        log.warning("transport %s is gone from %s and is closed", name, FILE)
        transports.close_section(name)
    for name, section in config.transports.items():
        running = transports.sections.get(name)
        if running is not None:
            if running.set_values() == section.set_values():
                config.transports[name] = running
                transports.refresh_certificate(name)
                continue
            if not section.allow_reload:
                log.warning("transport %s has changed but allow_reload is not set: it stays as it was", name)
                config.transports[name] = running
                continue
            transports.close_section(name)
        try:
            await transports.open(section)
        except (OSError, ValueError) as error:
            log.error("transport %s (%s %s) cannot be used: %s", name, section.protocol, section.bind, error)
            if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                taken.append(f"{section.protocol} {section.bind}")
    if taken and not stack.pbx.booted and len(taken) == len(config.transports):
        raise StartError(
            f"{', '.join(taken)}: another program uses the port already; end it (ss -lnptu names it) or "
            f"change bind= of the transports in {FILE}"
        )


# What else the module registers stands in files of their own.
from offhook.drivers.sip.showing import actions, channel_commands, commands, internals  # noqa: E402, F401
