"""Putting the parts of the exchange together, before any module is loaded."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from offhook.calls.music import NoMusic
from offhook.calls.options import CoreOptions
from offhook.calls.pbx import Pbx
from offhook.config.store import Configuration
from offhook.daemon.stopping import Stopping
from offhook.dialplan.plan import Dialplan
from offhook.modules.loader import Loader
from offhook.modules.registry import Registry
from offhook.storage.astdb import AstDb

if TYPE_CHECKING:
    from offhook.daemon.logger import Log
    from offhook.daemon.settings import Settings

log = logging.getLogger(__name__)


def assemble(settings: Settings, logger: Log, loop: asyncio.AbstractEventLoop) -> tuple[Pbx, Stopping]:
    """The exchange with its registry, database, engine and loader, and nothing loaded. Raises OSError."""
    pbx = Pbx(loop, core_options(settings))
    pbx.paths = settings.paths
    pbx.config = Configuration(settings.paths.etc, exec_includes=settings.execincludes)
    for error in logger.configure(pbx.config.load("logger.conf", "logger")):
        log.error("%s", error)
    pbx.registry = Registry()
    pbx.astdb = AstDb(settings.paths.astdb)
    pbx.astdb.open()
    pbx.loader = Loader(pbx)
    pbx.dialplan = Dialplan(pbx)
    pbx.hints.start()
    pbx.music = NoMusic()
    stopping = Stopping(pbx)
    pbx.parts["settings"] = settings
    pbx.parts["log"] = logger
    logger.on_channel = lambda event: _publish(pbx, event)
    pbx.parts["stopping"] = stopping
    _start_media(pbx)
    return pbx, stopping


def _publish(pbx: Pbx, event: object) -> None:
    """Put something on the bus from another thread."""
    if not pbx.loop.is_closed():
        pbx.loop.call_soon_threadsafe(pbx.bus.publish, event)


def core_options(settings: Settings) -> CoreOptions:
    """What calls need to know of asterisk.conf."""
    return CoreOptions(
        default_language=settings.defaultlanguage,
        system_name=settings.systemname,
        entity_id=settings.entityid,
        max_calls=settings.maxcalls,
        max_load=settings.maxload,
        verbose=settings.verbose,
        debug=settings.debug,
        live_dangerously=settings.live_dangerously,
        transmit_silence=settings.transmit_silence,
        hide_connect=settings.hideconnect,
    )


def _start_media(pbx: Pbx) -> None:
    from offhook.config.acl import named_acls
    from offhook.media import Engine, EngineError, PromptLibrary
    from offhook.media.rtp_settings import FILE, read_settings

    try:
        pbx.prompts = PromptLibrary(pbx.paths.sounds, default_language=pbx.options.default_language)
        settings, errors = read_settings(pbx.config.load(FILE, "res_rtp_asterisk"), named_acls(pbx))
        for error in errors:
            log.error("%s", error)
        engine = Engine(pbx.loop, settings)
        engine.start()
    except (EngineError, NotImplementedError) as error:
        log.error("the media engine does not run, calls have no audio: %s", error)
        return
    pbx.engine = engine
