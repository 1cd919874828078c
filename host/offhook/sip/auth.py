"""Digest authentication (RFC 7616, RFC 8760, RFC 3261 22): MD5, SHA-256 and SHA-512-256, qop=auth, both sides.

The server side keeps no state: a nonce carries its time and a keyed hash over time and peer.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Container, Iterable, Sequence
from enum import Enum

from .errors import SIPError
from .grammar import quote, split_list, unquote
from .message import Request, Response

MD5 = "MD5"
SHA256 = "SHA-256"
SHA512_256 = "SHA-512-256"


def _hash(name: str) -> Callable[[bytes], str]:
    def digest(data: bytes) -> str:
        return hashlib.new(name, data, usedforsecurity=False).hexdigest()

    return digest


_HASHES: dict[str, Callable[[bytes], str]] = {MD5: _hash("md5"), SHA256: _hash("sha256")}
if "sha512_256" in hashlib.algorithms_available:
    _HASHES[SHA512_256] = _hash("sha512_256")

ALGORITHMS: tuple[str, ...] = tuple(_HASHES)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def known_algorithm(name: str | None) -> str | None:
    """The registered spelling of an algorithm parameter (absent: MD5), None for one we cannot compute."""
    name = (name or MD5).upper()
    return name if name in _HASHES else None


def ha1(username: str, realm: str, password: str, algorithm: str = MD5) -> str:
    """H(username:realm:password), what Asterisk calls md5_cred for MD5."""
    return _HASHES[algorithm](_bytes(f"{username}:{realm}:{password}"))


def digest(
    algorithm: str,
    secret: str,
    method: str,
    uri: str,
    nonce: str,
    *,
    qop: str = "",
    nc: str = "",
    cnonce: str = "",
    body: bytes = b"",
) -> str:
    """The response value (RFC 7616 3.4.1) from HA1 `secret`; `qop` is "", "auth" or "auth-int"."""
    hash_ = _HASHES[algorithm]
    entity = f":{hash_(body)}" if qop == "auth-int" else ""
    ha2 = hash_(_bytes(f"{method}:{uri}{entity}"))
    middle = f"{nc}:{cnonce}:{qop}:" if qop else ""
    return hash_(_bytes(f"{secret}:{nonce}:{middle}{ha2}"))


def parse_digest(text: str) -> dict[str, str]:
    """A Digest challenge or credentials to its parameters (names in lower case, quotes undone).

    SIPError(400) when malformed; the dict is empty for another scheme.
    """
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        return {}
    params: dict[str, str] = {}
    for part in split_list(rest):
        name, equals, value = part.partition("=")
        if not equals:
            raise SIPError(400, detail="malformed Digest parameter")
        params.setdefault(name.strip().lower(), unquote(value.strip()))
    return params


# The server side.


class Secret:
    """What the server knows of one user: a clear password, or HA1 by algorithm (for one realm)."""

    __slots__ = ("ha1", "password", "realm", "username")

    def __init__(
        self, username: str, password: str | None = None, ha1: dict[str, str] | None = None, realm: str = ""
    ) -> None:
        self.username = username
        self.password = password
        self.ha1 = ha1 or {}
        self.realm = realm

    def ha1_for(self, realm: str, algorithm: str) -> str | None:
        """HA1 for a realm and algorithm, None when only an HA1 of another algorithm is known."""
        if self.password is not None:
            return ha1(self.username, realm, self.password, algorithm)
        return self.ha1.get(algorithm)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms a challenge for this user can name."""
        return ALGORITHMS if self.password is not None else tuple(a for a in ALGORITHMS if a in self.ha1)


class Verdict(Enum):
    """What verify found."""

    ACCEPTED = "accepted"
    MISSING = "missing"  # no credentials for our realm: challenge
    STALE = "stale"  # the secret is right, the nonce has expired or is not ours: challenge with stale=true
    WRONG = "wrong"  # unknown user or wrong secret


class DigestServer:
    """Challenges requests and verifies credentials.

    `key` signs nonces (random by default, so nonces die with the process); `lifetime` is in seconds of the clock that
    `now` comes from.
    """

    __slots__ = ("_key", "lifetime")

    def __init__(self, key: bytes = b"", lifetime: float = 32.0) -> None:
        self._key = key or os.urandom(32)
        self.lifetime = lifetime

    def nonce(self, now: float, peer: str = "") -> str:
        """A nonce for `peer` (its address, say): 8 hex digits of milliseconds, then the keyed hash."""
        stamp = f"{int(now * 1000) & 0xFFFFFFFFFFFF:012x}{os.urandom(4).hex()}"
        return stamp + self._sign(stamp, peer)

    def _sign(self, stamp: str, peer: str) -> str:
        return hmac.new(self._key, _bytes(f"{stamp}:{peer}"), "sha256").hexdigest()[:32]

    def nonce_age(self, nonce: str, now: float, peer: str = "") -> float | None:
        """Seconds since we made this nonce for `peer`, None when we did not."""
        if len(nonce) != 52 or not nonce.isascii():
            return None
        stamp = nonce[:20]
        if not hmac.compare_digest(self._sign(stamp, peer), nonce[20:]):
            return None
        age = ((int(now * 1000) & 0xFFFFFFFFFFFF) - int(stamp[:12], 16)) / 1000
        return age if age >= 0 else None

    def challenges(
        self,
        realm: str,
        now: float,
        *,
        peer: str = "",
        algorithms: Iterable[str] = (MD5,),
        stale: bool = False,
        opaque: str = "",
    ) -> list[str]:
        """WWW-Authenticate or Proxy-Authenticate values, one an algorithm, in order of preference."""
        nonce = self.nonce(now, peer)
        opaque = opaque or os.urandom(8).hex()
        tail = ", stale=true" if stale else ""
        return [
            f'Digest realm={quote(realm)},nonce="{nonce}",opaque="{opaque}"{tail},algorithm={algorithm},qop="auth"'
            for algorithm in algorithms
        ]

    def verify(
        self,
        request: Request,
        realm: str,
        secrets_: Iterable[Secret],
        now: float,
        *,
        peer: str = "",
        proxy: bool = False,
        algorithms: Container[str] = ALGORITHMS,
    ) -> Verdict:
        """Check the request's Authorization (or Proxy-Authorization) for `realm` against any of `secrets_`.

        To hide which users exist, pass a Secret with a random password for an unknown one and answer alike.
        Digest-uri is compared with the Request-URI only loosely (RFC 3261 22.4 item 8 lets proxies rewrite it).
        Credentials that do not parse count as missing, those of an algorithm that is not among `algorithms` as wrong.
        """
        verdict = Verdict.MISSING
        for value in request.get_all("Proxy-Authorization" if proxy else "Authorization"):
            try:
                params = parse_digest(value)
            except SIPError:
                continue
            algorithm = known_algorithm(params.get("algorithm"))
            if not params or params.get("realm") != realm or algorithm is None:
                continue
            if algorithm not in algorithms or not self._matches(request, params, realm, algorithm, secrets_):
                verdict = Verdict.WRONG
                continue
            age = self.nonce_age(params.get("nonce", ""), now, peer)
            return Verdict.STALE if age is None or age > self.lifetime else Verdict.ACCEPTED
        return verdict

    @staticmethod
    def _matches(
        request: Request, params: dict[str, str], realm: str, algorithm: str, secrets_: Iterable[Secret]
    ) -> bool:
        qop = params.get("qop", "").lower()
        nc = params.get("nc", "")
        cnonce = params.get("cnonce", "")
        if qop not in ("", "auth", "auth-int") or (qop and not (nc and cnonce)):
            return False
        username = params.get("username", "")
        answer = _bytes(params.get("response", "").lower())
        for secret in secrets_:
            if secret.username != username:
                continue
            known = secret.ha1_for(realm, algorithm)
            if known is None:
                continue
            expected = digest(
                algorithm,
                known,
                request.method,
                params.get("uri", ""),
                params.get("nonce", ""),
                qop=qop,
                nc=nc,
                cnonce=cnonce,
                body=request.body,
            )
            if hmac.compare_digest(_bytes(expected), answer):
                return True
        return False


# The client side.


class Challenge:
    """One Digest challenge of a 401 or 407. `spelled` is its algorithm parameter as written, None when absent."""

    __slots__ = ("algorithm", "nonce", "opaque", "proxy", "qop", "realm", "spelled", "stale")

    def __init__(self, params: dict[str, str], algorithm: str, qop: str, proxy: bool) -> None:
        self.realm = params["realm"]
        self.nonce = params["nonce"]
        self.opaque = params.get("opaque")
        self.stale = params.get("stale", "").lower() == "true"
        self.spelled = params.get("algorithm")
        self.algorithm = algorithm
        self.qop = qop
        self.proxy = proxy

    @property
    def header(self) -> str:
        """The header that answers it."""
        return "Proxy-Authorization" if self.proxy else "Authorization"


def challenges_of(response: Response) -> list[Challenge]:
    """The Digest challenges of a response we can answer, in its order; others and malformed ones are left out."""
    found: list[Challenge] = []
    for name, proxy in (("WWW-Authenticate", False), ("Proxy-Authenticate", True)):
        for value in response.get_all(name):
            try:
                params = parse_digest(value)
            except SIPError:
                continue
            algorithm = known_algorithm(params.get("algorithm"))
            if "nonce" not in params or "realm" not in params or algorithm is None:
                continue
            offered = {option.strip().lower() for option in params.get("qop", "").split(",")} - {""}
            qop = "auth" if "auth" in offered else "auth-int" if "auth-int" in offered else ""
            if offered and not qop:
                continue
            found.append(Challenge(params, algorithm, qop, proxy))
    return found


class Credentials:
    """What the client knows: a Secret for one realm ("" or "*": any), used with the given algorithms only."""

    __slots__ = ("algorithms", "realm", "secret")

    def __init__(self, secret: Secret, realm: str = "", algorithms: Sequence[str] = ALGORITHMS) -> None:
        self.secret = secret
        self.realm = "" if realm == "*" else realm
        self.algorithms = algorithms


class DigestClient:
    """Answers challenges and remembers them, so that later requests can carry credentials at once.

    One object a dialog, registration or subscription.
    """

    __slots__ = ("_credentials", "_known", "_stale", "_uses")

    MAX_STALE = 3

    def __init__(self, credentials: Sequence[Credentials]) -> None:
        self._credentials = credentials
        self._known: dict[tuple[bool, str], Challenge] = {}
        self._uses: dict[tuple[bool, str], int] = {}  # of the known challenge's nonce
        self._stale: dict[tuple[bool, str], int] = {}  # stale answers in a row

    def receive(self, request: Request, response: Response) -> bool:
        """Take a 401 or 407 to `request`. True when sending it again (see `authorize`) makes sense.

        False when there are credentials for none of its realms, or those we sent were refused: they answered a fresh
        challenge, or the nonce has been stale for the fourth time. Realms without credentials are passed over when
        another can be answered.
        """
        answered: set[tuple[bool, str]] = set()
        for challenge in challenges_of(response):
            key = (challenge.proxy, challenge.realm)
            if key in answered or self._secret_for(challenge) is None:
                continue  # RFC 8760 2.4: the topmost challenge of a realm that we can answer
            if self._sent(request, challenge):
                stale = self._stale.get(key, 0) + 1
                if stale > self.MAX_STALE or not (challenge.stale or self._uses.get(key, 0) > 1):
                    continue
                self._stale[key] = stale
            else:
                self._stale.pop(key, None)
            self._known.pop(key, None)
            self._known[key] = challenge
            self._uses[key] = 0
            answered.add(key)
        return bool(answered)

    def authorize(self, request: Request) -> None:
        """Put Authorization and Proxy-Authorization for every known challenge into `request`, replacing old ones."""
        if not self._known:
            return
        request.remove("Authorization")
        request.remove("Proxy-Authorization")
        for key, challenge in self._known.items():
            self._uses[key] += 1
            request.add(challenge.header, self._answer(challenge, self._uses[key], request))

    def forget(self) -> None:
        """Drop remembered challenges."""
        self._known.clear()
        self._uses.clear()
        self._stale.clear()

    def _secret_for(self, challenge: Challenge) -> tuple[Secret, str] | None:
        realm = challenge.realm.lower()
        for wanted in (realm, ""):
            for credentials in self._credentials:
                if credentials.realm.lower() == wanted and challenge.algorithm in credentials.algorithms:
                    known = credentials.secret.ha1_for(challenge.realm, challenge.algorithm)
                    if known is not None:
                        return credentials.secret, known
        return None

    @staticmethod
    def _sent(request: Request, challenge: Challenge) -> bool:
        for value in request.get_all(challenge.header):
            params = parse_digest(value)
            algorithm = known_algorithm(params.get("algorithm"))
            if params.get("realm") == challenge.realm and algorithm == challenge.algorithm:
                return True
        return False

    def _answer(self, challenge: Challenge, uses: int, request: Request) -> str:
        found = self._secret_for(challenge)
        if found is None:
            raise ValueError(f"no credentials for realm {challenge.realm!r}")
        secret, known = found
        qop = challenge.qop
        nc, cnonce = (f"{uses:08x}", os.urandom(8).hex()) if qop else ("", "")
        answer = digest(
            challenge.algorithm,
            known,
            request.method,
            request.target,
            challenge.nonce,
            qop=qop,
            nc=nc,
            cnonce=cnonce,
            body=request.body,
        )
        parts = [
            f"Digest username={quote(secret.username)}",
            f"realm={quote(challenge.realm)}",
            f"nonce={quote(challenge.nonce)}",
            f'uri="{request.target}"',
            f'response="{answer}"',
        ]
        if challenge.spelled is not None:
            parts.append(f"algorithm={challenge.spelled}")
        if qop:
            parts.append(f'cnonce="{cnonce}"')
        if challenge.opaque is not None:
            parts.append(f"opaque={quote(challenge.opaque)}")
        if qop:
            parts += [f"qop={qop}", f"nc={nc}"]
        return ", ".join(parts)
