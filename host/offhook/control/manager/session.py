"""One client's session with the manager: who it is, what it may do and see, and the events that wait for it."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from offhook.calls import security
from offhook.calls.signalling import ManagerAction
from offhook.control.manager.filters import Filters
from offhook.control.manager.permissions import mask_of
from offhook.control.manager.protocol import Header, Message, render
from offhook.log import verbose
from offhook.modules.action import ActionError, ActionRequest

if TYPE_CHECKING:
    from offhook.control.manager.ami import Ami
    from offhook.control.manager.settings import User

log = logging.getLogger(__name__)

MOST_PENDING: Final = 8 << 20
"""Characters of events that may wait in a session."""
REFUSAL_DELAY_S: Final = 1.0
"""A refused login is answered after this long."""

_WITHOUT_LOGIN = frozenset(("login", "logoff", "challenge"))


@dataclass(slots=True)
class ManagerEvent:
    """A manager event, composed once for all sessions that get it."""

    name: str
    mask: int
    text: str


class Outlet(Protocol):
    """Where a session's text goes when it has a connection of its own."""

    def write(self, text: str) -> None:
        """Send text, some time."""

    def end(self) -> None:
        """Send what is written and close."""

    @property
    def waiting(self) -> bool:
        """Whether messages wait behind the one being carried out."""


class Session:
    """A session on a connection of its own (``outlet``), or one that HTTP requests share."""

    def __init__(
        self, ami: Ami, remote: tuple[str, int], local: tuple[str, int], transport: str, outlet: Outlet | None
    ) -> None:
        self.ami = ami
        self.pbx = ami.pbx
        self.remote = remote
        self.local = local
        self.transport = transport
        self.outlet = outlet
        self.descriptor = -1
        self.username = ""
        self.authenticated = False
        self.may_read = 0
        self.may_write = 0
        self.filters = Filters()
        self.variables: list[tuple[str, str]] = []
        """Set on channels that this session originates."""
        self.challenge = ""
        self.began_wall = 0.0
        """When it logged in."""
        self.ended = False
        self.kicked = False
        self.id = 0
        """Of sessions over HTTP: their cookie."""
        self.users = 0
        """HTTP requests that are using it."""
        self.expires_at = 0.0
        self.waiter: asyncio.Future[None] | None = None
        self._mask = 0
        self._acting = 0
        self._pending: deque[ManagerEvent] = deque()
        self._pending_size = 0

    # ---- what it sees -------------------------------------------------------------------------------

    @property
    def mask(self) -> int:
        """The classes of events it wants and may see."""
        return self._mask

    @mask.setter
    def mask(self, mask: int) -> None:
        if mask != self._mask:
            self._mask = mask
            self.ami.masks_changed()

    def wants(self, event: ManagerEvent) -> bool:
        """Whether an event is for this session."""
        return self._mask & event.mask == event.mask and (
            not self.filters or self.filters.pass_on(event.name, event.text)
        )

    def take(self, event: ManagerEvent) -> None:
        """Send an event, or keep it while an action is carried out or no connection is there."""
        if self.outlet is not None and not self._acting:
            if self.wants(event):
                self.outlet.write(event.text)
            return
        self._pending.append(event)
        self._pending_size += len(event.text)
        if self._pending_size > MOST_PENDING:
            self._overflow()
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def _overflow(self) -> None:
        if self.outlet is not None:
            log.warning("manager %r leaves too many events unread and is cut off", self.username)
            self._pending.clear()
            self._pending_size = 0
            self.ended = True
            self.outlet.end()
            return
        while self._pending_size > MOST_PENDING // 2:
            self._pending_size -= len(self._pending.popleft().text)

    def take_pending(self) -> str:
        """The text of the events that waited, as far as the session still wants them."""
        waiting = [event.text for event in self._pending if self.wants(event)]
        self._pending.clear()
        self._pending_size = 0
        return "".join(waiting)

    @property
    def pending(self) -> tuple[ManagerEvent, ...]:
        """The events that wait."""
        return tuple(self._pending)

    @property
    def has_pending(self) -> bool:
        """Whether events wait."""
        return bool(self._pending)

    # ---- logging in ---------------------------------------------------------------------------------

    def log_in(self, user: User) -> None:
        """The client is this user from now on."""
        self.username = user.name
        self.authenticated = True
        self.may_read, self.may_write = user.read, user.write
        self.variables = list(user.variables)
        self.filters = user.filters.copy()
        self.began_wall = self.pbx.wall()

    def report(self, kind: str, account: str | None = None, **elements: str) -> None:
        """Publish a security event about this session."""
        security.report(
            self.pbx,
            kind,
            "AMI",
            account=self.username if account is None else account,
            session=f"{id(self):#x}",
            local=security.address(*self.local, self.transport),
            remote=security.address(*self.remote, self.transport),
            SessionTV=security.timestamp(self.began_wall),
            **elements,
        )

    def tell(self, what: str) -> None:
        """Tell people on the console that the session came or went, if its user is to be told of."""
        user = self.ami.settings.user(self.username)
        if user is not None and user.display_connects:
            kind = "HTTP Manager" if self.outlet is None else "Manager"
            verbose(2, "%s '%s' %s from %s", kind, self.username, what, self.remote[0])

    # ---- actions ------------------------------------------------------------------------------------

    async def act(self, message: Message) -> str:
        """Carry out a client's message; the text of its answer. ``ended`` tells whether the session is over."""
        headers = message.headers
        if message.fault:
            return _error(headers, message.fault)
        name = next((value for key, value in headers if key.lower() == "action" and value), "")
        if not name:
            self.report("RequestBadFormat", RequestType="Action: NONE")
            return _error(headers, "Missing action in request")
        self.ami.show(message)
        if self.pbx.stopping in ("gracefully", "now"):
            log.error("manager action %s is not carried out: the system is shutting down", name)
            return _error(headers, "Asterisk is shutting down")
        if not self.authenticated and name.lower() not in _WITHOUT_LOGIN:
            self.report("RequestNotAllowed", RequestType=f"Action: {name}")
            return _error(headers, "Permission denied")
        if not self.authenticated and name.lower() != "logoff" and self._in_use(headers):
            self.report("SessionLimit")
            await asyncio.sleep(REFUSAL_DELAY_S)
            self.ended = True
            return _error(headers, "Login Already In Use")
        action = self.pbx.registry.action(name)
        if action is None:
            self.report("RequestBadFormat", RequestType=f"Action: {name}")
            return _error(
                headers,
                f"Invalid/unknown command: {name}. Use Action: ListCommands to show available commands.",
            )
        if action.privilege and not self.may_write & mask_of(action.privilege):
            self.report("RequestNotAllowed", RequestType=f"Action: {name}")
            return _error(headers, "Permission denied")
        request = ActionRequest(self.pbx, action.name, headers, self)
        request.lines = message.lines
        follows = self.pbx.bus.wants(ManagerAction)
        if follows:
            self.pbx.bus.publish(ManagerAction(self.username, action.name, headers))
        self._acting += 1
        try:
            answer = action.run(request)
            if inspect.isawaitable(answer):
                await answer
        except ActionError as error:
            request.error(str(error))
        except Exception:
            log.exception("manager action %s failed", name)
            request.events.clear()
            request.error("Internal error")
        finally:
            self._acting -= 1
        if follows:
            said = [value for key, value in request.response or () if key in ("Response", "Message")]
            self.pbx.bus.publish(ManagerAction(self.username, action.name, headers, ": ".join(said) or "done"))
        return compose_answer(request)

    def _in_use(self, headers: list[Header]) -> bool:
        """Whether the client logs in as a user that allows one session, and has one."""
        username = next((value for key, value in headers if key.lower() == "username"), "").lower()
        user = self.ami.settings.user(username) if username else None
        if user is None or user.multiple_logins:
            return False
        return any(session.username.lower() == username for session in self.ami.sessions)


def _error(headers: list[Header], message: str) -> str:
    action_id = next((value for key, value in headers if key.lower() == "actionid"), "")
    extra = [("ActionID", action_id)] if action_id else []
    return render([("Response", "Error"), *extra, ("Message", message)]) + "\r\n"


def compose_answer(request: ActionRequest) -> str:
    """The text of an action's response and events, with its ActionID."""
    action_id = request.get("ActionID")
    parts = []
    if request.response is not None:
        parts.append(render(_with_id(request.response, action_id)) + "\r\n")
    for event in request.events:
        if isinstance(event, str):
            parts.append(event)
        else:
            name, headers = event
            parts.append(render(_with_id([("Event", name), *headers], action_id)) + "\r\n")
    return "".join(parts)


def _with_id(headers: list[Header], action_id: str) -> list[Header]:
    """Headers with the ActionID in second place, or where a header of that name stands; none without an id."""
    if any(name == "ActionID" for name, _ in headers):
        return [(name, value) for name, value in headers if name != "ActionID" or value]
    return [headers[0], ("ActionID", action_id), *headers[1:]] if action_id else headers
