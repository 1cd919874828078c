"""The section of type phoneprov: a line of a phone that fetches its configuration."""

from __future__ import annotations

from offhook.drivers.sip.configuration.options import Configured, Option, text


class Phoneprov(Configured):
    """Every option becomes a variable of the phone's templates, under the name it is written with."""

    TYPE = "phoneprov"
    FOLDED = False

    endpoint = text()

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.variables: dict[str, str] = {}

    def assign(self, option: str, value: str) -> Option:
        """Any option is taken; an empty one is none."""
        if value:
            self.variables.setdefault(option, value)
        if option.lower() == "endpoint":
            return super().assign("endpoint", value)
        return self.OPTIONS["endpoint"]

    def complete(self) -> None:
        """There must be a phone and a profile."""
        for needed in ("MAC", "PROFILE"):
            if needed not in self.variables:
                raise ValueError(f"a phoneprov section needs {needed}")
