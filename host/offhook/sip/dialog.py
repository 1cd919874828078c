"""Dialogs (RFC 3261 12): identity, route set, remote target, sequence numbers; forking of an INVITE of ours."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import SIPError
from .message import Header, Message, Request, Response, make_request
from .uri import NameAddr, SipUri

EARLY = "early"
CONFIRMED = "confirmed"
TERMINATED = "terminated"

DialogId = tuple[str, str, str]

# Requests whose Contact replaces the remote target (RFC 3261 12.2, RFC 3311 5.1, RFC 6665 4.1).
TARGET_REFRESH = frozenset(("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"))


def incoming_id(request: Message) -> DialogId:
    """(Call-ID, our tag, peer's tag) of a request we received."""
    return (request.call_id, request.to_tag, request.from_tag)


def outgoing_id(response: Message) -> DialogId:
    """(Call-ID, our tag, peer's tag) of a response to a request we sent."""
    return (response.call_id, response.from_tag, response.to_tag)


class Dialog:
    """One dialog as one side sees it.

    `local` and `remote` are the addresses with tags as they stand in From and To of our requests. `remote_target` is
    the URI our requests go to, `route_set` the Route values in order. `local_seq` and `remote_seq` are the last CSeq
    numbers used (remote_seq -1: none yet).
    """

    __slots__ = (
        "call_id",
        "caller",
        "local",
        "local_seq",
        "local_tag",
        "remote",
        "remote_seq",
        "remote_tag",
        "remote_target",
        "route_set",
        "secure",
        "state",
    )

    def __init__(
        self,
        call_id: str,
        local: str,
        local_tag: str,
        remote: str,
        remote_tag: str,
        remote_target: str,
        route_set: list[str],
        *,
        caller: bool,
        local_seq: int = 0,
        remote_seq: int = -1,
        secure: bool = False,
        state: str = EARLY,
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.local_tag = local_tag
        self.remote = remote
        self.remote_tag = remote_tag
        self.remote_target = remote_target
        self.route_set = route_set
        self.caller = caller
        self.local_seq = local_seq
        self.remote_seq = remote_seq
        self.secure = secure
        self.state = state

    @classmethod
    def of_response(cls, request: Request, response: Response) -> Dialog:
        """The dialog a 101..299 response with a To tag makes of our request (RFC 3261 12.1.2).

        SIPError(400) when a 2xx has no usable Contact.
        """
        contact = response.contact
        if contact is None and response.status >= 200:
            raise SIPError(400, "Missing Contact header field")
        return cls(
            request.call_id,
            request.get("From") or "",
            request.from_tag,
            response.get("To") or "",
            response.to_tag,
            str(contact.uri) if contact is not None else request.target,
            _route_set_of_response(response),
            caller=True,
            local_seq=request.cseq.number,
            secure=request.target.startswith("sips:"),
            state=CONFIRMED if response.status >= 200 else EARLY,
        )

    @classmethod
    def of_request(cls, request: Request, local_tag: str) -> Dialog:
        """The dialog our answer with `local_tag` will make of a request we received (RFC 3261 12.1.1), early at first.

        SIPError(400) when the request has no usable Contact.
        """
        contact = request.contact
        if contact is None or contact.star:
            raise SIPError(400, "Missing Contact header field")
        return cls(
            request.call_id,
            f"{request.get('To')};tag={local_tag}",
            local_tag,
            request.get("From") or "",
            request.from_tag,
            str(contact.uri),
            request.members("Record-Route"),
            caller=False,
            remote_seq=request.cseq.number,
            secure=request.target.startswith("sips:"),
        )

    @property
    def id(self) -> DialogId:
        """(Call-ID, local tag, remote tag)."""
        return (self.call_id, self.local_tag, self.remote_tag)

    @property
    def next_hop(self) -> str:
        """The URI to locate the next server by: the first route, else the remote target (RFC 3261 8.1.2)."""
        return str(NameAddr.parse(self.route_set[0]).uri) if self.route_set else self.remote_target

    def request(
        self,
        method: str,
        extra: Iterable[Header] = (),
        *,
        contact: str = "",
        user_agent: str = "",
        body: bytes = b"",
        content_type: str = "",
    ) -> Request:
        """The next request in this dialog (RFC 3261 12.2.1.1), without Via."""
        self.local_seq += 1
        return self._build(method, self.local_seq, extra, contact, user_agent, body, content_type)

    def ack(
        self,
        invite_seq: int,
        extra: Iterable[Header] = (),
        *,
        contact: str = "",
        user_agent: str = "",
        body: bytes = b"",
        content_type: str = "",
    ) -> Request:
        """The ACK of a 2xx to our INVITE with CSeq number `invite_seq` (RFC 3261 13.2.2.4), without Via."""
        return self._build("ACK", invite_seq, extra, contact, user_agent, body, content_type)

    def _build(
        self,
        method: str,
        number: int,
        extra: Iterable[Header],
        contact: str,
        user_agent: str,
        body: bytes,
        content_type: str,
    ) -> Request:
        target = self.remote_target
        routes = self.route_set
        if routes:
            first = NameAddr.parse(routes[0]).uri
            if not (isinstance(first, SipUri) and first.loose_route):
                # A strict router: it wants itself in the Request-URI and the target as the last Route.
                routes = [*routes[1:], f"<{target}>"]
                target = str(first)
        return make_request(
            method,
            target,
            self.local,
            self.remote,
            self.call_id,
            number,
            [*[("Route", route) for route in routes], *extra],
            contact=contact,
            user_agent=user_agent,
            body=body,
            content_type=content_type,
        )

    def receive_request(self, request: Request) -> None:
        """Check a request of the peer's and take its news: sequence number and target refresh (RFC 3261 12.2.2).

        SIPError(500) for a sequence number not above the last; ACK and CANCEL carry their INVITE's.
        """
        method = request.method
        if method in ("ACK", "CANCEL"):
            return
        number = request.cseq.number
        if number <= self.remote_seq:
            raise SIPError(500, "Invalid CSeq", f"CSeq {number} after {self.remote_seq}")
        self.remote_seq = number
        if method in TARGET_REFRESH:
            self._refresh(request)

    def receive_response(self, response: Response) -> None:
        """Take the news of a response to our request: confirmation, route set of the 2xx, target refresh, the end.

        A 481 or 408 to a request inside the dialog ends it (RFC 3261 12.2.1.2); the caller decides that.
        """
        if response.cseq.method not in TARGET_REFRESH or not 100 < response.status < 300:
            return
        if self.caller and self.state is EARLY and response.cseq.method == "INVITE" and response.status >= 200:
            self.route_set = _route_set_of_response(response)  # RFC 3261 13.2.2.4
            self.state = CONFIRMED
        self._refresh(response)

    def confirm(self) -> None:
        """We sent a 2xx."""
        self.state = CONFIRMED

    def terminate(self) -> None:
        """BYE sent or received, or the early dialog's INVITE failed."""
        self.state = TERMINATED

    def _refresh(self, message: Message) -> None:
        contact = message.contact
        if contact is not None and not contact.star:
            self.remote_target = str(contact.uri)

    def __repr__(self) -> str:
        return f"<Dialog {self.call_id} {self.local_tag} {self.remote_tag} {self.state}>"


def _route_set_of_response(response: Response) -> list[str]:
    routes = response.members("Record-Route")
    routes.reverse()
    return routes


class Forks:
    """The dialogs an INVITE of ours forks into, by To tag (RFC 3261 13.2.2)."""

    __slots__ = ("dialogs", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.dialogs: dict[str, Dialog] = {}

    def receive(self, response: Response) -> Dialog | None:
        """The dialog a response belongs to, made or updated; None when it makes none (100, no To tag, 3xx and up).

        A final response of 300 and up ends every early dialog. SIPError(400) for a 2xx without usable Contact.
        """
        status = response.status
        if status >= 300:
            for early in self.dialogs.values():
                if early.state is EARLY:
                    early.terminate()
            return None
        tag = response.to_tag
        if status == 100 or not tag:
            return None
        dialog = self.dialogs.get(tag)
        if dialog is None:
            dialog = self.dialogs[tag] = Dialog.of_response(self.request, response)
        else:
            dialog.receive_response(response)
        if status == 199:
            dialog.terminate()  # RFC 6228
        return dialog

    @property
    def early(self) -> list[Dialog]:
        """The early dialogs still alive."""
        return [dialog for dialog in self.dialogs.values() if dialog.state is EARLY]
