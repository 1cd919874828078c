"""Who attends to the Astribanks: loads their firmware as they appear, has them registered, and numbers their spans.

``pbx.parts["astribanks"]``. A box keeps its span and channel numbers by its label: those of assigned-spans.conf, else
those it had before (the database's family "astribank"), else the next free ones, boxes in the order of xpp_order or of
their labels. PRI spans are E1 unless span-types.conf says T1.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_shims.astribank import firmware, spans_conf
from kernel_shims.astribank.initcard.launch import write_launchers
from kernel_shims.astribank.uevents import Uevent, Uevents
from kernel_shims.astribank.usbfs import SystemUsb
from kernel_shims.astribank.xbus import Box, Xpp
from kernel_shims.line import LineError
from offhook.log import verbose

if TYPE_CHECKING:
    from kernel_shims.astribank.spans_conf import AssignedSpans, Assignment, SpanTypes
    from kernel_shims.astribank.usb import UsbAddress, UsbBus
    from kernel_shims.astribank.xbus import XppDriver
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

PART = "astribanks"
USB, DRIVER = "astribank_usb", "astribank_driver"
"""Keys in the parts of the exchange of a bus and a driver to use instead of this machine's (tests)."""
LIBRARY = "astribank_firmware"
"""And of the firmware's folders."""
FAMILY = "astribank"
_FOLDERS = ("dahdi", "/etc/dahdi")
"""Where assigned-spans.conf, span-types.conf and xpp_order lie: below the configuration folder first."""
_RULES = (
    Path("/etc/udev/rules.d"),
    Path("/run/udev/rules.d"),
    Path("/usr/lib/udev/rules.d"),
    Path("/lib/udev/rules.d"),
)
_LOADER = "xpp_fxloader"
_LOOK_S = 0.2
"""Devices come in flocks of events: looked at together."""
_AGAIN_S = 1.0
"""How often boxes are looked at while one is not ready, for a kernel whose events are lost."""
_PATIENCE_S = 60.0
"""How long a box that is ready waits for its neighbours, so that the order is by label and not by speed."""
_SUBSYSTEMS = frozenset({"usb", "astribanks", "dahdi_devices", "dahdi_spans"})


@dataclass(slots=True)
class Standing:
    """What is known of a box on USB."""

    address: UsbAddress
    doing: str = ""
    """What is being done to it: "loading firmware"."""
    error: str = ""
    """Why it will not be tried again by itself."""
    report: firmware.Report = field(default_factory=firmware.Report)


def somebody_else_loads(folders: tuple[Path, ...] = _RULES) -> Path | None:
    """The udev rule of Debian's dahdi that loads firmware, where its loader is there too; then it is not our work."""
    for folder in folders:
        for path in sorted(folder.glob("*.rules")) if folder.is_dir() else ():
            for line in path.read_text(errors="replace").splitlines():
                if _LOADER in line and not line.lstrip().startswith("#"):
                    loader = Path(line.partition('RUN+="')[2].split(" ", 1)[0])
                    if loader.exists():
                        return path
    return None


class Astribanks:
    """See the text of this file. ``ours``: firmware and numbers are Offhook's work; else it only looks."""

    def __init__(self, pbx: Pbx, usb: UsbBus, driver: XppDriver, library: firmware.Library, *, ours: bool) -> None:
        self.pbx = pbx
        self.usb = usb
        self.driver = driver
        self.ours = ours
        self.on_spans: Callable[[], None] | None = None
        """Called when spans came."""
        self.standing: dict[str, Standing] = {}
        """By USB name."""
        self._library = library
        self._events: Uevents | None = None
        self._look: asyncio.TimerHandle | None = None
        self._settling = False
        self._waiting_since = 0.0
        self._loaded = False
        self._told: set[str] = set()
        """Sentences that were logged once, and would come at every look."""

    # ---- life ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Listen to the kernel, and take care of what is there already."""
        try:
            self._events = Uevents(self._happened)
            self._events.start(self.pbx.loop)
        except OSError as error:
            log.warning("the kernel tells of no devices (%s): Astribanks plugged in later need xpp load", error)
        self.look()

    def stop(self) -> None:
        """Let the boxes go on by themselves. Harmless twice."""
        if self._events is not None:
            self._events.stop()
            self._events = None
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _happened(self, event: Uevent) -> None:
        if event.subsystem in _SUBSYSTEMS:
            self.soon(_LOOK_S)

    def soon(self, seconds: float) -> None:
        """Look at everything in a while."""
        if self._look is None:
            self._look = self.pbx.loop.call_later(seconds, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        self.look()

    # ---- firmware --------------------------------------------------------------------------------------------

    def look(self, *, again: bool = False) -> None:
        """Look at all boxes: load what misses firmware, register what has it. ``again``: what failed too."""
        here = {address.name: address for address in self.usb.devices() if address.is_astribank}
        for name in [name for name in self.standing if name not in here]:
            del self.standing[name]
        for name, address in here.items():
            known = self.standing.get(name)
            if known is None or known.address.number != address.number:
                self.standing[name] = known = Standing(address, report=known.report if known else firmware.Report())
            if again:
                known.error = ""
            if self.ours and firmware.needs(address) and not known.doing and not known.error:
                known.doing = "loading firmware"
                self.pbx.spawn(self._load(known), f"firmware of {address}")
        if not self._settling:
            self._settling = True
            self.pbx.spawn(self._settle(), "register Astribanks")
        if self.pending():
            self.soon(_AGAIN_S)

    def pending(self) -> str:
        """Which boxes are on their way, a sentence; "" for none."""
        names = [str(one.address) for one in self.standing.values() if not one.error and one.address.stage != 2]
        ready = {box.connector for box in self.driver.boxes() if box.state in ("READY", "FAIL")}
        late = sum(one.address.stage == 2 for one in self.standing.values()) - len(ready)
        words = [f"{', '.join(names)} still loading"] if names else []
        return "; ".join([*words, *([f"{late} starting"] if late > 0 else [])])

    async def _load(self, box: Standing) -> None:
        def work() -> list[str]:
            self._have_driver()
            return list(firmware.load_stage(self.usb, box.address, self._library, box.report))

        try:
            for sentence in await self.pbx.off_loop(work):
                verbose(3, "%s", sentence)
        except LineError as error:
            box.error = str(error)
            log.error('%s; when that is mended, "xpp load" tries again', error)
        box.doing = ""
        self.soon(_LOOK_S)

    def _have_driver(self) -> None:
        """The driver must be there, and know who sets up cards, before a box that has its firmware appears."""
        if self._loaded or os.geteuid():
            # Who is not root has had the driver told by the installation (modprobe.d): root runs those programs.
            return
        folder = Path(self.pbx.paths.run) / "xpp"
        try:
            write_launchers(folder)
        except OSError as error:
            raise LineError(f"{folder}: {error.strerror}; the cards of Astribanks cannot be set up") from None
        self.driver.load(folder)
        self._loaded = True

    # ---- registration ----------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Register boxes that are ready and number their spans, once their neighbours are ready too."""
        try:
            came = await self._number() if self.ours else False
        except LineError as error:
            self._tell_once(str(error))
            came = False
        finally:
            self._settling = False
        if came:
            self.soon(_LOOK_S)
        if self.on_spans is not None:
            self.on_spans()

    def _tell_once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            log.error("%s", sentence)

    async def _number(self) -> bool:
        boxes = [box for box in self.driver.boxes() if box.connected]
        for box in boxes:
            if box.state == "FAIL":
                self._tell_once(
                    f"{box.identity}: its cards could not be set up; dmesg tells why, xpp reset tries again"
                )
        fresh = [box for box in boxes if box.state == "READY" and not all(module.span for module in box.spans)]
        if not fresh:
            self._waiting_since = 0.0
            return False
        if self.pending():
            now = self.pbx.now()
            self._waiting_since = self._waiting_since or now
            if now - self._waiting_since < _PATIENCE_S:
                return False
        pinned, types, order = await self.pbx.off_loop(self._files)
        fresh.sort(key=lambda box: spans_conf.place_in_order(box.identity, order))
        for box in fresh:
            typed = await self.pbx.off_loop(self._register, box, types)
            await self.pbx.off_loop(self._take, typed, self._allot(typed, pinned))
        return True

    def _files(self) -> tuple[AssignedSpans, SpanTypes, list[str]]:
        assigned, types, order = (self._place(name) for name in ("assigned-spans.conf", "span-types.conf", "xpp_order"))
        return spans_conf.read_assigned_spans(assigned), spans_conf.read_span_types(types), spans_conf.read_order(order)

    def _place(self, name: str) -> Path:
        return next((path for path in self.places(name) if path.exists()), Path(self.pbx.config.etc_dir) / "none")

    def places(self, name: str) -> list[Path]:
        """Where a file of that name may be, the first one that is there counts."""
        return [Path(self.pbx.config.etc_dir) / folder / name for folder in _FOLDERS]

    def remembered(self) -> dict[str, list[tuple[Assignment, int]]]:
        """What boxes had and how many channels each, by their identities, those that are away included."""
        return {key.removeprefix(f"/{FAMILY}/"): _unpacked(value) for key, value in self.pbx.astdb.tree(FAMILY)}

    def _allot(self, box: Box, pinned: AssignedSpans) -> list[Assignment]:
        named = pinned.of(box.identity)
        if named or pinned:
            if not named:
                self._tell_once(f"{box.identity}: assigned-spans.conf does not name it; its spans get no numbers")
            return named
        before = self.remembered()
        kept = [one for one, _ in before.pop(box.identity, [])]
        counts = [module.channels for module in box.spans]
        taken = {one.span: range(one.first, one.first + count) for away in before.values() for one, count in away}
        allotted = spans_conf.allot(counts, taken | self.driver.spans(), kept)
        words = (f"{one}/{count}" for one, count in zip(allotted, counts, strict=True))
        self.pbx.astdb.put(FAMILY, box.identity, " ".join(words))
        return allotted

    def _register(self, box: Box, types: SpanTypes) -> Box:
        """Register a box, and make its PRI spans E1 or T1, which have different numbers of channels; the box then."""
        if not box.registered:
            self.driver.register(box)
        changed = False
        for local, module in enumerate(box.spans, 1):
            wanted = types.of(box.label, box.connector, local) if module.kind in spans_conf.TYPES else ""
            if wanted and wanted != module.kind and not module.span:
                self.driver.set_type(box, local, wanted)
                changed = True
        return next((one for one in self.driver.boxes() if one.number == box.number), box) if changed else box

    def _take(self, box: Box, assignments: list[Assignment]) -> None:
        for one in assignments:
            if one.local > len(box.spans):
                raise LineError(f"{box.identity}: it has no span {one.local}; it has {len(box.spans)}")
            module = box.spans[one.local - 1]
            if module.span:
                continue
            self.driver.assign(box, one)
            last = one.first + module.channels - 1
            verbose(3, "%s: %s module is span %d, channels %d-%d", box.identity, module.kind, one.span, one.first, last)


def _unpacked(text: str) -> list[tuple[Assignment, int]]:
    words = [word.partition("/") for word in text.split()]
    return [(spans_conf.parse_assignments(one)[0], int(count)) for one, _, count in words]


def attend(pbx: Pbx, *, ours: bool) -> Astribanks:
    """Begin to attend to this machine's boxes, or those of the test."""
    usb = pbx.parts.get(USB) or SystemUsb()
    driver = pbx.parts.get(DRIVER) or Xpp()
    library = pbx.parts.get(LIBRARY) or firmware.Library()
    made = Astribanks(pbx, usb, driver, library, ours=ours)
    pbx.parts[PART] = made
    made.begin()
    return made
