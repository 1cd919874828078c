"""SMDI: messages of an exchange over a serial line, which say whose calls come in, and lamps back to it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.parser import loads
from offhook.drivers.smdi import conf
from offhook.drivers.smdi import module as smdi
from offhook.drivers.smdi.link import LineSettings
from offhook.drivers.smdi.protocol import CallMessage, LampRefused, Reader, lamp_order
from support.line_story import Office

BUSY = b"\r\nMD0010003B5551234 5559876 \r\n\x04"
LINES = """
[channels]
signalling = fxs_ks
context = lines
usesmdi = yes
smdiport = {port}
cidsignalling = smdi
channel => 5
"""
PLAN = """
[lines]
exten => _X.,1,Answer()
 same => n,Set(GLOBAL(CALL)=${EXTEN} ${CALLERID(num)} ${SMDI_VM_TYPE})
 same => n,Wait(60)
exten => s,1,Answer()
 same => n,Set(GLOBAL(ID)=${SMDI_MSG_RETRIEVE(PORT,0003,2000,t)})
 same => n,Set(GLOBAL(CALL)=${SMDI_MSG(${ID},station)} ${SMDI_MSG(${ID},callerid)} ${SMDI_MSG(${ID},type)})
 same => n,Wait(60)
"""


@pytest.fixture
def serial() -> Iterator[tuple[int, str]]:
    """A serial line: the exchange's end, and the name of ours."""
    master, slave = os.openpty()
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_messages_are_read() -> None:
    assert list(Reader().feed(BUSY)) == [CallMessage("001", "0003", "B", "5551234", "5559876")]
    assert list(Reader().feed(b"MD0010003D 5559876\x04")) == [CallMessage("001", "0003", "D", "", "5559876")]
    assert list(Reader(3).feed(b"MD0010003A5551234 5559876\x04")) == [CallMessage("001", "0003", "A", "1234", "9876")]
    assert list(Reader().feed(b"MWI5551234 INV\r\n\x04")) == [LampRefused("5551234", "INV")]
    assert list(Reader().feed(b"noise\x04MD\x04MD001\r\n")) == []
    assert lamp_order("5551234", True) == b"OP:MWI 5551234!\x04"
    assert lamp_order("1234", False, 3) == b"RMV:MWI 0001234!\x04"


@given(st.lists(st.binary(max_size=20) | st.sampled_from([BUSY, b"MD", b"MWI", b"\x04", b" "]), max_size=40))
def test_pieces_and_noise_never_hide_the_next_message(pieces: list[bytes]) -> None:
    reader = Reader()
    for piece in pieces:
        list(reader.feed(piece))
    list(reader.feed(b"\x04"))
    assert list(reader.feed(BUSY)) == [CallMessage("001", "0003", "B", "5551234", "5559876")]


def test_the_file_is_read_from_the_top() -> None:
    text = """
[interfaces]
baudrate = 1200
msdstrip = 3
smdiport => /dev/ttyS0
charsize = 8
paritybit = none
smdiport => /dev/ttyS1
baudrate = 300
[mailboxes]
1=1
smdiport=/dev/ttyS0
2565551234=1234@office
2565555678=5678
smdiport=/dev/ttyS7
"""
    found = conf.read(loads(text, "smdi.conf"))
    assert found.ports == {
        "/dev/ttyS0": LineSettings(speed="1200", strip=3),
        "/dev/ttyS1": LineSettings(speed="1200", strip=3, bits=8, parity="none"),
    }
    assert found.mailboxes == [
        ("/dev/ttyS0", "2565551234", "1234@office"),
        ("/dev/ttyS0", "2565555678", "5678@default"),
    ]
    assert [error.line for error in found.errors] == [9, 11, 15]
    assert "1200, 2400, 4800, 9600" in str(found.errors[0])


async def begin(office: Office, port: str, lines: str, more: str = "", expiry_ms: int = 30_000) -> None:
    """The exchange with its line and its serial line."""
    text = f"[interfaces]\nmsgexpirytime = {expiry_ms}\nsmdiport => {port}\n{more}"
    (office.folder / "smdi.conf").write_text(text)
    office.pbx.registry.add(smdi.module)
    smdi.load(office.pbx)
    await office.start(lines, PLAN.replace("PORT", port))


async def test_a_call_goes_to_the_station_that_the_exchange_names(office: Office, serial: tuple[int, str]) -> None:
    master, port = serial
    await begin(office, port, LINES.format(port=port))
    os.write(master, BUSY)
    office.line(5).ring()
    await office.until(lambda: office.pbx.globals.get("CALL") is not None, 20)
    assert office.pbx.globals.get("CALL") == "5551234 5559876 b"
    assert any(port in line and "even" in line for line in await office.cli("smdi show"))
    office.line(5).hang_up()
    await office.advance(2)
    smdi.unload(office.pbx)


async def test_the_dialplan_takes_a_message_itself(office: Office, serial: tuple[int, str]) -> None:
    """It waits for one, and one that is too old is not taken for it."""
    master, port = serial
    lines = "[channels]\nsignalling = fxs_ks\ncontext = lines\nchannel => 5\n"
    await begin(office, port, lines, expiry_ms=5000)
    os.write(master, b"MD0010003N5550000 5550001\x04")
    await office.advance(6)
    office.line(5).ring()
    await office.until(lambda: office.line(5).state == "talking", 20)
    os.write(master, BUSY)
    await office.until(lambda: office.pbx.globals.get("CALL") is not None, 5)
    assert office.pbx.globals.get("CALL") == "5551234 5559876 B"
    office.line(5).hang_up()
    await office.advance(2)
    smdi.unload(office.pbx)


async def test_lamps_at_the_exchange_follow_mailboxes(office: Office, serial: tuple[int, str]) -> None:
    master, port = serial
    await begin(office, port, "[channels]\n", f"[mailboxes]\nsmdiport={port}\n2565551234=1234@office\n")
    office.pbx.mailboxes.publish("1234@office", 2, 0)
    assert os.read(master, 64) == b"OP:MWI 2565551234!\x04"
    office.pbx.mailboxes.publish("1234@office", 0, 2)
    assert os.read(master, 64) == b"RMV:MWI 2565551234!\x04"
    smdi.unload(office.pbx)


async def test_a_port_that_is_none_is_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    plain = office.folder / "plain"
    plain.touch()
    (office.folder / "smdi.conf").write_text(f"[interfaces]\nsmdiport => {plain}\nsmdiport => /dev/nothing\n")
    await office.start("[channels]\n", PLAN)
    smdi.load(office.pbx)
    told = [record.message for record in caplog.records if record.message.startswith("smdi.conf")]
    assert "it is no serial port" in told[0] and "No such file" in told[1]
    smdi.unload(office.pbx)
