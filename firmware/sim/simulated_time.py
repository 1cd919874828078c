"""The module time of the simulated board: it sleeps when the one who drives the simulation lets time pass.

Orders come as lines of JSON on standard input, each is answered by a line:

    {"do": "advance", "ms": 100}     let so much simulated time pass
    {"do": "free", "on": true, "pace": 0.5}   go on by itself, serving the link, until further orders; so many
                                     simulated seconds in a real one
    {"do": "set", "analog": {"input": 9000}, "temperature": 90, "pins": {"7": 1}, "chips": {"80": [1, 2]}}

An answer has the time, the outputs, and their changes since the last answer.
"""

import json
import select
import sys

from machine import world
from time_of_day import real_ms

_WRAP = 1 << 30
_orders = select.poll()
_orders.register(sys.stdin, select.POLLIN)
_left = 0
_due = False
"""An answer is due when the time given has passed."""
_free = False
_pace = 1.0


def ticks_ms():
    """Milliseconds, wrapping as the real ones do."""
    return (world.now + _WRAP - 5000) % _WRAP  # they wrap five seconds after the start


def ticks_add(ticks, delta):
    """As of the real module."""
    return (ticks + delta) % _WRAP


def ticks_diff(end, start):
    """As of the real module."""
    return (end - start + _WRAP // 2) % _WRAP - _WRAP // 2


def sleep_ms(wanted):
    """Sleep: obey orders until this much simulated time has passed."""
    global _left, _due
    while not _free:
        if _left:
            passed = min(_left, wanted)
            _left -= passed
            world.pass_time(passed)
            return
        if _due:
            _due = False
            _answer()
        _obey()
    _sleep_really(wanted)


def _sleep_really(wanted):
    poll = select.poll()
    poll.register(world.link, select.POLLIN)
    poll.register(sys.stdin, select.POLLIN)
    began = real_ms()
    poll.poll(int(wanted / _pace))
    # On a busy machine this program may be kept waiting: the board's time is not.
    world.pass_time(max(0, min(wanted, int((real_ms() - began) * _pace))))
    if _orders.poll(0):
        _obey()


def _obey():
    global _left, _due, _free, _pace
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    order = json.loads(line)
    if order["do"] == "advance":
        _left, _due = order["ms"], True
        return
    if order["do"] == "free":
        _free, _pace = order["on"], order.get("pace", 1.0)
    elif order["do"] == "set":
        world.analog.update(order.get("analog", {}))
        world.temperature = order.get("temperature", world.temperature)
        for address, data in order.get("chips", {}).items():
            world.chips[int(address)] = bytearray(data)
        for pin, level in order.get("pins", {}).items():
            world.drive(int(pin), level)
    _answer()


def _answer():
    changes, world.changes = world.changes, []
    outputs = {str(pin): level for pin, level in world.outputs.items()}
    print(json.dumps({"now": world.now, "outputs": outputs, "changes": changes, "clock": list(world.chips[0x68])}))
