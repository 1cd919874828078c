"""The exchange of the stories: the real daemon, asked by one connection to its manager interface.

A command of the console is a process that starts Python anew, which takes most of a second in the guest; a question to
the manager takes none.
"""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path

from support.daemon import Daemon
from support.manager import ManagerClient


class Exchange(Daemon):
    """See the text of this file."""

    def __init__(self, root: Path, files: dict[str, str]) -> None:
        super().__init__(root, files)

    @cached_property
    def desk(self) -> ManagerClient:
        """The connection; it hears of no events."""
        return ManagerClient("127.0.0.1", self.manager_port, "tester", "tested", events="off")

    def ask(self, command: str) -> str:
        """What a command of the console tells."""
        return self.desk.action("Command", Command=command).get("Output", "")

    def value(self, name: str) -> str:
        """A global variable of the dialplan."""
        return self.desk.action("Getvar", Variable=name)["Value"]

    def until_value(self, name: str, wanted: str, seconds: float = 10.0) -> None:
        """Wait until a global variable is that."""
        deadline = time.monotonic() + seconds
        while (found := self.value(name)) != wanted:
            assert time.monotonic() < deadline, f"{name} is {found!r}, not {wanted!r}\n{self.told()}"
            time.sleep(0.1)

    def calls(self) -> int:
        """How many channels there are."""
        return int(self.ask("core show channels count").split(" active channel")[0].split()[-1])

    def until_calls(self, count: int, seconds: float = 5.0) -> None:
        """Wait until there are so many channels."""
        deadline = time.monotonic() + seconds
        while (found := self.calls()) != count:
            assert time.monotonic() < deadline, f"{found} channels, not {count}\n{self.told()}"
            time.sleep(0.1)
