"""Three phones in a conference: each hears the others and not itself, until one mutes itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support import audio
from support.daemon import Daemon
from support.phone import Phone

HZ = {"alice": 700, "bob": 1100, "carol": 1600}
CODECS = {"alice": "PCMU", "bob": "G722", "carol": "PCMA"}
HEARD, NOT_HEARD = 1500, 150
ACCOUNT_OF = {"alice": "alice", "bob": "bob", "carol": "bob"}


@pytest.fixture
def phones(daemon: Daemon, tmp_path: Path) -> Iterator[dict[str, Phone]]:
    """Phones that say a tone each; the third calls with the account of the second."""
    with ExitStack() as stack:
        found = {}
        for name, codec in CODECS.items():
            account = ACCOUNT_OF[name]
            made = Phone(account, f"of-{account}", f"127.0.0.1:{daemon.sip_port}", codec=codec)
            phone = found[name] = stack.enter_context(made)
            phone.start()
            phone.files(audio.write(tmp_path / f"{name}-says.wav", audio.tone(HZ[name], 60)), tmp_path / f"{name}.wav")
        yield found


def test_each_hears_the_others(daemon: Daemon, phones: dict[str, Phone], tmp_path: Path) -> None:
    with daemon.manager() as manager:
        for name, phone in phones.items():
            phone.call("607").wait_state("CONFIRMED")
            manager.wait_for("ConfbridgeJoin", Channel=f"PJSIP/{ACCOUNT_OF[name]}-.*")
            manager.wait_for("ConfbridgeTalking", Channel=f"PJSIP/{ACCOUNT_OF[name]}-.*", TalkingStatus="on")
        assert len(manager.listed("ConfbridgeList", Conference="room")) == 3
        phones["alice"].pause(3)
        phones["carol"].hang_up()
        manager.wait_for("ConfbridgeLeave")
        for phone in phones.values():
            phone.close()
        manager.wait_for("ConfbridgeEnd")
    for name in phones:
        heard = audio.read(tmp_path / f"{name}.wav")
        for other, frequency in HZ.items():
            level = audio.loudest(heard, frequency)
            assert (level < NOT_HEARD) if other == name else (level > HEARD), (name, other, level)


def test_who_mutes_itself_is_heard_no_more(daemon: Daemon, phones: dict[str, Phone], tmp_path: Path) -> None:
    with daemon.manager() as manager:
        for name in ("alice", "bob"):
            phones[name].call("607").wait_state("CONFIRMED")
            manager.wait_for("ConfbridgeJoin", Channel=f"PJSIP/{name}-.*")
        phones["alice"].do("digits", digits="1")
        assert manager.wait_for("ConfbridgeMute")["Channel"].startswith("PJSIP/alice-")
        carol = phones["carol"]
        carol.call("607").wait_state("CONFIRMED")
        manager.wait_for("ConfbridgeJoin", Conference="room")
        carol.pause(3)
        for phone in phones.values():
            phone.close()
        manager.wait_for("ConfbridgeEnd")
    heard = audio.read(tmp_path / "carol.wav")
    assert audio.loudest(heard, HZ["bob"]) > HEARD and audio.loudest(heard, HZ["alice"]) < NOT_HEARD
