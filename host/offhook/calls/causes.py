"""Hangup causes: ITU-T Q.850 numbers, Asterisk's names and texts, and SIP status codes both ways.

Mapping to and from SIP after RFC 3398 8.2.6.1 and 7.2.4.1, with chan_pjsip's choices where they differ.
"""

from __future__ import annotations

from typing import NamedTuple


class Cause(NamedTuple):
    """One Q.850 cause: number, Asterisk's constant without AST_CAUSE_, text shown to people, SIP status (0: none)."""

    code: int
    name: str
    text: str
    sip: int


_TABLE = (
    Cause(0, "NOTDEFINED", "Unknown", 0),
    Cause(1, "UNALLOCATED", "Unallocated (unassigned) number", 404),
    Cause(2, "NO_ROUTE_TRANSIT_NET", "No route to specified transmit network", 404),
    Cause(3, "NO_ROUTE_DESTINATION", "No route to destination", 404),
    Cause(5, "MISDIALLED_TRUNK_PREFIX", "Misdialed trunk prefix", 0),
    Cause(6, "CHANNEL_UNACCEPTABLE", "Channel unacceptable", 0),
    Cause(7, "CALL_AWARDED_DELIVERED", "Call awarded and being delivered in an established channel", 0),
    Cause(8, "PRE_EMPTED", "Pre-empted", 0),
    Cause(14, "NUMBER_PORTED_NOT_HERE", "Number ported elsewhere", 0),
    Cause(16, "NORMAL_CLEARING", "Normal Clearing", 0),
    Cause(17, "USER_BUSY", "User busy", 486),
    Cause(18, "NO_USER_RESPONSE", "No user responding", 408),
    Cause(19, "NO_ANSWER", "User alerting, no answer", 480),
    Cause(20, "SUBSCRIBER_ABSENT", "Subscriber absent", 480),
    Cause(21, "CALL_REJECTED", "Call Rejected", 403),
    Cause(22, "NUMBER_CHANGED", "Number changed", 410),
    Cause(23, "REDIRECTED_TO_NEW_DESTINATION", "Redirected to new destination", 302),
    Cause(26, "ANSWERED_ELSEWHERE", "Answered elsewhere", 0),
    Cause(27, "DESTINATION_OUT_OF_ORDER", "Destination out of order", 502),
    Cause(28, "INVALID_NUMBER_FORMAT", "Invalid number format", 484),
    Cause(29, "FACILITY_REJECTED", "Facility rejected", 501),
    Cause(30, "RESPONSE_TO_STATUS_ENQUIRY", "Response to STATus ENQuiry", 0),
    Cause(31, "NORMAL_UNSPECIFIED", "Normal, unspecified", 480),
    Cause(34, "NORMAL_CIRCUIT_CONGESTION", "Circuit/channel congestion", 503),
    Cause(38, "NETWORK_OUT_OF_ORDER", "Network out of order", 500),
    Cause(41, "NORMAL_TEMPORARY_FAILURE", "Temporary failure", 0),
    Cause(42, "SWITCH_CONGESTION", "Switching equipment congestion", 503),
    Cause(43, "ACCESS_INFO_DISCARDED", "Access information discarded", 0),
    Cause(44, "REQUESTED_CHAN_UNAVAIL", "Requested channel not available", 0),
    Cause(50, "FACILITY_NOT_SUBSCRIBED", "Facility not subscribed", 0),
    Cause(52, "OUTGOING_CALL_BARRED", "Outgoing call barred", 0),
    Cause(54, "INCOMING_CALL_BARRED", "Incoming call barred", 0),
    Cause(57, "BEARERCAPABILITY_NOTAUTH", "Bearer capability not authorized", 0),
    Cause(58, "BEARERCAPABILITY_NOTAVAIL", "Bearer capability not available", 488),
    Cause(65, "BEARERCAPABILITY_NOTIMPL", "Bearer capability not implemented", 0),
    Cause(66, "CHAN_NOT_IMPLEMENTED", "Channel not implemented", 503),
    Cause(69, "FACILITY_NOT_IMPLEMENTED", "Facility not implemented", 0),
    Cause(81, "INVALID_CALL_REFERENCE", "Invalid call reference value", 0),
    Cause(88, "INCOMPATIBLE_DESTINATION", "Incompatible destination", 0),
    Cause(95, "INVALID_MSG_UNSPECIFIED", "Invalid message unspecified", 0),
    Cause(96, "MANDATORY_IE_MISSING", "Mandatory information element is missing", 0),
    Cause(97, "MESSAGE_TYPE_NONEXIST", "Message type nonexist.", 0),
    Cause(98, "WRONG_MESSAGE", "Wrong message", 0),
    Cause(99, "IE_NONEXIST", "Info. element nonexist or not implemented", 0),
    Cause(100, "INVALID_IE_CONTENTS", "Invalid information element contents", 0),
    Cause(101, "WRONG_CALL_STATE", "Message not compatible with call state", 0),
    Cause(102, "RECOVERY_ON_TIMER_EXPIRE", "Recover on timer expiry", 0),
    Cause(103, "MANDATORY_IE_LENGTH_ERROR", "Mandatory IE length error", 0),
    Cause(111, "PROTOCOL_ERROR", "Protocol error, unspecified", 0),
    Cause(127, "INTERWORKING", "Interworking, unspecified", 500),
)

BY_CODE = {cause.code: cause for cause in _TABLE}
BY_NAME = {cause.name: cause for cause in _TABLE}

NOTDEFINED = 0
UNALLOCATED = 1
NO_ROUTE_DESTINATION = 3
CHANNEL_UNACCEPTABLE = 6
NORMAL_CLEARING = 16
USER_BUSY = 17
NO_USER_RESPONSE = 18
NO_ANSWER = 19
SUBSCRIBER_ABSENT = 20
CALL_REJECTED = 21
ANSWERED_ELSEWHERE = 26
DESTINATION_OUT_OF_ORDER = 27
INVALID_NUMBER_FORMAT = 28
NORMAL_UNSPECIFIED = 31
NORMAL_CIRCUIT_CONGESTION = 34
NETWORK_OUT_OF_ORDER = 38
NORMAL_TEMPORARY_FAILURE = 41
SWITCH_CONGESTION = 42
REQUESTED_CHAN_UNAVAIL = 44
RESOURCE_UNAVAILABLE = 47
BEARERCAPABILITY_NOTAVAIL = 58
CHAN_NOT_IMPLEMENTED = 66
RECOVERY_ON_TIMER_EXPIRE = 102
PROTOCOL_ERROR = 111
INTERWORKING = 127

_FROM_SIP = {
    302: 23,
    401: 21,
    403: 21,
    404: 1,
    407: 21,
    408: 18,
    409: 41,
    410: 22,
    420: 3,
    480: 19,
    483: 19,
    484: 28,
    485: 1,
    486: 17,
    488: 58,
    500: 38,
    501: 29,
    502: 27,
    503: 34,
    504: 102,
    600: 17,
    603: 21,
    604: 1,
    606: 58,
}


def text(code: int) -> str:
    """The text people see for a cause; unknown numbers read "Unknown"."""
    cause = BY_CODE.get(code)
    return cause.text if cause else "Unknown"


def to_sip(code: int) -> int:
    """The SIP status that refuses a call for this cause; 0 when the cause says nothing about it."""
    cause = BY_CODE.get(code)
    return cause.sip if cause else 0


def from_sip(status: int) -> int:
    """The cause for a final SIP status; classes without an entry map to interworking."""
    if status < 300:
        return NORMAL_CLEARING
    return _FROM_SIP.get(status, INTERWORKING if status >= 400 else NORMAL_UNSPECIFIED)


def parse(word: str) -> int | None:
    """A cause from its number or its name ("17", "USER_BUSY", "AST_CAUSE_USER_BUSY"); None when unknown."""
    word = word.strip().upper()
    if word.isdigit():
        return int(word)
    cause = BY_NAME.get(word.removeprefix("AST_CAUSE_"))
    return cause.code if cause else None
