"""Call detail records: how calls are cut into them, and what stands in them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offhook.functions import callerid
from offhook.services.cdr import core, files
from offhook.services.cdr.delivery import Backend, Batch
from offhook.services.cdr.engine import CdrEngine
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.record import Disposition, Rules

PLAN = """
[callers]
exten => answer,1,Dial(Local/up@callees/n)
exten => busy,1,Dial(Local/busy@callees/n)
exten => single,1,Answer()
 same => n,Set(CDR(userfield)=mine)
 same => n,Set(CDR(colour)=blue)
 same => n,Wait(60)
exten => forked,1,Answer()
 same => n,ForkCDR(e)
 same => n,Wait(60)
exten => none,1,Set(CDR_PROP(disable)=1)
 same => n,Answer()

[callees]
exten => up,1,Answer()
 same => n,Wait(60)
exten => busy,1,Busy(1)
"""


class Records:
    """An exchange whose finished records are kept."""

    def __init__(self, exchange: Any, **rules: bool) -> None:
        self.exchange = exchange
        self.found: list[Fields] = []
        self.engine = CdrEngine(exchange.pbx)
        exchange.pbx.parts["cdr"] = self.engine
        self.engine.configure(Rules(**rules), Batch())
        self.engine.delivery.backends["test"] = Backend(self.found.append)
        for source in (core, callerid):
            exchange.load(source)
        exchange.dialplan(PLAN)

    async def after(self, exten: str, *, wait: str = "") -> dict[str, Fields]:
        """Call an extension, let the call end, and return its records by their channels."""
        pbx = self.exchange.pbx
        task = asyncio.ensure_future(self.exchange.call(f"Local/{exten}@callers/n", timeout=0.3))
        if wait:
            await self.exchange.until(lambda: pbx.channels.by_prefix(wait) is not None)
            await self.exchange.until(lambda: len(pbx.bridges) == 1 if exten == "answer" else True)
            for _ in range(20):
                await asyncio.sleep(0)
            for channel in pbx.channels:
                channel.request_hangup(16)
        await task
        await self.exchange.until(lambda: not len(pbx.channels), 5000)
        return {fields.channel: fields for fields in self.found}


@pytest.fixture
def records(exchange: Any) -> Records:
    return Records(exchange)


async def test_a_bridged_call_names_both_parties(records: Records) -> None:
    found = await records.after("answer", wait="Local/up@callees-00000001;1")
    call = found["Local/answer@callers-00000000;2"]
    assert call.dstchannel == "Local/up@callees-00000001;1"
    assert call.disposition is Disposition.ANSWERED
    assert (call.dst, call.dcontext, call.lastapp) == ("answer", "callers", "Dial")
    assert call.lastdata == "Local/up@callees/n"
    assert call.answer is not None
    assert call.end is not None
    assert "Local/up@callees-00000001;1" not in found, "a dialled channel has no record of its own"


async def test_a_busy_callee_is_a_record_of_the_caller(records: Records) -> None:
    found = await records.after("busy")
    assert found["Local/busy@callers-00000000;2"].disposition is Disposition.BUSY


async def test_unanswered_calls_without_a_second_party_are_left_out(records: Records) -> None:
    found = await records.after("busy")
    assert "Local/busy@callees-00000001;2" not in found


async def test_unanswered_calls_are_kept_when_asked_for(exchange: Any) -> None:
    found = await Records(exchange, unanswered=True).after("busy")
    assert "Local/busy@callees-00000001;2" in found


async def test_fields_that_the_dialplan_sets(records: Records) -> None:
    found = await records.after("single", wait="Local/single")
    call = found["Local/single@callers-00000000;2"]
    assert (call.userfield, call.text("colour"), call.text("COLOUR")) == ("mine", "blue", "blue")


async def test_a_fork_ends_one_record_and_begins_another(records: Records) -> None:
    await records.after("forked", wait="Local/forked")
    mine = [fields for fields in records.found if fields.channel == "Local/forked@callers-00000000;2"]
    assert len(mine) == 2
    assert mine[0].sequence < mine[1].sequence


async def test_no_record_where_the_dialplan_wants_none(records: Records) -> None:
    found = await records.after("none")
    assert "Local/none@callers-00000000;2" not in found


async def test_a_disabled_engine_makes_none(exchange: Any) -> None:
    kept = Records(exchange, enabled=False)
    assert await kept.after("single", wait="Local/single") == {}


async def test_batches_are_written_when_full_or_told(exchange: Any) -> None:
    kept = Records(exchange)
    batch = Batch()
    batch.enabled, batch.size = True, 100
    kept.engine.configure(Rules(), batch)
    await kept.after("single", wait="Local/single")
    assert kept.found == []
    assert kept.engine.delivery.waiting
    kept.engine.delivery.submit()
    assert kept.found


async def test_a_line_of_master_csv(records: Records, tmp_path: Path) -> None:
    found = await records.after("single", wait="Local/single")
    call = found["Local/single@callers-00000000;2"]
    call.clid = '"A ""quoted"" name" <1>'
    line = files.csv_line(call, ("accountcode", "clid", "duration", "disposition"))
    assert line == '"","""A """"quoted"""" name"" <1>",0,"ANSWERED"\n'


async def test_what_cdr_conf_says_in_vain_is_told(
    exchange: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cdr.conf").write_text("[general]\nbatch=yes\nsize=5\nscheduleronly=no\nunansered=yes\n")
    rules, batch = core._configuration(exchange.pbx)
    assert (batch.enabled, batch.size, rules.unanswered) == (True, 5, False)
    assert "cdr.conf:4: scheduleronly has no effect" in caplog.text
    assert 'cdr.conf:5: unknown option "unansered"; it has no effect' in caplog.text
