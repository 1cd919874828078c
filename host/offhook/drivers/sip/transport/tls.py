"""TLS contexts of transport sections (imported only when a transport wants TLS)."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.sections import Transport

_VERSIONS = {
    "tlsv1": ssl.TLSVersion.TLSv1,
    "tlsv1_1": ssl.TLSVersion.TLSv1_1,
    "tlsv1_2": ssl.TLSVersion.TLSv1_2,
    "tlsv1_3": ssl.TLSVersion.TLSv1_3,
}


def identity_fault(certificate: Mapping[str, Any], name: str, *, wildcards: bool) -> str:
    """Why a verified certificate (as ``ssl`` takes it apart) does not vouch for a host; "" when it does.

    As PJSIP judges: by the alternative names of kind DNS, IP address and URI, and by the subject's common name, which
    RFC 6125 no longer wants and private authorities still issue.
    """
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "IP Address", "URI")]
    names += [value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"]
    told = {_host_of(each) for each in names}
    name = name.strip("[]").lower()
    if name in told:
        return ""
    parent = name.partition(".")[2]
    if parent and not _is_address(name) and f"*.{parent}" in told:
        if wildcards:
            return ""
        return f"its certificate has a wildcard instead of {name}; allow_wildcard_certs = yes would take it"
    return f"its certificate is for {', '.join(sorted(told)) or 'nobody'}, not for {name}"


def _host_of(name: str) -> str:
    """The host in a certificate's name, which may be a sip: or sips: URI."""
    if ":" in name and not _is_address(name):
        name = name.partition(":")[2].partition("@")[2] or name.partition(":")[2]
        name = name.partition(";")[0].partition("?")[0]
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(name))
    return name.lower()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class TlsContexts:
    """The server and client context of one transport section, and the certificate files they were made of."""

    __slots__ = ("_section", "_stamps", "client", "server")

    def __init__(self, section: Transport) -> None:
        """Raises ValueError with a sentence when a file cannot be used."""
        self._section = section
        self.server = self._make(ssl.PROTOCOL_TLS_SERVER) if section.listen else None
        self.client = self._make(ssl.PROTOCOL_TLS_CLIENT)
        self._stamps = self._read_stamps()

    def refresh(self) -> bool:
        """Load the certificate again when its files have changed; new connections use it. True when they had.

        ValueError or OSError when the new files cannot be used: the old certificate stays.
        """
        stamps = self._read_stamps()
        if stamps == self._stamps:
            return False
        TlsContexts(self._section)  # the new files are tried apart from the contexts in use
        section = self._section
        for context in filter(None, (self.server, self.client)):
            if section.cert_file:
                context.load_cert_chain(section.cert_file, section.priv_key_file or None, section.password or None)
            if section.ca_list_file:
                context.load_verify_locations(section.ca_list_file)
        self._stamps = stamps
        return True

    def _read_stamps(self) -> tuple[tuple[int, int], ...]:
        section = self._section
        found = []
        for path in (section.cert_file, section.priv_key_file, section.ca_list_file):
            if path:
                status = os.stat(path)
                found.append((status.st_size, status.st_mtime_ns))
        return tuple(found)

    def _make(self, side: ssl._SSLMethod) -> ssl.SSLContext:
        section = self._section
        context = ssl.SSLContext(side)
        is_server = side is ssl.PROTOCOL_TLS_SERVER
        if section.method in _VERSIONS:
            version = _VERSIONS[section.method]
            if version < ssl.TLSVersion.TLSv1_2:
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        else:
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        if section.cipher:
            try:
                context.set_ciphers(":".join(section.cipher))
            except ssl.SSLError:
                raise ValueError(f"cipher: OpenSSL knows none of {', '.join(section.cipher)}") from None
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if section.ca_list_file or section.ca_list_path:
            try:
                context.load_verify_locations(section.ca_list_file or None, section.ca_list_path or None)
            except (OSError, ssl.SSLError) as error:
                raise ValueError(f"ca_list_file or ca_list_path cannot be used: {error}") from None
        elif section.verify_server and not is_server:
            context.load_default_certs()
        if section.cert_file:
            try:
                context.load_cert_chain(section.cert_file, section.priv_key_file or None, section.password or None)
            except (OSError, ssl.SSLError) as error:
                raise ValueError(f"cert_file {section.cert_file} cannot be used: {error}") from None
        elif is_server:
            raise ValueError("a TLS transport needs cert_file")
        # A certificate that is asked for and not verified proves nothing: OpenSSL as Python has it cannot do only that.
        if is_server and section.verify_client:
            context.verify_mode = ssl.CERT_REQUIRED if section.require_client_cert else ssl.CERT_OPTIONAL
        elif not is_server and section.verify_server:
            context.verify_mode = ssl.CERT_REQUIRED  # for whom it vouches is identity_fault's to say
        return context
