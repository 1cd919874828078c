"""Cards of an Astribank: protocol 30 as its packets are, chips set up without Perl, telephones and contacts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.astribank import xproto
from kernel_shims.astribank.initcard import daa, slic
from kernel_shims.astribank.initcard.__main__ import set_up, settings
from kernel_shims.astribank.simulated.box import SimulatedAstribank
from kernel_shims.astribank.simulated.cards import FxsCard
from kernel_shims.astribank.simulated.chips import CardChips
from kernel_shims.astribank.xproto import Op, Packet, Register, Sync
from kernel_shims.line import LineError

XPP_IN, XPP_OUT = 0x86, 0x02


def box() -> SimulatedAstribank:
    """One that has its firmware."""
    return SimulatedAstribank(stage=2)


def said(device: SimulatedAstribank) -> list[Packet]:
    """What a box has to say."""
    found: list[Packet] = []
    while (data := device.read(XPP_IN)) is not None:
        found += xproto.packets(data)
    return found


def tell(device: SimulatedAstribank, *packets: Packet) -> list[Packet]:
    """Say something to a box; what it answers."""
    device.written(XPP_OUT, b"".join(packet.encode() for packet in packets))
    return said(device)


# ---- packets ---------------------------------------------------------------------------------------------------------


def test_packets_are_as_the_driver_packs_them() -> None:
    # struct xpacket_header of xproto.h as a compiler lays it out for little-endian: len:10 rsv:1 is_pcm:1 pcmslot:4.
    request = Packet(Op.AB_REQUEST, body=bytes([xproto.VERSION, 0]))
    assert request.encode() == bytes([6, 0, 0x07, 0, 30, 0])
    sound = xproto.pcm(Op.PCM_READ, 1, {0: b"\x01" * 8, 5: b"\x02" * 8}, sync=True)
    assert sound.encode() == bytes([24, 0x08, 0x12, 0x90, 0x21, 0, 0, 0]) + b"\x01" * 8 + b"\x02" * 8
    linefeed = Packet(Op.REGISTER_REQUEST, 0, 0, Register(3, 0x40, low=4).encode())
    assert linefeed.encode() == bytes([10, 0, 0x0F, 0, 0x35, 0, 0x40, 0, 4, 0])


@given(
    st.lists(
        st.builds(
            Packet,
            st.sampled_from(sorted(Op)),
            st.integers(0, 7),
            st.integers(0, 7),
            st.binary(max_size=64),
            st.booleans(),
        )
    )
)
def test_packets_come_out_as_they_went_in(packets: list[Packet]) -> None:
    assert list(xproto.packets(b"".join(packet.encode() for packet in packets))) == packets


@given(st.binary(max_size=80))
def test_no_octets_are_too_odd(data: bytes) -> None:
    try:
        found = list(xproto.packets(data))
    except ValueError:
        return
    assert sum(len(packet.body) + 4 for packet in found) == len(data)


@given(
    st.builds(
        Register,
        st.integers(0, 7),
        st.integers(0, 255),
        st.none() | st.integers(0, 255),
        st.integers(0, 255),
        st.none() | st.integers(0, 255),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
)
def test_registers_come_out_as_they_went_in(register: Register) -> None:
    assert Register.decode(register.encode()) == register


# ---- the box ---------------------------------------------------------------------------------------------------------


def test_a_box_describes_its_cards_to_the_version_it_speaks() -> None:
    device = box()
    assert not tell(device, Packet(Op.AB_REQUEST, body=bytes([29, 0])))
    (answer,) = tell(device, Packet(Op.AB_REQUEST, body=bytes([30, 0])))
    assert answer.operation == Op.AB_DESCRIPTION and answer.body[0] == 30
    units = [answer.body[4 + 8 * place : 12 + 8 * place] for place in range(2)]
    assert [(unit[0] >> 4, unit[1] >> 4, unit[2] * unit[3]) for unit in units] == [(0, 1, 8), (1, 1, 8)]


def test_a_box_ticks_once_it_is_asked_to_follow_a_clock() -> None:
    device = box()
    device.tick()
    assert not said(device)
    (answer,) = tell(device, Packet(Op.SYNC_SOURCE, body=bytes([Sync.HOST, 3])))
    assert answer == Packet(Op.SYNC_REPLY, body=bytes([Sync.HOST, 3]))
    device.tick()
    (sound,) = said(device)
    assert sound.operation == Op.PCM_READ and sound.sync and set(xproto.pcm_lines(sound.body)) == {0}


def test_sound_goes_both_ways_on_lines_that_are_off_hook() -> None:
    device = box()
    tell(device, Packet(Op.SYNC_SOURCE, body=bytes([Sync.OWN, 0])))
    device.hook(9, True)
    (change,) = said(device)
    assert change == xproto.hooks(1, 0b10, 0b10)
    phone = device.fxs[1].telephones[1]
    phone.echo = True
    tell(device, xproto.pcm(Op.PCM_WRITE, 1, {1: b"\x11" * 8, 2: b"\x22" * 8}))
    device.tick()
    first, second = said(device)
    assert first.unit == 0 and first.sync and not second.sync
    assert xproto.pcm_lines(second.body) == {1: b"\x11" * 8}
    assert not device.fxs[1].telephones[2].heard, "who is on hook hears nothing"


def test_ringing_current_rings_the_bell_and_an_open_line_is_noticed() -> None:
    device = box()
    phone = device.fxs[0].telephones[3]

    def feed(state: int) -> None:
        tell(device, Packet(Op.REGISTER_REQUEST, 0, 0, Register(3, 0x40, low=state).encode()))

    for state in (1, 4, 1, 4):
        feed(state)
    assert phone.rings == 2 and phone.ringing
    device.hook(3, True)
    feed(1)
    feed(0)
    assert phone.battery_drops == 1


def test_contacts_are_read_and_switched_through_the_first_card() -> None:
    device = box()

    def read(port: int) -> int:
        (answer,) = tell(device, Packet(Op.REGISTER_REQUEST, 0, 0, Register(port, 0x06, read=True).encode()))
        found = Register.decode(answer.body)
        assert found is not None and found.port == port
        return found.low

    assert [read(port) & 1 for port in (6, 7, 2, 3)] == [1, 1, 1, 1]
    device.fxs[0].inputs[2] = True
    assert [read(port) & 1 for port in (6, 7, 2, 3)] == [1, 1, 0, 1]
    # As card_fxs.c's relay_out writes it: other masks set, its own clear.
    tell(device, Packet(Op.REGISTER_REQUEST, 0, 0, Register(4, 0x06, low=0xCD).encode()))
    assert device.fxs[0].outputs == [False, True]
    tell(device, Packet(Op.REGISTER_REQUEST, 0, 0, Register(4, 0x06, low=0x6C).encode()))
    assert device.fxs[0].outputs == [False, True], "a lamp is no contact"
    tell(device, Packet(Op.REGISTER_REQUEST, 0, 0, Register(4, 0x06, low=0xCC).encode()))
    assert device.fxs[0].outputs == [False, False]
    assert not device.fxs[1].outputs, "only the first card has contacts"


# ---- setting up chips ------------------------------------------------------------------------------------------------


def test_line_chips_are_calibrated_and_given_their_slots(tmp_path: Path) -> None:
    card = FxsCard(0)
    chips = CardChips(card)
    told = slic.set_up(chips, tmp_path, lambda seconds: None, second=True, skip=False)
    assert told == "8 line chips calibrated"
    assert [chips.read(chip, 0x02) for chip in range(8)] == [0, 8, 16, 24, 32, 40, 48, 56]
    assert all(chips.read(chip, 0x01) == 0x28 for chip in range(8)), "PCM is on"
    assert chips.read(5, 0x4B) == 0x20, "the low battery of the second generation"
    assert (tmp_path / "fxs_ring_registers").read_text() == "NEON 0x33 0x12"
    order = [chips.commands.index(command) for command in ("0 WD 61 1E", "0 WD 62 1F", "0 WD 63 1F", "0 WD 61 01")]
    assert order == sorted(order), "by itself, by hand on both sides, and once more for the mismatch"


def test_calibration_is_left_out_when_xpp_conf_says_so(tmp_path: Path) -> None:
    (tmp_path / "xpp.conf").write_text("# a comment\nfxs_skip_calib\t1\nopermode  UK # London\n")
    conf = settings((tmp_path / "none", tmp_path / "xpp.conf"))
    assert conf == {"fxs_skip_calib": "1", "opermode": "UK"}
    chips = CardChips(FxsCard(0))
    slic.set_up(chips, tmp_path, lambda seconds: None, second=False, skip=True)
    assert not [command for command in chips.commands if " WD 60 " in command]
    assert chips.read(0, 0x4B) == 0x10


def test_exchange_lines_are_terminated_for_their_country() -> None:
    assert daa.termination("uk") == [0x00, 0xC2, 0x05, 0x28]
    chips = CardChips(FxsCard(0))
    assert daa.set_up(chips, "SouthAfrica") == "terminated for SOUTHAFRICA"
    assert "* WD 17 2B" in chips.commands and "* WD 10 42" in chips.commands
    with pytest.raises(LineError, match='"Atlantis" is not known; there are ARGENTINA AUSTRALIA'):
        daa.termination("Atlantis")


def test_a_card_of_another_kind_or_none_is_told() -> None:
    here = {"XBUS_NUMBER": "0", "UNIT_NUMBER": "1"}
    with pytest.raises(LineError, match="init_card_6_30, which needs Perl"):
        set_up(6, here, {})
    assert set_up(5, here, {}) == "its echo canceller is left alone; the engine cancels"
    with pytest.raises(LineError, match="names no card"):
        set_up(1, {}, {})
    with pytest.raises(LineError, match="chipregs"):
        set_up(1, here, {}, Path("/nowhere"))
