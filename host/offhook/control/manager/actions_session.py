"""Actions about the session itself: logging in and out, what events it gets, and waiting for them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from typing import TYPE_CHECKING

from offhook.calls.pbx import Pbx
from offhook.control.manager.filters import FilterError
from offhook.control.manager.module import module
from offhook.control.manager.permissions import ALL, SYSTEM, USER, mask_of, parse_event_mask, privilege
from offhook.control.manager.session import REFUSAL_DELAY_S
from offhook.log import NOTICE
from offhook.modules import ActionError, ActionRequest, Syntax

if TYPE_CHECKING:
    from offhook.control.manager.session import Session
    from offhook.control.manager.settings import User

log = logging.getLogger(__name__)


def session_of(request: ActionRequest) -> Session:
    """The session that asked."""
    session: Session = request.session
    return session


@module.action(
    "Login",
    (),
    Syntax(
        "Username",
        "[Secret]",
        "[AuthType]",
        "[Key]",
        "[Events]",
        Username="The user of manager.conf.",
        Secret="The user's secret in plain text.",
        AuthType="MD5 for an answer to a Challenge in Key.",
        Key="MD5 of the challenge and the secret, in hexadecimal.",
        Events="What events are wanted, as in the action Events.",
    ),
)
async def login(request: ActionRequest) -> None:
    """Log in.

    A refusal is answered after a second and ends the connection.
    """
    session = session_of(request)
    if session.authenticated:
        request.ok("Already authenticated")
        return
    user = _authenticate(request, session)
    if user is None:
        await asyncio.sleep(REFUSAL_DELAY_S)
        session.ended = True
        raise ActionError("Authentication failed")
    session.log_in(user)
    wanted = parse_event_mask(request.get("Events"))
    session.mask = user.read if wanted is None else user.read & wanted
    session.report("SuccessfulAuth", UsingPassword="0")
    session.tell("logged on")
    request.ok("Authentication accepted")
    if session.mask & SYSTEM and request.pbx.booted:
        pbx: Pbx = request.pbx
        request.event(
            "FullyBooted",
            [
                ("ActionID", ""),
                ("Privilege", privilege(SYSTEM)),
                ("Uptime", str(int(pbx.now() - pbx.started_at))),
                ("LastReload", str(int(pbx.now() - pbx.reloaded_at))),
                ("Status", "Fully Booted"),
            ],
        )


def _authenticate(request: ActionRequest, session: Session) -> User | None:
    """The user that the client proves to be, or None; refusals are logged and reported."""
    name = request.get("Username")
    host = session.remote[0]
    if not name:
        return None
    user = session.ami.settings.user(name)
    if user is None:
        session.report("InvalidAccountID", name)
        log.log(NOTICE, "%s tried to log in to the manager as %r, who does not exist", host, name)
    elif not user.acl.allows(host, "Manager: "):
        session.report("FailedACL", name)
        log.log(NOTICE, "%s may not log in to the manager as %r from there", host, name)
    elif request.get("AuthType").lower() == "md5":
        key = request.get("Key")
        if key and session.challenge and user.secret is not None:
            expected = hashlib.md5((session.challenge + user.secret).encode(), usedforsecurity=False).hexdigest()
            if hmac.compare_digest(expected.encode(), key.encode("utf-8", "surrogateescape")):
                return user
            session.report(
                "ChallengeResponseFailed",
                "",
                Challenge=session.challenge,
                Response=key,
                ExpectedResponse=expected,
            )
    elif user.secret is not None:
        given = request.get("Secret").encode("utf-8", "surrogateescape")
        if hmac.compare_digest(user.secret.encode("utf-8", "surrogateescape"), given):
            return user
        session.report("InvalidPassword", name)
    log.log(NOTICE, "%s failed to log in to the manager as %r", host, name)
    return None


@module.action("Challenge", (), Syntax("AuthType", AuthType="MD5."))
def challenge(request: ActionRequest) -> None:
    """Ask for a challenge to log in with.

    The answer is given with the action Login, AuthType and Key.
    """
    session = session_of(request)
    if request.get("AuthType").lower() != "md5":
        raise ActionError("Must specify AuthType")
    if not session.challenge:
        session.challenge = str(secrets.randbelow(10**9))
    request.respond("Success", headers=[("Challenge", session.challenge)])


@module.action("Logoff", ())
def logoff(request: ActionRequest) -> None:
    """End the session."""
    session_of(request).ended = True
    request.respond("Goodbye", "Thanks for all the fish.")


@module.action("Ping", ())
def ping(request: ActionRequest) -> None:
    """Show that the connection works."""
    request.respond("Success", headers=[("Ping", "Pong"), ("Timestamp", f"{request.pbx.wall():.6f}")])


@module.action(
    "Events", (), Syntax("EventMask", EventMask="on, off, a number, or classes of events with commas between.")
)
def events(request: ActionRequest) -> None:
    """Choose the classes of events that this session gets.

    Only those that the user may read are sent.
    """
    session = session_of(request)
    mask = parse_event_mask(request.get("EventMask"))
    if mask is not None:
        session.mask = session.may_read & mask
    if session.ami.settings.broken_events_action and (mask is None or mask == ALL):
        return  # as before Asterisk 1.8: no answer then
    if mask is None:
        raise ActionError("Invalid event mask")
    request.respond("Success", headers=[("Events", "On" if mask else "Off")])


@module.action(
    "Filter",
    ("system",),
    Syntax(
        "Operation",
        "Filter",
        "[MatchCriteria]",
        Operation="Add.",
        Filter="The expression; ! in front keeps events back.",
        MatchCriteria="As in the parentheses of eventfilter() in manager.conf.",
    ),
)
def filter_events(request: ActionRequest) -> None:
    """Add a filter of events to this session."""
    if request.get("Operation").lower() != "add":
        raise ActionError("Unknown operation")
    criteria = request.get("MatchCriteria")
    try:
        session_of(request).filters.add(
            f"eventfilter({criteria})" if criteria else "eventfilter", request.get("Filter")
        )
    except FilterError as error:
        log.warning("%s", error)
        what = "did not compile" if error.compile else "was formatted incorrectly"
        raise ActionError(f"Filter {what}.  Check the syntax of the filter given.") from None
    request.ok("Success")


@module.action(
    "WaitEvent", (), Syntax("[Timeout]", Timeout="Seconds to wait at most; -1 or nothing: until there is an event.")
)
async def wait_event(request: ActionRequest) -> None:
    """Wait until there are events, and get them with the answer.

    Over HTTP it waits no longer than ten seconds before the session would expire.
    """
    session = session_of(request)
    try:
        seconds = int(request.get("Timeout") or "-1", 0)
    except ValueError:
        seconds = -1
    limit: float | None = None if seconds < 0 else seconds
    if session.outlet is None:
        left = max(0.0, session.expires_at - request.pbx.now() - 10)
        limit = left if limit is None else min(limit, left)
        session.mask = session.mask or session.may_read
    newcomer = await _wait(session, limit)
    if newcomer:
        return
    request.ok("Waiting for Event completed.")
    request.events.append(session.take_pending())
    request.event("WaitEventComplete")


async def _wait(session: Session, limit: float | None) -> bool:
    """Wait for events, another message, or the time limit; True when another WaitEvent took over."""
    if session.waiter is not None and not session.waiter.done():
        session.waiter.cancel()
    if session.has_pending or (session.outlet is not None and session.outlet.waiting):
        return False
    waiter: asyncio.Future[None] = session.pbx.loop.create_future()
    session.waiter = waiter
    try:
        await asyncio.wait({waiter}, timeout=limit)
        return waiter.cancelled()
    finally:
        if session.waiter is waiter:
            session.waiter = None


@module.action("ListCommands", ())
def list_commands(request: ActionRequest) -> None:
    """List the actions that this session may use."""
    session = session_of(request)
    headers = []
    for _, action in sorted(request.pbx.registry.actions.items()):
        mask = mask_of(action.privilege)
        if not mask or session.may_write & mask:
            headers.append((action.name, f"{action.synopsis}  (Priv: {privilege(mask)})"))
    request.respond("Success", headers=headers)


@module.action("UserEvent", ("user",), Syntax("UserEvent", "[Header1]", "[HeaderN]", UserEvent="Its name."))
def user_event(request: ActionRequest) -> None:
    """Send a user event to all sessions.

    Further headers of the action become headers of the event.
    """
    name = request.get("UserEvent")
    lines = [line for line in request.lines if not line.lower().startswith(("userevent:", "action:"))]
    request.ok("Event Sent")
    body = "".join(f"{line}\r\n" for line in (f"UserEvent: {name}", *lines))
    session_of(request).ami.send("UserEvent", USER, body)
