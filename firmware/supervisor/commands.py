"""What the host asks for, carried out once each."""

import struct

import messages as m
from frames import LONGEST_BODY, Frame

from . import VERSION
from .update import Update, UpdateError


class Refused(Exception):
    """The request cannot be carried out now."""


class Commands:
    """Answers requests for one supervisor."""

    def __init__(self, supervisor):
        self._of = supervisor
        self._last = None
        """(kind, sequence, body) and the answer of the last request."""
        self._update = None
        self._ready = 0
        """The slot that holds a checked firmware."""
        self._known = {
            m.HELLO: self._hello,
            m.BEAT: self._beat,
            m.STATUS: self._status,
            m.RELAY: self._relay,
            m.SUPPLY: self._supply,
            m.RESUME: self._resume,
            m.STOP: self._stop,
            m.LED: self._led,
            m.CLOCK: self._clock,
            m.LOG: self._log,
            m.HOLD: self._hold,
            m.UPDATE_BEGIN: self._update_begin,
            m.UPDATE_DATA: self._update_data,
            m.UPDATE_END: self._update_end,
            m.UPDATE_START: self._update_start,
            m.UPDATE_CONFIRM: self._update_confirm,
        }

    def carry_out(self, frame, now):
        """Carry out a request; its answer, None for what is none."""
        if frame.kind == m.ACKNOWLEDGE:
            self._of.news.acknowledged(frame.sequence)
            return None
        if frame.kind >= 0x40:
            return None
        asked = (frame.kind, frame.sequence, frame.body)
        if self._last is None or self._last[0] != asked:
            self._last = (asked, self._answer(frame, now))
        return self._last[1]

    def _answer(self, frame, now):
        known = self._known.get(frame.kind)
        if known is None:
            result, body = m.UNKNOWN, b""
        else:
            try:
                result, body = m.OK, known(frame.body, now) or b""
            except Refused:
                result, body = m.REFUSED, b""
            except UpdateError as error:
                result, body = m.FAILED, str(error).encode()
            except OSError as error:
                result, body = m.FAILED, f"flash: {error}".encode()
            except (ValueError, IndexError):  # struct.error is a ValueError here
                result, body = m.MALFORMED, b""
        return Frame(frame.kind | m.ANSWER, frame.sequence, bytes((result,)) + body[: LONGEST_BODY - 1])

    # ---- state --------------------------------------------------------------------------------------

    def _hello(self, _body, now):
        of = self._of
        return m.Identity(VERSION, of.slot, of.trial, (now - of.began) // 1000).pack()

    def _beat(self, body, now):
        (wall,) = _fields(">I", body)
        self._of.host.beat(now)
        if wall:
            self._of.take_time(wall, now)
        return self._of.status(now).pack()

    def _status(self, _body, now):
        return self._of.status(now).pack()

    def _relay(self, body, _now):
        relay, how = _fields(">BB", body)
        if relay >= m.RELAYS or how > m.RELAY_LIFELINE:
            raise ValueError
        self._of.host.held[relay] = how

    def _supply(self, body, _now):
        of = self._of
        index, on = _fields(">BB", body)
        if index >= len(of.supplies) or on > 1:
            raise ValueError
        supply = of.supplies[index]
        if on and (supply.trip or of.stop.stopped or of.host.state != m.HEALTHY):
            raise Refused
        supply.wanted = bool(on)

    def _resume(self, _body, now):
        if not self._of.resume(now):
            raise Refused

    def _stop(self, _body, _now):
        self._of.stop.stopped = True

    def _led(self, body, _now):
        led, pattern = _fields(">BB", body)
        if led >= len(m.LEDS) or pattern > m.LED_FAST:
            raise ValueError
        self._of.led_patterns[led] = pattern

    def _clock(self, body, now):
        (wall,) = _fields(">I", body)
        self._of.take_time(wall, now)

    def _log(self, body, _now):
        (number,) = _fields(">H", body)
        first, entries = self._of.journal.read(number, LONGEST_BODY - 3)
        return struct.pack(">H", first) + entries

    def _hold(self, body, now):
        (seconds,) = _fields(">H", body)
        self._of.host.hold(seconds, now)

    # ---- a new firmware -----------------------------------------------------------------------------

    def _update_begin(self, body, _now):
        if len(body) != 36:
            raise ValueError
        (size,) = struct.unpack(">I", body[:4])
        self._ready = 0
        self._update = Update(self._of.slots.folder, size, body[4:])

    def _update_data(self, body, _now):
        if self._update is None:
            raise Refused
        (offset,) = struct.unpack(">I", body[:4])
        self._update.data(offset, body[4:])
        return struct.pack(">I", self._update.offset)

    def _update_end(self, _body, _now):
        if self._update is None:
            raise Refused
        update, self._update = self._update, None
        slot = self._of.slots.spare(self._of.slot)
        version = update.end(self._of.slots.path(slot))
        self._ready = slot
        return bytes(version)

    def _update_start(self, _body, _now):
        if not self._ready:
            raise Refused
        self._of.slots.try_next(self._ready)
        self._of.outputs.restart = True

    def _update_confirm(self, _body, _now):
        self._of.slots.confirm()
        self._of.trial = False


def _fields(shape, body):
    if struct.calcsize(shape) != len(body):
        raise ValueError
    return struct.unpack(shape, body)
