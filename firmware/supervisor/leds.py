"""What the two LEDs show, where the host does not say otherwise."""

import messages as m

SLOW_MS = 1000
FAST_MS = 250


def lit(pattern, now):
    """Whether an LED of this pattern is lit now."""
    if pattern == m.LED_SLOW:
        return now // SLOW_MS % 2 == 0
    if pattern == m.LED_FAST:
        return now // FAST_MS % 2 == 0
    return pattern == m.LED_ON


def status_pattern(host):
    """Steady: calls can be made. Slow: the host is starting. Fast: it is lost. Off: its power is."""
    return (m.LED_SLOW, m.LED_ON, m.LED_FAST, m.LED_OFF, m.LED_FAST)[host]


def fault_pattern(stopped, tripped, failing):
    """Steady: emergency stop. Fast: a supply tripped. Slow: the input power is bad."""
    if stopped:
        return m.LED_ON
    if tripped:
        return m.LED_FAST
    return m.LED_SLOW if failing else m.LED_OFF
