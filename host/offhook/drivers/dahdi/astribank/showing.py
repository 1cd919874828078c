"""Astribanks as the console shows them, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from kernel_shims.astribank import mpp

if TYPE_CHECKING:
    from kernel_shims.astribank.xbus import Box, Module
    from offhook.drivers.dahdi.astribank.attendant import Astribanks, Standing

_ROW = "{:<16} {:<8} {:<17} {:<8} {:<16} {:<9}"
_KINDS = {1: "FXS", 2: "FXO", 3: "BRI", 4: "PRI", 5: "echo canceller", 6: "FXS"}
_ANALOG = ("FXS", "FXO")
_LINES = 8
"""Telephones of an FXS module; what it has beyond are contacts."""
OUTPUTS = 2


def table(boxes: Astribanks) -> Iterator[str]:
    """``xpp show``."""
    yield _ROW.format("Box", "USB", "State", "Spans", "Channels", "Clock").rstrip()
    spans, clock = boxes.driver.spans(), boxes.driver.clock()
    shown = set()
    for box in boxes.driver.boxes():
        standing = standing_of(boxes, box)
        shown.add(standing.address.name if standing is not None else "")
        usb = standing.address.name if standing is not None else "-"
        numbers = [module.span for module in box.spans if module.span]
        channels = ",".join(f"{spans[n].start}-{spans[n].stop - 1}" for n in numbers if n in spans)
        state = _state(box)
        words = (box.identity, usb, state, ",".join(map(str, numbers)) or "-", channels or "-", _clock(box, clock))
        yield _ROW.format(*words).rstrip()
    for one in boxes.standing.values():
        if one.address.name not in shown:
            label = f"usb:{one.address.serial}" if one.address.serial else "-"
            yield _ROW.format(label, one.address.name, progress(one), "-", "-", "-").rstrip()
    for one in boxes.standing.values():
        if one.error:
            yield f"{one.address.name}: {one.error}"


def progress(one: Standing) -> str:
    """How far a box without all of its firmware is."""
    if one.error:
        return "failed"
    return one.doing or ("starting" if one.address.stage == 2 else "waiting")


def _state(box: Box) -> str:
    if not box.connected:
        return "unplugged"
    if box.state == "READY":
        return "ready" if all(module.span for module in box.spans) else "ready, no spans"
    return "failed" if box.state == "FAIL" else "starting"


def _clock(box: Box, clock: str) -> str:
    if clock == f"SYNC={box.number:02d}":
        return "master"
    return "DAHDI's" if clock == "DAHDI" else "follows"


def standing_of(boxes: Astribanks, box: Box) -> Standing | None:
    """The USB device of a box: by its serial number, else by where it is plugged in."""
    serial = box.label.removeprefix("usb:")
    for one in boxes.standing.values():
        if (serial and one.address.serial == serial) or box.connector.endswith(f"-{one.address.name}"):
            return one
    return None


def modules(box: Box, spans: Mapping[int, range]) -> Iterator[str]:
    """The modules of a box, a line each, with who is off hook."""
    for module in box.modules:
        reach = spans.get(module.span)
        where = f"span {module.span}, channels {reach.start}-{reach.stop - 1}" if reach else "no span"
        blinks = ", blinking" if module.blinking else ""
        yield f"  module {module.name}: {module.kind}, {where}{blinks}"
        first = reach.start if reach else 1
        if module.kind in _ANALOG:
            lifted = [first + place for place, off in enumerate(module.off_hook[:_LINES]) if off]
            yield f"    off hook: {', '.join(map(str, lifted)) or 'none'}"


def contacts(box: Box, spans: Mapping[int, range]) -> Iterator[tuple[int, str, bool]]:
    """The contacts of a box: channel, "output" or "input", and whether an input is closed."""
    for module in box.modules:
        reach = spans.get(module.span)
        if module.kind == "FXS" and module.channels > _LINES and reach is not None:
            lines = module.channels - OUTPUTS - 4
            for place in range(lines, module.channels):
                kind = "output" if place < lines + OUTPUTS else "input"
                yield reach.start + place, kind, module.off_hook[place]


def board(
    capabilities: mpp.Capabilities, status: mpp.Status, cards: Iterable[mpp.Card], twinstar: mpp.TwinStar | None
) -> Iterator[str]:
    """What a board tells of itself."""
    release = f"{capabilities.release >> 8}.{capabilities.release & 0xFF:02x}"
    yield f"  board: {capabilities.product:04x}, release {release}, label {capabilities.label or 'none'}"
    yield f"  firmware: USB {status.usb_version or 'none'}, FPGA {status.fpga_version or 'none'}"
    licensed = (("FXS", capabilities.fxs), ("FXO", capabilities.fxo), ("BRI", capabilities.bri))
    words = [f"{count} {name}" for name, count in (*licensed, ("PRI", capabilities.pri)) if count]
    yield f"  licensed ports: {', '.join(words) or 'none'}"
    there = [card for card in cards if card.kind in _KINDS]
    for card in there:
        yield f"  slot {card.slot}: {_KINDS[card.kind]}{'' if card.ready else ', without its program'}"
    if any(card.kind == 5 for card in there):
        yield f"  echo canceller: licensed for {capabilities.echo} channels; left alone, the engine cancels"
    if twinstar is not None:
        watch = "on guard" if twinstar.watchdog else "off guard"
        powered = ", ".join(f"USB-{port} {'on' if on else 'off'}" for port, on in enumerate(twinstar.power))
        yield f"  TwinStar: this is USB-{twinstar.port}, watchdog {watch}, power {powered}"


def module_of(box: Box, channel: int, spans: Mapping[int, range]) -> tuple[Module, int] | None:
    """The module of a channel and its place there."""
    for module in box.modules:
        reach = spans.get(module.span, range(0))
        if channel in reach:
            return module, channel - reach.start
    return None
