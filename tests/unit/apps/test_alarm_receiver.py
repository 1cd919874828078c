"""AlarmReceiver with a panel that reports in digits, through the real engine, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from offhook.apps import alarm_receiver, digits
from offhook.apps.alarm_receiver import adds_up
from offhook.config.store import Configuration
from offhook.functions import callerid, database
from offhook.storage.astdb import AstDb
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding

CONTACT_ID = "123418113101015"


def summed(report: str) -> str:
    """A report with its checksum."""
    return next(report + digit for digit in "1234567890*#ABC" if adds_up(report + digit))


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
async def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exchange]:
    async def run(command: str, **_: object) -> SimpleNamespace:
        running.pbx.astdb.put("alarm", "ran", command)
        return SimpleNamespace(wait=partial(asyncio.sleep, 0))

    monkeypatch.setattr(asyncio, "create_subprocess_shell", run)
    running = Exchange(tmp_path)
    running.pbx.config = Configuration(str(tmp_path))
    running.pbx.astdb = AstDb(":memory:")
    running.pbx.astdb.open()
    for part in (alarm_receiver, digits, callerid, database):
        running.load(part)
    async with sounding(running):
        yield running
    running.pbx.astdb.close()


async def reported(exchange: Exchange, folder: Path, *steps: str, settings: str = "", first: str = "NoOp") -> list[str]:
    """The files of a call in which a panel does this."""
    (folder / "spool").mkdir()
    lines = f"[general]\neventspooldir = {folder}/spool\ndb-family = alarm\neventcmd = note it\n{settings}"
    (folder / "alarmreceiver.conf").write_text(lines)
    alarm_receiver.load(exchange.pbx)
    panel = "".join(f" same => n,{step}\n" for step in steps)
    exchange.dialplan(
        f"[test]\nexten => server,1,{first}\n same => n,AlarmReceiver()\n same => n,Set(DB(alarm/after)=1)\n"
        f"exten => panel,1,Answer()\n same => n,Wait(1.8)\n{panel} same => n,Hangup()\n"
    )
    work = exchange.call("Local/server@test", context="test", exten="panel", priority=1)
    call = asyncio.get_running_loop().create_task(work)
    await advance(exchange, 40)
    assert call.done()
    return [file.read_text() for file in sorted((folder / "spool").iterdir(), key=lambda file: file.stat().st_mtime_ns)]


def send(report: str) -> str:
    return f"SendDTMF({report},100,60)"


def counted(exchange: Exchange, key: str) -> str | None:
    return exchange.pbx.astdb.get("alarm", key)


async def test_reports_of_contact_id(exchange: Exchange, tmp_path: Path) -> None:
    one, two = summed(CONTACT_ID), summed("123418313101015")
    [text] = await reported(
        exchange, tmp_path, send(one), "Wait(1.6)", send(two), "Wait(1.6)", first="Set(CALLERID(all)=Villa <555-1234>)"
    )
    head, _, events = text.partition("[events]\n\n")
    assert events == f"{one}\n{two}\n"
    assert head.startswith("\n\n[metadata]\n\nPROTOCOL=ADEMCO_CONTACT_ID\nCHECKSUM=yes\n")
    assert "CALLINGFROM=5551234\nCALLERNAME=Villa\nTIMESTAMP=" in head
    assert counted(exchange, "ran") == "note it"
    assert (counted(exchange, "calls-received"), counted(exchange, "no-events-received")) == ("1", None)


async def test_other_formats(exchange: Exchange, tmp_path: Path) -> None:
    short, fast = summed("1234177"), "123456111111117"
    texts = await reported(
        exchange,
        tmp_path,
        send(short),
        "Wait(2)",
        send(fast),
        "Wait(2)",
        settings="logindividualevents = yes\nno_group_meta = yes\n",
    )
    assert [text.splitlines()[0] for text in texts] == ["PROTOCOL=ADEMCO_EXPRESS_4_1", "PROTOCOL=ADEMCO_SUPER_FAST"]
    assert [text.splitlines()[1] for text in texts] == ["CHECKSUM=yes", "CHECKSUM=no"]
    assert [text.splitlines()[-1] for text in texts] == [f"event={short}", f"event={fast}"]


async def test_what_is_wrong_is_not_acknowledged(exchange: Exchange, tmp_path: Path) -> None:
    good = summed(CONTACT_ID)
    bad = good[:-1] + ("2" if good[-1] == "1" else "1")
    [text] = await reported(
        exchange, tmp_path, send(bad), "Wait(1)", send(good), "Wait(1.6)", send(summed("123417113101015")), "Wait(1.6)"
    )
    assert text.endswith(f"[events]\n\n{good}\n")
    assert (counted(exchange, "checksum-errors"), counted(exchange, "format-errors")) == ("1", "1")


async def test_a_panel_that_speaks_next(exchange: Exchange, tmp_path: Path) -> None:
    await reported(exchange, tmp_path, send(summed("123418160601015")), "Wait(3)")
    assert counted(exchange, "after") == "1", "the dialplan goes on"


async def test_limits(exchange: Exchange, tmp_path: Path) -> None:
    await reported(exchange, tmp_path, send("123"), "Wait(30)", first="Set(ALARMRECEIVER_RETRIES_LIMIT=2)")
    assert counted(exchange, "after") == "1"
    assert counted(exchange, "ran") is None
    assert (counted(exchange, "no-events-received"), counted(exchange, "ack-retries")) == ("1", "1")


async def test_a_call_may_last_so_long(exchange: Exchange, tmp_path: Path) -> None:
    await reported(exchange, tmp_path, "Wait(30)", first="Set(ALARMRECEIVER_CALL_LIMIT=9000)")
    assert counted(exchange, "after") == "1"


def test_checksums() -> None:
    assert adds_up("1234181131000158") is adds_up("1234181131000158")
    assert adds_up("05") and adds_up("C") and not adds_up("D2") and not adds_up("12")
