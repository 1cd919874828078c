"""The CLI commands ``xpp ...`` for Astribanks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from kernel_shims.astribank import mpp
from kernel_shims.astribank.xbus import ALL_PORTS, Box, Module
from kernel_shims.line import LineError
from offhook.drivers.dahdi.astribank import showing
from offhook.drivers.dahdi.astribank.attendant import PART, Astribanks
from offhook.drivers.dahdi.module import module
from offhook.modules import CommandError, Request

if TYPE_CHECKING:
    from kernel_shims.astribank.usb import UsbAddress
    from offhook.calls.pbx import Pbx

T = TypeVar("T")
_BZZT_S = 1.0
_LOOK_S, _LOOKS = 0.1, 20
_TWINSTAR_MODEL = 0x1160


def boxes_of(pbx: Pbx) -> Astribanks:
    """Who attends to the boxes. Raises CommandError where the lines are simulated."""
    found: Astribanks | None = pbx.parts.get(PART)
    if found is None:
        raise CommandError("the lines are simulated: there are no Astribanks")
    return found


def names_at(*places: int) -> Callable[[Any, list[str], str], list[str]]:
    """Completion by the labels of boxes."""

    def complete(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
        return [box.identity for box in boxes_of(pbx).driver.boxes()] if len(args) in places else []

    return complete


def box_of(request: Request, word: str) -> Box:
    """A box by its label, with or without "usb:", or as the driver calls it. Raises CommandError."""
    there = boxes_of(request.pbx).driver.boxes()
    for box in there:
        if word.lower() in (box.identity.lower(), box.label.removeprefix("usb:").lower(), box.name):
            return box
    known = ", ".join(box.identity for box in there)
    raise CommandError(f'no Astribank "{word}" is ready; there {"are " + known if known else "is none"}')


def address_of(request: Request, box: Box) -> UsbAddress:
    """The USB device of a box. Raises CommandError."""
    standing = showing.standing_of(boxes_of(request.pbx), box)
    if standing is None:
        raise CommandError(f"{box.identity} is not on this machine's USB")
    return standing.address


async def ask(request: Request, address: UsbAddress, work: Callable[[mpp.Board], T]) -> T:
    """Speak with the board of a box. Raises CommandError."""
    usb = boxes_of(request.pbx).usb

    def asked() -> T:
        device = usb.open(address)
        try:
            return work(mpp.Board(device))
        finally:
            device.close()

    try:
        result: T = await request.pbx.off_loop(asked)
    except LineError as error:
        raise CommandError(str(error)) from None
    return result


@contextmanager
def refusals() -> Iterator[None]:
    """What the driver refuses is told."""
    try:
        yield
    except LineError as error:
        raise CommandError(str(error)) from None


@module.command("xpp show [<box>]", "Show Astribanks", complete=names_at(0))
async def show(request: Request) -> None:
    """List the Astribanks on USB: how far their firmware is, their spans and channels, whose clock they follow.

    With a box: its modules, who is off hook, its contacts, and what its board tells of licences and TwinStar.
    """
    boxes = boxes_of(request.pbx)
    match request.args:
        case []:
            with refusals():
                request.print(*showing.table(boxes))
            return
        case [name]:
            box = box_of(request, name)
        case _:
            raise request.usage()
    spans = boxes.driver.spans()
    request.print(f"{box.identity} at {box.connector}, clock {box.timing}", *showing.modules(box, spans))
    for channel, kind, closed in showing.contacts(box, spans):
        request.print(f"    {kind} contact, channel {channel}{': closed' if kind == 'input' and closed else ''}")
    address = address_of(request, box)

    def told(board: mpp.Board) -> list[str]:
        capabilities = board.capabilities()
        twinstar = board.twinstar() if capabilities.twinstar and address.model == _TWINSTAR_MODEL else None
        cards = board.cards() if address.model == _TWINSTAR_MODEL else []
        return list(showing.board(capabilities, board.status(), cards, twinstar))

    request.print(*await ask(request, address, told))


@module.command("xpp load", "Load the firmware of Astribanks that failed")
def load(request: Request) -> None:
    """Look at all Astribanks again and load what firmware they miss, also where it failed before."""
    boxes = boxes_of(request.pbx)
    if not boxes.ours:
        raise CommandError("Debian's xpp_fxloader loads firmware here (a udev rule of the package dahdi names it)")
    boxes.look(again=True)
    for one in boxes.standing.values():
        request.print(f"{one.address}: {showing.progress(one) if one.address.stage != 2 else 'has its firmware'}")
    if not boxes.standing:
        request.print("There is no Astribank on USB.")


@module.command("xpp blink <on|off|bzzt> <box>|span <n>|channel <n>", "Let lamps of an Astribank blink")
async def blink(request: Request) -> None:
    """Let the lamps of a box, a span or one channel blink, to find it: on, off, or bzzt for a second.

    xpp blink bzzt channel 12
    """
    match request.args:
        case ["on" | "off" | "bzzt" as how, *which] if which:
            chosen = _chosen(request, which)
        case _:
            raise request.usage()
    driver = boxes_of(request.pbx).driver
    with refusals():
        for one, ports in chosen:
            driver.blink(one, 0 if how == "off" else ports)
        if how == "bzzt":
            await asyncio.sleep(_BZZT_S)
            for one, _ in chosen:
                driver.blink(one, 0)


def _chosen(request: Request, which: list[str]) -> list[tuple[Module, int]]:
    boxes = boxes_of(request.pbx)
    spans = boxes.driver.spans()
    match which:
        case ["span", number] if number.isdigit():
            found = [(one, ALL_PORTS) for box in boxes.driver.boxes() for one in box.modules if one.span == int(number)]
            if not found:
                raise CommandError(f"span {number} is of no Astribank")
            return found
        case ["channel", number] if number.isdigit():
            if any(int(number) == one for box in boxes.driver.boxes() for one, _, _ in showing.contacts(box, spans)):
                raise CommandError(f"channel {number} is a contact, which has no lamp")
            places = [showing.module_of(box, int(number), spans) for box in boxes.driver.boxes()]
            lamps = [(place[0], 1 << place[1]) for place in places if place is not None]
            if not lamps:
                raise CommandError(f"channel {number} is of no Astribank")
            return lamps
        case [name]:
            return [(one, ALL_PORTS) for one in box_of(request, name).modules]
    raise request.usage()


@module.command("xpp sync [<box>|dahdi]", "Show or choose whose clock Astribanks follow", complete=names_at(0))
async def sync(request: Request) -> None:
    """Show whose clock all Astribanks follow, or choose: a box's own, or DAHDI's (that of a span of another card).

    Faxes fail when boxes run freely beside a digital span: have them follow the one that has the network's clock.
    """
    driver = boxes_of(request.pbx).driver
    with refusals():
        wanted = driver.clock()
        match request.args:
            case []:
                pass
            case [word] if word.lower() == "dahdi":
                driver.set_clock(None)
                wanted = "DAHDI"
            case [name]:
                box = box_of(request, name)
                driver.set_clock(box)
                wanted = f"SYNC={box.number:02d}"
            case _:
                raise request.usage()
        for _ in range(_LOOKS):
            # Boxes answer that they follow: only then it is so.
            if (clock := driver.clock()) == wanted:
                break
            await asyncio.sleep(_LOOK_S)
    master = next((box for box in driver.boxes() if clock == f"SYNC={box.number:02d}"), None)
    request.print(f"Astribanks follow {master.identity if master is not None else clock}")
    if clock != wanted:
        raise CommandError("they do not follow the other clock: the driver has had no answer; dmesg may tell why")


@module.command("xpp twinstar <box> [jump|watchdog on|watchdog off]", "Go over to the other host", complete=names_at(0))
async def twinstar(request: Request) -> None:
    """Show which host a box with two USB sockets listens to, send it over to the other one, or set its watchdog.

    With its watchdog on, a box goes over by itself when this host falls silent.
    """
    if not request.args:
        raise request.usage()
    box = box_of(request, request.args[0])
    address = address_of(request, box)

    def work(board: mpp.Board) -> str:
        if address.model != _TWINSTAR_MODEL or not board.capabilities().twinstar:
            return "has no TwinStar"
        now = board.twinstar()
        match request.args[1:]:
            case ["jump"]:
                if not now.power[1 - now.port]:
                    return f"USB-{1 - now.port} has no power: no other host is there"
                board.jump(1 - now.port)
                return f"goes over to USB-{1 - now.port}"
            case ["watchdog", "on" | "off" as word]:
                board.set_watchdog(word == "on")
                return f"watchdog {word}"
            case []:
                watch = "on" if now.watchdog else "off"
                return f"listens to USB-{now.port}, watchdog {watch}"
        raise request.usage()

    request.print(f"{box.identity} {await ask(request, address, work)}")


@module.command("xpp reset <box> [fpga]", "Load a box's firmware anew; its calls end", complete=names_at(0))
async def reset(request: Request) -> None:
    """Have a box forget its firmware, all of it or that of its FPGA alone, and load it anew. Its calls end."""
    match request.args:
        case [name]:
            whole = True
        case [name, "fpga"]:
            whole = False
        case _:
            raise request.usage()
    box = box_of(request, name)
    await ask(request, address_of(request, box), lambda board: board.reset(whole=whole))
    request.print(f"{box.identity} begins anew")


@module.command("xpp contacts", "Show input and output contacts")
def contacts(request: Request) -> None:
    """List the contacts of all Astribanks with their channels.

    An input is a channel that goes off hook when it is closed: give it "immediate = yes" and a context. An output is
    closed as long as its channel rings: Dial(DAHDI/9,5) closes it for five seconds.
    """
    boxes = boxes_of(request.pbx)
    spans = boxes.driver.spans()
    ports = request.pbx.parts["dahdi"].ports
    request.print("{:<20} {:>7}  {:<7} {}".format("Box", "Channel", "Kind", "State"))
    for box in boxes.driver.boxes():
        for channel, kind, closed in showing.contacts(box, spans):
            if kind == "output":
                port = ports.get(channel)
                closed = port is not None and bool(len(port.calls))
            request.print(f"{box.identity:<20} {channel:>7}  {kind:<7} {'closed' if closed else 'open'}")
