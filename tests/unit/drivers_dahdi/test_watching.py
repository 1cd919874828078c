"""What support sees of a call through a span: Q.931 both ways in a trace, frames in a capture, levels in a bundle."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from offhook.drivers.dahdi.isdn import frames
from offhook.field.diag.bundle import Ingredients, make
from offhook.field.diag.capture import GSMTAP_PORT, Capture
from offhook.field.diag.recorder import Recorder
from offhook.field.diag.trace import WIDTH, Trace
from support import audio
from support.line_story import Office

from .test_isdn import start

SABME = bytes.fromhex("02017f")
SETUP = bytes.fromhex(
    "00010000 0802 0003 05 0403 8090a3 1803a98381 6c06 0081 31303120 7005 81 35353533".replace(" ", "")
)


async def call(office: Office) -> None:
    """Phone 1 calls phone 2 through both spans; they talk for a while, and phone 2 hangs up."""
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "25553")
    await office.until(lambda: bob.ringing, 5)
    bob.off_hook()
    await office.advance(0.5)
    alice.say(audio.chirps(3, seed=5))
    await office.advance(3)
    bob.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 5)
    alice.on_hook()
    await office.advance(1)


async def test_a_trace_shows_the_messages_of_its_call_both_ways(office: Office) -> None:
    await start(office)
    shown: list[str] = []
    trace = Trace(office.pbx, "dahdi/1", shown.append)
    try:
        await call(office)
    finally:
        trace.close()
    text = "\n".join(shown)
    assert trace.done.is_set(), text
    q931 = [line.split("DAHDI/i4 ", 1)[1].strip() for line in shown if "DAHDI/i4 " in line]
    assert [line.split(",")[0].split(" call")[0] for line in q931] == [
        "<-- SETUP",
        "--> CALL PROCEEDING",
        "--> ALERTING",
        "--> CONNECT",
        "<-- CONNECT ACKNOWLEDGE",
        "--> DISCONNECT",
        "<-- RELEASE",
        "--> RELEASE COMPLETE",
    ], text
    assert "from 101 to 5553" in q931[0]
    assert ", cause 16 (Normal" in q931[5]
    assert "off hook" in text
    times = [float(line.split()[0]) for line in shown]
    assert times == sorted(times)
    assert all(len(line) <= WIDTH for line in shown)
    assert "DAHDI/i3" not in text, "the other end is another call"


async def test_a_trace_of_a_call_that_comes_in_begins_with_its_setup(office: Office) -> None:
    await start(office)
    shown: list[str] = []
    trace = Trace(office.pbx, "5553", shown.append)
    try:
        # The call that goes out has the number too: this trace is of the one that is seen first.
        await call(office)
    finally:
        trace.close()
    incoming: list[str] = []
    trace = Trace(office.pbx, "dahdi/i3", incoming.append)
    try:
        await call(office)
    finally:
        trace.close()
    assert "--> SETUP" in incoming[0], incoming[:3]
    assert any("<-- CONNECT call" in line for line in incoming)
    assert not any("DAHDI/i4" in line for line in incoming)
    assert any("SETUP" in line for line in shown)


def datagrams(data: bytes) -> list[bytes]:
    """Payloads of the UDP packets to GSMTAP's port in a pcap file of Ethernet frames."""
    found, at = [], 24
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at + 8)
        frame = data[at + 16 : at + 16 + size]
        if struct.unpack_from("!H", frame, 14 + 22)[0] == GSMTAP_PORT:
            found.append(frame[14 + 28 :])
        at += 16 + size
    return found


async def test_a_capture_has_the_d_channel(office: Office) -> None:
    await start(office)
    capture = Capture(office.pbx, (0, 0))
    try:
        await call(office)
    finally:
        capture.close()
    found = datagrams(bytes(capture.data))
    assert len(found) == capture.frames > 10
    assert all(datagram[:3] == b"\x02\x04\x13" and datagram[12] == 1 for datagram in found), "GSMTAP 2, E1/T1, LAPD"
    said: dict[int, list[tuple[bool, str]]] = {3: [], 4: []}
    for datagram in found:
        sent = bool(datagram[4] & 0x40)
        if told := frames.describe(datagram[16:], sent=sent):
            said[datagram[5]].append((sent, told.text.split(" call")[0]))
    assert (True, "SETUP") in said[4]
    assert (False, "SETUP") in said[3]
    before = capture.frames
    await call(office)
    assert capture.frames == before, "it gathers no more once it is closed"


async def test_a_bundle_shows_the_levels_of_lines(office: Office, tmp_path: Path) -> None:
    await start(office)
    recorder = Recorder(office.pbx)
    task = office.pbx.spawn(recorder.run(), "recorder")
    try:
        await call(office)
    finally:
        task.cancel()
    lines = {line for sample in recorder.samples for line in sample.levels}
    assert {"DAHDI/1", "DAHDI/2"} <= lines
    loudest = max(sample.levels["DAHDI/1"][0] for sample in recorder.samples if "DAHDI/1" in sample.levels)
    assert -40 < loudest < 4, "what Alice says is heard on her line"
    assert len({sample.levels["DAHDI/1"] for sample in recorder.samples if "DAHDI/1" in sample.levels}) > 1
    given = Ingredients({}, list(recorder.samples), [], str(tmp_path), str(tmp_path), 1_800_000_000.0)
    with tarfile.open(fileobj=io.BytesIO(make(given)), mode="r:gz") as archive:
        archive.extractall(tmp_path, filter="data")
    page = (tmp_path / "offhook-bundle/index.html").read_text()
    assert 'aria-label="Line DAHDI/1"' in page
    assert "dBm0" in page
    table = (tmp_path / "offhook-bundle/levels.csv").read_text().splitlines()
    assert table[0] == "wall,line,in_dbm0,out_dbm0"
    assert any(",DAHDI/1," in line for line in table)


def test_what_a_frame_says() -> None:
    assert frames.describe(SABME, sent=True) == frames.Described("SABME", "", False)
    assert frames.describe(SETUP, sent=False) == frames.Described("SETUP call 3, from 101 to 5553", "3 theirs", True)
    assert frames.describe(bytes.fromhex("02010102"), sent=True) is None, "receive ready"
    restart = bytes.fromhex("00010000 0802 0000 46 790180".replace(" ", ""))
    assert frames.describe(restart, sent=False) == frames.Described("RESTART", "", False)


@given(st.binary(max_size=60), st.booleans())
def test_no_frame_is_too_broken_to_look_at(data: bytes, sent: bool) -> None:
    for frame in (data, SETUP[:4] + data, SETUP[:7] + data, SETUP[:9] + data):
        found = frames.describe(frame, sent=sent)
        assert found is None or found.text.isprintable()
