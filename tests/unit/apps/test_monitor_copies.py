"""MixMonitor's options m, c and d: copies in voicemail boxes, laid out as Asterisk lays them out."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from offhook.calls.party import Party
from offhook.config.parser import loads
from offhook.services.voicemail.deposit import Box, DepositError, Origin, box_in, count, deposit, recipients
from support.call_exchange import Exchange
from unit.apps.stories import caller, eventually, said

DIALPLAN = """
[test]
exten => s,1,Answer()
 same => n,MixMonitor(${FILE},${OPTIONS})
 same => n,UserEvent(A,X: begun)
 same => n,Wait(60)
"""
VOICEMAIL = """
[general]
maxmsg = 2
[default]
1000 => 1234,Alice,alice@example.com,,attach=no|minsecs=3
[home]
1001 => 1234,Bob
"""
ORIGIN = Origin("phones", "102", 1, "PJSIP/alice-1", '"Alice" <101>')


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    return path


def test_a_message_is_sound_and_a_text_that_tells_of_the_call(tmp_path: Path, recording: Path) -> None:
    box = Box("1000", "default")
    for number in range(2):
        path = deposit(str(tmp_path), box, "INBOX", str(recording), 7, ORIGIN)
        assert path == f"{tmp_path}/voicemail/default/1000/INBOX/msg000{number}"
        assert Path(f"{path}.wav").read_bytes() == b"sound"
    text = configparser.RawConfigParser()
    text.read(f"{path}.txt")
    told = dict(text["message"])
    assert (told["origmailbox"], told["callerid"], told["duration"]) == ("1000", '"Alice" <101>', "7")
    assert (told["context"], told["exten"], told["callerchan"]) == ("phones", "102", "PJSIP/alice-1")
    deposit(str(tmp_path), box, "Old", str(recording), 7, ORIGIN)
    assert count(str(tmp_path), box) == (2, 1)
    assert not list((tmp_path / "voicemail/default/1000/tmp").iterdir())


def test_what_does_not_fit_is_not_left(tmp_path: Path, recording: Path) -> None:
    with pytest.raises(DepositError, match="1 s are less than the 3 s"):
        deposit(str(tmp_path), Box("1", "default", least_seconds=3), "INBOX", str(recording), 1, ORIGIN)
    full = Box("2", "default", most_messages=1)
    deposit(str(tmp_path), full, "INBOX", str(recording), 1, ORIGIN)
    with pytest.raises(DepositError, match="2@default is full"):
        deposit(str(tmp_path), full, "INBOX", str(recording), 1, ORIGIN)
    with pytest.raises(DepositError, match="there is no recording"):
        deposit(str(tmp_path), full, "INBOX", f"{recording}x", 1, ORIGIN)


def test_boxes_are_those_of_voicemail_conf() -> None:
    config = loads(VOICEMAIL, "voicemail.conf")
    assert box_in(config, "1000", "default") == Box("1000", "default", 3, 2)
    assert box_in(config, "1001", "home") == Box("1001", "home", 0, 2)
    for mailbox, context in (("1001", "default"), ("1000", "nowhere")):
        with pytest.raises(DepositError, match="there is no mailbox"):
            box_in(config, mailbox, context)


def test_recipients() -> None:
    assert list(recipients("1000@home/Work,1001&1002@away")) == [
        ("1000", "home", "Work"),
        ("1001", "default", "INBOX"),
        ("1002", "away", "INBOX"),
    ]
    for text in ("", "@home", "1@", "1@../x", "1@a/b/c"):
        with pytest.raises(DepositError, match="is no mailbox"):
            list(recipients(text))


async def test_a_recording_is_copied_when_it_is_over(exchange: Exchange, tmp_path: Path, recording: Path) -> None:
    (tmp_path / "voicemail.conf").write_text(VOICEMAIL)
    exchange.pbx.paths.spool = str(tmp_path)
    exchange.pbx.set_global("FILE", str(recording))
    exchange.pbx.set_global("OPTIONS", "m(1001@home&1009@home)d")
    channel = await caller(exchange, DIALPLAN)
    channel.connected.id = Party.of("101")
    await said(exchange)
    channel.request_hangup()
    await eventually(lambda: not recording.exists())
    assert (tmp_path / "voicemail/home/1001/INBOX/msg0000.wav").read_bytes() == b"sound"
    assert exchange.pbx.mailboxes.count("1001@home") == (1, 0)


async def test_what_cannot_be_copied_is_said(
    exchange: Exchange, recording: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.pbx.set_global("FILE", str(recording))
    exchange.pbx.set_global("OPTIONS", "m(1000)")
    channel = await caller(exchange, DIALPLAN)
    await said(exchange)
    channel.request_hangup()
    await eventually(lambda: "there is no mailbox 1000" in caplog.text)
    await eventually(recording.exists)
