"""Calls that come in: who it is, what he has to prove, and where in the dialplan the call begins."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.party import Caller, Dialed, Name, Number, Party
from offhook.dialplan.patterns import shrink_number
from offhook.drivers.iax.channel import IaxChannel
from offhook.drivers.iax.secrets import expectation_of
from offhook.drivers.iax.session import Session
from offhook.drivers.iax.variables import keep
from offhook.iax import formats as iax_formats
from offhook.iax.call import PROTOCOL
from offhook.iax.elements import Elements
from offhook.iax.frames import FullFrame
from offhook.iax.proof import MD5, Expectation
from offhook.log import NOTICE, verbose
from offhook.media.errors import EngineError

if TYPE_CHECKING:
    from offhook.drivers.iax.reading import Entry
    from offhook.drivers.iax.stack import IaxStack
    from offhook.iax.association import Association

log = logging.getLogger(__name__)
_NOT_AVAILABLE = 0x43
_PASSED_SCREEN = 0x01
_AMA_FLAGS = {"omit": 1, "billing": 2, "documentation": 3}


def take_call(stack: IaxStack, association: Association, frame: FullFrame, elements: Elements) -> None:
    """A NEW came."""
    try:
        IncomingSession(stack, association)
    except EngineError as error:
        log.error("no voice for a call from %s: %s", association.address[0], error)
        association.end(stack.now())


class IncomingSession(Session):
    """A call that came in."""

    def __init__(self, stack: IaxStack, association: Association) -> None:
        super().__init__(stack, association)
        self.elements = Elements()
        self.user: Entry | None = None
        self.context = self.exten = ""
        self._format = 0
        self._counted = ""
        self._running = False
        peer = stack.peer_at(association.address)
        self.host = peer.name if peer is not None else "{}:{}".format(*association.address)

    # ---- NEW ----------------------------------------------------------------------------------------------------

    def asked(self, elements: Elements, now: float) -> None:
        """See Listener (and Asterisk's check_access)."""
        self.elements = elements
        self.exten = elements.text("called_number") or "s"
        self.context = elements.text("called_context")
        self.username = elements.text("username")
        if elements.number("version", PROTOCOL) > PROTOCOL:
            log.warning("%s speaks a newer protocol than we", self.association.address[0])
            self._refuse(now)
            return
        user = self._find_user()
        if user is not None:
            self._meet(user, now)
        elif not self.username:
            self._refuse(now)
        elif not self._ask_database():
            self._doom(now)

    def _ask_database(self) -> bool:
        """Whether a database is asked for the user; the call goes on when it has answered."""
        stack = self.stack
        if not stack.friends.has_users:
            return False

        async def ask() -> None:
            host = self.association.address[0]
            user = await stack.friends.user(self.username, host)
            if self.association.dead:
                return
            if user is not None and user.acl.allows(host, "IAX2 user ACL: ") and self._may_enter(user):
                self._meet(user, stack.now())
            else:
                self._doom(stack.now())
            stack.rearm()

        stack.pbx.spawn(ask(), f"IAX2 user {self.username}")
        return True

    def _doom(self, now: float) -> None:
        """Whoever does not exist is asked for proof like everybody else, and then refused."""
        call = self.call
        call.doomed = True
        call.expectation = Expectation(self.stack.last_methods or MD5, "")
        call.challenge(self.username, now, 0)

    def _find_user(self) -> Entry | None:
        """Who calls: by name, else the entry that fits best (one without a password before one with)."""
        best, score = None, 0
        host = self.association.address[0]
        for entry in self.stack.reading.users():
            if self.username and self.username != entry.name:
                continue
            if not entry.acl.allows(host, "IAX2 user ACL: ") or not self._may_enter(entry):
                continue
            if self.username:
                return entry
            open_to_all = not (entry["secret"] or entry["dbsecret"] or entry["inkeys"])
            worth = (3 if open_to_all else 1) + (1 if entry.acl else 0)
            if worth > score:
                best, score = entry, worth
        return best

    def _may_enter(self, entry: Entry) -> bool:
        return not self.context or entry.allows_context(self.context)

    def _meet(self, user: Entry, now: float) -> None:
        stack, call, elements = self.stack, self.call, self.elements
        self.user = user
        self.username = self.username or user.name
        self.context = self.context or user.context
        call.encryption = user.encryption
        call.force_encryption = bool(user["forceencryption"])
        call.transfer.allowed = user["transfer"] != "no"
        peer = stack.peer_at(self.association.address)
        self.trunk = user["trunk"] or (peer is not None and peer.entry["trunk"])
        self.music_interpreted, self.music_suggested = user["mohinterpret"], user["mohsuggest"]
        self.sends_connected = user["connectedline"] in ("yes", "send")
        self.takes_connected = user["connectedline"] in ("yes", "receive")
        expectation = expectation_of(stack.pbx, user)
        if call.force_encryption and not expectation.secrets:
            log.warning("Rejected connect attempt.  No secret present while force encrypt enabled.")
            self._refuse(now)
            return
        if not expectation.secrets and not user["inkeys"]:
            call.encryption = 0
            self._decide(now)
            return
        limit = user["maxauthreq"]
        if limit and stack.waiting.get(user.name, 0) >= limit:
            call.reject(causes.CALL_REJECTED, "Unauthenticated call limit reached", now)
            return
        self._count(user.name)
        stack.last_methods = expectation.methods
        call.expectation = expectation
        call.challenge(self.username, now, elements.number("encryption"))

    def _count(self, name: str) -> None:
        waiting = self.stack.waiting
        if self._counted:
            waiting[self._counted] -= 1
            if not waiting[self._counted]:
                del waiting[self._counted]
        self._counted = name
        if name:
            waiting[name] = waiting.get(name, 0) + 1

    def _refuse(self, now: float) -> None:
        if self.stack.reading.general["authdebug"]:
            log.log(
                NOTICE,
                "Rejected connect attempt from %s, who was trying to reach '%s@%s'",
                "{}:{}".format(*self.association.address),
                self.exten,
                self.context,
            )
        self.call.refuse(now)

    # ---- let in -------------------------------------------------------------------------------------------------

    def proven(self, method: str, elements: Elements, now: float) -> None:
        """See Listener."""
        self._count("")
        assert self.user is not None
        self.host = self.user.name
        self._decide(now)

    def _decide(self, now: float) -> None:
        """Take the call, if its extension exists and a format can be agreed on."""
        stack, user = self.stack, self.user
        assert user is not None
        plan = stack.pbx.dialplan
        number = self.elements.text("calling_number")
        if not plan.exists(self.context, self.exten, 1, number) and not plan.switched(self.context):
            log.log(
                NOTICE,
                "Rejected connect attempt from %s, request '%s@%s' does not exist",
                "{}:{}".format(*self.association.address),
                self.exten,
                self.context,
            )
            self.call.reject(causes.NO_ROUTE_DESTINATION, "No such context/extension", now)
            return
        self._format = iax_formats.negotiate(
            [each.name for each in user.formats],
            user.capability,
            self.elements.format,
            self.elements.capability or self.elements.format,
            iax_formats.read_preferences(self.elements.text("codec_prefs")),
            user["codecpriority"],
        )
        if not self._format:
            log.log(NOTICE, "Rejected connect attempt from %s: no common format", self.association.address[0])
            self.call.reject(causes.BEARERCAPABILITY_NOTAVAIL, "Unable to negotiate codec", now)
            return
        verbose(3, "Accepting %s call from %s:%d, format %s",
                "AUTHENTICATED" if self.call.method else "UNAUTHENTICATED", *self.association.address,
                iax_formats.name(self._format))  # fmt: skip
        self.call.accept(self._format, now)

    def established(self, now: float) -> None:
        """See Listener: the caller knows our number, the call begins."""
        user = self.user
        assert user is not None
        party, ani = self._caller(user)
        channel = IaxChannel(
            self,
            State.RING,
            context=self.context,
            exten=self.exten,
            caller=Caller(party, ani, ani2=self.elements.number("calling_ani2")),
            accountcode=user["accountcode"],
        )
        self._running = True
        self.speak(self._format)
        if user["jitterbuffer"]:
            self.leg.set_playout("adaptive", self.stack.reading.general["jittertargetextra"])
        self._manners(channel, user)
        if self.variables:
            keep(channel, self.variables)
        for text in user["setvar"]:
            name, _, value = text.partition("=")
            channel.set_by_name(name.strip(), value.strip())
        channel.start_pbx()

    def _manners(self, channel: IaxChannel, user: Entry) -> None:
        elements = self.elements
        channel.dialed = Dialed(elements.text("dnid"), transit_network=elements.number("callingtns"))
        if elements.text("rdnis"):
            channel.redirecting.from_.number = Number(True, elements.text("rdnis"))
        language = user["language"] or elements.text("language")
        if language:
            channel.language = language
        channel.parking_lot = user["parkinglot"]
        channel.ama_flags = _AMA_FLAGS.get(user["amaflags"].lower(), channel.ama_flags)
        channel.adsicpe = elements.number("adsicpe") if user["adsi"] else 2

    def _caller(self, user: Entry) -> tuple[Party, Party]:
        """Who calls, and whom it is billed to."""
        elements = self.elements
        given = user.caller_id
        if given is not None:
            name, number = given
            presentation, plan, ani = _PASSED_SCREEN, 0, number
        else:
            name, number = elements.text("calling_name"), elements.text("calling_number")
            if self.stack.reading.general["shrinkcallerid"]:
                number = shrink_number(number)
            presentation, plan = elements.number("callingpres"), elements.number("callington")
            ani = elements.text("calling_ani") or number
            if not name and not number:
                presentation = _NOT_AVAILABLE
        party = Party(
            Name(bool(name), name, presentation),
            Number(bool(number), number, plan, presentation),
        )
        return party, Party(number=Number(bool(ani), ani))

    # ---- the end ------------------------------------------------------------------------------------------------

    def ended(self, cause: int, command: int, text: str) -> None:
        """See Listener."""
        if self._running:
            super().ended(cause, command, text)
        self._count("")
        if not self._running:
            self.forget()
