"""A supply of the lines (battery, ringing): on and off, metered, tripped here and not by the host."""

import messages as m

START_MS = 100
"""After so long its voltage must have come up."""
TRIP_MS = 20
"""A limit must be passed for so long: a ring trip or a coil's inrush is shorter."""


class Limits:
    """What a supply may do: voltage window in mV, current in mA, temperature in hundredths of a degree."""

    def __init__(self, low_mv, high_mv, most_ma, hottest=8500):
        self.low_mv = low_mv
        self.high_mv = high_mv
        self.most_ma = most_ma
        self.hottest = hottest


BATTERY_LIMITS = Limits(20000, 60000, 400)
"""24 V or 48 V; four lines of 40 mA, each with a second of its inrush, stay below."""
RINGING_LIMITS = Limits(55000, 110000, 150)
"""In mV r.m.s.: 90 V nominal, five ringer equivalents."""


class Supply:
    """One supply. Times are milliseconds."""

    def __init__(self, limits):
        self.limits = limits
        self.wanted = False
        self.trip = 0
        """Why it switched itself off; 0 while it did not."""
        self.value = 0
        """What was measured when it tripped."""
        self._since = None
        self._beyond = None
        self._reason = 0

    @property
    def on(self):
        """Whether it is switched on now."""
        return self._since is not None

    def forget_trip(self):
        """It may be switched on again."""
        self.trip = 0

    def step(self, millivolts, milliamperes, temperature, allowed, now):
        """Take a measurement; ``allowed`` is False while something above forbids the supply. True when it tripped."""
        if not (self.wanted and allowed and not self.trip):
            self._since = None
            self._beyond = None
            return False
        if self._since is None:
            self._since = now
        reason, value = self._wrong(millivolts, milliamperes, temperature, now)
        if not reason:
            self._beyond = None
            return False
        if self._beyond is None or reason != self._reason:
            self._beyond, self._reason = now, reason
        if now - self._beyond < TRIP_MS:
            return False
        self.trip, self.value = reason, value
        self._since = None
        self._beyond = None
        return True

    def _wrong(self, millivolts, milliamperes, temperature, now):
        limits = self.limits
        if milliamperes > limits.most_ma:
            return m.OVER_CURRENT, milliamperes
        if millivolts > limits.high_mv:
            return m.OVER_VOLTAGE, millivolts // 10
        if temperature > limits.hottest:
            return m.OVER_TEMPERATURE, temperature // 100
        if millivolts < limits.low_mv and now - self._since >= START_MS:
            return m.UNDER_VOLTAGE, millivolts // 10
        return 0, 0
