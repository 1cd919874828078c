"""One D channel: Q.921 and Q.931 by libpri, on a descriptor of frames with two octets of check sum."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kernel_shims.line import LineError
from kernel_shims.pri import charges, parties
from kernel_shims.pri.charges import NOTHING, Asked, PriAdvice, PriRates
from kernel_shims.pri.completion import Records
from kernel_shims.pri.events import PartyId, PartySubaddress, PriEvent, Redirection
from kernel_shims.pri.services import Services
from kernel_shims.pri.telling import Telling

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
_NOT_AVAILABLE, _FOLLOWS = 1, 5
"""Answers to the one who asks for advice (PRI_AOC_REQ_RSP_*)."""
_SPEECH, _DIGITAL = 0x00, 0x08
_NO_LAYER_1 = -1
_NOT_ISDN = 1
"""What calls here, or is called, may not be ISDN equipment itself (Q.931 4.5.23)."""
_LONGEST_USER_USER = 255
_LAW = {"ulaw": 0x22, "alaw": 0x23}
_BATCH = 64
_CHECK_SUM = 2
"""Octets at the end of a frame that are the driver's."""
_Q921_RAW, _Q921_DUMP, _Q921_STATE, _Q931_DUMP, _Q931_STATE, _APDU, _COMPLETION = (
    *(1 << 0, 1 << 1, 1 << 2),
    *(1 << 5, 1 << 6, 1 << 8, 1 << 10),
)
_LEVELS = {1: _APDU | _Q931_STATE | _Q921_STATE | _COMPLETION, 2: _Q931_DUMP, 4: _Q921_DUMP, 8: _Q921_RAW}
"""Bits of a debug level: general, messages of layer 3, of layer 2, and hexadecimal dumps."""
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


def version() -> str:
    """The library's version. Raises LineError when the binding is not built."""
    bound = binding()
    return str(bound.ffi.string(bound.lib.pri_get_version()).decode())


@dataclass(slots=True)
class Setup:
    """What a call out is set up with."""

    called: str
    channel: int
    """B channel; with its span's number in bits 8 to 15 and bit 16 set where a D channel serves several spans. 0: none,
    the call is to wait for one."""
    caller: PartyId
    called_plan: int = 0
    exclusive: bool = False
    complete: bool = True
    """All digits are there; else overlap."""
    called_subaddress: PartySubaddress | None = None
    digital: bool = False
    capability: int = 0
    """Information transfer capability; 0: speech, or what is digital."""
    law: str = "ulaw"
    redirection: Redirection | None = None
    keypad: str = ""
    reverse_charge: bool = False
    advice: Asked = NOTHING
    """What the network shall tell of the price."""
    user_user: str = ""
    completes: int | None = None
    """Record of the call that this one completes."""


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
        self.handle: Any = self.lib.pri_new_told(descriptor, mode, node, SWITCHES[switch])
        if not self.handle:
            raise LineError(f"libpri takes no D channel with switchtype {switch}")
        _links[int(self.ffi.cast("uintptr_t", self.handle))] = self
        self._telling = Telling(self.ffi, self.lib)
        self.services = Services(self)
        self.completion = Records(self)

    def enslave(self, other: PriLink) -> None:
        """Make another D channel the backup of this one (NFAS)."""
        self.lib.pri_enslave(self.handle, other.handle)

    def close(self) -> None:
        """Forget the link. The library has no way to give it back; it is small, and made again only on a restart."""
        _links.pop(int(self.ffi.cast("uintptr_t", self.handle)), None)

    # ---- options ---------------------------------------------------------------------------------------------

    def timer(self, name: str, value: int) -> bool:
        """Set a timer (ms) or counter; False when there is none of that name."""
        index = self.lib.pri_timer2idx(name.encode())
        return bool(index >= 0 and self.lib.pri_set_timer(self.handle, index, value) == 0)

    def debug(self, level: int) -> None:
        """What is told about messages: a sum of 1 (general), 2 (layer 3), 4 (layer 2) and 8 (hexadecimal)."""
        self.lib.pri_set_debug(self.handle, sum(bits for bit, bits in _LEVELS.items() if level & bit))

    def timer_value(self, name: str) -> int:
        """A timer in ms, or a counter; negative when it is off."""
        return int(self.lib.pri_get_timer(self.handle, self.lib.pri_timer2idx(name.encode())))

    def option(self, name: str, *values: int) -> None:
        """Call one of the library's switches by its name: ``option("overlapdial", 1)`` is pri_set_overlapdial."""
        for prefix in ("pri_set_", "pri_"):
            function = getattr(self.lib, f"{prefix}{name}", None)
            if function is not None:
                function(self.handle, *values)
                return
        raise ValueError(f"libpri has no option {name}")

    def information(self) -> str:
        """The state of layer 2 and 3, as the library tells it."""
        text = self.lib.pri_dump_info_str(self.handle)
        return str(self.ffi.string(text).decode("latin-1")) if text else ""

    # ---- time and frames -------------------------------------------------------------------------------------

    def delay(self) -> float | None:
        """Seconds until ``tick`` is due; None: no timer runs."""
        due = self.lib.pri_schedule_next(self.handle)
        if not due:
            return None
        return max(0.0, float(due.tv_sec) + float(due.tv_usec) / 1e6 - time.time())

    def tick(self) -> Iterator[PriEvent]:
        """Run timers that are due."""
        for _ in range(_BATCH):
            raw = self.lib.pri_schedule_run(self.handle)
            if not raw:
                return
            yield self._telling.event(raw)

    def receive(self) -> Iterator[PriEvent]:
        """Read a frame; what it means. Call again while the descriptor is readable."""
        raw = self.lib.pri_check_event(self.handle)
        if raw:
            yield self._telling.event(raw)

    def key(self, call: Any) -> int:
        """A call's handle as a number."""
        return int(self.ffi.cast("uintptr_t", call)) if call else 0

    # ---- calls -----------------------------------------------------------------------------------------------

    def setup(self, setup: Setup) -> Any:
        """Send SETUP. The call's handle; raises LineError when the library refuses."""
        call, request = self.lib.pri_new_call(self.handle), self.lib.pri_sr_new()
        if not call or not request:
            raise LineError("libpri has no call left")
        lib = self.lib
        lib.pri_sr_set_channel(request, setup.channel, int(setup.exclusive), _NOT_ISDN)
        capability = setup.capability or (_DIGITAL if setup.digital else _SPEECH)
        lib.pri_sr_set_bearer(request, capability, _NO_LAYER_1 if setup.digital else _LAW[setup.law])
        # The request points to these until it is sent.
        called, keypad = (self.ffi.new("char[]", text.encode()) for text in (setup.called, setup.keypad))
        user_user = self.ffi.new("char[]", setup.user_user.encode()[:_LONGEST_USER_USER])
        if setup.called or not setup.keypad:
            lib.pri_sr_set_called(request, called, setup.called_plan, int(setup.complete))
        if setup.called_subaddress is not None:
            made = parties.made_subaddress(self.ffi, setup.called_subaddress)
            lib.pri_sr_set_called_subaddress(request, made)
        lib.pri_sr_set_caller_party(request, parties.made(self.ffi, setup.caller))
        if setup.redirection is not None:
            lib.pri_sr_set_redirecting_parties(request, parties.made_redirection(self.ffi, setup.redirection))
        if setup.keypad:
            lib.pri_sr_set_keypad_digits(request, keypad)
        if setup.reverse_charge:
            lib.pri_sr_set_reversecharge(request, 1)
        for asked in setup.advice:
            lib.pri_sr_set_aoc_charging_request(request, int(asked))
        if setup.user_user:
            lib.pri_sr_set_useruser(request, user_user)
        if setup.completes is not None:
            failed = lib.pri_cc_call(self.handle, setup.completes, call, request)
        else:
            failed = lib.pri_setup(self.handle, call, request)
        lib.pri_sr_free(request)
        if failed:
            lib.pri_destroycall(self.handle, call)
            raise LineError("libpri could not set up the call: its D channel is down")
        return call

    def setup_acknowledge(self, call: Any, channel: int, *, inband: bool) -> None:
        """Ask for more digits."""
        self.lib.pri_setup_ack(self.handle, call, channel, _NOT_ISDN, int(inband))

    def proceeding(self, call: Any, channel: int) -> None:
        """CALL PROCEEDING."""
        self.lib.pri_proceeding(self.handle, call, channel, 0)

    def progress(self, call: Any, channel: int, cause: int = -1) -> None:
        """PROGRESS: sound is to be heard; with a cause, why the call will not be answered."""
        self.lib.pri_progress_with_cause(self.handle, call, channel, 1, cause)

    def alerting(self, call: Any, channel: int, *, inband: bool) -> None:
        """ALERTING."""
        self.lib.pri_acknowledge(self.handle, call, channel, int(inband))

    def answer(self, call: Any, channel: int, *, digital: bool = False) -> None:
        """CONNECT."""
        self.lib.pri_answer(self.handle, call, channel, 0 if digital else _NOT_ISDN)

    def acknowledge_answer(self, call: Any, channel: int = 0) -> None:
        """CONNECT ACKNOWLEDGE, on a channel when the call had none."""
        self.lib.pri_connect_ack(self.handle, call, channel)

    def send_digit(self, call: Any, digit: str) -> None:
        """INFORMATION with one digit."""
        self.lib.pri_information(self.handle, call, digit.encode())

    def hangup(self, call: Any, cause: int) -> None:
        """The next step of clearing: DISCONNECT, RELEASE or RELEASE COMPLETE; -1 only lets go of the call."""
        self.lib.pri_hangup(self.handle, call, cause)

    def destroy(self, call: Any) -> None:
        """Forget a call without a word to the far end."""
        self.lib.pri_destroycall(self.handle, call)

    def user_user(self, call: Any, text: str) -> None:
        """What the next message of clearing says to the far end's user."""
        self.lib.pri_call_set_useruser(call, self.ffi.new("char[]", text.encode()[:_LONGEST_USER_USER]))

    def connected(self, call: Any, party: PartyId) -> None:
        """Tell the far end who is connected."""
        raw = self.ffi.new("struct pri_party_connected_line *")
        parties.fill(raw.id, party)
        self.lib.pri_connected_line_update(self.handle, call, raw)

    def redirecting(self, call: Any, redirection: Redirection) -> None:
        """Tell the far end who has redirected the call."""
        self.lib.pri_redirecting_update(self.handle, call, parties.made_redirection(self.ffi, redirection))

    def notify(self, call: Any, channel: int, indicator: int) -> None:
        """NOTIFY (Q.931 4.5.22): 0 suspended, 1 resumed; 0x79 hold, 0x7a retrieve."""
        self.lib.pri_notify(self.handle, call, channel, indicator)

    def hold(self, call: Any) -> bool:
        """HOLD; False when it cannot be asked for."""
        return bool(self.lib.pri_hold(self.handle, call) == 0)

    def retrieve(self, call: Any, channel: int) -> bool:
        """RETRIEVE."""
        return bool(self.lib.pri_retrieve(self.handle, call, channel) == 0)

    def reply_hold(self, call: Any, cause: int = 0) -> None:
        """HOLD ACKNOWLEDGE, or HOLD REJECT with a cause."""
        if cause:
            self.lib.pri_hold_rej(self.handle, call, cause)
        else:
            self.lib.pri_hold_ack(self.handle, call)

    def reply_retrieve(self, call: Any, channel: int, cause: int = 0) -> None:
        """RETRIEVE ACKNOWLEDGE on a channel, or RETRIEVE REJECT with a cause."""
        if cause:
            self.lib.pri_retrieve_rej(self.handle, call, cause)
        else:
            self.lib.pri_retrieve_ack(self.handle, call, channel)

    def advise(self, call: Any, advice: PriAdvice) -> None:
        """Tell the user what the call costs."""
        if isinstance(advice, PriRates):
            self.lib.pri_aoc_s_send(self.handle, call, charges.made_rates(self.ffi, advice))
        elif advice.at_end:
            self.lib.pri_aoc_e_send(self.handle, call, charges.made_charge(self.ffi, advice))
        else:
            self.lib.pri_aoc_d_send(self.handle, call, charges.made_charge(self.ffi, advice))

    def reply_rates(self, call: Any, invoke: int, rates: PriRates | None) -> None:
        """Answer who asked for AOC-S; None: there is no telling."""
        raw = self.ffi.NULL if rates is None else charges.made_rates(self.ffi, rates)
        self.lib.pri_aoc_s_request_response_send(self.handle, call, invoke, raw)

    def reply_charges(self, call: Any, invoke: int, *, granted: bool) -> None:
        """Answer who asked for AOC-D or AOC-E: it will follow, or there is none."""
        self.lib.pri_aoc_de_request_response_send(self.handle, call, _FOLLOWS if granted else _NOT_AVAILABLE, invoke)

    def reset(self, channel: int) -> None:
        """RESTART a B channel."""
        self.lib.pri_reset(self.handle, channel)

    def service(self, span: int, channel: int, change: int) -> None:
        """SERVICE: 0 in service, 1 in the loop, 2 out of service."""
        self.lib.pri_maintenance_service(self.handle, span, channel, change)
