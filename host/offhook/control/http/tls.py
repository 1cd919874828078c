"""TLS for listening sockets, by the tls options that http.conf and manager.conf share."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field

from offhook.config.model import TRUE_WORDS

log = logging.getLogger(__name__)

_VERSIONS = {
    "tlsdisablev1": ssl.TLSVersion.TLSv1,
    "tlsdisablev11": ssl.TLSVersion.TLSv1_1,
    "tlsdisablev12": ssl.TLSVersion.TLSv1_2,
}
_ALIASES = {
    "sslenable": "tlsenable",
    "sslcert": "tlscertfile",
    "tlscert": "tlscertfile",
    "sslbindaddr": "tlsbindaddr",
    "sslprivatekey": "tlsprivatekey",
    "sslcipher": "tlscipher",
}


@dataclass(slots=True)
class TlsOptions:
    """What the tls options say; ``take`` reads one of them."""

    enabled: bool = False
    certificate: str = "asterisk.pem"
    private_key: str = ""
    """Empty: in the certificate's file."""
    ciphers: str = ""
    bind: str = ""
    disabled: set[str] = field(default_factory=lambda: {"tlsdisablev1"})
    server_order: bool = True

    def take(self, name: str, value: str) -> bool:
        """Take one option; False when it is none of these."""
        name = name.lower()
        name = _ALIASES.get(name, name)
        true = value.strip().lower() in TRUE_WORDS
        if name == "tlsenable":
            self.enabled = true
        elif name == "tlscertfile":
            self.certificate = value or "asterisk.pem"
        elif name == "tlsprivatekey":
            self.private_key = value
        elif name == "tlscipher":
            self.ciphers = value
        elif name == "tlsbindaddr":
            self.bind = value
        elif name in _VERSIONS:
            self.disabled = self.disabled | {name} if true else self.disabled - {name}
        elif name == "tlsservercipherorder":
            self.server_order = true
        else:
            return False
        return True

    def context(self) -> ssl.SSLContext:
        """The server's side of TLS. Raises OSError or ssl.SSLError for files that are not there or not fit."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = next(
            (version for name, version in _VERSIONS.items() if name not in self.disabled), ssl.TLSVersion.TLSv1_3
        )
        if context.minimum_version < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # OpenSSL 3 has no older version above level 0
        if self.server_order:
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        if self.ciphers:
            context.set_ciphers(self.ciphers)
        context.load_cert_chain(self.certificate, self.private_key or None)
        return context
