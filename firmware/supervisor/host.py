"""Is the host alive? Lifeline relays and the host's power follow from it.

    starting --beats--> healthy --3 s without--> lost --30 s without--> power off --5 s--> starting
    starting --no beat within the time to boot--> power off;  after three times: resting, an hour on the lifeline

A relay is energised only while the host is healthy: without host, supervisor or power the lifeline is connected.
"""

import messages as m

BEATS_WANTED = 5
"""Beats in a row before the lines are taken from the lifeline."""
LATE_MS = 3000
"""Without a beat for so long (three missed) the lifeline is connected."""
CYCLE_MS = 30000
"""Without a beat for so long the host's power is cycled: a daemon that is restarted by systemd is back before."""
OFF_MS = 5000
BOOT_MS = 120000
CYCLES = 3
REST_MS = 3600000
STAGGER_MS = 50
"""Between one relay and the next, so that their coils do not start together."""
LONGEST_HOLD_S = 900


class Host:
    """The host as seen from its beats. Times are milliseconds."""

    def __init__(self, now):
        self.state = m.STARTING
        self.since = now
        self.cycles = 0
        self._last = None
        self._beats = 0
        self._hold = None
        self._energised = 0
        self._next_relay = now
        self.held = [m.RELAY_AUTOMATIC] * m.RELAYS

    def beat(self, now):
        """The host says that calls can be made."""
        if self.state == m.POWER_OFF:
            return  # bytes of before, late
        if self._last is None or now - self._last > LATE_MS:
            self._beats = 0
        self._last = now
        self._beats += 1
        if self.state != m.HEALTHY and self._beats >= BEATS_WANTED:
            self._become(m.HEALTHY, now)
            self.cycles = 0
            self._hold = None
            self._next_relay = now

    def hold(self, seconds, now):
        """The host is about to restart on purpose."""
        self._hold = now + 1000 * min(seconds, LONGEST_HOLD_S)

    def _become(self, state, now):
        self.state = state
        self.since = now

    def step(self, now):
        """Let time pass."""
        quiet = now - (self.since if self._last is None else max(self._last, self.since))
        if self._last is not None and now - self._last > LATE_MS:
            self._beats = 0
        if self._hold is not None and now >= self._hold:
            self._hold = None
        if self.state == m.HEALTHY and now - self._last >= LATE_MS:
            self._become(m.LOST, now)
        elif self.state == m.LOST:
            if now - self._last >= CYCLE_MS and self._hold is None:
                self._cycle(now)
        elif self.state == m.POWER_OFF:
            if now - self.since >= OFF_MS:
                self._last = None
                self._beats = 0
                self._become(m.RESTING if self.cycles > CYCLES else m.STARTING, now)
        elif self.state == m.STARTING:
            if quiet >= BOOT_MS and self._hold is None:
                self._cycle(now)
        elif quiet >= REST_MS and self.state == m.RESTING:
            self._cycle(now)
        self._switch(now)

    def _cycle(self, now):
        self.cycles += 1
        self._become(m.POWER_OFF, now)

    def _switch(self, now):
        wanted = 0
        if self.state == m.HEALTHY:
            for relay in range(m.RELAYS):
                if self.held[relay] == m.RELAY_AUTOMATIC:
                    wanted |= 1 << relay
        self._energised &= wanted  # releasing never waits
        missing = wanted & ~self._energised
        if missing and now >= self._next_relay:
            self._energised |= missing & -missing
            self._next_relay = now + STAGGER_MS

    @property
    def relays(self):
        """Bit n: relay n is energised."""
        return self._energised

    @property
    def powered(self):
        """Whether the host's supply is on."""
        return self.state != m.POWER_OFF
