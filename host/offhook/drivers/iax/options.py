"""What may stand in iax.conf: the options of [general] and of users, peers and friends, typed."""

from __future__ import annotations

from typing import Any

from offhook.config.options import Kind, Schema, choice, flag, integer, string
from offhook.iax.proof import METHODS
from offhook.iax.seal import AES128, KEY_ROTATION

FILE = "iax.conf"
ORDERED = frozenset({"allow", "disallow", "permit", "deny", "acl"})
"""Options whose lines count in their order; reading.py takes them."""

SCHEMA = Schema("chan_iax2", FILE, "IAX2: how calls between exchanges are carried.")
GENERAL = SCHEMA.type("general", "What holds for all.")
ENTRY = SCHEMA.type("entry", "A user (may call us), a peer (may be called) or a friend (both).")


def _methods() -> Kind:
    def parse(text: str) -> int:
        words = [word.strip().lower() for word in text.split(",")]
        unknown = [word for word in words if word not in METHODS]
        if unknown:
            raise ValueError(f'"{unknown[0]}" is no method; md5, rsa and plaintext are')
        return sum({METHODS[word] for word in words})

    return Kind("md5, rsa and plaintext, separated by commas", parse)


def _encryption() -> Kind:
    def parse(text: str) -> int:
        word = text.strip().lower()
        on = word in ("yes", "true", "y", "t", "1", "on", "aes128")
        return AES128 | KEY_ROTATION if on else 0

    return Kind("yes, no or aes128", parse, lambda value: "aes128" if value else "no")


def _qualify() -> Kind:
    """The longest answer in ms; 0: nobody asks."""

    def parse(text: str) -> int:
        word = text.strip().lower()
        if word in ("yes", "true", "y", "t", "1", "on"):
            return 2000
        if word in ("no", "false", "n", "f", "0", "off"):
            return 0
        if not word.isdigit():
            raise ValueError(f'"{text}" is neither yes, no nor ms')
        return int(word)

    return Kind("yes, no or ms", parse)


def _traffic_class() -> Kind:
    names = {"lowdelay": 0x10, "throughput": 0x08, "reliability": 0x04, "mincost": 0x02, "none": 0, "ef": 46 << 2}
    names |= {f"cs{number}": number << 5 for number in range(8)}
    names |= {f"af{high}{low}": (high << 3 | low << 1) << 2 for high in range(1, 5) for low in range(1, 4)}

    def parse(text: str) -> int:
        word = text.strip().lower()
        if word in names:
            return names[word]
        try:
            value = int(word, 0)
        except ValueError:
            value = -1
        if not 0 <= value <= 255:
            raise ValueError(f'"{text}" is no type of service (ef, cs0 to cs7, af11 to af43, or 0 to 255)')
        return value

    return Kind("ef, cs0 to cs7, af11 to af43, or 0 to 255", parse)


_TOKEN = choice("yes", "no", "auto", aliases={"true": "yes", "false": "no", "1": "yes", "0": "no", "on": "yes"})
_TRANSFER = choice("yes", "no", "mediaonly", aliases={"true": "yes", "false": "no", "1": "yes", "0": "no", "on": "yes"})
_CONNECTED = choice(
    "yes", "no", "send", "receive", aliases={"true": "yes", "false": "no", "1": "yes", "0": "no", "on": "yes"}
)
_PRIORITY = choice("host", "caller", "disabled", "reqonly")
_BANDWIDTH = choice("low", "medium", "high")

SHARED: tuple[tuple[str, Kind, Any, str], ...] = (
    ("language", string(), "", "The language of prompts."),
    ("accountcode", string(), "", "The account of calls that come in."),
    ("amaflags", string(), "", "How calls are marked for accounting: default, omit, billing or documentation."),
    ("mohinterpret", string(), "default", 'Music for whom we hold; "passthrough" tells the far end to play its own.'),
    ("mohsuggest", string(), "", "Music that the far end is to play when we hold it."),
    ("parkinglot", string(), "", "Where calls are parked."),
    ("encryption", _encryption(), 0, "Whether calls may be encrypted."),
    ("forceencryption", _encryption(), 0, "Whether calls must be encrypted."),
    ("transfer", _TRANSFER, "yes", "Whether a call may be moved to another far end (mediaonly: its voice alone)."),
    ("jitterbuffer", flag(), False, "Hold back what comes, even in calls that are passed on as they are."),
    ("codecpriority", _PRIORITY, "host", "Whose order of formats counts for calls that come in."),
    ("adsi", flag(), False, "Tell that a phone has a display."),
    ("connectedline", _CONNECTED, "no", "Whether news of connected parties are sent and taken."),
    ("maxauthreq", integer(0), 3, "Calls of a user that may be waiting for proof; 0: any number."),
)
"""Options of [general] that stand for those of entries that do not say."""

for _name, _kind, _default, _text in SHARED:
    GENERAL.option(_name, _kind, _default, _text)
    ENTRY.option(_name, _kind, None, _text)

_OWN: tuple[tuple[str, Kind, Any, str], ...] = (
    ("bindport", integer(1, 65535), 4569, "The UDP port."),
    ("iaxcompat", flag(), False, "Nothing: dialplan is never looked up in a way that others wait for."),
    ("nochecksums", flag(), False, "Nothing: UDP checksums cost nothing."),
    ("delayreject", flag(), False, "Refuse a wrong password after a second only."),
    ("srvlookup", flag(), False, "Look up SRV records of hosts."),
    ("bandwidth", _BANDWIDTH, "high", "Which formats are allowed to begin with."),
    ("maxjitterbuffer", integer(0, None, "ms"), 1000, "Nothing: playout follows the stream."),
    ("resyncthreshold", integer(-1, None, "ms"), 1000, "Nothing: playout follows the stream."),
    ("maxjitterinterps", integer(0), 10, "Nothing: what is lost is concealed as long as it sounds well."),
    ("jittertargetextra", integer(0, None, "ms"), 40, "What jitterbuffer=yes holds back at least."),
    ("minregexpire", integer(1, None, "s"), 60, "The shortest registration."),
    ("maxregexpire", integer(1, None, "s"), 60, "The longest registration."),
    ("iaxthreadcount", integer(1), 10, "Nothing: there are no threads."),
    ("iaxmaxthreadcount", integer(1), 100, "Nothing: there are no threads."),
    ("authdebug", flag(), True, "Log failed attempts to authenticate."),
    ("tos", _traffic_class(), 0, "Type of service of what we send."),
    ("cos", integer(0, 7), 0, "Nothing: the 802.1p priority is the network card's."),
    ("regcontext", string(), "", "Where regexten of registered peers exists."),
    ("autokill", string(), "yes", "How long a far end may take to answer a call at all: yes (2 s), no, or ms."),
    ("rtcachefriends", flag(), False, "Keep realtime peers once they were asked for."),
    ("rtsavesysname", flag(), False, "Write the system's name to realtime with a registration."),
    ("rtupdate", flag(), True, "Write registrations to realtime."),
    ("rtautoclear", string(), "no", "Nothing: what is remembered stays until it is pruned."),
    ("rtignoreregexpire", flag(), False, "Use a realtime peer's address however old it is."),
    ("allowfwdownload", flag(), False, "Nothing: no firmware is kept."),
    ("trunkfreq", integer(10, None, "ms"), 20, "Nothing: what is said for 20 ms travels together."),
    ("trunktimestamps", flag(), True, "Whether frames in a trunk frame keep their own time."),
    ("trunkmtu", integer(0), 1240, "Nothing: a trunk frame has at most 1240 octets."),
    ("trunkmaxsize", integer(1), 128000, "Nothing: nothing is kept for a trunk frame longer than 20 ms."),
    ("pingtime", integer(1, None, "s"), 21, "How often a call's far end is asked whether it is there."),
    ("lagrqtime", integer(1, None, "s"), 10, "How often the delay of a call is measured."),
    ("maxcallnumbers", integer(0, 32766), 2048, "Calls of one address."),
    ("maxcallnumbers_nonvalidated", integer(0, 32766), 8192, "Calls of addresses that came without a token."),
    ("calltokenexpiration", integer(1, None, "s"), 10, "How long a call token is good."),
    ("shrinkcallerid", flag(), True, "Take blanks, brackets and dashes out of callers' numbers."),
    ("subscribe_network_change_event", flag(), True, "Nothing: registrations are repeated anyway."),
    ("auth", _methods(), 0, "Nothing in [general]; entries have it."),
)
for _name, _kind, _default, _text in _OWN:
    GENERAL.option(_name, _kind, _default, _text)
GENERAL.option("bindaddr", string(), (), "An address to listen at, perhaps with a port.", many=True)
GENERAL.option("register", string(), (), "user[:secret]@host[:port]: register there.", many=True)
GENERAL.option("calltokenoptional", string(), (), "Addresses that need no call token.", many=True)

for _name, _kind, _default, _text in (
    ("type", choice("user", "peer", "friend"), "", "What it is."),
    ("secret", string(), "", "The password; of those who may come with several, separated by semicolons."),
    ("dbsecret", string(), "", "family/key of the password in the database."),
    ("auth", _methods(), 0, "How passwords are proven."),
    ("inkeys", string(), "", "Public keys of those who prove themselves by one, separated by colons."),
    ("outkey", string(), "", "The private key by which we prove ourselves."),
    ("username", string(), "", "Our name there."),
    ("host", string(), "", 'Where it is: an address, a name, or "dynamic".'),
    ("port", integer(0, 65535), None, "The UDP port there."),
    ("defaultip", string(), "", "Where it is until it registers."),
    ("sourceaddress", string(), "", "By which of our addresses we call it."),
    ("mask", string(), "", "Nothing: addresses are compared whole."),
    ("regexten", string(), "", "Extension that exists in regcontext while it is registered."),
    ("peercontext", string(), "", "The context we call there."),
    ("description", string(), "", "For people."),
    ("mailbox", string(), "", "Its voicemail box."),
    ("callerid", string(), "", "Who it is, instead of what it says."),
    ("fullname", string(), "", "Its name."),
    ("cid_number", string(), "", "Its number."),
    ("sendani", flag(), False, "Send the number that is billed."),
    ("trunk", flag(), False, "Collect the voice of several calls in trunk frames."),
    ("qualify", _qualify(), 0, "Ask whether it is there: yes, no, or how long an answer may take."),
    ("qualifysmoothing", flag(), False, "Take the mean of the last answers."),
    ("qualifyfreqok", integer(1, None, "ms"), 60000, "How often it is asked while it answers."),
    ("qualifyfreqnotok", integer(1, None, "ms"), 10000, "How often it is asked while it does not."),
    ("timezone", string(), "", "Nothing: times are sent as they are here."),
    ("immediate", flag(), False, "Nothing: dialplan always runs at once."),
    ("requirecalltoken", _TOKEN, "", "Whether it must know call tokens; auto: once it showed that it does."),
    ("maxcallnumbers", integer(0, 32766), 0, "Calls of its address."),
):
    ENTRY.option(_name, _kind, _default, _text)
ENTRY.option("context", string(), (), "Where its calls begin.", many=True)
ENTRY.option("setvar", string(), (), "NAME=value for its calls.", many=True)
for _type in (GENERAL, ENTRY):
    for _name, _text in (("allow", "Formats allowed, in order."), ("disallow", "Formats not allowed; all: none is.")):
        _type.option(_name, string(), (), _text, many=True)
for _name, _text in (
    ("permit", "Addresses from which it may call and register: address/mask."),
    ("deny", "Addresses from which it may not."),
    ("acl", "Lists of acl.conf that have to let it in."),
):
    ENTRY.option(_name, string(), (), _text, many=True)
