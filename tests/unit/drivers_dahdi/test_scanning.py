"""``lines scan``: what is found is proposed, applied once, and never at the cost of what somebody wrote."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kernel_shims.line import SIGNALLINGS
from offhook.drivers.dahdi.configuration.proposing import LINE_CODES, Found, whole
from offhook.drivers.dahdi.configuration.scanning import Proposal
from offhook.log import NOTICE
from offhook.modules import CommandError
from support.line_story import Office

EVERYTHING = 0x5F0FF
"""What channels of digital spans can be."""
WRITTEN = "; Bürotelefone, von Hand\n[channels]\nsignalling = fxo_ks\nchannel => 1-2\n"


def untouched(office: Office, size: int, capabilities: int = EVERYTHING, first: int = 1) -> None:
    """A digital span that nobody set up."""
    office.system.add_span(dict.fromkeys(range(first, first + size), "clear"))
    for number in range(first, first + size):
        office.system.ports[number].signalling = 0
        office.system.ports[number].capabilities = capabilities


@pytest.mark.parametrize(
    ("size", "capabilities", "system", "channels"),
    [
        (
            31,
            EVERYTHING,
            ["span=1,1,0,ccs,hdb3,crc4", "bchan=1-15,17-31", "dchan=16"],
            ["signalling = pri_cpe", "switchtype = euroisdn", "channel => 1-15,17-31"],
        ),
        (
            24,
            EVERYTHING,
            ["span=1,1,0,esf,b8zs", "bchan=1-23", "dchan=24"],
            ["signalling = pri_cpe", "switchtype = national", "channel => 1-23"],
        ),
        (
            3,
            SIGNALLINGS["clear"] | SIGNALLINGS["hardhdlc"],
            ["span=1,1,0,ccs,ami", "bchan=1-2", "hardhdlc=3"],
            ["signalling = bri_cpe_ptmp", "switchtype = euroisdn", "channel => 1-2"],
        ),
    ],
    ids=["E1", "T1", "BRI"],
)
async def test_a_digital_span_is_proposed_by_its_size(
    office: Office, size: int, capabilities: int, system: list[str], channels: list[str]
) -> None:
    untouched(office, size, capabilities)
    await office.begin("[channels]\n", "")
    changes = await office.cli("lines scan")
    assert [line for line in (f"+{line}" for line in system) if line not in changes] == []
    assert [line for line in (f"+{line}" for line in channels) if line not in changes] == []
    await office.cli("lines scan --apply")
    text = (office.folder / "dahdi/system.conf").read_text().splitlines()
    assert text[1:] == [*system, "loadzone=us", "defaultzone=us"]
    assert [line for line in channels if line not in (office.folder / "chan_dahdi.conf").read_text()] == []


async def test_hardware_that_nobody_wrote_anything_for(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Without chan_dahdi.conf the module is there to write it."""
    untouched(office, 24)
    with caplog.at_level(NOTICE):
        lines = await office.begin(None, "")
    assert not list(lines) and "there is no chan_dahdi.conf, so no line is in use" in caplog.text
    await office.cli("lines scan --apply")
    await office.reload()
    assert "channel => 1-23" in (office.folder / "chan_dahdi.conf").read_text()


async def test_applied_twice_changes_nothing(office: Office) -> None:
    untouched(office, 24)
    await office.begin(WRITTEN.replace("1-2", "25-26"), "")
    first = await office.cli("lines scan apply")
    assert first.index('"module reload chan_dahdi" takes it') == len(first) - 1
    before = {path: path.read_bytes() for path in office.folder.rglob("*") if path.is_file()}
    for port in office.system.ports.values():  # as the drivers have it once system.conf is in force
        port.signalling = SIGNALLINGS["hdlcfcs" if port.number == 24 else "clear"]
    await office.reload()
    assert await office.cli("lines scan apply") == ["chan_dahdi.conf names channels that are not there: 25-26"]
    assert {path: path.read_bytes() for path in office.folder.rglob("*") if path.is_file()} == before


async def test_a_second_span_is_the_second_choice_of_clock(office: Office) -> None:
    untouched(office, 31)
    await office.begin("[channels]\n", "")
    await office.cli("lines scan apply")
    for number in range(1, 32):
        office.system.ports[number].signalling = SIGNALLINGS["hdlcfcs" if number == 16 else "clear"]
    untouched(office, 31, first=32)
    changes = await office.cli("lines scan")
    assert "+span=2,2,0,ccs,hdb3,crc4" in changes and "+bchan=32-46,48-62" in changes
    assert not any(line.startswith("-") and not line.startswith("---") for line in changes)


@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
async def test_what_somebody_wrote_stays_to_the_octet(office: Office, coding: str) -> None:
    await office.begin(WRITTEN, "")
    path = office.folder / "chan_dahdi.conf"
    written = WRITTEN.replace("\n", "\r\n").encode(coding)
    path.write_bytes(written)
    path.chmod(0o604)
    office.system.add_span({1: "fxo_ks", 2: "fxo_ks", 3: "fxs_ks"})
    shown = await office.cli("lines scan apply")
    assert "\n".join(shown).encode()
    after = path.read_bytes()
    assert after.startswith(written.rstrip()) and b"dahdichan = 3" in after
    assert path.with_name("chan_dahdi.conf.old").read_bytes() == written
    assert path.stat().st_mode & 0o777 == 0o604


async def test_what_cannot_be_written_is_told_and_nothing_is_lost(office: Office) -> None:
    await office.begin(WRITTEN, "")
    path = office.folder / "chan_dahdi.conf"
    path.with_name("chan_dahdi.conf.old").mkdir()
    office.system.add_span({1: "fxo_ks", 2: "fxo_ks", 3: "fxs_ks"})
    with pytest.raises(
        CommandError, match=r"chan_dahdi\.conf cannot be written: Is a directory; let the daemon's user"
    ):
        await office.cli("lines scan apply")
    assert path.read_text() == WRITTEN
    assert not list(office.folder.glob(".*")), "nothing half written is left behind"


def test_at_every_moment_the_file_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    """Power may be cut between any two operations of the file system."""
    path = tmp_path / "chan_dahdi.conf"
    path.write_text("old\n")
    seen: list[str] = []
    watching = True

    def look(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal watching
        if watching and (event == "open" or event.startswith("os.")):
            watching = False  # reading is an event too
            seen.append(path.read_text())
            watching = True

    sys.addaudithook(look)
    Proposal(path, "new\n").write()
    watching = False
    assert set(seen) == {"old\n"} and len(seen) > 4 and path.read_text() == "new\n"


def test_trunks_that_nobody_knows_are_named_and_left_out() -> None:
    text = whole([(1, "a span", [Found(1, SIGNALLINGS["mtp2"], 0), Found(2, SIGNALLINGS["clear"], 0)])])
    assert "signalling" not in text and "; 1: set up as mtp2, which" in text


def test_sizes_of_spans_are_each_of_one_kind() -> None:
    assert len({kind.channels for kind in LINE_CODES}) == len(LINE_CODES)
