"""Contacts that bounce: buttons, the emergency stop, cards in their slots, the input voltage."""

import messages as m

BOUNCE_MS = 30
LONG_MS = 5000
LONG_RESET_MS = 10000
CARD_MS = 200
FAILING_MV = 10500
"""Input voltage below which the supply is about to go (12 V nominal; hold-up of 50 ms from here)."""
GOOD_MV = 11000
GOOD_MS = 1000


class Settled:
    """A value that counts once it stayed for a time."""

    def __init__(self, value, wait_ms):
        self.value = value
        self._wait = wait_ms
        self._seen = value
        self._since = 0

    def step(self, value, now):
        """Take a reading; True when the settled value changes."""
        if value != self._seen:
            self._seen, self._since = value, now
        if self._seen != self.value and now - self._since >= self._wait:
            self.value = self._seen
            return True
        return False


class Button:
    """A button: short when it is let go, long as soon as it was held long enough."""

    def __init__(self, long_ms=LONG_MS):
        self._settled = Settled(False, BOUNCE_MS)
        self._long_ms = long_ms
        self._since = None
        """When it went down; None while it is up or was told as long."""

    @property
    def pressed(self):
        """Whether it is down."""
        return self._settled.value

    def step(self, down, now):
        """Take a reading; SHORT, LONG or 0."""
        if self._settled.step(down, now):
            if down:
                self._since = now
            elif self._since is not None:
                self._since = None
                return m.SHORT
        if self._since is not None and self.pressed and now - self._since >= self._long_ms:
            self._since = None
            return m.LONG
        return 0


class EmergencyStop:
    """Latched by its contact at once, or by the host; ended by the host, or a long press on the mode button, when the
    contact is closed again. The contact opens to stop, so that a broken wire stops too."""

    def __init__(self):
        self.stopped = False
        self._open = False

    def step(self, contact_open):
        """Take a reading; True when it stops now."""
        self._open = contact_open
        if contact_open and not self.stopped:
            self.stopped = True
            return True
        return False

    def resume(self):
        """End it; False while the contact is open."""
        if not self._open:
            self.stopped = False
        return not self._open


class InputPower:
    """Early warning: the input voltage falls, there are milliseconds left."""

    def __init__(self):
        self.failing = False
        self._low = 0
        self._good_since = None

    def step(self, millivolts, now):
        """Take a measurement; True when the verdict changes. Two low ones in a row are enough, good must last."""
        if millivolts < FAILING_MV:
            self._low += 1
            self._good_since = None
            if self._low >= 2 and not self.failing:
                self.failing = True
                return True
            return False
        self._low = 0
        if self.failing and millivolts >= GOOD_MV:
            if self._good_since is None:
                self._good_since = now
            if now - self._good_since >= GOOD_MS:
                self.failing = False
                self._good_since = None
                return True
        return False
