"""The real clock, under a name that the simulated one does not take."""

from time import ticks_diff, ticks_ms

_began = ticks_ms()


def real_ms():
    """Milliseconds since the start of the process."""
    return ticks_diff(ticks_ms(), _began)
