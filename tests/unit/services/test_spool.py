"""Call files: how they are read, when they are due, and what becomes of them."""

import asyncio
import os
from types import SimpleNamespace

import pytest

from offhook.calls import events
from offhook.calls.channel import State
from offhook.services.spool import CallFile, Spool, parse

NOW = 1_700_000_000.0
ANSWERED = """\
[in]
exten => s,1,Answer()
 same => n,Wait(5)
[refused]
exten => s,1,Busy()
[away]
exten => s,1,Hangup(1)
"""


@pytest.fixture
def desk(exchange, tmp_path):
    """A spool whose clock stands still unless it is set."""
    exchange.dialplan(ANSWERED)
    folder, done = tmp_path / "outgoing", tmp_path / "outgoing_done"
    folder.mkdir()
    desk = SimpleNamespace(exchange=exchange, folder=folder, done=done, now=NOW)
    desk.spool = Spool(exchange.pbx, str(folder), str(done))
    exchange.pbx.wall = lambda: desk.now

    def put(text, due=NOW - 10, name="a.call"):
        path = folder / name
        path.write_text(text)
        os.utime(path, (due, due))
        return path

    async def look(after=0.0):
        desk.now += after
        await desk.spool.look(desk.now)

    async def finish(after=0.0):
        """Look, and let the calls come to an end."""
        await look(after)
        for _ in range(500):
            if not desk.spool._calls:
                return
            for channel in exchange.pbx.channels:
                if channel.name.endswith(";1") and channel.state is State.UP:
                    channel.request_hangup()
            await asyncio.sleep(0.001)
        raise AssertionError("a call does not end")

    desk.put, desk.look, desk.finish = put, look, finish
    return desk


# ---- reading -----------------------------------------------------------------------------------------


def test_all_lines():
    call = parse(
        """\
# a comment
Channel: Local/1@in   # who
CallerID: "Ann" <12>
Application: Playback
Data: hello ; said
Context: c
Extension: e
Priority: 3
MaxRetries: 2
RetryTime: 10
WaitTime: 20
Account: acc
AlwaysDelete: no
Archive: yes
Early_Media: yes
Codecs: ulaw,alaw
Setvar: A=1
Set: B=2=3
Retry: 1
StartRetry: 77 1 (12)
DelayedRetry: 77 1 (12)
""",
        "x",
    )
    assert call == CallFile(
        channel="Local/1@in",
        application="Playback",
        data="hello",
        context="c",
        exten="e",
        priority=3,
        caller_number="12",
        caller_name="Ann",
        account="acc",
        formats=("ulaw", "alaw"),
        most_retries=2,
        retry_time=10,
        wait_time=20,
        always_delete=False,
        archive=True,
        early_media=True,
        variables=[("A", "1"), ("B", "2=3")],
        retries=1,
        calling=77,
    )


def test_what_others_wrote_about_attempts():
    call = parse("StartRetry: 5 0 (1)\nEndRetry: 5 1 (2)\nStartRetry: 5 1 (3)\nAbortRetry: 5 1 (4)\n", "x")
    assert (call.retries, call.calling) == (2, 0)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Data: a\\;b;c", "a;b"),
        ("Data: a#b", "a#b"),
        ("Data: a #b", "a"),
        ("Data:   a b  ", "a b"),
        ("Data: a:b", "a:b"),
        ("DATA: x\r", "x"),
        ("Data: \\; x\\", "; x\\"),
    ],
)
def test_comments_and_blanks(line, value):
    assert parse(line, "x").data == value


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Channel: nobody", "is no channel"),
        ("Nonsense", "no colon"),
        ("Shoe: 43", 'unknown keyword "shoe"'),
        ("RetryTime: 0", "no number of at least 1; 300"),
        ("WaitTime: soon", "no number of at least 1; 45"),
        ("MaxRetries: x", "is taken"),
        ("Setvar: A", "sets nothing"),
        ("Codecs: ulaw,cheese", "cheese"),
        ("Data: " + "x" * 1100, "too long"),
    ],
)
def test_lines_that_make_no_sense(line, said, caplog):
    call = parse(line, "x.call")
    assert said in caplog.text
    assert "x.call:1:" in caplog.text
    assert (call.retry_time, call.wait_time, call.most_retries) == (300, 45, 0)


def test_codecs_that_exist_are_taken():
    assert parse("Codecs: ulaw,cheese", "x").formats == ("ulaw",)


# ---- calls -------------------------------------------------------------------------------------------


async def test_an_answered_call_deletes_its_file(desk):
    path = desk.put("Channel: Local/s@in\nApplication: Wait\nData: 60\nSetvar: WHO=me\n")
    await desk.finish()
    assert not path.exists()
    assert not desk.done.exists()
    values = {(one.name, one.value) for one in desk.exchange.heard(events.VarSet)}
    assert {("WHO", "me"), ("AST_OUTGOING_ATTEMPT", "1")} <= values


async def test_a_place_in_the_dialplan(desk):
    path = desk.put("Channel: Local/s@in\nContext: in\nExtension: s\n")
    await desk.finish()
    assert not path.exists()


async def test_an_answered_call_is_archived(desk):
    path = desk.put("Channel: Local/s@in\nApplication: Wait\nData: 60\nArchive: yes\n")
    await desk.finish()
    assert not path.exists()
    assert (desk.done / "a.call").read_text().splitlines()[-1] == "Status: Completed"


async def test_a_failed_call_is_tried_again_and_expires(desk):
    path = desk.put("Channel: Local/s@refused\nApplication: Wait\nMaxRetries: 1\nRetryTime: 100\nArchive: yes\n")
    await desk.finish()
    pid = os.getpid()
    assert path.read_text().split("\n\n", 1)[1] == (
        f"StartRetry: {pid} 0 ({int(NOW) + 100})\n\nEndRetry: {pid} 1 ({int(NOW)})\n"
    )
    assert path.stat().st_mtime == NOW + 100
    await desk.finish(50)
    assert path.exists()
    await desk.finish(50)
    assert not path.exists()
    assert (desk.done / "a.call").read_text().endswith("Status: Expired\n")


async def test_a_call_without_retries_expires_at_once(desk):
    path = desk.put("Channel: Local/s@away\nApplication: Wait\n")
    await desk.finish()
    assert not path.exists()


async def test_a_file_that_cannot_be_written_is_not_tried_for_ever(desk, monkeypatch, caplog):
    def refuse(path, line, modified):
        raise PermissionError(13, "no")

    monkeypatch.setattr("offhook.services.spool._append", refuse)
    path = desk.put("Channel: Local/s@refused\nApplication: Wait\nMaxRetries: 1\nRetryTime: 10\n")
    await desk.finish()
    assert "cannot be written" in caplog.text
    assert path.exists()
    await desk.finish(11)
    assert not path.exists()


async def test_a_file_of_the_future_waits(desk):
    path = desk.put("Channel: Local/s@in\nApplication: Wait\nData: 60\n", NOW + 30)
    await desk.finish(29)
    assert path.exists()
    await desk.finish(2)
    assert not path.exists()


async def test_a_file_is_kept_until_its_time(desk):
    path = desk.put("Channel: Local/s@in\nApplication: Wait\nData: 60\nAlwaysDelete: no\nRetryTime: 100\n")
    await desk.finish()
    assert path.exists()
    await desk.finish(500)
    assert path.exists()
    assert len(path.read_text().split("StartRetry")) == 2


async def test_a_file_just_being_written_is_read_when_it_rests(desk):
    path = desk.put("Channel: Local/s@in\n", NOW)
    await desk.finish()
    desk.put("Channel: Local/s@in\nApplication: Wait\nData: 60\n", NOW)
    await desk.finish()
    assert path.exists()
    await desk.finish()
    assert not path.exists()


@pytest.mark.parametrize(
    "text", ["", "Channel: Local/s@in\n", "Application: Wait\n", "Channel: Local/\nExtension: s\n"]
)
async def test_a_file_that_names_no_call_is_deleted(desk, text, caplog):
    path = desk.put(text)
    await desk.finish()
    assert not path.exists()
    assert "it is deleted" in caplog.text


async def test_a_call_that_was_begun_before_a_restart_counts(desk):
    path = desk.put("Channel: Local/s@away\nApplication: Wait\nMaxRetries: 2\nStartRetry: 1 0 (1)\n")
    await desk.finish()
    notes = [line.split()[0] for line in path.read_text().splitlines() if "Retry: " in line]
    assert notes == ["StartRetry:", "AbortRetry:", "StartRetry:", "EndRetry:"]


async def test_a_call_of_ours_still_under_way_is_let_be(desk):
    path = desk.put(f"Channel: Local/s@in\nApplication: Wait\nStartRetry: {os.getpid()} 0 (1)\n")
    await desk.finish()
    assert "DelayedRetry:" in path.read_text()
    assert not len(desk.exchange.pbx.channels)


async def test_files_taken_away_are_forgotten(desk):
    path = desk.put("Channel: Local/s@in\nApplication: Wait\n", NOW + 30)
    await desk.look()
    assert desk.spool.files
    path.unlink()
    (desk.folder / "folder").mkdir()
    await desk.look()
    assert desk.spool.files == {}


async def test_a_folder_that_is_gone_is_logged(desk, caplog, monkeypatch):
    monkeypatch.setattr("offhook.services.spool.LOOK_S", 0.001)
    desk.folder.rmdir()
    desk.exchange.pbx.booted = True
    task = desk.exchange.pbx.spawn(desk.spool.run(), name="spool")
    for _ in range(100):
        await asyncio.sleep(0.005)
        if "cannot be read" in caplog.text:
            break
    task.cancel()
    assert "cannot be read" in caplog.text
