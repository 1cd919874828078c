"""Calls with encrypted media: pjsua2's SRTP against ours, and what was heard.

Its wheel has no DTLS, and does no ICE on the loopback alone: those are for the browser (tests/browser).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import audio
from support.daemon import Daemon
from support.phone import Phone

ACCOUNTS = {
    "plain": "",
    "sdes": "media_encryption = sdes\n",
    "short": "media_encryption = sdes\nsrtp_tag_32 = yes\n",
}

PJSIP_CONF = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}

[phone](!)
type = endpoint
context = phones
disallow = all
allow = ulaw
direct_media = no
"""

ACCOUNT = """
[{0}](phone)
auth = {0}
aors = {0}
{1}
[{0}]
type = auth
auth_type = digest
username = {0}
password = secret
[{0}]
type = aor
max_contacts = 1
remove_existing = yes
"""

EXTENSIONS_CONF = """\
[phones]
exten => 600,1,Answer()
 same => n,Echo()
exten => _media-.,1,Set(CHANNEL(secure_bridge_media)=1)
 same => n,Dial(PJSIP/${CUT(EXTEN,-,2)},20)
 same => n,Hangup(58)
exten => _signaling-.,1,Set(CHANNEL(secure_bridge_signaling)=1)
 same => n,Dial(PJSIP/${CUT(EXTEN,-,2)},20)
 same => n,Hangup(58)
exten => _[a-z].,1,Dial(PJSIP/${EXTEN},20)
"""

ALICE_HZ, BOB_HZ = 700, 1100
HEARD, NOT_HEARD = 1500, 150


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with an account for each kind of encryption."""
    accounts = "".join(ACCOUNT.format(name, options) for name, options in ACCOUNTS.items())
    with Daemon(tmp_path, {"pjsip.conf": PJSIP_CONF + accounts, "extensions.conf": EXTENSIONS_CONF}) as running:
        yield running
        ended = running.process is not None and running.process.poll() is not None
        assert not ended, f"the daemon died:\n{running.told()}"


def phone(daemon: Daemon, name: str) -> Phone:
    """The phone of an account: it insists on what the account has."""
    return Phone(name, "secret", f"127.0.0.1:{daemon.sip_port}", srtp="" if name == "plain" else "sdes")


@pytest.mark.parametrize("name", ["sdes", "short"])
def test_a_caller_hears_the_echo(daemon: Daemon, tmp_path: Path, name: str) -> None:
    said = audio.chirps(10)
    with phone(daemon, name) as caller:
        caller.start()
        caller.files(audio.write(tmp_path / "said.wav", said), tmp_path / "heard.wav").call("600")
        caller.wait_state("CONFIRMED")
        caller.pause(5)
        caller.hang_up()
        caller.close()
    likeness, delay = audio.correlation(said, audio.read(tmp_path / "heard.wav"))
    assert likeness > 0.85, f"the echo correlates by {likeness:.2f}\n{daemon.told()}"
    assert delay < 1.5


@pytest.mark.parametrize(("one", "two"), [("sdes", "plain"), ("short", "sdes")])
def test_phones_of_different_encryption_hear_each_other(daemon: Daemon, tmp_path: Path, one: str, two: str) -> None:
    with phone(daemon, one) as alice, phone(daemon, two) as bob:
        alice.start()
        bob.start()
        alice.files(audio.write(tmp_path / "a.wav", audio.tone(ALICE_HZ, 20)), tmp_path / "alice.wav")
        bob.files(audio.write(tmp_path / "b.wav", audio.tone(BOB_HZ, 20)), tmp_path / "bob.wav")
        bob.do("auto_answer", on=True)
        alice.call(two)
        alice.wait_state("CONFIRMED")
        alice.pause(3)
        alice.hang_up()
        alice.close()
        bob.close()
    at_alice, at_bob = audio.read(tmp_path / "alice.wav"), audio.read(tmp_path / "bob.wav")
    assert audio.loudest(at_alice, BOB_HZ) > HEARD and audio.loudest(at_alice, ALICE_HZ) < NOT_HEARD
    assert audio.loudest(at_bob, ALICE_HZ) > HEARD and audio.loudest(at_bob, BOB_HZ) < NOT_HEARD


def test_a_phone_without_encryption_is_refused_where_it_is_asked_for(daemon: Daemon) -> None:
    with Phone("sdes", "secret", f"127.0.0.1:{daemon.sip_port}") as caller:
        caller.start()
        caller.call("600")
        assert caller.wait_state("DISCONNECTED")["code"] == 488


def test_a_dialplan_may_insist_on_encryption(daemon: Daemon) -> None:
    with phone(daemon, "plain") as caller, phone(daemon, "sdes") as called:
        caller.start()
        called.start()
        called.do("auto_answer", on=True)
        caller.call("media-plain")
        assert caller.wait_state("DISCONNECTED")["code"] >= 400
        caller.call("media-sdes")
        caller.wait_state("CONFIRMED")
        assert daemon.cli("core show channels concise").count("!Up!") == 2
        caller.hang_up()
        caller.call("signaling-sdes")
        assert caller.wait_state("DISCONNECTED")["code"] >= 400
