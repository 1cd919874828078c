"""queue_log: what happened to callers and members, in its file and, where queue_log is mapped, in a database."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from offhook.storage.realtime import realtime_of

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

NOBODY = "NONE"
FAMILY = "queue_log"
_COLUMNS = 5
_STARTED = "queue_log started"


def record(pbx: Pbx, queue: str, call: str, agent: str, event: str, *data: object) -> None:
    """Write a line. ``call`` is a unique id, or who did it."""
    if pbx.parts.setdefault(_STARTED, False) is False:
        pbx.parts[_STARTED] = True
        record(pbx, NOBODY, NOBODY, NOBODY, "QUEUESTART", "")
    texts = [str(value) for value in data]
    logger = pbx.parts.get("log")
    mapped = realtime_of(pbx).maps(FAMILY)
    if mapped:
        utc = logger is not None and logger.queue_log_utc
        pbx.spawn(_store(pbx, pbx.wall(), (call, queue, agent, event), texts, utc=utc), "queue_log")
    if logger is not None and (not mapped or logger.queue_log_to_file):
        logger.queue_log(pbx.wall(), call, queue, agent, event, *texts)


async def _store(pbx: Pbx, when: float, about: tuple[str, str, str, str], texts: list[str], *, utc: bool) -> None:
    moment = time.gmtime(when) if utc else time.localtime(when)
    stamp = f"{time.strftime('%Y-%m-%d %H:%M:%S', moment)}.{int(when % 1 * 1_000_000):06}"
    fields = "|".join(texts).split("|", _COLUMNS - 1)
    row = [("time", stamp), *zip(("callid", "queuename", "agent", "event"), about, strict=True)]
    row += [(f"data{index + 1}", value) for index, value in enumerate((*fields, *[""] * _COLUMNS)[:_COLUMNS])]
    await realtime_of(pbx).store(FAMILY, row)
