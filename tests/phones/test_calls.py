"""People's calls, made by independent phones through the real daemon, and listened to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support import audio
from support.daemon import Daemon
from support.patience import PATIENCE_S
from support.phone import Phone

ALICE_HZ, BOB_HZ = 700, 1100
HEARD = 1500
"""Amplitude above which a tone of 8000 counts as heard."""
NOT_HEARD = 150


def quiet(daemon: Daemon, before: list[str], threads: int) -> None:
    """Assert that the daemon is as it was before the calls: channels, legs, descriptors, threads."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        channels = daemon.cli("core show channels count")
        after = daemon.descriptors()
        if channels.startswith("0 active channels") and len(after) <= len(before) and daemon.threads() <= threads:
            break
        assert time.monotonic() < deadline, (channels, sorted(after), sorted(before), daemon.threads(), threads)
        time.sleep(0.1)
    assert "0 active calls" in channels
    with daemon.manager() as manager:
        assert manager.listed("CoreShowChannels") == []


@pytest.fixture
def counts(daemon: Daemon) -> tuple[list[str], int]:
    """What the daemon has open, and its threads, before any call."""
    daemon.cli("core show channels")
    return daemon.descriptors(), daemon.threads()


def test_a_phone_registers_with_digest_and_is_listed(daemon: Daemon, alice: Phone) -> None:
    assert "sip:alice@127.0.0.1" in daemon.cli("pjsip show contacts")
    alice.do("unregister")
    assert alice.wait("registration")["active"] is False
    assert "sip:alice@127.0.0.1" not in daemon.cli("pjsip show contacts")


def test_a_wrong_password_is_refused(daemon: Daemon) -> None:
    with Phone("alice", "guessed", f"127.0.0.1:{daemon.sip_port}") as phone:
        phone.do(
            "start", transport="udp", user="alice", secret="guessed", server=phone.server, codec="PCMU", expires=60
        )
        assert phone.wait("registration")["code"] in (401, 403)
    assert "sip:alice@" not in daemon.cli("pjsip show contacts")


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
def test_the_echo_test_lets_a_caller_hear_their_own_voice(
    daemon: Daemon, counts: tuple[list[str], int], tmp_path: Path, codec: str
) -> None:
    said = audio.chirps(10)
    with Phone("alice", "of-alice", f"127.0.0.1:{daemon.sip_port}", codec=codec) as alice:
        alice.start()
        alice.files(audio.write(tmp_path / "said.wav", said), tmp_path / "heard.wav").call("600")
        alice.wait_state("CONFIRMED")
        alice.pause(5)
        alice.hang_up()
        alice.close()
    likeness, delay = audio.correlation(said, audio.read(tmp_path / "heard.wav"))
    assert likeness > 0.85, f"the echo correlates by {likeness:.2f}"
    assert delay < 1.0
    quiet(daemon, *counts)


def test_two_phones_hear_each_other_and_leave_nothing_behind(
    daemon: Daemon, counts: tuple[list[str], int], alice: Phone, bob: Phone, tmp_path: Path
) -> None:
    alice.files(audio.write(tmp_path / "a.wav", audio.tone(ALICE_HZ, 20)), tmp_path / "alice.wav")
    bob.files(audio.write(tmp_path / "b.wav", audio.tone(BOB_HZ, 20)), tmp_path / "bob.wav")
    alice.call("102")
    incoming = bob.wait("incoming")
    assert "101" in incoming["remote"] and "Alice" in incoming["remote"]
    alice.wait_state("EARLY")
    bob.do("answer", code=200)
    alice.wait_state("CONFIRMED")
    bob.wait_state("CONFIRMED")
    assert "2 active channels" in daemon.cli("core show channels")
    assert "1 active call" in daemon.cli("core show channels")
    alice.pause(3)
    alice.hang_up()
    bob.wait_state("DISCONNECTED")
    alice.close()
    bob.close()
    at_alice, at_bob = audio.read(tmp_path / "alice.wav"), audio.read(tmp_path / "bob.wav")
    assert audio.loudest(at_alice, BOB_HZ) > HEARD and audio.loudest(at_alice, ALICE_HZ) < NOT_HEARD
    assert audio.loudest(at_bob, ALICE_HZ) > HEARD and audio.loudest(at_bob, BOB_HZ) < NOT_HEARD
    quiet(daemon, *counts)


def test_phones_with_different_codecs_hear_each_other(daemon: Daemon, bob: Phone, tmp_path: Path) -> None:
    with Phone("alice", "of-alice", f"127.0.0.1:{daemon.sip_port}", codec="G722") as alice:
        alice.start()
        alice.files(audio.write(tmp_path / "a.wav", audio.tone(ALICE_HZ, 20)), tmp_path / "alice.wav")
        bob.files(audio.write(tmp_path / "b.wav", audio.tone(BOB_HZ, 20)), tmp_path / "bob.wav")
        bob.do("auto_answer", on=True)
        alice.call("102").wait_state("CONFIRMED")
        alice.pause(3)
        alice.hang_up()
        alice.close()
        bob.close()
    assert audio.loudest(audio.read(tmp_path / "alice.wav"), BOB_HZ) > HEARD
    assert audio.loudest(audio.read(tmp_path / "bob.wav"), ALICE_HZ) > HEARD


def test_digits_arrive_in_read(daemon: Daemon, alice: Phone, tmp_path: Path) -> None:
    with daemon.manager() as manager:
        alice.files(audio.write(tmp_path / "a.wav", audio.tone(0, 5)), None)
        alice.call("603").wait_state("CONFIRMED")
        alice.pause(0.5)
        alice.do("digits", digits="19*#")
        assert manager.wait_for("UserEvent", UserEvent="Entered")["Digits"] == "19*"
        alice.wait_state("DISCONNECTED")


def test_a_call_is_held_and_resumed(daemon: Daemon, alice: Phone, bob: Phone, tmp_path: Path) -> None:
    bob.files(audio.write(tmp_path / "b.wav", audio.tone(BOB_HZ, 30)), tmp_path / "bob.wav")
    alice.files(audio.write(tmp_path / "a.wav", audio.tone(ALICE_HZ, 30)), tmp_path / "alice.wav")
    bob.do("auto_answer", on=True)
    with daemon.manager() as manager:
        alice.call("102").wait_state("CONFIRMED")
        alice.pause(1)
        alice.do("hold")
        manager.wait_for("Hold", Channel="PJSIP/alice-.*")
        alice.wait("media", status="held by us")
        alice.pause(1)
        alice.do("resume")
        manager.wait_for("Unhold", Channel="PJSIP/alice-.*")
        alice.wait("media", status="active")
        alice.pause(2)
        alice.hang_up()
    bob.wait_state("DISCONNECTED")
    alice.close()
    heard = audio.read(tmp_path / "alice.wav")
    assert audio.loudest(heard[-2 * audio.RATE :], BOB_HZ) > HEARD, "bob is not heard after the hold"


def test_the_caller_gives_up_before_the_answer(
    daemon: Daemon, counts: tuple[list[str], int], alice: Phone, bob: Phone
) -> None:
    alice.call("102")
    bob.wait("incoming")
    alice.wait_state("EARLY")
    alice.hang_up()
    bob.wait_state("DISCONNECTED")
    quiet(daemon, *counts)


def test_a_declined_call_is_over_for_both(
    daemon: Daemon, counts: tuple[list[str], int], alice: Phone, bob: Phone
) -> None:
    alice.call("102")
    bob.wait("incoming")
    bob.do("answer", code=486)
    assert alice.wait_state("DISCONNECTED", 15)["code"] in (486, 600, 603)
    quiet(daemon, *counts)


def test_a_declined_call_is_completed_when_both_are_free(
    daemon: Daemon, counts: tuple[list[str], int], alice: Phone, bob: Phone
) -> None:
    with daemon.manager() as manager:
        alice.call("102")
        bob.wait("incoming")
        bob.do("answer", code=486)
        alice.wait_state("DISCONNECTED", 15)
        alice.call("606")
        assert manager.wait_for("UserEvent", 15, UserEvent="Completion")["Result"] == "SUCCESS"
        alice.wait_state("DISCONNECTED", 15)
        assert "PJSIP/bob(CCNR)" in daemon.cli("cc report status")
        bob.call("600")
        bob.wait_state("CONFIRMED")
        bob.hang_up()
        bob.wait_state("DISCONNECTED")
        alice.wait("incoming", 15)
        alice.do("answer", code=200)
        bob.wait("incoming", 15)
        bob.do("answer", code=200)
        bob.wait_state("CONFIRMED", 15)
        assert manager.wait_for("CCRecallComplete", 15)["Caller"] == "PJSIP/alice"
    alice.hang_up()
    bob.wait_state("DISCONNECTED", 15)
    quiet(daemon, *counts)


def test_music_on_hold_is_heard(daemon: Daemon, alice: Phone, tmp_path: Path) -> None:
    moh = daemon.root / "lib/moh"
    moh.mkdir()
    audio.write(moh / "tone.wav", audio.tone(1300, 5))
    daemon.cli("moh reload")
    alice.files(None, tmp_path / "alice.wav").call("601").wait_state("CONFIRMED")
    alice.pause(2)
    alice.hang_up()
    alice.close()
    assert audio.loudest(audio.read(tmp_path / "alice.wav"), 1300) > HEARD


def test_a_phone_over_tcp_hears_the_milliwatt_tone(daemon: Daemon, tmp_path: Path) -> None:
    with Phone("alice", "of-alice", f"127.0.0.1:{daemon.sip_port}", transport="tcp") as alice:
        alice.start()
        alice.files(None, tmp_path / "alice.wav").call("604").wait_state("CONFIRMED")
        alice.pause(2)
        alice.hang_up()
        alice.close()
    assert audio.loudest(audio.read(tmp_path / "alice.wav"), 1004) > HEARD


def test_an_unknown_number_is_not_found(daemon: Daemon, alice: Phone) -> None:
    alice.call("999")
    assert alice.wait_state("DISCONNECTED")["code"] == 404
