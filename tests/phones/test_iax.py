"""Two exchanges and IAX2 between them: registered, called, listened to."""

from __future__ import annotations

import socket
import sqlite3
import time
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.daemon import Daemon, free_port
from support.patience import PATIENCE_S

MODULES = "[modules]\nautoload = yes\nnoload = chan_pjsip.so\nnoload = res_pjsip.so\n"
EXTENSIONS = """\
[default]
exten => 600,1,Answer()
 same => n,Echo()
exten => 603,1,Answer()
 same => n,Read(ENTERED,,4,,1,10)
 same => n,UserEvent(Entered,Digits: ${ENTERED},Secure: ${CHANNEL(secure_media)},Method: ${CHANNEL(auth_method)},Color: ${IAXVAR(color)})
 same => n,Hangup()
exten => 700,1,Ringing()
 same => n,Wait(0.2)
 same => n,Busy(3)
exten => listen,1,Answer()
 same => n,Record({root}/heard.wav,0,2,q)
 same => n,UserEvent(Recorded)
exten => dial,1,Wait(0.3)
 same => n,SendDTMF(1234)
 same => n,Wait(2)
exten => through,1,Set(IAXVAR(color)=blue)
 same => n,Dial(IAX2/east/603,10)
exten => enter,1,Answer()
 same => n,Wait(0.5)
 same => n,SendDTMF(99*#,,,)
 same => n,Wait(2)
exten => other,1,Answer()
 same => n,UserEvent(Arrived,Who: ${CHANNEL},Transferred: ${BLINDTRANSFER})
 same => n,Wait(1)
"""  # noqa: E501
GENERAL = """\
[general]
bindaddr = 127.0.0.1
bindport = {port}
disallow = all
allow = ulaw
"""


@dataclass
class Pair:
    """West registers with east, and calls it by its peer ``east``."""

    west: Daemon
    east: Daemon

    def wait(self, daemon: Daemon, command: str, wanted: str, seconds: float = 10) -> str:
        """What a command says as soon as it says that."""
        deadline = time.monotonic() + seconds
        while True:
            said = daemon.cli(command)
            if wanted in said:
                return said
            assert time.monotonic() < deadline, said + daemon.told()
            time.sleep(0.1)


@pytest.fixture(params=["clear", "sealed", "trunk"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    extra = {"clear": "", "sealed": "encryption = yes\nforceencryption = yes\n", "trunk": "trunk = yes\n"}
    more = extra[request.param]
    ports = [free_port(socket.SOCK_DGRAM) for _ in range(2)]
    west_conf = GENERAL.format(port=ports[0]) + (
        f"register => west:sesame@127.0.0.1:{ports[1]}\n"
        f"[east]\ntype = peer\nhost = 127.0.0.1\nport = {ports[1]}\nusername = west\nsecret = sesame\n"
        f"qualify = yes\n{more}"
    )
    east_conf = GENERAL.format(port=ports[1]) + (
        f"[west]\ntype = friend\nhost = dynamic\nsecret = sesame\nauth = md5\ncontext = default\n{more}"
    )
    files = {"extensions.conf": EXTENSIONS, "modules.conf": MODULES}
    west = Daemon(tmp_path / "west", {**files, "iax.conf": west_conf})
    east = Daemon(tmp_path / "east", {**files, "iax.conf": east_conf})
    with east, west:
        found = Pair(west, east)
        found.wait(west, "iax2 show registry", "Registered")
        found.wait(west, "iax2 show peers", "OK (")
        yield found


def loudness(path: Path) -> float:
    """Root mean square of a recording."""
    with wave.open(str(path)) as file:
        samples = array("h", file.readframes(file.getnframes()))
    return float((sum(each * each for each in samples) / max(1, len(samples))) ** 0.5)


def test_calls_between_two_exchanges(pair: Pair, request: pytest.FixtureRequest) -> None:
    west, east = pair.west, pair.east
    sealed = "sealed" in request.node.name
    assert "127.0.0.1" in east.cli("iax2 show peer west")
    before = west.descriptors(), west.threads()
    with west.manager() as near, east.manager() as far:
        near.action("Originate", Channel="IAX2/east/603", Context="default", Exten="dial", Priority="1", Async="true")
        entered = far.wait_for("UserEvent", UserEvent="Entered")
        assert entered["Digits"] == "1234" and entered["Method"] == "MD5"
        assert entered["Secure"] == ("1" if sealed else "")
        near.wait_for("Hangup")
        near.action("Originate", Channel="Local/through@default", Context="default", Exten="dial", Priority="1",
                    Async="true")  # fmt: skip
        assert far.wait_for("UserEvent", UserEvent="Entered")["Color"] == "blue"
        near.action("Originate", Channel="IAX2/east/700", Application="Wait", Data="1", Async="true")
        assert near.wait_for("OriginateResponse", Reason="5")["Response"] == "Failure"
        near.action("Originate", Channel="IAX2/east/nowhere", Application="Wait", Data="1", Async="true")
        assert near.wait_for("Hangup", Cause="3")["Channel"].startswith("IAX2/east-")
        near.action("Originate", Channel="IAX2/east/listen", Application="Milliwatt", Async="true")
        pair.wait(west, "iax2 show channels", "ulaw")
        assert "active IAX channel" in pair.wait(west, "iax2 show netstats", "IAX2/east-")
        far.wait_for("UserEvent", UserEvent="Recorded", timeout=PATIENCE_S)
        deadline = time.monotonic() + PATIENCE_S  # the disk's thread ends the file
        while (heard := loudness(east.root / "heard.wav")) < 10000:
            assert time.monotonic() < deadline, heard
            time.sleep(0.1)
        peers = near.listed("IAXpeers")
        assert peers[0]["ObjectName"] == "east/west" and peers[0]["Status"].startswith("OK")
        assert near.listed("IAXregistry")[0]["State"] == "Registered"
    pair.wait(west, "core show channels count", "0 active channels")
    pair.wait(east, "core show channels count", "0 active channels")
    assert len(west.descriptors()) <= len(before[0]) and west.threads() <= before[1]


def test_a_reload_keeps_calls_and_registrations(pair: Pair) -> None:
    west, east = pair.west, pair.east
    west.cli("channel originate IAX2/east/600 application Wait 30")
    pair.wait(west, "core show channels count", "1 active channel")
    west.cli("module reload chan_iax2.so")
    east.cli("iax2 reload")
    assert "1 active channel" in west.cli("core show channels count")
    assert "Registered" in west.cli("iax2 show registry") and "127.0.0.1" in east.cli("iax2 show peer west")
    assert "unregistered" in east.cli("iax2 unregister west")
    assert "Unspecified" in (said := east.cli("iax2 show peer west")) or "(null)" in said
    west.cli("channel request hangup all")
    pair.wait(east, "core show channels count", "0 active channels")


def test_who_is_in_a_database_registers_calls_and_is_called(tmp_path: Path) -> None:
    ports = [free_port(socket.SOCK_DGRAM) for _ in range(2)]
    database = tmp_path / "friends.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE friends (name, type, secret, host, context, ipaddr, port, regseconds, disallow, allow, auth)"
        )
        connection.execute(
            "INSERT INTO friends VALUES ('west', 'friend', 'sesame', 'dynamic', 'default', '', '', '', 'all', 'ulaw', "
            "'md5')"
        )
    west_conf = GENERAL.format(port=ports[0]) + (
        f"register => west:sesame@127.0.0.1:{ports[1]}\n"
        f"[east]\ntype = friend\nhost = 127.0.0.1\nport = {ports[1]}\nusername = west\nsecret = sesame\n"
        "context = default\n[guest]\ntype = user\ncontext = default\n"
    )
    files = {"extensions.conf": EXTENSIONS, "modules.conf": MODULES}
    realtime = {
        "extconfig.conf": "[settings]\niaxusers => sqlite3,friends,friends\niaxpeers => sqlite3,friends,friends\n",
        "res_config_sqlite3.conf": f"[friends]\ndbfile = {database}\n",
    }
    west = Daemon(tmp_path / "west", {**files, "iax.conf": west_conf})
    east = Daemon(tmp_path / "east", {**files, **realtime, "iax.conf": GENERAL.format(port=ports[1])})
    with east, west:
        found = Pair(west, east)
        found.wait(west, "iax2 show registry", "Registered")
        with west.manager() as near, east.manager() as far:
            near.action(
                "Originate", Channel="IAX2/east/603", Context="default", Exten="dial", Priority="1", Async="true"
            )
            assert far.wait_for("UserEvent", UserEvent="Entered")["Digits"] == "1234"
            far.action("Originate", Channel="IAX2/guest@west/other", Application="Wait", Data="1", Async="true")
            assert near.wait_for("UserEvent", UserEvent="Arrived")["Who"].startswith("IAX2/")
            near.action("Originate", Channel="IAX2/nobody:x@east/603", Application="Wait", Data="1", Async="true")
            near.wait_for("Hangup", Cause="50")
