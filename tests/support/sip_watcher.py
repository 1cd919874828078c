"""A phone that watches hints and mailboxes."""

from __future__ import annotations

from offhook.drivers.sip.subscriptions import dialog_info, extension_state, message_summary, presence_bodies, resource
from offhook.sip.message import Request

MODULES = (resource, extension_state, presence_bodies, dialog_info, message_summary)

PLAN = "[default]\nexten => bob,hint,Custom:bob,CustomPresence:bob\nexten => eve,hint,Custom:eve\n"
OFFICE = """
[alice]
type = endpoint
aors = alice
[alice]
type = aor
max_contacts = 5
"""
STATES: dict[str, str] = {}
"""Of custom devices."""
PRESENCE: dict[str, tuple[str, str, str]] = {}
"""Of custom presentities."""


class Watcher:
    """A phone that subscribes and answers NOTIFY."""

    def __init__(self, office, peer) -> None:
        self.office = office
        self.peer = peer
        self.status = 200
        self.notified: list[Request] = []
        self.call_id = ""
        peer.answer = self._answer

    def _answer(self, request: Request):
        self.notified.append(request)
        return request.response(self.status)

    async def subscribe(self, resource: str, event: str, *headers, expires: int | None = 600):
        """The final response to a SUBSCRIBE."""
        host = f"{self.peer.server[0]}:{self.peer.server[1]}"
        more = [("Contact", f"<{self.peer.uri('alice')}>"), ("Event", event), *headers]
        if expires is not None:
            more.append(("Expires", str(expires)))
        target = f"sip:{resource}@{host}" if resource else f"sip:{host}"
        request = self.peer.request("SUBSCRIBE", "alice", *more, target=target)
        response = await self.peer.exchange(request)
        self.request, self.response = request, response
        await self.office.after(0.01)
        return response

    async def again(self, expires: int):
        """The final response to another SUBSCRIBE in the dialog."""
        event = self.request.get("Event")
        more = [("Contact", f"<{self.peer.uri('alice')}>"), ("Event", event), ("Expires", str(expires))]
        if "Supported" in self.request:
            more.append(("Supported", self.request.get("Supported")))
        request = self.peer.request("SUBSCRIBE", "alice", *more, call_id=self.request.call_id)
        request.set("From", self.request.get("From"))
        request.set("To", self.response.get("To"))
        response = await self.peer.exchange(request)
        await self.office.after(0.01)
        return response

    @property
    def last(self) -> Request:
        return self.notified[-1]

    @property
    def bodies(self) -> list[str]:
        return [each.body.decode() for each in self.notified]

    @property
    def states(self) -> list[str]:
        return [each.get("Subscription-State").partition(";")[0] for each in self.notified]
