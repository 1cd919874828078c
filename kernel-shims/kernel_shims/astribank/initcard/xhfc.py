"""BRI cards: XHFC-4SU chips with four S0 ports each, two B channels on the PCM bus, the D channel through a FIFO.

Register numbers are those of the chip's data sheet (Cologne Chip XHFC-4SU); the values are those of the maker's own
initialisation. Every port has its own file of registers; the first port of a chip sets up what is common to all four.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kernel_shims.astribank.initcard.registers import ChipRegisters, writes

PORTS_PER_CHIP = 4
BEARERS, SIGNALS = (0, 1), 2
"""Places of the two B channels and of the D channel within a port."""
SELECT_PORT, SELECT_FIFO = 0x16, 0x0F
STATE, CONTROL_0, CONTROL_1, CONTROL_2, CONTROL_3, CLOCK_DELAY = 0x30, 0x31, 0x32, 0x33, 0x35, 0x37
"""A_SU_WR_STA, A_SU_CTRL0 to 2, A_ST_CTRL3, A_SU_CLK_DLY: of the port that is selected."""
FIFO_MODE, FIFO_BITS, FIFO_CONTROL, FIFO_RESET, SLOT, SLOT_WHERE = 0xFA, 0xFB, 0xFF, 0x0E, 0x10, 0xD0
"""A_CON_HDLC, A_SUBCH_CFG, A_FIFO_CTRL, A_INC_RES_FIFO, R_SLOT, A_SL_CFG: of the FIFO that is selected."""
NETWORK_MODE = 0x04
"""V_SU_MD of A_SU_CTRL0."""
TRANSPARENT, HDLC = 0xFE, 0x05
"""Line to PCM bus without a look at it; frames, flags between them."""
DIRECTIONS = (0, 1)
ACTIVATE, NOW_THREE, RESET = 0x60, 0x80, 0x00
"""Of the state register: activate, G2 to G3 when the far end is there, and run from the beginning."""
QUIET, LOUD = "Wm", "WM"
"""No frames of D channels from the card while its chips are set up, and frames again."""

_CHIP = (
    (0x0D, 0x00),
    (0x00, 0x08),
    (0x00, 0x00),
    (0x46, 0x80),
    (0x39, 0x18),
    (0x0C, 0x11),
    (0x14, 0x08),
    (0x14, 0x98),
    (0x15, 0x20),
    (0x4C, 0x07),
    (0x4A, 0x07),
    (0x48, 0x01),
)
"""FIFOs of 64 octets and reset for that, amplitude of the lines, FIFOs told at 16 octets, slave on a PCM bus of 16 MHz,
three pins as outputs."""
_CLOCK = ((0x02, 0x04), (0x50, 0x00), (0x51, 0x02), (0x52, 0x06), (0x53, 0x04), (0x50, 0x01), (0x02, 0x05))
"""The chip's clock from its PLL, which is off while it is set."""
_PULSE, _FORCED = 0xF8, 0x09
"""End of pulses; the echo channel left alone, and G2 to G3 by itself."""
_DELAY = {True: 0x6C, False: 0x0E}
"""Of the clock towards telephones and towards the exchange."""
_EMPTY = 0x0A
_CROSSED = 0x08
"""Even and odd ports are the other way round on the PCM bus."""
_ON_BUS = 0x80
_D_BITS = 2
"""Of an octet: a D channel has 16 kbit/s."""


def set_up(ports: Sequence[ChipRegisters], network: Sequence[bool]) -> str:
    """Set up a card with such ports, those towards telephones as ``network``. What was done, a sentence.

    Raises LineError.
    """
    for number, port in enumerate(ports):
        port.write([f"{number} {QUIET}"])
    for number, port in enumerate(ports):
        if number % PORTS_PER_CHIP == 0:
            port.write(writes(number, _CHIP))
        port.write(writes(number, _port(number, network=network[number])))
    for number, port in enumerate(ports):
        port.write([f"{number} {LOUD}"])
    return f"{len(ports)} BRI ports, {sum(network)} of them towards telephones"


def _port(number: int, *, network: bool) -> Iterator[tuple[int, int]]:
    mode = NETWORK_MODE if network else 0
    yield from _CLOCK
    yield SELECT_PORT, number
    yield from ((CONTROL_3, 0), (CONTROL_0, mode), (CONTROL_3, _PULSE), (CONTROL_1, _FORCED), (CONTROL_2, 0))
    yield CLOCK_DELAY, _DELAY[network]
    sending = receiving = 0
    for bearer in BEARERS:
        for direction in DIRECTIONS:
            yield from _fifo(number, bearer, direction, TRANSPARENT, 0)
        sending |= 1 << bearer
        receiving |= 1 << bearer
        yield SELECT_PORT, number
        # The maker's program has bit 0 on from the beginning towards telephones; it is the first B channel's anyway.
        yield from ((CONTROL_0, mode | sending | network), (CONTROL_2, receiving))
    for direction in DIRECTIONS:
        yield from _fifo(number, SIGNALS, direction, HDLC, _D_BITS)
    yield from ((SELECT_PORT, number), (STATE, RESET), (SELECT_PORT, number))
    yield STATE, ACTIVATE | (NOW_THREE if network else 0)


def _fifo(port: int, channel: int, direction: int, mode: int, bits: int) -> Iterator[tuple[int, int]]:
    number = port << 3 | channel << 1 | direction
    slot = number ^ (_CROSSED if channel in BEARERS else 0)
    where = _ON_BUS | port % PORTS_PER_CHIP << 3 | channel << 1 | direction
    yield from ((SELECT_FIFO, number), (FIFO_MODE, mode), (FIFO_BITS, bits), (FIFO_CONTROL, 0), (FIFO_RESET, _EMPTY))
    yield from ((SELECT_FIFO, number), (SLOT, slot), (SLOT_WHERE, where))
