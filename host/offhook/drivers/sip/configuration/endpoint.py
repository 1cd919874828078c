"""The endpoint section of pjsip.conf: all that is known about one party that calls and is called."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from offhook.calls.party import PRESENTATION_BY_WORD, PRESENTATIONS
from offhook.config.acl import parse_rules
from offhook.drivers.sip.configuration.options import (
    Configured,
    choice,
    custom,
    decision,
    flag,
    gathered,
    names,
    number,
    shown_as,
    switch,
    text,
    yesno,
)
from offhook.media.formats import Formats, parse_allow

TOS_NAMES = {
    "cs0": 0, "cs1": 32, "cs2": 64, "cs3": 96, "cs4": 128, "cs5": 160, "cs6": 192, "cs7": 224,
    "af11": 40, "af12": 48, "af13": 56, "af21": 72, "af22": 80, "af23": 88,
    "af31": 104, "af32": 112, "af33": 120, "af41": 136, "af42": 144, "af43": 152, "ef": 184,
}  # fmt: skip
"""DSCP classes as the value of the IP type-of-service octet (RFC 2474, 2597, 3246)."""

NO_SHAKEN = "calls are neither signed nor checked here yet (STIR/SHAKEN)"
NO_GEOLOCATION = "geolocation is not there yet"
NO_T38 = "T.38 is not there yet; fax goes as sound"

ACL_OPTIONS = frozenset(("acl", "permit", "deny", "contact_acl", "contact_permit", "contact_deny"))
IDENTIFY_METHODS = ("username", "auth_username", "ip", "header", "request_uri")


def type_of_service(_: int, value: str) -> int:
    """The octet of a number (any base) or a DSCP class name."""
    word = value.strip().lower()
    if word in TOS_NAMES:
        return TOS_NAMES[word]
    try:
        result = int(word, 0)
    except ValueError:
        raise ValueError(f'"{value}" is neither a number of 0 to 255 nor a class such as cs3, af41 or ef') from None
    if not 0 <= result <= 255:
        raise ValueError(f"{result} is not between 0 and 255")
    return result


def _tos(name: str = "") -> Any:
    return custom(0, type_of_service, str, name=name)


def _presentation(_: int, value: str) -> int:
    word = value.strip().lower()
    if word not in PRESENTATION_BY_WORD:
        raise ValueError(f'"{value}" is no caller id presentation; one of {", ".join(PRESENTATION_BY_WORD)}')
    return PRESENTATION_BY_WORD[word]


def parse_caller_id(value: str) -> tuple[str, str]:
    """``"Name" <number>``, ``Name <number>`` or a bare number, as (name, number)."""
    value = value.strip()
    match = re.fullmatch(r'(?:"((?:[^"\\]|\\.)*)"|([^<]*?))\s*<([^>]*)>.*', value)
    if match:
        return (match[1] if match[1] is not None else match[2]).strip(), match[3].strip()
    bare = value.strip('"')
    if bare and re.fullmatch(r"[0-9+*#().\- ]+", bare):
        return "", bare
    return bare, ""


def _show_caller_id(value: tuple[str, str]) -> str:
    name, digits = value
    return f'"{name}" <{digits}>' if name and digits else digits or name or "<unknown>"


def _groups(before: frozenset[int], value: str) -> frozenset[int]:
    found: set[int] = set()
    for part in value.split(","):
        low, dash, high = part.strip().partition("-")
        if not part.strip():
            continue
        if not low.isdigit() or (dash and not high.isdigit()) or int(high or low) > 63:
            raise ValueError(f'"{part.strip()}" is no group number or range of 0 to 63')
        found.update(range(int(low), int(high or low) + 1))
    return frozenset(found)


def show_groups(groups: frozenset[int]) -> str:
    """The numbers in order: "1, 2, 3, 7"."""
    return ", ".join(str(group) for group in sorted(groups))


@lru_cache(256)
def group_names(numbers: frozenset[int], names: tuple[str, ...]) -> frozenset[str]:
    """Groups as channels have them: numbers are names too."""
    return frozenset([*map(str, numbers), *names])


def _allow(before: Formats, value: str) -> Formats:
    return _formats(before, value, True)


def _disallow(before: Formats, value: str) -> Formats:
    return _formats(before, value, False)


def _formats(before: Formats, value: str, allow: bool) -> Formats:
    try:
        return parse_allow(value, before, allow=allow)
    except ValueError as error:
        # As Asterisk: the formats that are known count, the unknown ones only cost a warning.
        if len(error.args) > 1 and isinstance(error.args[1], Formats):
            raise UnknownFormats(str(error.args[0]), error.args[1]) from None
        raise


class UnknownFormats(ValueError):
    """An allow line with names that are no formats; ``formats`` is the list without them."""

    def __init__(self, sentence: str, formats: Formats) -> None:
        super().__init__(sentence)
        self.formats = formats


def show_formats(formats: Formats) -> str:
    """The list as the CLI shows it: "(ulaw|alaw)", "(nothing)" when empty."""
    return f"({'|'.join(each.name for each in formats)})" if len(formats) else "(nothing)"


def _variables(before: tuple[tuple[str, str], ...], value: str) -> tuple[tuple[str, str], ...]:
    name, equals, content = value.partition("=")
    if not equals or not name.strip():
        raise ValueError(f'"{value}" is not name=value')
    return (*(pair for pair in before if pair[0] != name.strip()), (name.strip(), content.strip()))


def _identify_by(_: tuple[str, ...], value: str) -> tuple[str, ...]:
    found = []
    for word in value.split(","):
        word = word.strip().lower()
        if word not in IDENTIFY_METHODS:
            raise ValueError(f'"{word}" is no way to identify; one of {", ".join(IDENTIFY_METHODS)}')
        if word not in found:
            found.append(word)
    return tuple(found)


def _redirect_methods(_: tuple[str, ...], value: str) -> tuple[str, ...]:
    found = tuple(word for part in value.split(",") if (word := part.strip().lower()))
    for word in found:
        if word != "message":
            raise ValueError(f'redirects of "{word}" cannot be followed; only of message')
    return found


_PREFERENCES = {
    "prefer": ("pending", "configured"),
    "operation": ("union", "intersect", "only_preferred", "only_nonpreferred"),
    "keep": ("first", "all"),
    "transcode": ("allow", "prevent"),
}


def _codec_preferences(operation: str, *forbidden: str) -> Any:
    default = {"prefer": "pending", "operation": operation, "keep": "all", "transcode": "allow"}

    def parse(_: dict[str, str], value: str) -> dict[str, str]:
        result = dict(default)
        for part in value.split(","):
            key, colon, word = (piece.strip().lower() for piece in part.partition(":"))
            if not colon or key not in _PREFERENCES:
                raise ValueError(f'"{part.strip()}" is not prefer:, operation:, keep: or transcode: with a word')
            known = [each for each in _PREFERENCES[key] if each not in forbidden]
            if word not in known:
                raise ValueError(f'"{word}" is no {key}; one of {", ".join(known)}')
            result[key] = word
        return result

    def show(value: dict[str, str]) -> str:
        return ", ".join(f"{key}:{word}" for key, word in value.items())

    reason = "Asterisk 22 reads it and goes by incoming_call_offer_pref and outgoing_call_offer_pref; so does Offhook"
    return custom(default, parse, show, refused=reason)


_OFFER_PREFERENCES = ("local", "local_merge", "local_first", "remote", "remote_first")


class Endpoint(Configured):
    """One party. Attributes are Asterisk's option names (``rel100`` for 100rel)."""

    TYPE = "endpoint"

    # who it is
    context = text("default")
    aors = names()
    auth = gathered(joiner=",")
    outbound_auth = gathered(joiner=",")
    identify_by: tuple[str, ...] = custom(("username", "ip"), _identify_by, ",".join)
    accountcode = text()
    tenantid = text()
    language = text()
    tone_zone = text()
    set_var: tuple[tuple[str, str], ...] = custom((), _variables, lambda v: ",".join(f"{n}={c}" for n, c in v))
    call_group: frozenset[int] = custom(frozenset(), _groups, show_groups)
    pickup_group: frozenset[int] = custom(frozenset(), _groups, show_groups)
    named_call_group = names(joiner=",")
    named_pickup_group = names(joiner=",")
    device_state_busy_at = number(0)
    # where it is
    transport = text()
    outbound_proxy = text()
    force_rport = flag(True)
    rewrite_contact = flag(False)
    contact_user = text(hidden=True)
    from_user = text()
    from_domain = text()
    user_eq_phone = flag(False)
    acl = gathered()
    permit = gathered(hidden=True)
    deny = gathered(hidden=True)
    contact_acl = gathered()
    contact_permit = gathered(hidden=True)
    contact_deny = gathered(hidden=True)
    acl_rules: tuple[tuple[str, str], ...] = ()
    """The six options above as lines in their order, which decides."""
    allow_unauthenticated_options = flag(False)
    security_mechanisms = gathered(joiner=", ", hidden=True)
    security_negotiation = choice("no", "mediasec")
    # its identity on the wire
    callerid: tuple[str, str] = custom(("", ""), lambda _, value: parse_caller_id(value), _show_caller_id)
    callerid_privacy: int = custom(0, _presentation, lambda value: PRESENTATIONS[value])
    callerid_tag = text()
    trust_id_inbound = flag(False)
    trust_id_outbound = flag(False)
    trust_connected_line = yesno(True)
    send_connected_line = yesno(True)
    connected_line_method = choice("invite", "update", aliases={"reinvite": "invite"})
    send_pai = flag(False)
    send_rpid = flag(False)
    rpid_immediate = flag(False)
    send_diversion = flag(True)
    send_history_info = flag(False)
    send_aoc = flag(False)
    stir_shaken = text("no", refused=NO_SHAKEN)
    stir_shaken_profile = text(refused=NO_SHAKEN)
    geoloc_incoming_call_profile = text(refused=NO_GEOLOCATION)
    geoloc_outgoing_call_profile = text(refused=NO_GEOLOCATION)
    # the session
    rel100 = switch("yes", "peer_supported", "required", name="100rel")
    timers = choice(
        "yes", "no", "required", "always",
        aliases=dict.fromkeys(("true", "y", "t", "1", "on"), "yes")
        | dict.fromkeys(("false", "n", "f", "0", "off"), "no")
        | {"forced": "always"},
    )  # fmt: skip
    timers_min_se = number(90)
    timers_sess_expires = number(1800)
    direct_media = flag(True)
    direct_media_method = choice("invite", "update", aliases={"reinvite": "invite"})
    direct_media_glare_mitigation = choice("none", "outgoing", "incoming")
    disable_direct_media_on_nat = flag(False)
    inband_progress = flag(False)
    ignore_183_without_sdp = flag(False)
    allow_transfer = flag(True)
    refer_blind_progress = flag(True)
    redirect_method = choice("user", "uri_core", "uri_pjsip")
    follow_redirect_methods: tuple[str, ...] = custom((), _redirect_methods, ",".join)
    allow_overlap = flag(True)
    overlap_context = text()
    suppress_q850_reason_headers = flag(False)
    moh_suggest = text("default")
    moh_passthrough = flag(False)
    suppress_moh_on_sendonly = flag(False)
    one_touch_recording = flag(False)
    record_on_feature = text("automixmon")
    record_off_feature = text("automixmon")
    fax_detect = flag(False)
    fax_detect_timeout = number(0)
    # media
    allow: Formats = custom(Formats(), _allow, show_formats)
    disallow: Formats = custom(Formats(), _disallow, show_formats, hidden=True)
    dtmf_mode = choice("rfc4733", "inband", "info", "auto", "auto_info", "none")
    rtp_engine = text("asterisk", refused="there is one RTP engine")
    rtp_ipv6 = flag(False)
    rtp_symmetric = flag(False)
    rtp_keepalive = number(0)
    rtp_timeout = number(0)
    rtp_timeout_hold = number(0)
    rtp_port_start = number(0, 0, 65535)
    rtp_port_end = number(0, 0, 65535)
    rtcp_mux = flag(False)
    ice_support = flag(False)
    use_ptime = flag(False)
    use_avpf = flag(False)
    force_avp = flag(False)
    bundle = flag(False)
    webrtc = yesno(False)
    media_address = text()
    bind_rtp_to_media_address = flag(False)
    media_use_received_transport = flag(False)
    media_encryption = choice("no", "sdes", "dtls")
    media_encryption_optimistic = flag(False)
    srtp_tag_32 = flag(False)
    dtls_verify = shown_as(switch("no", "fingerprint", "certificate"), {"no": "No", "yes": "Yes"})
    dtls_rekey = number(0)
    dtls_auto_generate_cert = decision(False)
    dtls_cert_file = text()
    dtls_private_key = text()
    dtls_cipher = text()
    dtls_ca_file = text()
    dtls_ca_path = text()
    dtls_setup = shown_as(choice("", "active", "passive", "actpass", "holdconn"), {"": "active"})
    dtls_fingerprint = choice("SHA-256", "SHA-1")
    g726_non_standard = flag(False)
    preferred_codec_only = flag(False)
    asymmetric_rtp_codec = flag(False)
    max_audio_streams = number(1)
    max_video_streams = number(1)
    follow_early_media_fork = flag(True)
    accept_multiple_sdp_answers = flag(False)
    incoming_call_offer_pref = choice("local", *_OFFER_PREFERENCES)
    outgoing_call_offer_pref = choice("remote_merge", "local_limit", *_OFFER_PREFERENCES)
    codec_prefs_incoming_offer: dict[str, str] = _codec_preferences("intersect", "union")
    codec_prefs_outgoing_offer: dict[str, str] = _codec_preferences("union")
    codec_prefs_incoming_answer: dict[str, str] = _codec_preferences("intersect")
    codec_prefs_outgoing_answer: dict[str, str] = _codec_preferences("intersect")
    sdp_owner = text("-")
    sdp_session = text("Asterisk")
    tos_audio: int = _tos()
    tos_video: int = _tos()
    cos_audio = number(0, 0, 7)
    cos_video = number(0, 0, 7)
    t38_udptl = flag(False, refused=NO_T38)
    t38_udptl_ec = choice("none", "fec", "redundancy", refused=NO_T38)
    t38_udptl_maxdatagram = number(0, refused=NO_T38)
    t38_udptl_nat = flag(False, refused=NO_T38)
    t38_udptl_ipv6 = flag(False, refused=NO_T38)
    t38_bind_udptl_to_media_address = flag(False, refused=NO_T38)
    # subscriptions and messages
    allow_subscribe = flag(True)
    sub_min_expiry = number(0)
    subscribe_context = text()
    message_context = text()
    mailboxes = text()
    voicemail_extension = text()
    aggregate_mwi = flag(True)
    mwi_subscribe_replaces_unsolicited = yesno(False)
    mwi_from_user = text()
    incoming_mwi_mailbox = text()
    notify_early_inuse_ringing = flag(False)

    def assign(self, option: str, value: str) -> Any:
        """As Configured.assign; allow and disallow change one list, and unknown formats only cost themselves."""
        entry = self.OPTIONS[option]
        if option in ACL_OPTIONS:
            if not option.endswith("acl"):
                parse_rules(option.removeprefix("contact_"), value)
            self.acl_rules = (*self.acl_rules, (option, value))
        if option not in ("allow", "disallow"):
            return super().assign(option, value)
        try:
            self.allow = entry.parse(self.allow, value)
        except UnknownFormats as error:
            self.allow = error.formats
            raise
        finally:
            self.disallow = self.allow
        return entry

    def complete(self) -> None:
        """What webrtc = yes and others stand for, and options that exclude each other."""
        if self.timers_min_se < 90:
            raise ValueError("timers_min_se must be 90 s or more (RFC 4028 5)")
        if self.timers_sess_expires < self.timers_min_se:
            raise ValueError("timers_sess_expires must not be below timers_min_se")
        if not self.sdp_session.strip():
            self.sdp_session = "-"
        if len(self.sdp_owner.split()) != 1:
            self.sdp_owner = "-"
        if self.rtp_port_start or self.rtp_port_end:
            if min(self.rtp_port_start, self.rtp_port_end) < 1024:
                raise ValueError("rtp_port_start and rtp_port_end must both be given, 1024 or higher")
            if self.rtp_port_end <= self.rtp_port_start:
                raise ValueError("rtp_port_end must be above rtp_port_start")
        if self.preferred_codec_only:
            if self.incoming_call_offer_pref != "local":
                raise ValueError("preferred_codec_only and incoming_call_offer_pref exclude each other; keep one")
            self.incoming_call_offer_pref = "local_first"
        if self.bundle:
            self.rtcp_mux = True
        if self.webrtc:
            self.bundle = self.rtcp_mux = self.use_avpf = self.ice_support = self.media_use_received_transport = True
            self.media_encryption = "dtls"
            self.dtls_setup = "actpass"
            self.dtls_verify = "fingerprint"
            self.dtls_rekey = 0
            if not self.dtls_cert_file:
                self.dtls_auto_generate_cert = True
        if self.dtls_auto_generate_cert and self.dtls_cert_file:
            raise ValueError("dtls_auto_generate_cert = yes and dtls_cert_file exclude each other; keep one")
