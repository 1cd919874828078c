"""BRI and PRI cards of an Astribank: chips set up without Perl, and what passes between two ports on a cable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.astribank import xproto
from kernel_shims.astribank.initcard import falc, xhfc
from kernel_shims.astribank.initcard.__main__ import set_up
from kernel_shims.astribank.initcard.registers import ChipRegisters
from kernel_shims.astribank.simulated.box import SimulatedAstribank
from kernel_shims.astribank.simulated.bri_card import BriCard, check_sequence
from kernel_shims.astribank.simulated.chips import CardChips
from kernel_shims.astribank.simulated.pri_card import FRAMER_STATUS, PriCard
from kernel_shims.astribank.xproto import Op, Packet, Piece, Register, Sync
from kernel_shims.line import LineError

XPP_IN, XPP_OUT = 0x86, 0x02
TE, NT = 0, 1
ON_LINE = {port: f"{port} WD 28 00" for port in range(2)}
"""What the driver writes when a span is started."""


class Written(ChipRegisters):
    """Takes commands."""

    def __init__(self) -> None:
        super().__init__(Path("written"), lambda seconds: None)
        self.commands: list[str] = []

    def write(self, commands: Iterable[str]) -> None:
        """See ChipRegisters."""
        self.commands += commands


def digest(commands: list[str]) -> str:
    """Of commands, as short as serves."""
    return hashlib.sha256("\n".join(commands).encode()).hexdigest()[:16]


def bri() -> tuple[BriCard, CardChips]:
    """A card with a user and a network side, set up."""
    card = BriCard(1)
    chips = CardChips(card)
    assert xhfc.set_up([chips, chips], card.network) == "2 BRI ports, 1 of them towards telephones"
    return card, chips


def pri(folder: Path, *protocols: str) -> tuple[PriCard, CardChips]:
    """A card with two ports, set up."""
    folders = [folder / f"port{number}" for number in range(2)]
    for one in folders:
        one.mkdir()
    card = PriCard(1)
    chips = CardChips(card)
    falc.set_up(chips, folders, protocols or ("", ""))
    return card, chips


def replies(packets: Iterable[Packet]) -> list[Piece]:
    """Pieces of frames that a card passes on."""
    found = [Piece.decode(packet.body) for packet in packets]
    assert all(piece is not None for piece in found)
    return [piece for piece in found if piece is not None]


# ---- setting up ------------------------------------------------------------------------------------------------------


def test_eight_bri_ports_are_set_up_as_the_makers_program_did() -> None:
    """Every second port towards telephones; the digest is that of what init_card_3_30 of DAHDI 3.4.0 writes."""
    written = Written()
    xhfc.set_up([written] * 8, [False, True] * 4)
    commands = written.commands
    assert (len(commands), digest(commands)) == (616, "ee816ff63cd74c1f")
    assert commands[:8] == [f"{port} Wm" for port in range(8)], "no frames while the chips are set up"
    assert commands[-8:] == [f"{port} WM" for port in range(8)]
    assert [command for command in commands if command.endswith("WD 0D 00")] == ["0 WD 0D 00", "4 WD 0D 00"], "by chip"
    states = [command for command in commands if " WD 30 " in command and command[0] in "45"]
    assert states == ["4 WD 30 00", "4 WD 30 60", "5 WD 30 00", "5 WD 30 E0"], "reset, then activated"


@pytest.mark.parametrize(("protocol", "wanted"), [("E1", "73b695a984e62a05"), ("T1", "2427f6770c85eb3c")])
def test_pri_ports_are_set_up_as_the_makers_program_did(tmp_path: Path, protocol: str, wanted: str) -> None:
    """The digests are those of what init_card_4_30 of DAHDI 3.4.0 writes."""
    written = Written()
    folders = [tmp_path / str(port) for port in range(4)]
    for folder in folders:
        folder.mkdir()
    assert falc.set_up(written, folders, [protocol] * 4) == f"4 PRI ports, {', '.join([protocol] * 4)}"
    assert (len(written.commands), digest(written.commands)) == (216, wanted)
    assert [(folder / "pri_protocol").read_text() for folder in folders] == [f"{protocol}\n"] * 4


def test_a_port_without_a_socket_is_set_up_too_but_has_no_folder(tmp_path: Path) -> None:
    written = Written()
    assert falc.set_up(written, [tmp_path], [""]) == "1 PRI ports, E1"
    assert len(written.commands) == 216
    assert not list(tmp_path.iterdir()), "the driver's own choice stays"


def test_xpp_conf_gives_ports_their_protocols_the_closest_word_first() -> None:
    here = {"UNIT_NUMBER": "0", "XBUS_NAME": "XBUS-03", "XBUS_LABEL": "usb:X1", "XBUS_CONNECTOR": "usb-0000:00:1d.7-7"}
    conf = {
        "pri_protocol": "T1",
        "pri_protocol/xbus-03/xpd-01": "E1",
        "pri_protocol/label:usb:X1/xpd-02": "e1",
        "pri_protocol/connector:usb-0000:00:1d.7-7/xpd-02": "J1",
    }
    assert [falc.protocol(port, here, conf) for port in range(4)] == ["T1", "E1", "J1", "T1"]
    assert falc.protocol(0, here, {"opermode": "UK"}) == ""
    with pytest.raises(LineError, match="pri_protocol E3: that is no protocol; there are E1, T1, J1"):
        falc.protocol(0, here, {"pri_protocol": "E3"})


def test_every_port_is_written_through_its_own_file(tmp_path: Path) -> None:
    here = {"XBUS_NUMBER": "0", "UNIT_NUMBER": "1", "UNIT_SUBUNITS": "2", "UNIT_SUBUNITS_DIR": "2"}
    for port in range(2):
        (tmp_path / f"00:1:{port}").mkdir()
        # The kernel's file takes commands and is not emptied by them.
        (tmp_path / f"00:1:{port}" / "chipregs").write_text("")
    assert set_up(3, here, {}, tmp_path) == "2 BRI ports, 1 of them towards telephones"
    last = [(tmp_path / f"00:1:{port}" / "chipregs").read_text() for port in range(2)]
    assert last == ["0 WM\n", "1 WM\n"]
    assert set_up(4, here, {"pri_protocol": "T1"}, tmp_path) == "2 PRI ports, T1, T1"
    assert [(tmp_path / f"00:1:{port}" / "pri_protocol").read_text() for port in range(2)] == ["T1\n"] * 2
    with pytest.raises(LineError, match="UNIT_SUBUNITS_DIR is missing"):
        set_up(3, {key: value for key, value in here.items() if key != "UNIT_SUBUNITS_DIR"}, {}, tmp_path)


# ---- frames in pieces ------------------------------------------------------------------------------------------------


@given(st.integers(0, 7), st.binary(min_size=1, max_size=40))
def test_frames_go_in_pieces_and_are_no_registers(port: int, frame: bytes) -> None:
    bodies = [piece.encode() for piece in xproto.pieces(port, frame)]
    assert not any(Register.decode(body) for body in bodies)
    found = replies(Packet(Op.REGISTER_REPLY, body=body) for body in bodies)
    assert b"".join(piece.octets for piece in found) == frame
    assert [piece.last for piece in found] == [False] * (len(found) - 1) + [True]
    assert {piece.port for piece in found} == {port}


@given(st.binary(max_size=8))
def test_no_piece_is_too_odd(body: bytes) -> None:
    found = Piece.decode(body)
    assert found is None or len(found.octets) <= xproto.MOST_IN_PIECE


def test_a_piece_is_as_the_driver_packs_it() -> None:
    # struct reg_cmd_header of xproto.h: bytes:3 eoframe:1 portnum:3 is_multibyte:1.
    assert Piece(3, b"\x01\x02", last=True).encode() == bytes([0x80 | 3 << 4 | 8 | 2, 1, 2, 0, 0, 0])
    assert check_sequence(b"123456789") == bytes([0x6E, 0x90]), "the check value of CRC-16/X-25"


# ---- BRI -------------------------------------------------------------------------------------------------------------


def layer_1(chips: CardChips) -> list[int]:
    """States F and G of the two ports."""
    return [chips.read(port, xhfc.STATE) & 0xF for port in (TE, NT)]


def test_layer_1_comes_up_on_a_cable_and_goes_with_it() -> None:
    card = BriCard(0)
    chips = CardChips(card)
    assert layer_1(chips) == [0, 0], "nobody set the chip up"
    card, chips = bri()
    assert layer_1(chips) == [7, 3], "F7 and G3"
    card.plug(cabled=False)
    assert layer_1(chips) == [3, 2], "the user side is deactivated, the network side tries"
    card.plug(cabled=True)
    assert layer_1(chips) == [7, 3]
    chips.write([f"{NT} WD 30 40"])
    assert layer_1(chips) == [3, 1], "the network side gave it up"
    chips.write([f"{TE} WD 30 60"])
    assert layer_1(chips) == [7, 3], "the user side asks for it"


def test_two_sides_of_a_kind_never_come_up() -> None:
    card = BriCard(0, (False, False))
    chips = CardChips(card)
    xhfc.set_up([chips, chips], card.network)
    assert layer_1(chips) == [4, 4], "both wait for the other's signal"


def test_frames_of_the_d_channel_arrive_with_their_check_sequence() -> None:
    card, chips = bri()
    frame = bytes(range(12))
    answers = [packet for piece in xproto.pieces(TE, frame) for packet in card.piece(piece)]
    assert {packet.operation for packet in answers} == {Op.REGISTER_REPLY}
    found = replies(answers)
    assert {piece.port for piece in found} == {NT} and found[-1].last
    assert b"".join(piece.octets for piece in found) == frame + check_sequence(frame) + b"\0"
    chips.write([f"{NT} Wm"])
    assert not [packet for piece in xproto.pieces(TE, frame) for packet in card.piece(piece)], "it is quiet"
    chips.write([f"{NT} WM"])
    card.plug(cabled=False)
    assert not [packet for piece in xproto.pieces(TE, frame) for packet in card.piece(piece)], "there is no cable"


def test_sound_of_b_channels_crosses_the_cable_once_they_are_set_up() -> None:
    card, chips = bri()
    sent = {port * 4 + channel: bytes([16 * port + channel] * 8) for port in (TE, NT) for channel in (0, 1)}
    body = xproto.pcm(Op.PCM_WRITE, 1, sent).body

    def heard() -> dict[int, bytes]:
        card.hear(0, body)
        (packet,) = [packet for octets in card.speak(first=False) for packet in xproto.packets(octets)]
        assert packet.operation == Op.PCM_READ and packet.unit == 1
        return xproto.pcm_lines(packet.body)

    assert heard() == {0: sent[4], 1: sent[5], 4: sent[0], 5: sent[1]}
    chips.write([f"{NT} WD 33 01"])
    assert heard()[1] == heard()[5] == b"\xd5" * 8, "the second B channel is received no more"
    card.plug(cabled=False)
    assert set(heard().values()) == {b"\xd5" * 8}, "silence"


# ---- PRI -------------------------------------------------------------------------------------------------------------


def alarms(chips: CardChips) -> list[int]:
    """The framers' states of their lines."""
    return [chips.read(port, FRAMER_STATUS) for port in range(2)]


def test_an_e1_is_without_alarm_when_both_ends_are_on_the_line(tmp_path: Path) -> None:
    card, chips = pri(tmp_path)
    assert alarms(chips) == [0x80, 0x80], "the set-up leaves both off the line: no signal"
    chips.write([ON_LINE[0]])
    assert alarms(chips) == [0x80, 0x10], "one hears the other, who hears nothing and says so"
    chips.write([ON_LINE[1]])
    assert alarms(chips) == [0, 0]
    chips.write(["1 WD 1D 1C"])
    assert alarms(chips) == [0x30, 0x30], "an E1 and a T1 find no frames in each other"
    chips.write(["1 WD 1D 4C"])
    card.plug(cabled=False)
    assert alarms(chips) == [0x80, 0x80]


def test_time_slots_and_signalling_bits_cross_the_cable(tmp_path: Path) -> None:
    card, chips = pri(tmp_path)
    chips.write(ON_LINE.values())
    body = xproto.pcm(Op.PCM_WRITE, 1, {slot: bytes([slot] * 8) for slot in range(1, 32)}).body
    card.hear(0, body)
    (packet,) = [packet for octets in card.speak(first=False) for packet in xproto.packets(octets) if packet.subunit]
    assert packet.operation == Op.PCM_READ and packet.body == body
    (told,) = card.register(Register(0, 0x71, low=0xD1))
    arrived = Register.decode(told.body)
    assert arrived is not None and (arrived.port, arrived.number, arrived.low) == (1, 0x71, 0xD1)
    assert not list(card.register(Register(0, 0x71, low=0xD1))), "what is no news is not told again"
    assert chips.read(1, 0x71) == 0xD1
    card.plug(cabled=False)
    card.hear(0, body)
    (octets,) = card.speak(first=False)
    assert xproto.pcm_lines(next(xproto.packets(octets)).body)[5] == b"\xff" * 8


# ---- in a box --------------------------------------------------------------------------------------------------------


def test_a_box_tells_of_its_ports_and_splits_sound_that_no_transfer_holds() -> None:
    device = SimulatedAstribank(cards=("fxs", "bri", "pri"), stage=2)

    def said() -> list[list[Packet]]:
        found = []
        while (data := device.read(XPP_IN)) is not None:
            found.append(list(xproto.packets(data)))
        return found

    device.written(XPP_OUT, Packet(Op.AB_REQUEST, body=bytes([30, 0])).encode())
    ((answer,),) = said()
    units = [tuple(answer.body[at : at + 5]) for at in range(4, len(answer.body), 8)]
    assert units == [(0x00, 0x10, 8, 1, 0xFF), (0x10, 0x30, 1, 2, 0b10), (0x20, 0x40, 1, 2, 0)]
    device.written(XPP_OUT, Packet(Op.SYNC_SOURCE, body=bytes([Sync.OWN, 0])).encode())
    said()
    full = xproto.pcm(Op.PCM_WRITE, 2, {slot: bytes(8) for slot in range(1, 32)}).body
    for port in range(2):
        device.written(XPP_OUT, Packet(Op.PCM_WRITE, 2, port, full).encode())
    device.tick()
    first, second = said()
    assert [(packet.unit, packet.subunit, packet.sync) for packet in first] == [(0, 0, True), (2, 0, False)]
    assert [(packet.unit, packet.subunit, packet.sync) for packet in second] == [(2, 1, False)]
    # A frame for the first port of the BRI card that nobody set up yet goes nowhere.
    device.written(XPP_OUT, Packet(Op.REGISTER_REQUEST, 1, 0, Piece(0, b"\0\1\2", last=True).encode()).encode())
    assert not said()
    device.unplugged()
    assert device.stage == 0
