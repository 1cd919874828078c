"""The other sections of pjsip.conf as typed objects: transports, AORs, auths, identifies, registrations, settings."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from offhook.config.acl import parse_rules
from offhook.drivers.sip.configuration.endpoint import type_of_service
from offhook.drivers.sip.configuration.options import (
    Configured,
    choice,
    custom,
    decision,
    flag,
    gathered,
    number,
    seconds,
    text,
    yesno,
)
from offhook.drivers.sip.requests.identify import Matcher
from offhook.sip.errors import SIPError
from offhook.sip.uri import SipUri, split_host_port

NO_POOLS = "there are no task processors, pools and queues to size"
PROTOCOLS = ("udp", "tcp", "tls", "ws", "wss", "flow")
TLS_METHODS = ("default", "unspecified", "tlsv1", "sslv2", "sslv3", "sslv23", "tlsv1_1", "tlsv1_2", "tlsv1_3")


def _tls_method(_: str, value: str) -> str:
    word = value.strip().lower()
    if word in ("sslv2", "sslv3"):
        raise ValueError(f"{value} is not offered: it is broken; use tlsv1_2")
    if word and word not in TLS_METHODS:
        raise ValueError(f'"{value}" is no TLS version; tlsv1_2 or tlsv1_3')
    return word


def _networks(before: tuple[str, ...], value: str) -> tuple[str, ...]:
    found = []
    for word in value.split(","):
        try:
            network = ip_network(word.strip(), strict=False)
        except ValueError:
            raise ValueError(f'"{word.strip()}" is no network such as 192.168.0.0/16') from None
        found.append(f"{network.network_address}/{network.netmask}")
    return before + tuple(found)


def _address(_: str, value: str) -> str:
    """An address of ours beyond a NAT; a port written behind it is left out."""
    value = value.strip()
    if not value:
        return ""
    try:
        return str(ip_address(value.strip("[]")))
    except ValueError:
        pass
    try:
        return split_host_port(value)[0]
    except SIPError:
        raise ValueError(f'"{value}" is no address') from None


class Transport(Configured):
    """A place where SIP is spoken."""

    TYPE = "transport"

    protocol = choice("udp", *PROTOCOLS)
    bind = text()
    async_operations = number(1, refused="one loop reads every transport")
    domain = text()
    local_net: tuple[str, ...] = custom((), _networks, ",".join)
    external_signaling_address: str = custom("", _address, str)
    external_signaling_port = number(0, 0, 65535)
    external_signaling_hostname = text(hidden=True)
    external_media_address: str = custom("", _address, str)
    tos: int = custom(0, type_of_service, str)
    cos = number(0, 0, 7)
    symmetric_transport = flag(False)
    allow_reload = flag(False)
    tcp_keepalive_enable = flag(False)
    tcp_keepalive_idle_time = number(30)
    tcp_keepalive_interval_time = number(1)
    tcp_keepalive_probe_count = number(5)
    websocket_write_timeout = number(
        100, 1, refused="writing waits for nobody; a peer that does not read is closed once too much waits for it"
    )
    listen = flag(True, hidden=True)
    """Ours alone: without, a TCP or TLS transport makes connections and takes none. A trunk needs no open port."""
    # TLS
    cert_file = text()
    priv_key_file = text()
    ca_list_file = text()
    ca_list_path = text()
    password = text()
    method: str = custom("", _tls_method, lambda value: value or "unspecified")
    cipher = gathered(joiner=", ")
    verify_server = decision(False)
    verify_client = decision(False)
    require_client_cert = decision(False)
    allow_wildcard_certs = decision(False)

    def cautions(self) -> Iterator[str]:
        """What TLS cannot do here, or not with this protocol."""
        if self.require_client_cert and not self.verify_client:
            yield (
                "require_client_cert has no effect without verify_client = yes: "
                "a certificate that nobody checks proves nothing, and none is asked for"
            )


class Aor(Configured):
    """An address of record: where an endpoint can be reached."""

    TYPE = "aor"

    contact = gathered()
    max_contacts = number(0)
    remove_existing = flag(False)
    remove_unavailable = flag(False)
    minimum_expiration = number(60)
    maximum_expiration = number(7200)
    default_expiration = number(3600)
    qualify_frequency = number(0, 0, 86400)
    qualify_timeout = seconds(3.0)
    qualify_2xx_only = flag(False)
    authenticate_qualify = flag(False)
    outbound_proxy = text()
    support_path = flag(False)
    mailboxes = text()
    voicemail_extension = text()

    def complete(self) -> None:
        """Static contacts must be SIP URIs."""
        for uri in self.contact:
            try:
                SipUri.parse(uri)
            except SIPError:
                raise ValueError(f'contact "{uri}" is no SIP URI such as sip:phone@192.0.2.5:5060') from None


def _password_digest(before: dict[str, str], value: str) -> dict[str, str]:
    algorithm, colon, digest = value.partition(":")
    if not colon:
        algorithm, digest = "MD5", value
    algorithm = canonical_algorithm(algorithm)
    digest = digest.strip().lower()
    if len(digest) != _DIGEST_LENGTHS[algorithm] or not set(digest) <= set("0123456789abcdef"):
        raise ValueError(f"a {algorithm} digest has {_DIGEST_LENGTHS[algorithm]} hexadecimal digits")
    return before | {algorithm: digest}


_DIGEST_LENGTHS = {"MD5": 32, "SHA-256": 64, "SHA-512-256": 64}


def canonical_algorithm(word: str) -> str:
    """The spelling of RFC 8760 for a digest algorithm; ValueError for one that is not offered."""
    folded = word.strip().upper()
    if folded == "SHA-512":
        folded = "SHA-512-256"
    if folded not in _DIGEST_LENGTHS:
        raise ValueError(f'"{word}" is no digest algorithm; MD5, SHA-256 or SHA-512-256')
    return folded


def _algorithms(_: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(canonical_algorithm(word) for word in value.split(",") if word.strip()))


class Auth(Configured):
    """A secret, to check callers with or to answer challenges with."""

    TYPE = "auth"

    auth_type = choice(
        "userpass", "md5", "digest", "google_oauth", aliases={"md5": "md5", "google-oauth": "google_oauth"}
    )
    username = text()
    password = text()
    md5_cred: dict[str, str] = custom({}, _password_digest, lambda value: value.get("MD5", ""))
    password_digest: dict[str, str] = custom(
        {}, _password_digest, lambda value: ", ".join(f"{name}:{digest}" for name, digest in value.items())
    )
    realm = text()
    nonce_lifetime = number(32)
    supported_algorithms_uac: tuple[str, ...] = custom((), _algorithms, lambda value: ", ".join(value) or "MD5")
    supported_algorithms_uas: tuple[str, ...] = custom((), _algorithms, lambda value: ", ".join(value) or "MD5")
    refresh_token = text()
    oauth_clientid = text()
    oauth_secret = text()

    def complete(self) -> None:
        """There must be a user name, and a secret for every algorithm named."""
        if not self.username:
            raise ValueError("an auth section needs username")
        if self.auth_type == "google_oauth":
            if not (self.refresh_token and self.oauth_clientid and self.oauth_secret):
                raise ValueError("google_oauth needs refresh_token, oauth_clientid and oauth_secret")
            return
        for algorithm in (*self.supported_algorithms_uac, *self.supported_algorithms_uas):
            if not self.password and algorithm not in self.md5_cred | self.password_digest:
                raise ValueError(f"there is neither a password nor a password_digest for {algorithm}")


class Identify(Configured):
    """How a request is known to come from an endpoint without a name in it."""

    TYPE = "identify"

    endpoint = text()
    match = gathered()
    match_header = text()
    match_request_uri = text()
    srv_lookups = flag(True)

    def complete(self) -> None:
        """It must name an endpoint and match something."""
        Matcher(self)


class DomainAlias(Configured):
    """Another name of a domain."""

    TYPE = "domain_alias"

    domain = text()


class Acl(Configured):
    """Addresses from which, and contacts with which, SIP is refused altogether."""

    TYPE = "acl"

    acl = gathered()
    permit = gathered()
    deny = gathered()
    contact_acl = gathered()
    contact_permit = gathered()
    contact_deny = gathered()

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.rules: list[tuple[str, str]] = []
        """The lines in their order, which decides."""

    def assign(self, option: str, value: str) -> Any:
        """As Configured.assign; checks networks at once."""
        if option in ("permit", "deny", "contact_permit", "contact_deny"):
            parse_rules(option.removeprefix("contact_"), value)
        entry = super().assign(option, value)
        self.rules.append((option, value))
        return entry


class Registration(Configured):
    """A registration of ours with a server."""

    TYPE = "registration"

    server_uri = text()
    client_uri = text()
    contact_user = text()
    contact_header_params = text()
    transport = text()
    outbound_proxy = text()
    outbound_auth = gathered()
    expiration = number(3600)
    retry_interval = number(60)
    forbidden_retry_interval = number(0)
    fatal_retry_interval = number(0)
    max_retries = number(10)
    max_random_initial_delay = number(10)
    auth_rejection_permanent = flag(True)
    support_path = flag(False)
    support_outbound = yesno(False)
    line = flag(False)
    endpoint = text()
    user_agent = text()
    security_mechanisms = gathered(joiner=", ", hidden=True)
    security_negotiation = choice("no", "mediasec")

    def complete(self) -> None:
        """Both URIs must be there and be SIP URIs, and a line needs its endpoint."""
        for name, value in (("server_uri", self.server_uri), ("client_uri", self.client_uri)):
            if not value:
                raise ValueError(f"a registration needs {name}")
            try:
                SipUri.parse(value.strip("<>"))
            except SIPError:
                raise ValueError(f'{name} "{value}" is no SIP URI such as sip:user@example.com') from None
        if self.line and not self.endpoint:
            raise ValueError("line = yes needs endpoint = name")
        if self.endpoint and not self.line:
            raise ValueError("endpoint = name has no meaning without line = yes")


def _items(before: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *(word for part in value.split(",") if (word := part.strip())))))


class ResourceList(Configured):
    """Resources that are subscribed to together (RFC 4662)."""

    TYPE = "resource_list"

    event = text()
    list_item: tuple[str, ...] = custom((), _items, ",".join)
    full_state = flag(False)
    notification_batch_interval = number(0)
    resource_display_name = flag(False)

    def complete(self) -> None:
        """It is for an event and has members."""
        if not self.event:
            raise ValueError("a resource list needs event = presence, dialog or message-summary")
        if not self.list_item:
            raise ValueError("a resource list needs at least one list_item")


class Global(Configured):
    """Settings of the whole stack."""

    TYPE = "global"

    max_forwards = number(70)
    user_agent = text()
    default_outbound_endpoint = text("default_outbound_endpoint")
    debug = text("no")
    endpoint_identifier_order = text("ip,username,anonymous")
    keep_alive_interval = number(90)
    max_initial_qualify_time = number(0)
    default_from_user = text("asterisk")
    default_voicemail_extension = text()
    regcontext = text()
    contact_expiration_check_interval = number(30, refused="contacts expire to the second, nothing looks for them")
    disable_multi_domain = flag(False)
    unidentified_request_count = number(5)
    unidentified_request_period = number(5)
    unidentified_request_prune_interval = number(30)
    default_realm = text("asterisk")
    mwi_tps_queue_high = number(500, refused=NO_POOLS)
    mwi_tps_queue_low = number(-1, -1, refused=NO_POOLS)
    mwi_disable_initial_unsolicited = flag(False)
    allow_sending_180_after_183 = flag(False)
    ignore_uri_user_options = flag(False)
    use_callerid_contact = yesno(False)
    send_contact_status_on_update_registration = yesno(False)
    taskprocessor_overload_trigger = choice("global", "none", "pjsip_only", refused=NO_POOLS)
    norefersub = yesno(True)
    all_codecs_on_empty_reinvite = flag(False)
    default_auth_algorithms_uas: tuple[str, ...] = custom(("MD5",), _algorithms, ", ".join)
    default_auth_algorithms_uac: tuple[str, ...] = custom(("MD5",), _algorithms, ", ".join)


class System(Configured):
    """Settings read once, at start."""

    TYPE = "system"

    timer_t1 = number(500, 1)
    timer_b = number(32000, 1)
    compact_headers = flag(False)
    taskpool_minimum_size = number(4, refused=NO_POOLS)
    taskpool_initial_size = number(4, refused=NO_POOLS)
    threadpool_initial_size = number(4, refused=NO_POOLS)
    taskpool_auto_increment = number(1, refused=NO_POOLS)
    threadpool_auto_increment = number(1, refused=NO_POOLS)
    taskpool_idle_timeout = number(60, refused=NO_POOLS)
    threadpool_idle_timeout = number(60, refused=NO_POOLS)
    taskpool_max_size = number(50, refused=NO_POOLS)
    threadpool_max_size = number(50, refused=NO_POOLS)
    disable_tcp_switch = flag(True, refused="requests stay on the transport that they were given")
    follow_early_media_fork = flag(True)
    accept_multiple_sdp_answers = flag(False)
    disable_rport = flag(False)
