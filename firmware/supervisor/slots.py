"""Which firmware to start: the one frozen into the image (slot 0), or one of two that came over the link.

A new one is on trial until the host confirms it. Three starts without that, or its time over, and the good one is
started again. The choice is written beside and renamed, so that a power cut leaves the old one or the new one.
"""

import json
import os

TRIES = 3
FILE = "slots.json"


class Slots:
    """The choice, kept in a folder of the flash."""

    def __init__(self, folder):
        self.folder = folder
        self.good = 0
        self.trial = 0
        self.tries = 0
        try:
            with open(self._path(FILE)) as file:
                state = json.load(file)
            self.good, self.trial, self.tries = (int(state[name]) for name in ("good", "trial", "tries"))
        except (OSError, ValueError, KeyError):
            pass  # nothing was ever written: the frozen one
        for slot in (self.good, self.trial):
            if slot not in (0, 1, 2):
                self.good = self.trial = self.tries = 0

    def _path(self, name):
        return self.folder + "/" + name

    def path(self, slot):
        """The folder of a slot's files."""
        return self._path(f"slot{slot}")

    def write(self):
        """Keep the choice."""
        with open(self._path("slots.new"), "w") as file:
            json.dump({"good": self.good, "trial": self.trial, "tries": self.tries}, file)
        os.rename(self._path("slots.new"), self._path(FILE))

    def choose(self):
        """The slot to start now, and whether it is on trial."""
        if self.trial:
            if self.tries < TRIES:
                self.tries += 1
                self.write()
                return self.trial, True
            self.reject()
        return self.good, False

    def spare(self, running):
        """The slot that a new firmware goes to: neither the running one nor the good one."""
        return next(slot for slot in (1, 2) if slot not in (running, self.good))

    def try_next(self, slot):
        """Start this slot next, on trial."""
        self.trial, self.tries = slot, 0
        self.write()

    def confirm(self):
        """The one on trial is good."""
        if self.trial:
            self.good, self.trial, self.tries = self.trial, 0, 0
            self.write()

    def reject(self):
        """The one on trial is not."""
        self.trial = self.tries = 0
        self.write()
