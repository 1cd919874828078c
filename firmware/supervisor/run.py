"""The loop: read, decide, switch, answer."""

from time import sleep_ms

from machine import reset

from .pins import Pins
from .slots import Slots
from .supervisor import Supervisor

STEP_MS = 5


class Running:
    """The supervisor on its board."""

    def __init__(self, slots, slot, trial):
        self._pins = Pins()
        self._core = Supervisor(slots, slot, trial, self._pins.wall(), self._pins.now())

    def step(self):
        """Once round; True when a restart is due."""
        pins, core = self._pins, self._core
        now = pins.now()
        core.receive(pins.receive(), now)
        outputs = core.step(pins.read(), now)
        pins.switch(outputs)
        pins.send(core.to_send(now))
        if core.set_clock is not None:
            pins.set_wall(core.set_clock)
            core.set_clock = None
        pins.feed()
        return outputs.restart


def run(folder, slot, trial):
    """Run until a restart is due."""
    running = Running(Slots(folder), slot, trial)
    while not running.step():
        sleep_ms(STEP_MS)
    sleep_ms(50)  # the answer is still on its way
    reset()
