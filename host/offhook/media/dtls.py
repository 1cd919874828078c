"""DTLS as the engine does it: what an endpoint shows of itself, and handshakes that end in SRTP's keys (RFC 5764)."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from offhook.media.errors import EngineError

if TYPE_CHECKING:
    from offhook.media.engine import Engine

_PACKET = 2048


@dataclass(frozen=True, slots=True)
class DtlsSettings:
    """What an endpoint asks for. Without a certificate the engine makes one, for as long as it runs.

    ``ciphers`` and ``profiles`` as OpenSSL writes them. Files are PEM.
    """

    certificate: str = ""
    key: str = ""
    ciphers: str = ""
    ca_file: str = ""
    ca_path: str = ""
    profiles: str = "SRTP_AES128_CM_SHA1_80"
    verify_fingerprint: bool = True
    verify_certificate: bool = False
    mtu: int = 1200


class DtlsKeys(NamedTuple):
    """What a handshake agreed on: the suite by its name of RFC 4568, master keys with their salts."""

    suite: str
    send: bytes
    receive: bytes


class DtlsContext:
    """Settings, certificate and key of an endpoint, ready for handshakes. EngineError when they cannot be used."""

    __slots__ = ("_ffi", "_handle", "_lib", "settings")

    def __init__(self, engine: Engine, settings: DtlsSettings) -> None:
        ffi, lib = engine.ffi, engine.lib
        self.settings = settings
        self._ffi, self._lib = ffi, lib
        texts = {}
        values: dict[str, Any] = {}
        for field in fields(settings):
            value = getattr(settings, field.name)
            if isinstance(value, str):
                value = texts[field.name] = ffi.new("char[]", os.fsencode(value))
            values[field.name] = value
        error = ffi.new("char[]", lib.ENGINE_TEXT)
        handle = lib.dtls_context(ffi.new("struct dtls_settings *", values), error)
        if not handle:
            raise EngineError(engine.text(error))
        self._handle = ffi.gc(handle, lib.dtls_context_free)

    def fingerprint(self, hash_name: str) -> str:
        """The certificate's fingerprint by "sha-1" or "sha-256", as SDP writes it."""
        room = self._ffi.new("char[]", self._lib.FINGERPRINT_TEXT)
        self._lib.dtls_fingerprint(self._handle, hash_name.replace("-", "").encode(), room)
        return str(self._ffi.string(room).decode())

    def handshake(self, *, active: bool) -> Handshake:
        """A fresh association; the active side begins it."""
        handle = self._lib.dtls_make(self._handle, active)
        if not handle:
            raise MemoryError("no memory for a DTLS association")
        return Handshake(self, self._ffi, self._lib, self._ffi.gc(handle, self._lib.dtls_free), active)


class Handshake:
    """One association: datagrams in, datagrams out. States are those of the engine's ``enum dtls_state``."""

    __slots__ = ("_context", "_ffi", "_handle", "_lib", "active")

    def __init__(self, context: DtlsContext, ffi: Any, lib: Any, handle: Any, active: bool) -> None:
        self._context = context  # it has to outlive the handle
        self._ffi, self._lib, self._handle = ffi, lib, handle
        self.active = active

    def begin(self) -> int:
        """Send the first flight, where we are the active side."""
        return int(self._lib.dtls_work(self._handle))

    def receive(self, data: bytes) -> int:
        """Take a datagram; the state after it."""
        return int(self._lib.dtls_receive(self._handle, data, len(data)))

    def datagrams(self) -> list[bytes]:
        """What is to be sent now."""
        room, out = self._ffi.new("uint8_t[]", _PACKET), []
        while count := self._lib.dtls_take(self._handle, room, _PACKET):
            out.append(bytes(self._ffi.buffer(room, count)))
        return out

    @property
    def timeout(self) -> float | None:
        """Seconds until ``expired`` is due, None while nothing has to be said again."""
        left = int(self._lib.dtls_timeout(self._handle))
        return None if left < 0 else left / 1000

    def expired(self) -> int:
        """Say the last flight again; the state after it."""
        return int(self._lib.dtls_expired(self._handle))

    def rekey(self) -> int:
        """Agree on new keys."""
        return int(self._lib.dtls_rekey(self._handle))

    def close(self) -> None:
        """Say farewell (see ``datagrams``)."""
        self._lib.dtls_close(self._handle)

    @property
    def error(self) -> str:
        """Why it failed; "" when it did not."""
        return str(self._ffi.string(self._lib.dtls_error(self._handle)).decode("utf-8", "replace"))

    def peer_fingerprint(self, hash_name: str) -> str:
        """The fingerprint of what the far end showed; "" when it showed nothing."""
        room = self._ffi.new("char[]", self._lib.FINGERPRINT_TEXT)
        self._lib.dtls_peer_fingerprint(self._handle, hash_name.replace("-", "").encode(), room)
        return str(self._ffi.string(room).decode())

    @property
    def keys(self) -> DtlsKeys | None:
        """What was agreed on; None before the end, or when no SRTP profile is in common."""
        send, receive = self._ffi.new("uint8_t[46]"), self._ffi.new("uint8_t[46]")
        suite = self._lib.dtls_keys(self._handle, self.active, send, receive)
        if not suite:
            return None
        length = self._lib.secure_bytes(suite)
        name = self._ffi.string(self._lib.secure_suite_name(suite)).decode()
        return DtlsKeys(name, bytes(self._ffi.buffer(send, length)), bytes(self._ffi.buffer(receive, length)))
