"""One MFC/R2 channel (ITU-T Q.400 to Q.490 and what countries made of it), by libopenr2 and without I/O.

Signalling bits and sound go in and out by calls; the clock is a function. io.c tells how the library is held to that.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from kernel_shims.line import LineError
from kernel_shims.r2.events import Cause, Direction, Kind, R2Event

_ALARM, _NO_ALARM, _BITS_CHANGED = 4, 5, 13
_UNKNOWN_VARIANT = 999
_UNKNOWN_CATEGORY = 5
_lines: dict[int, R2Line] = {}


@dataclass(slots=True)
class Terms:
    """How a channel speaks R2. -1 and None: as the variant has it; times are in ms."""

    variant: str = "itu"
    max_ani: int = 10
    max_dnis: int = 4
    ani_first: bool | None = None
    skip_category: bool | None = None
    immediate_accept: bool | None = None
    double_answer: bool = False
    mf_back_timeout: int = -1
    metering_pulse_timeout: int = -1
    dtmf_dialing: bool | None = None
    dtmf_detection: bool | None = None
    dtmf_on: int = 50
    dtmf_off: int = 100
    dtmf_end_timeout: int = -1
    log_folder: str = ""
    call_files: bool = False
    protocol_file: str = ""
    log: frozenset[str] = frozenset({"error", "warning"})


def binding() -> Any:
    """The compiled binding. Raises LineError with the remedy when it is not built."""
    before = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_NOW | os.RTLD_LOCAL | os.RTLD_DEEPBIND)
    try:
        from kernel_shims.r2 import _r2  # type: ignore[attr-defined]
    except ImportError as error:
        raise LineError(
            f"the binding of libopenr2 is not built ({error}): install libopenr2-dev and run make -C kernel-shims"
        ) from None
    finally:
        sys.setdlopenflags(before)
    if not hasattr(_r2, "bound"):
        _bind(_r2)
    return _r2


def _bind(module: Any) -> None:
    ffi = module.ffi

    def line_of(chan: Any) -> R2Line | None:
        return _lines.get(int(ffi.cast("uintptr_t", chan)))

    def text(chars: Any) -> str | None:
        return ffi.string(chars).decode("latin-1") if chars else None

    def happened(chan: Any, kind: int, value: int, ani: Any, dnis: Any) -> None:
        line = line_of(chan)
        if line is not None:
            line.events.append(R2Event(Kind(kind), value, text(ani), text(dnis) or ""))

    def wants_digit(chan: Any, digit: bytes) -> int:
        line = line_of(chan)
        return int(line is None or line.wants_digit(digit.decode("latin-1")))

    def told(chan: Any, level: int, chars: Any) -> None:
        line = line_of(chan)
        if line is not None:
            line.on_message(level, (text(chars) or "").rstrip("\n"))

    ffi.def_extern(name="r2_happened")(happened)
    ffi.def_extern(name="r2_wants_digit")(wants_digit)
    ffi.def_extern(name="r2_told")(told)
    module.bound = True


def version() -> tuple[str, str]:
    """Version and revision of the library."""
    module = binding()
    lib, string = module.lib, module.ffi.string
    return string(lib.openr2_get_version()).decode(), string(lib.openr2_get_revision()).decode()


def variants() -> list[tuple[str, str]]:
    """Code and country of each variant."""
    module = binding()
    lib, string = module.lib, module.ffi.string
    return [
        (string(lib.r2_variant_name(place)).decode(), string(lib.r2_variant_country(place)).decode())
        for place in range(lib.r2_variants())
    ]


def log_level(words: frozenset[str] | list[str]) -> int:
    """The level that some words of libopenr2's make together. Raises ValueError at one it does not know."""
    lib, level = binding().lib, 0
    for word in words:
        found = lib.openr2_log_get_level(word.encode())
        if found < 0:
            raise ValueError(word)
        level |= found
    return level


def category_of(name: str) -> int | None:
    """The number of a category, None when there is none of that name."""
    found = int(binding().lib.r2_category(name.encode()))
    return None if found == _UNKNOWN_CATEGORY else found


def category_name(category: int) -> str:
    """Its name."""
    module = binding()
    return str(module.ffi.string(module.lib.r2_category_name(category)).decode())


def cause_name(cause: int) -> str:
    """What libopenr2 calls a cause."""
    module = binding()
    return str(module.ffi.string(module.lib.r2_cause_name(cause)).decode())


def error_name(error: int) -> str:
    """What it calls an error of the protocol."""
    module = binding()
    return str(module.ffi.string(module.lib.r2_error_name(error)).decode())


def _translations() -> tuple[bytes, bytes]:
    """Codes of A-law by those of mu-law, and the other way: the library knows A-law alone."""
    from kernel_shims.simulator.sound import decode, encode

    every = bytes(range(256))
    return encode(decode(every, "ulaw"), "alaw"), encode(decode(every, "alaw"), "ulaw")


def _or_variant(value: bool | None) -> int:
    return -1 if value is None else int(value)


class R2Line:
    """See the text of this file. After every call take ``sent_bits``, the events and ``delay`` anew."""

    def __init__(self, number: int, law: str, terms: Terms, clock: Callable[[], float]) -> None:
        module = binding()
        self._ffi, self._lib = module.ffi, module.lib
        self._clock = clock
        self._to_alaw: bytes | None = None
        self._from_alaw: bytes | None = None
        if law == "ulaw":
            self._to_alaw, self._from_alaw = _translations()
        self.terms = terms
        self.events: deque[R2Event] = deque()
        self.wants_digit: Callable[[str], bool] = lambda digit: True
        """Told each digit of the called number; whether another is wanted."""
        self.on_message: Callable[[int, str], None] = lambda level, text: None
        """Told what the library logs, with its level."""
        self.call_files = False
        self._context = self._new_context(number)
        self._io = self._lib.r2_io_new(number)
        if not self._io:
            self._lib.openr2_context_delete(self._context)
            raise LineError(f"channel {number}: there are too many MFC/R2 channels")
        self._chan = self._lib.r2_channel(self._context, self._io)
        if not self._chan:
            sentence = self._ffi.string(self._lib.r2_context_error(self._context)).decode()
            self._lib.openr2_context_delete(self._context)
            self._lib.r2_io_free(self._io)
            raise LineError(f"channel {number}: libopenr2 does not take it: {sentence}")
        _lines[self._key] = self
        self.set_log(terms.log)
        self.set_call_files(terms.call_files)

    @property
    def _key(self) -> int:
        return int(self._ffi.cast("uintptr_t", self._chan))

    def _new_context(self, number: int) -> Any:
        lib, terms = self._lib, self.terms
        variant = lib.r2_variant(terms.variant.encode())
        if variant == _UNKNOWN_VARIANT:
            there = ", ".join(code.lower() for code, _ in variants())
            raise LineError(f"channel {number}: there is no MFC/R2 variant {terms.variant}; there are {there}")
        context = lib.r2_context(variant, terms.max_ani, terms.max_dnis)
        if not context:
            raise LineError(f"channel {number}: libopenr2 has no memory for another channel")
        lib.openr2_context_set_mf_threshold(context, 0)
        lib.openr2_context_set_ani_first(context, _or_variant(terms.ani_first))
        lib.openr2_context_set_skip_category_request(context, _or_variant(terms.skip_category))
        lib.openr2_context_set_immediate_accept(context, _or_variant(terms.immediate_accept))
        lib.openr2_context_set_double_answer(context, int(terms.double_answer))
        lib.openr2_context_set_mf_back_timeout(context, terms.mf_back_timeout)
        lib.openr2_context_set_metering_pulse_timeout(context, terms.metering_pulse_timeout)
        lib.openr2_context_set_dtmf_dialing(context, _or_variant(terms.dtmf_dialing), terms.dtmf_on, terms.dtmf_off)
        lib.openr2_context_set_dtmf_detection(context, _or_variant(terms.dtmf_detection))
        lib.openr2_context_set_dtmf_detection_end_timeout(context, terms.dtmf_end_timeout)
        if terms.log_folder and lib.openr2_context_set_log_directory(context, terms.log_folder.encode()):
            lib.openr2_context_delete(context)
            raise LineError(f"channel {number}: {terms.log_folder} is no folder for MFC/R2 call files")
        name = terms.protocol_file
        if name and lib.openr2_context_configure_from_advanced_file(context, name.encode()):
            lib.openr2_context_delete(context)
            raise LineError(f"channel {number}: {name} has no MFC/R2 protocol definitions that libopenr2 can read")
        return context

    def close(self) -> None:
        """Forget the channel. Harmless twice."""
        if self._chan:
            _lines.pop(self._key, None)
            self._lib.openr2_context_delete(self._context)
            self._lib.r2_io_free(self._io)
            self._chan = self._context = self._io = None

    # ---- the line --------------------------------------------------------------------------------------------

    def _now(self) -> None:
        now = self._clock()
        self._lib.r2_clock(int(now), int(now % 1 * 1e6))

    def begin(self, bits: int) -> None:
        """Say that we are idle, and look at the far end's bits."""
        self._now()
        self._lib.r2_io_bits(self._io, bits)
        self._lib.openr2_chan_set_idle(self._chan)
        self._lib.openr2_chan_handle_cas(self._chan)

    def bits(self, value: int) -> None:
        """The far end's bits (ABCD) changed."""
        self._now()
        self._lib.r2_io_bits(self._io, value)
        self._happen(_BITS_CHANGED)

    def alarm(self, on: bool) -> None:
        """The span's alarm begins or ends."""
        self._now()
        self._happen(_ALARM if on else _NO_ALARM)

    def _happen(self, event: int) -> None:
        self._lib.r2_io_event(self._io, event)
        self._lib.openr2_chan_process_event(self._chan)

    def tick(self) -> None:
        """Run timers that are due."""
        self._now()
        self._lib.openr2_chan_process_event(self._chan)

    def delay(self) -> float | None:
        """Seconds until ``tick`` is due; None: no timer runs."""
        self._now()
        ms = self._lib.openr2_chan_get_time_to_next_event(self._chan)
        return None if ms < 0 else ms / 1000

    def hear(self, codes: bytes) -> bytes:
        """Sound from the line, coded in its law; as much sound for the line."""
        self._now()
        if self._to_alaw is not None:
            codes = codes.translate(self._to_alaw)
        self._lib.r2_io_hear(self._io, codes, len(codes))
        self._lib.openr2_chan_process_event(self._chan)
        said = self._ffi.new("unsigned char[]", len(codes))
        self._lib.r2_io_say(self._io, said, len(codes))
        out = bytes(self._ffi.buffer(said))
        return out.translate(self._from_alaw)

    @property
    def sent_bits(self) -> int:
        """The bits (ABCD) to send."""
        return int(self._lib.r2_io_sent_bits(self._io))

    def take_events(self) -> Iterator[R2Event]:
        """What happened, oldest first."""
        while self.events:
            yield self.events.popleft()

    # ---- calls -----------------------------------------------------------------------------------------------

    @property
    def direction(self) -> Direction:
        """Which side of a call we are."""
        return Direction(self._lib.r2_direction(self._chan))

    def make_call(self, ani: str | None, dnis: str, category: int) -> bool:
        """Seize the line for a call; False when it is not idle. ANI None: the number is restricted."""
        self._now()
        caller = self._ffi.new("char[]", ani.encode()) if ani else self._ffi.NULL
        return bool(self._lib.r2_make_call(self._chan, caller, dnis.encode(), category) == 0)

    def accept(self, *, charge: bool) -> bool:
        """Take the call that was offered; False when there is none to take."""
        self._now()
        return bool(self._lib.r2_accept(self._chan, int(charge)) == 0)

    def answer(self, double: bool | None = None) -> bool:
        """Answer a call that was accepted; twice, once, or as the terms have it."""
        self._now()
        return bool(self._lib.r2_answer(self._chan, _or_variant(double)) == 0)

    def disconnect(self, cause: Cause) -> bool:
        """Clear the call, or follow the far end's clearing; False when there is none."""
        self._now()
        return bool(self._lib.r2_disconnect(self._chan, int(cause)) == 0)

    def idle(self) -> None:
        """Force the line to idle."""
        self._now()
        self._lib.openr2_chan_set_idle(self._chan)

    def block(self) -> None:
        """Tell the far end that no calls are taken."""
        self._now()
        self._lib.openr2_chan_set_blocked(self._chan)

    # ---- what is shown ---------------------------------------------------------------------------------------

    def set_log(self, words: frozenset[str] | list[str]) -> None:
        """What is told to ``on_message``. Raises ValueError at a word the library does not know."""
        self._lib.r2_set_log_level(self._chan, log_level(words))

    def set_call_files(self, on: bool) -> None:
        """Whether each call leaves a file in the log folder."""
        self.call_files = on
        change = self._lib.openr2_chan_enable_call_files if on else self._lib.openr2_chan_disable_call_files
        change(self._chan)

    @property
    def states(self) -> tuple[str, str]:
        """Names of the signals sent and received."""
        string = self._ffi.string
        return (
            string(self._lib.openr2_chan_get_tx_cas_string(self._chan)).decode(),
            string(self._lib.openr2_chan_get_rx_cas_string(self._chan)).decode(),
        )

    @property
    def register_states(self) -> tuple[str, str, str, str]:
        """Names of the state of the tones, their group, the state of the line and that of the call."""
        lib, string = self._lib, self._ffi.string
        names = (
            lib.openr2_chan_get_mf_state_string(self._chan),
            lib.openr2_chan_get_mf_group_string(self._chan),
            lib.openr2_chan_get_r2_state_string(self._chan),
            lib.openr2_chan_get_call_state_string(self._chan),
        )
        tones, group, line, call = (string(name).decode() for name in names)
        return tones, group, line, call

    @property
    def signals(self) -> tuple[int, int]:
        """The tones sent and received, as libopenr2 numbers them."""
        lib = self._lib
        return int(lib.openr2_chan_get_tx_mf_signal(self._chan)), int(lib.openr2_chan_get_rx_mf_signal(self._chan))

    def in_force(self) -> Terms:
        """The terms, with what the variant has where they leave it open."""
        lib, context, null = self._lib, self._context, self._ffi.NULL
        return replace(
            self.terms,
            ani_first=bool(lib.openr2_context_get_ani_first(context)),
            skip_category=bool(lib.openr2_context_get_skip_category_request(context)),
            immediate_accept=bool(lib.openr2_context_get_immediate_accept(context)),
            mf_back_timeout=lib.openr2_context_get_mf_back_timeout(context),
            metering_pulse_timeout=lib.openr2_context_get_metering_pulse_timeout(context),
            dtmf_detection=bool(lib.openr2_context_get_dtmf_detection(context)),
            dtmf_dialing=bool(lib.openr2_context_get_dtmf_dialing(context, null, null)),
        )
