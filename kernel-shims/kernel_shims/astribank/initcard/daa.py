"""FXO cards: eight Si3050 line chips, terminated as a country's exchanges want (``opermode`` of xpp.conf).

Register numbers are those of the chip's data sheet, terminations by country its table, as DAHDI's fxo_modes.h has it.
"""

from __future__ import annotations

from collections.abc import Iterator

from kernel_shims.astribank.initcard.registers import CHIPS, ChipRegisters
from kernel_shims.line import LineError

COUNTRIES: dict[str, str] = {
    "01 C0 00 20": "FCC",
    "00 C2 02 20": "TBR21 BAHRAIN CROATIA CYPRUS CZECH ISRAEL LATVIA LEBANON MALTA MOROCCO NIGERIA",
    "00 C0 00 20": "ARGENTINA CANADA CHILE COLOMBIA ECUADOR ELSALVADOR GUAM HONGKONG HUNGARY INDONESIA KAZAKHSTAN "
    "KUWAIT MACAO MEXICO PERU ROMANIA SAUDIARABIA SINGAPORE SOUTHKOREA UAE USA YEMEN",
    "40 30 03 20": "AUSTRALIA",
    "00 C2 03 28": "AUSTRIA GERMANY",
    "00 C2 02 28": "BELGIUM DENMARK FINLAND FRANCE GREECE ICELAND IRELAND ITALY LUXEMBOURG NETHERLANDS NORWAY PORTUGAL "
    "SPAIN SWEDEN SWITZERLAND",
    "00 30 00 20": "BRAZIL EGYPT JAPAN JORDAN MALAYSIA OMAN PAKISTAN PHILIPPINES RUSSIA SYRIA TAIWAN THAILAND",
    "00 C2 03 20": "BULGARIA",
    "00 30 0F 20": "CHINA",
    "00 C0 04 20": "INDIA NEWZEALAND",
    "03 C0 00 20": "POLAND",
    "00 C0 03 20": "SLOVAKIA",
    "00 C0 02 20": "SLOVENIA",
    "42 C0 03 20": "SOUTHAFRICA",
    "00 C2 05 28": "UK",
}
"""Registers 16, 26, 30 and 31 (decimal), and the countries that want them so."""
_TERMINATION = (16, 26, 30, 31)
_QUICKER = ("SOUTHAFRICA", "UAE")
"""Where ringing is told by shorter delays."""
_BEFORE = (
    (0x12, 0x02),
    (0x03, 0x01),
    (0x04, 0x00),
    (0x21, 0x08),
    (0x18, 0x99),
    (0x06, 0x00),
    (0x23, 0x00),
    (0x25, 0x00),
)
"""Ringing rectified, polarity told, interrupts cleared, PCM off."""
_AFTER = ((0x05, 0x00), (0x1A, 0xC0))
"""On hook; 3.5 V between the wires off hook."""


def termination(country: str) -> list[int]:
    """Values of the four registers. Raises LineError for a country that is not known."""
    for values, names in COUNTRIES.items():
        if country.upper() in names.split():
            return [int(value, 16) for value in values.split()]
    known = " ".join(sorted(name for names in COUNTRIES.values() for name in names.split()))
    raise LineError(f'opermode "{country}" is not known; there are {known}')


def set_up(chips: ChipRegisters, country: str) -> str:
    """Set up a card for a country. What was done, a sentence. Raises LineError."""
    values = termination(country)
    chips.write(_commands(country.upper(), values))
    return f"terminated for {country.upper()}"


def _commands(country: str, values: list[int]) -> Iterator[str]:
    for chip in CHIPS:
        yield f"{chip} WD 20 A0"
    for register, value in _BEFORE:
        yield f"* WD {register:02X} {value:02X}"
    for chip in CHIPS:
        for register in (0x22, 0x24):
            yield f"{chip} WD {register:02X} {8 * chip:02X}"
        yield f"{chip} WD 21 28"
    for register, value in _AFTER:
        yield f"* WD {register:02X} {value:02X}"
    if country in _QUICKER:
        yield "* WD 17 2B"
    for register, value in zip(_TERMINATION, values, strict=True):
        yield f"* WD {register:02X} {value:02X}"
