"""rtp set debug and its relatives: packets on the console."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from offhook.ice.stun import Class, Message, Method
from offhook.media import debugging
from offhook.modules import Request
from offhook.modules.command import CommandError
from support.far_end import Scene


def say(scene: Scene, line: str, parts: dict[str, object]) -> str:
    """What a command prints."""
    words = line.split()
    command = {"rtp": debugging.set_rtp_debug, "rtcp": debugging.set_rtcp_debug, "stun": debugging.set_stun_debug}
    request = Request(SimpleNamespace(engine=scene.engine, parts=parts), line, words, words[3:])
    command[words[0]](request)
    return request.text()


def test_packets_are_shown_while_they_are_asked_for(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    one, two = scene.pair()
    parts: dict[str, object] = {}
    assert say(scene, "rtp set debug on", parts) == "RTP Packet Debugging Enabled\n"
    one.send(bytes(160))
    scene.run(20)
    got = [record.getMessage() for record in caplog.records]
    assert any(f"Got  RTP packet from    192.0.2.1:{one.address[1]} (type 00, seq 065000" in line for line in got), got
    assert any(f"Sent RTP packet to      192.0.2.1:{two.address[1]}" in line and "len 000160" in line for line in got)
    say(scene, f"rtp set debug ip 192.0.2.1:{two.address[1]}", parts)
    caplog.clear()
    one.send(bytes(160))
    scene.run(20)
    got = [record.getMessage() for record in caplog.records]
    assert [line[:4] for line in got if "RTP packet" in line] == ["Sent"]
    assert say(scene, "rtp set debug off", parts) == "RTP Packet Debugging Disabled\n"
    caplog.clear()
    one.send(bytes(160))
    scene.run(20)
    assert not caplog.records


def test_reports_are_shown(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    one, _ = scene.pair()
    say(scene, "rtcp set debug on", {})
    for _ in range(300):
        one.send(bytes(160))
        scene.run(20)
    assert any("Sent RTCP SR to" in record.getMessage() for record in caplog.records)


def test_stun_messages_are_shown(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    one = scene.far_end()
    one.leg.expect(stun=True)
    one.leg.on_packet = lambda packet: None
    say(scene, "stun set debug on", {})
    data = Message(Method.BINDING, Class.REQUEST).encode()
    scene.engine.inject(one.leg.local_port, ("192.0.2.9", 999), data)
    scene.engine.advance(20)
    one.leg.send_packet(data, "192.0.2.9", 998)
    got = [record.getMessage() for record in caplog.records]
    assert any("STUN packet from 192.0.2.9:999: BINDING REQUEST" in line for line in got)
    assert any("STUN packet to 192.0.2.9:998: BINDING REQUEST" in line for line in got)


@pytest.mark.parametrize("line", ["rtp set debug", "rtp set debug maybe", "rtcp set debug ip", "stun set debug x"])
def test_what_fits_no_command_is_refused(scene: Scene, line: str) -> None:
    with pytest.raises(CommandError):
        say(scene, line, {})


def test_a_name_is_no_address(scene: Scene) -> None:
    assert say(scene, "rtp set debug ip nowhere", {}) == "Lookup failed for 'nowhere'\n"
