"""``linecard check``: bring up the chip of the line card and say what is on its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offhook.field.board import PART as BOARD
from offhook.modules import CommandError, Module, Request

if TYPE_CHECKING:
    from kernel_shims.linecard.bus import Bus
    from offhook.field.boards import Link

module = Module("res_linecard", "Line cards on SPI: checks", depends=("res_board",))


def _phone_bus(link: Link) -> Bus:
    if link.kind == "simulated":
        from kernel_shims.linecard.simulated import SimulatedProSlic

        return SimulatedProSlic()
    return _spi(link)


def _exchange_bus(link: Link) -> Bus:
    if link.kind == "simulated":
        from kernel_shims.linecard.simulated import SimulatedDaa

        return SimulatedDaa()
    return _spi(link)


def _spi(link: Link) -> Bus:
    from kernel_shims.linecard.bus import SpiBus

    return SpiBus(link.device, link.hertz, link.mode)


def check_phone(link: Link) -> list[str]:
    """Bring a subscriber line chip up and test its line. Raises LineCardError."""
    from kernel_shims.linecard.proslic import ProSlic, check_line

    chip = ProSlic(_phone_bus(link), "phone line")
    chip.power_up()
    found = check_line(chip)
    return [
        f"Chip:     Si3210, revision {chip.revision}",
        f"Battery:  {found.active.battery_v:.1f} V",
        f"Line:     {found.open_v:.1f} V, {found.active.loop_ma:.1f} mA, foreign voltage {found.foreign_v:.1f} V",
        f"Verdict:  {found.verdict}",
    ]


def check_exchange(link: Link, country: str) -> list[str]:
    """Bring an exchange line chip up and look at its line; the line is not taken. Raises LineCardError."""
    from kernel_shims.linecard.daa import Daa

    chip = Daa(_exchange_bus(link), "exchange line")
    chip.power_up(country)
    volts = chip.volts
    verdict = "good" if chip.connected else "no exchange at the other end"
    return [
        f"Chip:     Si3050, line side {chip.line_side}",
        f"Line:     {volts:.0f} V{', reversed' if volts < 0 else ''}{', ringing' if chip.ringing else ''}",
        f"Verdict:  {verdict}",
    ]


def _words(_pbx: Any, args: list[str], _typed: str) -> list[str]:
    if not args:
        return ["phone", "exchange"]
    from kernel_shims.linecard.daa import COUNTRIES

    return sorted(COUNTRIES) if args == ["exchange"] else []


@module.command("linecard check {phone|exchange <country>}", "Check the line card on SPI", complete=_words)
async def check(request: Request) -> None:
    """Bring up the chip of a line card and say what is on its line.

    For a card that no driver uses yet: a call on it would end. The country decides how an exchange line is terminated.
    """
    from kernel_shims.linecard.bus import LineCardError

    args = request.args
    if not (args == ["phone"] or (len(args) == 2 and args[0] == "exchange")):
        raise request.usage()
    board = request.pbx.parts[BOARD]
    link = board.links.get("line_cards") if board is not None else None
    if link is None:
        raise CommandError("This board has no line cards on SPI.")
    try:
        if args[0] == "phone":
            lines = await request.pbx.off_loop(check_phone, link)
        else:
            lines = await request.pbx.off_loop(check_exchange, link, args[1])
    except LineCardError as error:
        raise CommandError(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    simulated = ["(simulated: this board has no real line cards)"] if link.kind == "simulated" else []
    request.print(*lines, *simulated)
