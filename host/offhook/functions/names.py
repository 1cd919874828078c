"""Questions to the DNS: ENUMLOOKUP, ENUMQUERY, ENUMRESULT, TXTCIDNAME, SRVQUERY, SRVRESULT."""

from __future__ import annotations

import logging
import random
from typing import Any, NamedTuple

from offhook.dialplan.arguments import from_octets, integer, need_channel, octets
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.posix import Regex, RegexError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
enum_module = Module("func_enum", "ENUM related dialplan functions")
srv_module = Module("func_srv", "SRV related dialplan functions")

_ZONE = "e164.arpa"
_BRANCH = "i"
"""The label of infrastructure ENUM (RFC 5526) unless enum.conf says else."""
_ONE_DIGIT_CODES = ("1", "7")
_THREE_DIGIT_STARTS = tuple(
    map(str, (*range(21, 27), 29, 35, 37, 38, 42, 50, 59, *range(67, 70), 80, 83, 85, *range(87, 90), 96, 97, 99))
)
"""First two digits of the country codes that have three."""


class Service(NamedTuple):
    """A NAPTR record: order and preference, the service it serves, and the URI it makes of the number."""

    order: int
    preference: int
    service: str
    uri: str


async def ask(name: str, kind: str) -> list[Any]:
    """The records of a name; empty when there are none."""
    import dns.asyncresolver
    import dns.exception

    try:
        answer = await dns.asyncresolver.resolve(name, kind)
    except dns.exception.DNSException as error:
        log.debug("DNS has no %s of %s: %s", kind, name, error)
        return []
    return list(answer)


def reversed_digits(number: str) -> str:
    """Digits from the last to the first, each with a point after it."""
    return "".join(f"{digit}." for digit in reversed(number) if digit.isdigit())


def country_code_length(number: str) -> int:
    """How many digits of a number are its country code (ITU-T E.164)."""
    if number.startswith(_ONE_DIGIT_CODES):
        return 1
    return 3 if number.startswith(_THREE_DIGIT_STARTS) else 2


def domain_of(number: str, zone: str, options: str, branch: str = _BRANCH) -> str:
    """The domain name that ENUM (RFC 6116) asks for a number.

    Options: s is an ISN (``subscriber*network``), i infrastructure ENUM, d asks for the number as it is.
    """
    digits = number.removeprefix("+")
    if ("s" in options or "*" in digits) and "*" in digits:
        subscriber, _, network = digits.partition("*")
        return f"{reversed_digits(subscriber)}{network}.{zone}"
    if "d" in options:
        return f"{digits}.{zone}"
    if "i" in options:
        size = country_code_length(digits)
        return f"{reversed_digits(digits[size:])}{branch}.{reversed_digits(digits[:size])}{zone}"
    return reversed_digits(digits) + zone


def rewrite(expression: str, number: str) -> str | None:
    """What a NAPTR regular expression makes of a number; None when it is wrong or does not match."""
    parts = expression[1:].split(expression[:1]) if len(expression) >= 7 else []
    if len(parts) != 3 or parts[2] not in ("", "i"):
        log.warning('the NAPTR expression "%s" is wrong', expression)
        return None
    try:
        spans = Regex(parts[0], ignore_case=parts[2] == "i", newline=True).search(number)
    except RegexError as error:
        log.warning('the NAPTR expression "%s" is wrong: %s', expression, error)
        return None
    if spans is None:
        return None
    data = octets(number)
    groups = [from_octets(data[start:end]) if start >= 0 else "" for start, end in spans]
    out = ""
    text = parts[1]
    while text:
        if text[0] == "\\" and text[1:2].isdigit():
            index = int(text[1])
            if index >= len(groups):
                log.warning('the NAPTR expression "%s" refers to a group that it does not have', expression)
                return None
            out += groups[index]
            text = text[2:]
        else:
            out += text[0]
            text = text[1:]
    return out


def _service_of(text: str) -> str:
    """The service of ``E2U+sip`` or ``sip+E2U``, without its type."""
    lower = text.lower()
    if "e2u+" in lower:
        return text[lower.index("e2u+") + 4 :].rpartition(":")[2]
    return text[: lower.index("+e2u")].partition(":")[0] if "+e2u" in lower else ""


async def services(number: str, service: str, zone: str, options: str) -> list[Service]:
    """The services that ENUM knows of a number, best first; all when the service is ALL."""
    subject = number.removeprefix("n").partition("*")[0]
    found = []
    for record in await ask(domain_of(number, zone, options), "NAPTR"):
        flags = record.flags.decode("ascii", "replace").lower()
        name = _service_of(record.service.decode("utf-8", "replace"))
        uri = rewrite(record.regexp.decode("utf-8", "replace"), subject) if flags.startswith("u") else None
        if uri and (service.upper() == "ALL" or name.lower() == service.lower()):
            found.append(Service(record.order, record.preference, name, uri))
    return sorted(found, key=lambda one: (one.order, one.preference))


def _bare(uri: str, service: str) -> str:
    """A URI without its scheme, unless all services were asked for."""
    return uri if service.upper() == "ALL" else uri.partition(":")[2] or uri


@enum_module.function(
    "ENUMLOOKUP",
    Syntax(
        "number",
        "[method-type]",
        "[options]",
        "[record#]",
        "[zone-suffix]",
        options={
            "c": "How many records there are.",
            "u": "The whole URI, with its scheme.",
            "s": "The number is an ISN.",
            "i": "Look into the tree of infrastructure ENUM.",
            "d": "Ask for the number as it is, without turning its digits round.",
        },
    ),
    see_also=("ENUMQUERY", "ENUMRESULT"),
)
async def enum_lookup(
    scope: Scope, number: str, service: str = "", options: str = "", record: str = "", zone: str = ""
) -> str:
    """The address that ENUM gives for a number.

    The service is pjsip unless another one (sip, iax2, tel ...) or ALL is named, the record the first one, the zone
    e164.arpa.
    """
    service = service or "pjsip"
    found = await services(number.replace("-", ""), service, zone or _ZONE, options)
    if "c" in options:
        return str(len(found))
    index = (integer(record) or 1) - 1
    if index >= len(found):
        return ""
    return found[index].uri if "u" in options else _bare(found[index].uri, service)


@enum_module.function("ENUMQUERY", Syntax("number", "[method-type]", "[zone-suffix]"), see_also=("ENUMRESULT",))
async def enum_query(scope: Scope, number: str, service: str = "", zone: str = "") -> str:
    """Ask ENUM for a number, and give an id for ENUMRESULT."""
    channel = need_channel(scope, "ENUMQUERY")
    service = service or "pjsip"
    found = await services(number, service, zone or _ZONE, "")
    kept = channel.data.setdefault("enum queries", {})
    key = str(len(kept))
    kept[key] = [_bare(one.uri, service) for one in found]
    return key


@enum_module.function("ENUMRESULT", Syntax("id", "resultnum"), see_also=("ENUMQUERY",))
def enum_result(scope: Scope, key: str, which: str) -> str:
    """One result of ENUMQUERY, counted from 1; getnum is how many there are."""
    kept: dict[str, list[str]] = need_channel(scope, "ENUMRESULT").data.get("enum queries", {})
    if key not in kept:
        raise FunctionError(f'ENUMRESULT: there was no ENUMQUERY with the id "{key}"')
    if which.lower() == "getnum":
        return str(len(kept[key]))
    index = integer(which) or 0
    if not 0 < index <= len(kept[key]):
        raise FunctionError(f"ENUMRESULT: query {key} has {len(kept[key])} results, not {which}")
    return kept[key][index - 1]


@enum_module.function("TXTCIDNAME", Syntax("number", "[zone-suffix]"))
async def text_caller_name(scope: Scope, number: str, zone: str = "") -> str:
    """The name that a TXT record of the DNS gives a number."""
    records = await ask(reversed_digits(number) + (zone or _ZONE), "TXT")
    return from_octets(b"".join(records[0].strings)) if records else ""


def by_weight(records: list[Any]) -> list[Any]:
    """SRV records in the order in which to try them (RFC 2782): by priority, then at random by weight."""
    ordered = []
    for priority in sorted({record.priority for record in records}):
        left = sorted((one for one in records if one.priority == priority), key=lambda one: bool(one.weight))
        while left:
            point = random.randint(0, sum(one.weight for one in left))
            index = 0
            while index < len(left) - 1 and point > left[index].weight:
                point -= left[index].weight
                index += 1
            ordered.append(left.pop(index))
    return ordered


async def _srv(scope: Scope, service: str, *, again: bool) -> list[Any]:
    kept = need_channel(scope, "SRVQUERY").data.setdefault("srv queries", {})
    if again or service not in kept:
        kept[service] = by_weight(await ask(service, "SRV"))
    found: list[Any] = kept[service]
    return found


@srv_module.function("SRVQUERY", Syntax("service"), see_also=("SRVRESULT",), raw=True)
async def srv_query(scope: Scope, service: str) -> str:
    """Ask the DNS for the SRV records of a service such as _sip._udp.example.com, and give an id for SRVRESULT."""
    if not service:
        raise FunctionError("SRVQUERY needs a service")
    if not await _srv(scope, service, again=True):
        raise FunctionError(f"SRVQUERY: the DNS has no SRV records of {service}")
    return service


@srv_module.function("SRVRESULT", Syntax("id", "resultnum", "[field]"), see_also=("SRVQUERY",))
async def srv_result(scope: Scope, service: str, which: str, field: str = "") -> str:
    """A field (host, port, priority or weight) of a result of SRVQUERY, counted from 1; getnum: how many there are."""
    records = await _srv(scope, service, again=False)
    if which.lower() == "getnum":
        return str(len(records))
    index = integer(which) or 0
    if not 0 < index <= len(records):
        raise FunctionError(f"SRVRESULT: {service} has {len(records)} records, not {which}")
    record = records[index - 1]
    fields: dict[str, str] = {
        "host": record.target.to_text(omit_final_dot=True),
        "port": str(record.port),
        "priority": str(record.priority),
        "weight": str(record.weight),
    }
    if field.lower() not in fields:
        raise FunctionError(f'SRVRESULT has no field "{field}"; it has {", ".join(fields)}')
    return fields[field.lower()]
