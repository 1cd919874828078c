"""One D channel: Q.921 and Q.931 by libpri, on a descriptor of frames with two octets of check sum."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kernel_shims.line import LineError
from kernel_shims.pri import charges
from kernel_shims.pri.charges import NOTHING, Asked, PriAdvice, PriAsked, PriRates
from kernel_shims.pri.events import Kind, PartyId, PriEvent, Redirection

log = logging.getLogger(__name__)

SWITCHES = {
    "national": 1,
    "dms100": 2,
    "5ess": 3,
    "4ess": 4,
    "euroisdn": 5,
    "ni1": 7,
    "qsig": 10,
}
NETWORK, CPE = 1, 2
_POINT_TO_POINT = 1
_INBAND = 1 << 3
_FROM = "from"
"""A field whose name Python keeps for itself."""
_CONNECTED, _REDIRECTING, _DISPLAY = 2, 1, 25
_RATES, _DURING, _AT_END, _CHARGES_ASKED, _CHARGES_ANSWERED = 18, 19, 20, 21, 22
_NOT_AVAILABLE, _FOLLOWS = 1, 5
"""Answers to the one who asks for advice (PRI_AOC_REQ_RSP_*)."""
EXPLICIT = 1 << 16
"""In a channel's number: its span is named."""
_SPEECH, _DIGITAL = 0x00, 0x08
_LAW = {"ulaw": 0x22, "alaw": 0x23}
_BATCH = 64
_CHECK_SUM = 2
"""Octets at the end of a frame that are the driver's."""
_CONFIG, _Q931_DUMP, _Q931_STATE, _APDU, _AOC = 1 << 3, 1 << 5, 1 << 6, 1 << 8, 1 << 9
_Q921_RAW, _Q921_DUMP, _Q921_STATE = 1 << 0, 1 << 1, 1 << 2
DEBUG_NORMAL = _CONFIG | _Q931_DUMP | _Q931_STATE | _APDU | _AOC
DEBUG_ALL = DEBUG_NORMAL | _Q921_DUMP | _Q921_STATE
DEBUG_HEX = DEBUG_ALL | _Q921_RAW

_ABOUT_CALL = {
    Kind.RINGING: "ringing",
    Kind.ANSWER: "answer",
    Kind.PROCEEDING: "proceeding",
    Kind.PROGRESS: "proceeding",
    Kind.SETUP_ACK: "setup_ack",
    Kind.FACILITY: "facility",
    Kind.NOTIFY: "notify",
    Kind.HANGUP: "hangup",
    Kind.HANGUP_ACK: "hangup",
    Kind.HANGUP_REQUEST: "hangup",
    Kind.HOLD: "hold",
    Kind.HOLD_ACK: "hold",
    Kind.HOLD_REJECT: "hold",
    Kind.RETRIEVE: "retrieve",
    Kind.RETRIEVE_ACK: "retrieve",
    Kind.RETRIEVE_REJECT: "retrieve",
    Kind.CONNECT_ACK: "connect_ack",
    Kind.KEYPAD: "digit",
    Kind.INFORMATION: "ring",
    Kind.RING: "ring",
}
_links: dict[int, PriLink] = {}


def binding() -> Any:
    """The compiled binding. Raises LineError with the remedy when it is not built."""
    try:
        from kernel_shims.pri import _pri  # type: ignore[attr-defined]
    except ImportError as error:
        raise LineError(
            f"the binding of libpri is not built ({error}): install libpri-dev and run make -C kernel-shims"
        ) from None
    if not _links and not hasattr(_pri, "_bound"):
        _bind(_pri)
    return _pri


def _bind(bound: Any) -> None:
    def told(handle: Any, text: Any) -> None:
        link = _links.get(int(bound.ffi.cast("uintptr_t", handle)))
        line = bound.ffi.string(text).decode("latin-1").rstrip("\n")
        if link is not None and link.on_message is not None:
            link.on_message(line)
        else:
            log.info("%s", line)

    def moved(handle: Any, sent: int, frame: Any, size: int) -> None:
        link = _links.get(int(bound.ffi.cast("uintptr_t", handle)))
        if link is not None and link.on_frame is not None and size > _CHECK_SUM:
            link.on_frame(bool(sent), bytes(bound.ffi.buffer(frame, size - _CHECK_SUM)))

    bound.ffi.def_extern(name="pri_told")(told)
    bound.ffi.def_extern(name="pri_frame")(moved)
    bound.ffi.def_extern(name="pri_complained")(told)
    bound.lib.pri_set_message(bound.lib.pri_told)
    bound.lib.pri_set_error(bound.lib.pri_complained)


@dataclass(slots=True)
class Setup:
    """What a call out is set up with."""

    called: str
    channel: int
    """B channel; with its span's number in bits 8 to 15 and bit 16 set where a D channel serves several spans."""
    caller: PartyId
    called_plan: int = 0
    exclusive: bool = False
    complete: bool = True
    """All digits are there; else overlap."""
    digital: bool = False
    law: str = "ulaw"
    redirection: Redirection | None = None
    keypad: str = ""
    reverse_charge: bool = False
    advice: Asked = NOTHING
    """What the network shall tell of the price."""


class PriLink:
    """See the text of this file. Frames are read in ``receive``; timers run in ``tick``."""

    def __init__(self, descriptor: int, *, network: bool, switch: str, bri: bool = False, multipoint: bool = False):
        bound = binding()
        self.ffi, self.lib = bound.ffi, bound.lib
        self.descriptor = descriptor
        self.on_message: Callable[[str], None] | None = None
        """Called with each line the library has to say."""
        self.on_frame: Callable[[bool, bytes], None] | None = None
        """Called with each Q.921 frame and whether we sent it."""
        node = NETWORK if network else CPE
        mode = -1 if not bri else 0 if multipoint else _POINT_TO_POINT
        self._handle = self.lib.pri_new_told(descriptor, mode, node, SWITCHES[switch])
        if not self._handle:
            raise LineError(f"libpri takes no D channel with switchtype {switch}")
        _links[int(self.ffi.cast("uintptr_t", self._handle))] = self

    def enslave(self, other: PriLink) -> None:
        """Make another D channel the backup of this one (NFAS)."""
        self.lib.pri_enslave(self._handle, other._handle)

    def close(self) -> None:
        """Forget the link. The library has no way to give it back; it is small, and made again only on a restart."""
        _links.pop(int(self.ffi.cast("uintptr_t", self._handle)), None)

    # ---- options ---------------------------------------------------------------------------------------------

    def timer(self, name: str, value: int) -> bool:
        """Set a timer (ms) or counter; False when there is none of that name."""
        index = self.lib.pri_timer2idx(name.encode())
        return bool(index >= 0 and self.lib.pri_set_timer(self._handle, index, value) == 0)

    def debug(self, level: int) -> None:
        """What is told about messages: DEBUG_NORMAL, DEBUG_ALL, DEBUG_HEX or 0."""
        self.lib.pri_set_debug(self._handle, level)

    @property
    def debug_level(self) -> int:
        """The level in force."""
        return int(self.lib.pri_get_debug(self._handle))

    def option(self, name: str, *values: int) -> None:
        """Call one of the library's switches by its name: ``option("overlapdial", 1)`` is pri_set_overlapdial."""
        for prefix in ("pri_set_", "pri_"):
            function = getattr(self.lib, f"{prefix}{name}", None)
            if function is not None:
                function(self._handle, *values)
                return
        raise ValueError(f"libpri has no option {name}")

    def information(self) -> str:
        """The state of layer 2 and 3, as the library tells it."""
        text = self.lib.pri_dump_info_str(self._handle)
        return str(self.ffi.string(text).decode("latin-1")) if text else ""

    def version(self) -> str:
        """The library's version."""
        return str(self.ffi.string(self.lib.pri_get_version()).decode())

    # ---- time and frames -------------------------------------------------------------------------------------

    def delay(self) -> float | None:
        """Seconds until ``tick`` is due; None: no timer runs."""
        due = self.lib.pri_schedule_next(self._handle)
        if not due:
            return None
        return max(0.0, float(due.tv_sec) + float(due.tv_usec) / 1e6 - time.time())

    def tick(self) -> Iterator[PriEvent]:
        """Run timers that are due."""
        for _ in range(_BATCH):
            raw = self.lib.pri_schedule_run(self._handle)
            if not raw:
                return
            yield self._event(raw)

    def receive(self) -> Iterator[PriEvent]:
        """Read a frame; what it means. Call again while the descriptor is readable."""
        raw = self.lib.pri_check_event(self._handle)
        if raw:
            yield self._event(raw)

    # ---- events ----------------------------------------------------------------------------------------------

    def text(self, chars: Any) -> str:
        """A text inside an event."""
        return bytes(self.ffi.buffer(chars)).split(b"\0", 1)[0].decode("utf-8", "replace")

    def key(self, call: Any) -> int:
        """A call's handle as a number."""
        return int(self.ffi.cast("uintptr_t", call)) if call else 0

    def _event(self, raw: Any) -> PriEvent:
        kind = Kind(raw.e)
        event = PriEvent(kind)
        if kind in (Kind.RESTART, Kind.RESTART_ACK):
            self._place(event, raw.restart.channel)
            return event
        if kind is Kind.CONFIG_ERROR:
            event.display = self.text(raw.err.err)
            return event
        if kind in (Kind.SERVICE, Kind.SERVICE_ACK):
            self._place(event, raw.service.channel)
            event.change = raw.service.changestatus
            return event
        name = _ABOUT_CALL.get(kind)
        if name is None:
            return event
        part = getattr(raw, name)
        event.call = part.call
        self._place(event, part.channel)
        self._details(event, kind, part)
        if name in ("ring", "ringing", "answer", "proceeding", "setup_ack", "facility", "notify", "hangup"):
            self._subcommands(event, part.subcmds)
        return event

    def _place(self, event: PriEvent, channel: int) -> None:
        event.channel = channel & 0xFF if channel >= 0 else -1
        event.span = channel >> 8 & 0xFF if channel >= 0 else 0
        event.explicit = bool(channel >= 0 and channel & EXPLICIT)

    def _details(self, event: PriEvent, kind: Kind, part: Any) -> None:
        if kind in (Kind.RINGING, Kind.ANSWER, Kind.PROCEEDING, Kind.PROGRESS, Kind.SETUP_ACK):
            event.inband = bool(part.progressmask & _INBAND)
        if kind is Kind.PROGRESS:
            event.cause = max(0, part.cause)
        elif kind in (Kind.HANGUP, Kind.HANGUP_ACK, Kind.HANGUP_REQUEST):
            event.cause = max(0, part.cause)
            event.held, event.active = part.call_held, part.call_active
        elif kind is Kind.NOTIFY:
            event.notification = part.info
        elif kind is Kind.KEYPAD:
            event.digits = self.text(part.digits)
        elif kind in (Kind.RING, Kind.INFORMATION):
            self._ring(event, part)

    def _ring(self, event: PriEvent, part: Any) -> None:
        event.called = self.text(part.callednum)
        event.called_plan = part.calledplan
        number, name = self.text(part.callingnum), self.text(part.callingname)
        event.caller = PartyId(
            number or None,
            name or None,
            part.callingplan,
            part.callingpres,
            part.calling.name.presentation if part.calling.name.valid else part.callingpres,
        )
        event.ani = self.text(part.callingani)
        event.complete = bool(part.complete)
        event.flexible = bool(part.flexible)
        event.digital = part.ctype in (_DIGITAL, 0x09)
        event.layer1 = part.layer1
        event.digits = self.text(part.keypad_digits)
        event.redirecting_number = self.text(part.redirectingnum)
        event.redirecting_name = self.text(part.redirectingname)
        event.redirecting_reason = part.redirectingreason
        event.reverse_charge = part.reversecharge == 1

    def _subcommands(self, event: PriEvent, commands: Any) -> None:
        for index in range(self.lib.pri_subcommands_count(commands)):
            one = self.lib.pri_subcommand_at(commands, index)
            if one.cmd == _CONNECTED:
                event.connected = self._party(self.lib.pri_subcommand_connected(one).id)
            elif one.cmd == _REDIRECTING:
                found = self.lib.pri_subcommand_redirecting(one)
                event.redirection = Redirection(
                    self._party(getattr(found, _FROM)),
                    self._party(found.to),
                    self._party(found.orig_called),
                    found.count,
                    found.reason,
                )
            elif one.cmd == _DISPLAY:
                display = self.lib.pri_subcommand_display(one)
                event.display = bytes(self.ffi.buffer(display.text))[: display.length].decode("latin-1")
            elif _RATES <= one.cmd <= _CHARGES_ANSWERED:
                self._charges(event, one)

    def _charges(self, event: PriEvent, one: Any) -> None:
        if one.cmd == _RATES:
            event.advice += (charges.rates_of(self.ffi, self.lib.pri_subcommand_aoc_s(one)),)
        elif one.cmd == _DURING:
            event.advice += (charges.charge_of(self.ffi, self.lib.pri_subcommand_aoc_d(one), at_end=False),)
        elif one.cmd == _AT_END:
            event.advice += (charges.charge_of(self.ffi, self.lib.pri_subcommand_aoc_e(one), at_end=True),)
        elif one.cmd == _CHARGES_ASKED:
            raw = self.lib.pri_subcommand_aoc_request(one)
            event.asked = PriAsked(Asked(raw.charging_request), raw.invoke_id)
        else:
            raw = self.lib.pri_subcommand_aoc_response(one)
            if raw.valid_aoc_s:
                event.advice += (charges.rates_of(self.ffi, self.ffi.addressof(raw, "aoc_s")),)

    def _party(self, raw: Any) -> PartyId:
        return PartyId(
            self.text(raw.number.str) if raw.number.valid else None,
            self.text(raw.name.str) if raw.name.valid else None,
            raw.number.plan,
            raw.number.presentation,
            raw.name.presentation,
        )

    def _fill(self, raw: Any, party: PartyId) -> None:
        if party.number is not None:
            raw.number.valid = 1
            raw.number.str = party.number.encode()[:63]
            raw.number.plan = party.plan
        raw.number.presentation = party.presentation
        if party.name is not None:
            raw.name.valid = 1
            raw.name.char_set = 1
            raw.name.str = party.name.encode("latin-1", "replace")[:63]
            raw.name.presentation = party.name_presentation

    # ---- calls -----------------------------------------------------------------------------------------------

    def setup(self, setup: Setup) -> Any:
        """Send SETUP. The call's handle; raises LineError when the library refuses."""
        call, request = self.lib.pri_new_call(self._handle), self.lib.pri_sr_new()
        if not call or not request:
            raise LineError("libpri has no call left")
        lib = self.lib
        lib.pri_sr_set_channel(request, setup.channel, int(setup.exclusive), 0)
        lib.pri_sr_set_bearer(request, _DIGITAL if setup.digital else _SPEECH, 0 if setup.digital else _LAW[setup.law])
        called = self.ffi.new("char[]", setup.called.encode())
        lib.pri_sr_set_called(request, called, setup.called_plan, int(setup.complete))
        caller = self.ffi.new("struct pri_party_id *")
        self._fill(caller, setup.caller)
        lib.pri_sr_set_caller_party(request, caller)
        if setup.redirection is not None:
            lib.pri_sr_set_redirecting_parties(request, self._redirecting(setup.redirection))
        if setup.keypad:
            lib.pri_sr_set_keypad_digits(request, setup.keypad.encode())
        if setup.reverse_charge:
            lib.pri_sr_set_reversecharge(request, 1)
        for asked in setup.advice:
            lib.pri_sr_set_aoc_charging_request(request, int(asked))
        failed = lib.pri_setup(self._handle, call, request)
        lib.pri_sr_free(request)
        if failed:
            lib.pri_destroycall(self._handle, call)
            raise LineError("libpri could not set up the call: its D channel is down")
        return call

    def _redirecting(self, redirection: Redirection) -> Any:
        raw = self.ffi.new("struct pri_party_redirecting *")
        self._fill(getattr(raw, _FROM), redirection.from_)
        self._fill(raw.to, redirection.to)
        self._fill(raw.orig_called, redirection.original)
        raw.count = redirection.count
        raw.reason = redirection.reason
        return raw

    def setup_acknowledge(self, call: Any, channel: int, *, inband: bool) -> None:
        """Ask for more digits."""
        self.lib.pri_setup_ack(self._handle, call, channel, 0, int(inband))

    def proceeding(self, call: Any, channel: int) -> None:
        """CALL PROCEEDING."""
        self.lib.pri_proceeding(self._handle, call, channel, 0)

    def progress(self, call: Any, channel: int, *, inband: bool = True) -> None:
        """PROGRESS: sound is to be heard."""
        self.lib.pri_progress(self._handle, call, channel, int(inband))

    def alerting(self, call: Any, channel: int, *, inband: bool) -> None:
        """ALERTING."""
        self.lib.pri_acknowledge(self._handle, call, channel, int(inband))

    def answer(self, call: Any, channel: int) -> None:
        """CONNECT."""
        self.lib.pri_answer(self._handle, call, channel, 0)

    def send_digit(self, call: Any, digit: str) -> None:
        """INFORMATION with one digit."""
        self.lib.pri_information(self._handle, call, digit.encode())

    def hangup(self, call: Any, cause: int) -> None:
        """The next step of clearing: DISCONNECT, RELEASE or RELEASE COMPLETE; -1 only lets go of the call."""
        self.lib.pri_hangup(self._handle, call, cause)

    def connected(self, call: Any, party: PartyId) -> None:
        """Tell the far end who is connected."""
        raw = self.ffi.new("struct pri_party_connected_line *")
        self._fill(raw.id, party)
        self.lib.pri_connected_line_update(self._handle, call, raw)

    def notify(self, call: Any, channel: int, indicator: int) -> None:
        """NOTIFY (Q.931 4.5.22): 0 suspended, 1 resumed; 0x79 hold, 0x7a retrieve."""
        self.lib.pri_notify(self._handle, call, channel, indicator)

    def hold(self, call: Any) -> bool:
        """HOLD; False when it cannot be asked for."""
        return bool(self.lib.pri_hold(self._handle, call) == 0)

    def retrieve(self, call: Any, channel: int) -> bool:
        """RETRIEVE."""
        return bool(self.lib.pri_retrieve(self._handle, call, channel) == 0)

    def reply_hold(self, call: Any, cause: int = 0) -> None:
        """HOLD ACKNOWLEDGE, or HOLD REJECT with a cause."""
        if cause:
            self.lib.pri_hold_rej(self._handle, call, cause)
        else:
            self.lib.pri_hold_ack(self._handle, call)

    def reply_retrieve(self, call: Any, channel: int, cause: int = 0) -> None:
        """RETRIEVE ACKNOWLEDGE on a channel, or RETRIEVE REJECT with a cause."""
        if cause:
            self.lib.pri_retrieve_rej(self._handle, call, cause)
        else:
            self.lib.pri_retrieve_ack(self._handle, call, channel)

    def advise(self, call: Any, advice: PriAdvice) -> None:
        """Tell the user what the call costs."""
        if isinstance(advice, PriRates):
            self.lib.pri_aoc_s_send(self._handle, call, charges.made_rates(self.ffi, advice))
        elif advice.at_end:
            self.lib.pri_aoc_e_send(self._handle, call, charges.made_charge(self.ffi, advice))
        else:
            self.lib.pri_aoc_d_send(self._handle, call, charges.made_charge(self.ffi, advice))

    def reply_rates(self, call: Any, invoke: int, rates: PriRates | None) -> None:
        """Answer who asked for AOC-S; None: there is no telling."""
        raw = self.ffi.NULL if rates is None else charges.made_rates(self.ffi, rates)
        self.lib.pri_aoc_s_request_response_send(self._handle, call, invoke, raw)

    def reply_charges(self, call: Any, invoke: int, *, granted: bool) -> None:
        """Answer who asked for AOC-D or AOC-E: it will follow, or there is none."""
        self.lib.pri_aoc_de_request_response_send(self._handle, call, _FOLLOWS if granted else _NOT_AVAILABLE, invoke)

    def malicious(self, call: Any) -> None:
        """Report the call as malicious (MCID)."""
        self.lib.pri_mcid_req_send(self._handle, call)

    def reset(self, channel: int) -> None:
        """RESTART a B channel."""
        self.lib.pri_reset(self._handle, channel)

    def service(self, span: int, channel: int, change: int) -> None:
        """SERVICE: 0 in service, 1 in the loop, 2 out of service."""
        self.lib.pri_maintenance_service(self._handle, span, channel, change)
