"""The manager over HTTP: sessions by cookie at /manager, /rawman and /mxml, by digest at /amanager and its sisters."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from offhook.calls.pbx import Pbx
from offhook.control.http import HttpError, Request, Response, Uri, http_server
from offhook.control.http.message import Pairs, not_implemented, page
from offhook.control.manager.ami import Ami, manager
from offhook.control.manager.digest import Digest, parse_digest
from offhook.control.manager.markup import as_html, as_xml
from offhook.control.manager.permissions import CONFIG
from offhook.control.manager.protocol import Message
from offhook.control.manager.session import Session

COOKIE: Final = "mansession_id"
LINKED: Final = "manager.uris"
SHORT_S: Final = 5.0
"""A session that has not logged in is kept so long after a request."""
NONCE_S: Final = 62.0

Format = Callable[[str, Pairs, bool], str]
Handler = Callable[[Request], Awaitable[Response]]


def _raw(text: str, _params: Pairs, _login: bool) -> str:
    return text


def _xml(text: str, params: Pairs, _login: bool) -> str:
    given = {name.lower(): value for name, value in reversed(params)}
    return as_xml(text, given.get("ajaxdest", ""), given.get("ajaxobjtype", ""))


def _html(text: str, _params: Pairs, login: bool) -> str:
    return as_html(text, login=login)


def link(pbx: Pbx) -> None:
    """Serve the manager's URIs; harmless when they are served."""
    if LINKED in pbx.parts:
        return
    web = Web(manager(pbx))
    pbx.parts[LINKED] = uris = web.uris()
    server = http_server(pbx)
    for uri in uris:
        server.link(uri)
    server.authenticated = web.authenticated
    server.may_configure = web.may_configure


def unlink(pbx: Pbx) -> None:
    """Serve them no longer."""
    for uri in pbx.parts.pop(LINKED, ()):
        http_server(pbx).unlink(uri)


class Web:
    """Requests of browsers and scripts, each carried out in a session that lives longer than the request."""

    def __init__(self, ami: Ami) -> None:
        self.ami = ami
        self.pbx = ami.pbx
        self._nonces: dict[int, _Nonce] = {}
        """By id of the session that digest authentication made."""
        self._purging = False

    def uris(self) -> list[Uri]:
        """What is served."""
        made = []
        for name, text, kind, form in (
            ("rawman", "Raw HTTP Manager Event Interface", "plain", _raw),
            ("manager", "HTML Manager Event Interface", "html", _html),
            ("mxml", "XML Manager Event Interface", "xml", _xml),
        ):
            made.append(Uri(name, text, self._by_cookie(kind, form)))
            made.append(Uri(f"a{name}", f"{text} w/Digest authentication", self._by_digest(kind, form)))
        return made

    def authenticated(self, request: Request) -> bool:
        """Whether the request's cookie is that of a session that logged in."""
        session = self._session_of(request)
        return session is not None and session.authenticated

    def may_configure(self, request: Request) -> bool | None:
        """Whether that session may write configuration; None without such a session."""
        session = self._session_of(request)
        if session is None or not session.authenticated:
            return None
        return bool(session.may_write & CONFIG)

    # ---- sessions by cookie -------------------------------------------------------------------------

    def _session_of(self, request: Request) -> Session | None:
        try:
            return self.ami.find(int(request.cookies().get(COOKIE, "0"), 16))
        except ValueError:
            return None

    def _by_cookie(self, kind: str, form: Format) -> Handler:
        async def answer(request: Request) -> Response:
            params = _parameters(request)
            session = self._session_of(request)
            if session is None or session.ended:
                session = self._new_session(request)
            text = await self._act(session, params)
            headers = [
                ("Content-type", f"text/{kind}"),
                ("Set-Cookie", f'{COOKIE}="{session.id:08x}"; Version=1; Max-Age={self.ami.settings.http_timeout_s}'),
                ("Pragma", "SuppressEvents"),
            ]
            return Response(headers=headers, body=form(text, params, True).encode("utf-8", "surrogateescape"))

        return answer

    def _new_session(self, request: Request) -> Session:
        session = Session(self.ami, request.remote, request.local, "TLS" if request.tls else "TCP", None)
        session.id = _random_id()
        self.ami.add(session)
        if not self._purging:
            self._purging = True
            self.pbx.loop.call_later(SHORT_S, self._purge)
        return session

    async def _act(self, session: Session, params: Pairs) -> str:
        """Carry out the action that the parameters are, and prolong or end the session."""
        session.users += 1
        timeout = float(self.ami.settings.http_timeout_s)
        session.expires_at = self.pbx.now() + timeout
        before = session.authenticated
        try:
            text = await session.act(Message([f"{name}: {value}" for name, value in params]))
        finally:
            session.users -= 1
            lasts = timeout if session.authenticated else min(SHORT_S, timeout)
            session.expires_at = self.pbx.now() + lasts
        if session.ended:
            if before:
                session.tell("logged off")
            self._forget(session)
        return text

    def _forget(self, session: Session) -> None:
        self.ami.remove(session)
        self._nonces.pop(session.id, None)

    def _purge(self) -> None:
        """End the sessions whose time is over; again in a while as long as there are any."""
        now = self.pbx.now()
        left = False
        for session in list(self.ami.sessions):
            if session.outlet is not None:
                continue
            if now > session.expires_at and not session.users:
                if session.authenticated:
                    session.tell("timed out")
                self._forget(session)
            else:
                left = True
        self._purging = left
        if left:
            self.pbx.loop.call_later(SHORT_S, self._purge)

    # ---- sessions by digest -------------------------------------------------------------------------

    @property
    def realm(self) -> str:
        """What digest authentication is about."""
        return self.pbx.options.system_name or "asterisk"

    def _by_digest(self, kind: str, form: Format) -> Handler:
        async def answer(request: Request) -> Response:
            params = _parameters(request)
            digest = parse_digest(request.header("Authorization"))
            session = self._digest_session(request, digest) if digest is not None else None
            if session is None or isinstance(session, Response):
                return session or self._challenge(_random_id())
            text = await self._act(session, params)
            body = form(text, params, False).encode("utf-8", "surrogateescape")
            return Response(headers=[("Content-type", f"text/{kind}")], body=body)

        return answer

    def _digest_session(self, request: Request, digest: Digest) -> Session | Response | None:
        """The session that a proven user has or gets; a challenge for a stale nonce; None for a new challenge."""
        user = self.ami.settings.user(digest.username)
        try:
            nonce = int(digest.nonce, 16)
        except ValueError:
            return None
        if user is None or user.secret is None:
            return None
        if not user.acl.allows(request.remote[0], "Manager: "):
            raise HttpError(403, "Permission denied", "Permission denied", close=True)
        if digest.nonce != f"{nonce:08x}" or not digest.fits(user.digest_key(self.realm), request.method):
            return None
        now = self.pbx.now()
        for session in self.ami.sessions:
            known = self._nonces.get(session.id)
            if known is None or session.username.lower() != user.name.lower():
                continue
            if known.old == nonce:
                return self._challenge(known.nonce, stale=True)
            if known.nonce == nonce:
                count = int(digest.nc, 16) if digest.nc else known.count + 1
                if count <= known.count or now - known.at > NONCE_S:
                    known.old, known.nonce, known.count, known.at = known.nonce, _random_id(), 0, now
                    return self._challenge(known.nonce, stale=True)
                known.count = count
                return session
        session = self._new_session(request)
        self._nonces[session.id] = _Nonce(nonce, now)
        session.log_in(user)
        session.filters = type(session.filters)()
        session.variables = []
        session.tell("logged in")
        return session

    def _challenge(self, nonce: int, *, stale: bool = False) -> Response:
        value = f'Digest algorithm=MD5, realm="{self.realm}", nonce="{nonce:08x}", qop="auth", opaque="{nonce:08x}"' + (
            ", stale=true" if stale else ""
        )
        name = http_server(self.pbx).settings.name
        return page(401, "Unauthorized", "", name, [("WWW-authenticate", value)])


class _Nonce:
    """The nonce of a digest session: since when it is used, how often, and the one before."""

    __slots__ = ("at", "count", "nonce", "old")

    def __init__(self, nonce: int, at: float) -> None:
        self.nonce = nonce
        self.at = at
        self.count = 0
        self.old = 0


def _parameters(request: Request) -> Pairs:
    """The action's headers: the query, or the form of a POST."""
    if request.method not in ("GET", "HEAD", "POST"):
        raise not_implemented()
    return request.form() if request.method == "POST" else request.query


def _random_id() -> int:
    return secrets.randbits(32) or 1
