"""Signalling links to a neighbour, and the circuits they are for: MTP2, MTP3 and ISUP by libss7, without I/O.

Whoever has the channels hands in the frames that come (``receive``), takes those that are to go (``transmit``), and
runs the timers (``tick``). The library reads the wall's clock; here time is that of ``now``, and the wall's may jump.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kernel_shims.line import LineError
from kernel_shims.ss7.binding import binding, key, printed, told
from kernel_shims.ss7.decoding import Decoder
from kernel_shims.ss7.events import IsupCall, Kind, Occupied, Ss7Event
from kernel_shims.ss7.guard import CHECK_SUM, Unsound, hollow, sound

log = logging.getLogger(__name__)

VARIANTS = {"itu": 1, "ansi": 2}
NETWORKS = {"international": 0, "international_spare": 1, "national": 2, "national_spare": 3}
HIGHEST_POINT_CODE = {"itu": 0x3FFF, "ansi": 0xFFFFFF}
HIGHEST_CIC = {"itu": 0x0FFF, "ansi": 0x3FFF}
MOST_LINKS = 8
MOST_LINKS_TO_A_NEIGHBOUR = 2
"""With a third the library frees a message twice when one fails (net_mng_send of 2.0 queues it on both others)."""
_REPEATING = 1
"""SS7_TRANSPORT_DAHDIMTP2: what is sent last is repeated by whoever has the channel."""
_INR_WITHOUT_CALLING, _ISDN_ACCESS = 1 << 0, 1 << 1
_DEBUG = {"mtp2": 1 << 0, "mtp3": 1 << 1, "isup": 1 << 2}
_LONGEST_UNIT = 512
_STATUS_UNIT = 6
_SIO, _ALIGNMENT, _SIPO = 0, (0, 1, 2), 4
"""Link status (Q.703 11.1.3): out of alignment; that, normal and emergency alignment; processor outage."""
_LFU, _HIGHEST_PRIORITY = 0x66, 3
_SHORT = 8
"""Fill-in and link status units are shorter."""
_DRIFT_S = 0.005
_MOST_TIMERS_AT_ONCE = 256


@dataclass(slots=True)
class Link:
    """One signalling link. ``own`` is the library's end of a pair of sockets, ``far`` is ours."""

    code: int
    neighbour: int
    own: socket.socket
    far: socket.socket
    last: bytes = b""
    """The last unit that came: one that is repeated tells nothing."""
    aligning: bool = False
    """SIO is sent."""


class Linkset:
    """See the text of this file. Circuits and their messages are isup.py's."""

    def __init__(self, variant: str, *, point_code: int, network: str, now: Callable[[], float]) -> None:
        bound = binding()
        self.ffi, self.lib = bound.ffi, bound.lib
        self.variant = variant
        self.point_code = point_code
        self._network = NETWORKS[network]
        self.links: list[Link] = []
        self.on_message: Callable[[str], None] | None = None
        """Called with each line the library has to say."""
        self.on_wants_end: Callable[[int, int, int, int], Occupied] | None = None
        """Called with circuit, point code, cause and a Clearing when a call is to be cleared."""
        self.on_out_of_service: Callable[[int, int], None] | None = None
        """Called with circuit and point code when a circuit does not answer."""
        self.on_forgotten: Callable[[IsupCall], None] | None = None
        """Called when the library frees a call on its own. None of these may call back into the linkset."""
        self._now = now
        self._skew = time.time() - now()
        self.up = False
        """A neighbour is reached: messages come, or UP was told, which is half a second later."""
        self._calls: dict[int, IsupCall] = {}
        self._decoder = Decoder(self.ffi, self._known)
        self.handle = self.lib.ss7_new(VARIANTS[variant])
        if not self.handle:
            raise LineError(f"libss7 makes no linkset of type {variant}")
        told[key(self.ffi, self.handle)] = self
        self.lib.ss7_set_pc(self.handle, point_code)
        self.lib.ss7_set_network_ind(self.handle, self._network)

    def close(self) -> None:
        """Give everything back. Calls that are left are forgotten without a word to the far end."""
        if self.handle is None:
            return
        handle, self.handle = self.handle, None
        self.lib.ss7_destroy(handle)
        told.pop(key(self.ffi, handle), None)
        for link in self.links:
            link.own.close()
            link.far.close()

    # ---- options ---------------------------------------------------------------------------------------------

    def add_link(self, neighbour: int, code: int | None = None) -> int:
        """Add a link to a neighbour; its place among the links. Raises LineError."""
        others = [link for link in self.links if link.neighbour == neighbour]
        if len(self.links) >= MOST_LINKS or len(others) >= MOST_LINKS_TO_A_NEIGHBOUR:
            raise LineError(
                f"libss7 takes {MOST_LINKS_TO_A_NEIGHBOUR} links to a neighbour and {MOST_LINKS} in a linkset"
            )
        own, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        own.setblocking(False)
        far.setblocking(False)
        chosen = len(self.links) if code is None else code
        self.lib.ss7_add_link(self.handle, _REPEATING, own.fileno(), chosen, neighbour)
        self.links.append(Link(chosen, neighbour, own, far))
        return len(self.links) - 1

    def timer(self, layer: str, name: str, ms: int) -> bool:
        """Set a timer of layer "mtp3" or "isup" (0: never); False when there is none of that name."""
        text = self.ffi.new("char[]", name.encode())
        return bool(getattr(self.lib, f"ss7_set_{layer}_timer")(self.handle, text, ms))

    def use(
        self, *, cause_location: int = 1, load_shift: int = 0, ask_for_calling: bool = False, isdn: bool = True
    ) -> None:
        """Location in causes; places that the load sharing's number is shifted; INR for a missing calling number;
        whether calls come from ISDN."""
        self.lib.ss7_set_cause_location(self.handle, cause_location)
        self.lib.ss7_set_sls_shift(self.handle, load_shift)
        for bit, on in ((_INR_WITHOUT_CALLING, ask_for_calling), (_ISDN_ACCESS, isdn)):
            (self.lib.ss7_set_flags if on else self.lib.ss7_clear_flags)(self.handle, bit)

    def debug(self, *layers: str) -> None:
        """Which layers' messages are told: any of mtp2, mtp3, isup."""
        self.lib.ss7_set_debug(self.handle, sum(_DEBUG[layer] for layer in layers))

    # ---- time ------------------------------------------------------------------------------------------------

    def keep_time(self) -> None:
        """Have timers that run, and those that are about to start, run by our clock."""
        skew = time.time() - self._now()
        if abs(skew - self._skew) > _DRIFT_S:
            self.lib.ss7_move_timers(self.handle, round((skew - self._skew) * 1e6))
            self._skew = skew

    def delay(self) -> float | None:
        """Seconds until ``tick`` is due; None: no timer runs."""
        self.keep_time()
        due = self.lib.ss7_schedule_next(self.handle)
        if not due:
            return None
        return max(0.0, float(due.tv_sec) + float(due.tv_usec) / 1e6 - time.time())

    def tick(self) -> Iterator[Ss7Event]:
        """Run timers that are due."""
        for _ in range(_MOST_TIMERS_AT_ONCE):
            if self.handle is None or self.delay() != 0.0:
                return
            self.lib.ss7_run_first(self.handle)
            yield from self.events()

    # ---- frames ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Align the links; each waits for ``line_up`` or goes on at once when it was told that."""
        self.keep_time()
        self.lib.ss7_start(self.handle)

    def line_down(self, place: int) -> Iterator[Ss7Event]:
        """A link's channel is in alarm, or gone."""
        self.keep_time()
        self.links[place].last = b""
        self.lib.ss7_link_alarm(self.handle, self.links[place].own.fileno())
        yield from self.events()

    def line_up(self, place: int) -> None:
        """It is there (again)."""
        self.keep_time()
        self.lib.ss7_link_noalarm(self.handle, self.links[place].own.fileno())

    def receive(self, place: int, unit: bytes) -> Iterator[Ss7Event]:
        """A signal unit came on a link, with its check sum; what it means. Unsound ones are logged and dropped."""
        link = self.links[place]
        if unit == link.last and len(unit) <= _SHORT:
            return
        link.last = unit
        taken: bytes | None
        try:
            taken = sound(unit, self.variant)
        except Unsound as error:
            log.warning("signalling link %d: %s; dropped", link.code, error)
            taken = hollow(unit, self.variant)
        if taken is None:
            return
        self.keep_time()
        link.far.send(taken)
        self.lib.ss7_read(self.handle, link.own.fileno())
        yield from self.events()

    def has_unit(self, place: int) -> bool:
        """Whether a link has something new to send."""
        if self.handle is None:
            return False
        return bool(self.lib.ss7_pollflags(self.handle, self.links[place].own.fileno()) & select.POLLOUT)

    def transmit(self, place: int) -> bytes:
        """The next signal unit of a link, with two octets for its check sum. The last one is to be repeated as long as
        there is no other."""
        link = self.links[place]
        self.keep_time()
        self.lib.ss7_write(self.handle, link.own.fileno())
        with contextlib.suppress(BlockingIOError):
            unit = link.far.recv(_LONGEST_UNIT)
            self._hear_again(link, unit)
            return unit if len(unit) > CHECK_SUM else self._forced_uninhibition(link, unit)
        return b""

    def _hear_again(self, link: Link, sent: bytes) -> None:
        """Alignment begins (SIO is sent): what the far end sends all the time is news again (Q.703 7). The library
        takes no status that is the same as the one before, so it is given another between that says nothing now."""
        before, link.aligning = link.aligning, len(sent) == _STATUS_UNIT and sent[3] == _SIO
        if link.aligning and not before and len(link.last) == _STATUS_UNIT and link.last[3] in _ALIGNMENT:
            for unit in (link.last[:3] + bytes([_SIPO]) + link.last[4:], link.last):
                link.far.send(unit)
                self.lib.ss7_read(self.handle, link.own.fileno())

    def _forced_uninhibition(self, link: Link, head: bytes) -> bytes:
        """LFU (Q.704 15.9.6): the library forgets how long it is, and sends its sequence numbers alone."""
        others = [one for one in self.links if one.neighbour == link.neighbour]
        sls = next(place for place, one in enumerate(others) if one is link)
        to, of = link.neighbour, self.point_code
        if self.variant == "ansi":
            label = to.to_bytes(3, "little") + of.to_bytes(3, "little") + bytes([sls])
        else:
            label = (to | of << 14 | sls << 28).to_bytes(4, "little")
        service = self._network << 6 | (_HIGHEST_PRIORITY << 4 if self.variant == "ansi" else 0)
        return b"".join((head, bytes([len(label) + 2, service]), label, bytes([_LFU]), b"\0" * CHECK_SUM))

    def events(self) -> Iterator[Ss7Event]:
        """What is waiting to be told."""
        while self.handle is not None and (raw := self.lib.ss7_check_event(self.handle)):
            event = self._decoder.event(raw)
            if event is not None:
                if event.kind not in (Kind.LINK_UP, Kind.LINK_DOWN):
                    self.up = event.kind is not Kind.DOWN
                yield event

    # ---- management ------------------------------------------------------------------------------------------

    def manage(self, code: int, message: str, argument: int = 0) -> str:
        """Send a message of network management (coo, lin, tfp, ...) on a link; what came of it."""
        self.keep_time()
        text = self.lib.mtp3_net_mng(self.handle, code, message.encode(), argument)
        return str(self.ffi.string(text).decode()).strip()

    def restart(self, code: int) -> None:
        """Restart MTP3 towards the neighbour of a link."""
        self.keep_time()
        self.lib.mtp3_init_restart(self.handle, code)

    def status_lines(self) -> list[str]:
        """Links and routes, as the library tells it."""
        return printed(self.lib.ss7_print_linkset, self.handle)

    def call_lines(self) -> list[str]:
        """The records of circuits, as the library tells it."""
        self.keep_time()
        return printed(self.lib.ss7_print_calls, self.handle)

    # ---- calls -----------------------------------------------------------------------------------------------

    def _known(self, pointer: Any, cic: int) -> IsupCall:
        number = key(self.ffi, pointer)
        call = self._calls.get(number)
        if call is None:
            call = self._calls[number] = IsupCall(pointer, cic)
        return call

    def know(self, pointer: Any, cic: int) -> IsupCall:
        """The record of a circuit that we made."""
        return self._known(pointer, cic)

    def forget(self, call: IsupCall) -> None:
        """The library has freed it."""
        call.alive = False
        self._calls.pop(key(self.ffi, call.pointer), None)

    def abandon(self, call: IsupCall) -> None:
        """A message of a record cannot be sent. The library would free the record, and read it once more then."""
        self.lib.isup_free_call(self.handle, call.pointer)
        self.forget(call)
        if self.on_forgotten is not None:
            self.on_forgotten(call)

    @property
    def calls(self) -> int:
        """How many records there are."""
        return len(self._calls)

    # ---- Told: inside a function of the library's --------------------------------------------------------------

    def message(self, text: str) -> None:
        """See Told."""
        if self.on_message is not None:
            self.on_message(text)
        elif text:
            log.info("%s", text)

    def wants_end(self, cic: int, point_code: int, cause: int, what: int) -> int:
        """See Told."""
        if self.on_wants_end is None:
            return Occupied.NO_CIRCUIT
        return int(self.on_wants_end(cic, point_code, cause, what))

    def out_of_service(self, cic: int, point_code: int) -> None:
        """See Told."""
        if self.on_out_of_service is not None:
            self.on_out_of_service(cic, point_code)

    def forgets(self, pointer: Any) -> None:
        """See Told."""
        call = self._calls.get(key(self.ffi, pointer))
        if call is not None:
            self.forget(call)
            if self.on_forgotten is not None:
                self.on_forgotten(call)
