"""Extensions for endpoints that can be reached (regcontext): a hint to the dialplan who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.dialplan.context import Priority

if TYPE_CHECKING:
    from offhook.drivers.sip.stack import SipStack

REGISTRAR = "PJSIP"


class RegistrationContext:
    """Keeps one extension a reachable endpoint in the context that global's regcontext names."""

    def __init__(self, stack: SipStack) -> None:
        self._stack = stack
        self._name = ""
        self._present: set[str] = set()
        stack.locations.on_endpoint.append(self._changed)
        stack.on_reloaded.append(self.configure)

    def configure(self) -> None:
        """Take the regcontext of the configuration in force."""
        name = self._stack.config.settings.regcontext
        if name == self._name:
            return
        for exten in list(self._present):
            self._remove(exten)
        self._name = name
        if name:
            self._stack.pbx.dialplan.create(name, REGISTRAR)
            for endpoint, online in self._stack.locations.online.items():
                if online:
                    self._add(endpoint)

    def _changed(self, endpoint: str, online: bool) -> None:
        if not self._name:
            return
        if online:
            self._add(endpoint)
        else:
            self._remove(endpoint)

    def _add(self, endpoint: str) -> None:
        dialplan = self._stack.pbx.dialplan
        if not dialplan.exists(self._name, endpoint):
            dialplan.add(self._name, Priority(endpoint, 1, "Noop", endpoint, registrar=REGISTRAR))
            self._present.add(endpoint)

    def _remove(self, endpoint: str) -> None:
        if endpoint in self._present:
            self._present.discard(endpoint)
            self._stack.pbx.dialplan.remove(self._name, endpoint, 1)
