"""TLS for listening sockets, by the tls options that http.conf and manager.conf share."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from offhook.config.options import Type, address, flag, string

_VERSIONS = {
    "tlsdisablev1": ssl.TLSVersion.TLSv1,
    "tlsdisablev11": ssl.TLSVersion.TLSv1_1,
    "tlsdisablev12": ssl.TLSVersion.TLSv1_2,
}


def declare(section: Type, port: int) -> None:
    """Declare the tls options in a type of section whose default TLS port is ``port``."""
    section.option("tlsenable", flag(), False, "Listen with TLS too.", aliases=("sslenable",))
    section.option(
        "tlsbindaddr",
        address(port),
        None,
        f"Where: bindaddr and port {port} unless written.",
        aliases=("sslbindaddr",),
    )
    section.option("tlscertfile", string(), "asterisk.pem", "The certificate, PEM.", aliases=("tlscert", "sslcert"))
    section.option(
        "tlsprivatekey",
        string(),
        "",
        "Its private key, PEM; in the certificate's file unless written.",
        aliases=("sslprivatekey",),
    )
    section.option("tlscipher", string(), "", "Ciphers as OpenSSL names them.", aliases=("sslcipher",))
    section.option("tlsdisablev1", flag(), True, "No TLS 1.0.")
    section.option("tlsdisablev11", flag(), False, "No TLS 1.1.")
    section.option("tlsdisablev12", flag(), False, "No TLS 1.2.")
    section.option("tlsservercipherorder", flag(), True, "Our order of ciphers counts, not the client's.")


@dataclass(slots=True)
class TlsOptions:
    """What the tls options say."""

    enabled: bool = False
    bind: tuple[str, int] | None = None
    certificate: str = "asterisk.pem"
    private_key: str = ""
    """Empty: in the certificate's file."""
    ciphers: str = ""
    disabled: frozenset[str] = frozenset({"tlsdisablev1"})
    server_order: bool = True

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> TlsOptions:
        """From the values of a section that declared the options."""
        return cls(
            values["tlsenable"],
            values["tlsbindaddr"],
            values["tlscertfile"] or "asterisk.pem",
            values["tlsprivatekey"],
            values["tlscipher"],
            frozenset(name for name in _VERSIONS if values[name]),
            values["tlsservercipherorder"],
        )

    def context(self) -> ssl.SSLContext:
        """The server's side of TLS. Raises OSError or ssl.SSLError for files that are not there or not fit."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the administrator's choice
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
