"""What may stand in chan_dahdi.conf. A line holds for every channel that is named below it."""

from __future__ import annotations

from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.config.options import Kind, Schema, choice, flag, integer, number, string, words

SCHEMA = Schema("chan_dahdi", "chan_dahdi.conf", "Analog lines and digital trunks")
TRUNKS = SCHEMA.type("trunkgroups", "Trunk groups of several spans with a common D channel (NFAS)")
TRUNKS.option("trunkgroup", string(), None, "Its number, its D channel, and backup D channels.", many=True)
TRUNKS.option("spanmap", string(), None, "A span, its trunk group, and its number in the group.", many=True)
CHANNELS = SCHEMA.type("channels", "Settings of channels, and the channels they are for")
_option = CHANNELS.option

ANALOG = (
    *("em", "em_e1", "em_w", "featd", "featdmf", "featdmf_ta", "featb", "fgccama", "fgccamamf", "e911"),
    *("fxs_ls", "fxs_gs", "fxs_ks", "fxo_ls", "fxo_gs", "fxo_ks"),
    *("sf", "sf_w", "sf_featd", "sf_featdmf", "sf_featb"),
)
RADIO = tuple(f"{kind}_{way}" for kind in ("fxs", "fxo", "em", "sf") for way in ("rx", "tx", "rxtx", "txrx"))
DIGITAL = ("pri_cpe", "pri_net", "bri_cpe", "bri_net", "bri_cpe_ptmp", "bri_net_ptmp", "ss7", "mfcr2")
OUTWARD = (*(name for name in ANALOG if not name.startswith("fx")),)


def numbers() -> Kind:
    """Numbers and ranges, such as 1-4,7."""
    return Kind("numbers and ranges such as 1-4,7", number_list, lambda value: ",".join(map(str, value)))


def number_list(text: str) -> list[int]:
    """The numbers of a list such as ``1-4,!2,7`` in order; with ``!`` (or ``-`` ahead) they are taken out."""
    found: list[int] = []
    for part in text.split(","):
        word = part.strip()
        out = word.startswith("!")
        low, dash, high = word.lstrip("!").partition("-")
        if not low.strip().isdigit() or (dash and not high.strip().isdigit()):
            raise ValueError(f'"{word}" in "{text}" is no number or range of numbers')
        ends = sorted((int(low), int(high if dash else low)))
        chosen = range(ends[0], ends[1] + 1)
        found = [one for one in found if one not in chosen] if out else [*found, *chosen]
    return found


def groups() -> Kind:
    """Groups from 0 to 63."""

    def parse(text: str) -> frozenset[int]:
        if text.strip().lower() in ("", "none"):
            return frozenset()
        found = frozenset(number_list(text))
        if any(group > 63 for group in found):
            raise ValueError(f'"{text}" has a group above 63')
        return found

    return Kind("groups from 0 to 63, such as 1,3-5", parse, lambda value: ",".join(map(str, sorted(value))))


def _switch(text: str, high: float, on: float) -> float:
    """A number up to ``high``, or yes (``on``) or no (0)."""
    try:
        return float(flag().parse(text) and on) if not text.strip().lstrip("-").isdigit() else _bounded(text, high)
    except ValueError:
        raise ValueError(f'"{text}" is neither yes nor no nor a number up to {high:g}') from None


def _bounded(text: str, high: float) -> float:
    value = float(text)
    if not 0 <= value <= high:
        raise ValueError(text)
    return value


def taps() -> Kind:
    """Echo canceller: yes, no, or the length of its tail in samples of 1/8 ms."""
    return Kind("yes, no, or a tail from 32 to 1024 samples", lambda text: int(_switch(text.split(",")[0], 1024, 128)))


def training() -> Kind:
    """Echo training: yes, no, or ms."""
    return Kind("yes, no, or a time up to 4000 ms", lambda text: int(_switch(text, 4000, 400)))


def dial_tone() -> Kind:
    """Dial tone detection: no, yes, always, or ms."""

    def parse(text: str) -> float:
        return -1.0 if text.strip().lower() == "always" else _switch(text or "no", 3_600_000, 10_000)

    return Kind("no, yes, always, or a time in ms", parse)


def gain() -> Kind:
    """A gain in dB, or disabled."""

    def parse(text: str) -> float | None:
        return None if text.strip().lower() == "disabled" else float(number(-60, 60).parse(text))

    return Kind("gain in dB, or disabled", parse, lambda value: "disabled" if value is None else f"{value:g}")


def flags(*known: str) -> Kind:
    """Any of some words, with "," between; yes and no where they are known."""

    def parse(text: str) -> frozenset[str]:
        found = frozenset(word.strip().lower() for word in text.split(",") if word.strip())
        if strange := sorted(found - set(known)):
            raise ValueError(f'"{strange[0]}" is not one of {", ".join(known)}')
        return found

    return Kind(f"any of {', '.join(known)}", parse, lambda value: ",".join(sorted(value)))


def monitored() -> Kind:
    """How messages are told of: any of fsk, rpas and neon; yes is fsk."""
    ways = flags("fsk", "rpas", "neon")

    def parse(text: str) -> frozenset[str]:
        word = text.strip().lower()
        return frozenset({"fsk"} if word in TRUE_WORDS else () if word in FALSE_WORDS else ways.parse(text))

    return Kind("any of fsk, rpas, neon; yes or no", parse, ways.show)


def pattern() -> Kind:
    """A busy cadence: on,off or on,off,on,off in ms."""

    def parse(text: str) -> tuple[int, ...]:
        times = tuple(int(part) if part.strip().isdigit() else -1 for part in text.split(","))
        if len(times) not in (1, 2, 4) or min(times) < 0:
            raise ValueError(f'"{text}" is no cadence; write tone and silence in ms, such as 500,500')
        return times

    return Kind("times of tone and silence in ms", parse, lambda value: ",".join(map(str, value)))


def ring_pattern() -> Kind:
    """A distinctive ring: three times as the console shows them."""

    def parse(text: str) -> tuple[int, int, int]:
        parts = [int(part) if part.strip().lstrip("-").isdigit() else -2 for part in text.split(",")] + [0, 0]
        if -2 in parts or len(parts) > 5:
            raise ValueError(f'"{text}" is no ring pattern; write up to three numbers')
        return parts[0], parts[1], parts[2]

    return Kind("up to three lengths of ringing", parse, lambda value: ",".join(map(str, value)))


# ---- which channels -------------------------------------------------------------------------------------------

_option("channel", numbers(), None, "Channels that all lines above are for.", aliases=("channels",))
_option("dahdichan", numbers(), None, "Channels of a section of their own, whose lines are all for them.")
_option("signalling", choice("auto", *ANALOG, *RADIO, *DIGITAL), "auto", "Signalling.", aliases=("signaling",))
_option("outsignalling", choice(*OUTWARD), None, "Signalling of calls out, if another.", aliases=("outsignaling",))
_option("ignore_failed_channels", flag(), True, "Go on without a channel that cannot be opened: always so.")
_option("description", string(), "", "What this channel is for.")

# ---- the call -------------------------------------------------------------------------------------------------

_option("context", string(), "default", "Where calls from the line go.")
_option("group", groups(), frozenset(), "Groups by which it is dialled (DAHDI/g1).")
_option("language", string(), "", "Language of prompts.")
_option("accountcode", string(), "", "Account code of calls.")
_option("amaflags", choice("default", "omit", "billing", "documentation"), "default", "How calls are marked.")
_option("setvar", string(), None, "Variables of each call, name=value.", many=True)
_option("mohinterpret", string(), "default", "Music on hold class.", aliases=("musiconhold", "musicclass"))
_option("mohsuggest", string(), "", "Music that a party put on hold from here is to hear.")
_option("parkinglot", string(), "", "Parking lot.")
_option("callgroup", groups(), frozenset(), "Call groups.")
_option("pickupgroup", groups(), frozenset(), "Groups whose ringing calls can be picked up here.")
_option("namedcallgroup", words(), [], "Named call groups.")
_option("namedpickupgroup", words(), [], "Named groups whose ringing calls can be picked up here.")
_option("stripmsd", integer(0, 32), 0, "Digits to take off the front of what is dialled.")
_option("tonezone", integer(-1, 127), -1, "Country of tones by the numbers of dahdi-tools; -1: the default one.")
_option("progzone", choice("us", "ca", "cr", "br", "uk"), "us", "Country of the call progress tones.")
_option("buffers", string(), "4,immediate", "Buffers of sound, and when sending begins.")
_option("faxbuffers", string(), "", "Buffers when a fax was detected.")
_option("jitterbuffers", integer(1, 32), 4, "Buffers of sound.")
for _name in ("jbenable", "jbforce", "jblog", "jbsyncvideo"):
    _option(_name, flag(), False, "Has no effect: a jitter buffer is where sound comes from the network.")
for _name in ("jbimpl", "jbmaxsize", "jbresyncthreshold", "jbtargetextra"):
    _option(_name, string(), "", "Has no effect; see jbenable.")
_option("reportalarms", choice("channels", "spans", "all", "none"), "channels", "Which alarms managers hear of.")
_option(
    "cadence", string(), None, "Ring cadences r1, r2, ...: on,off,... in ms; caller ID after a negative one.", many=True
)

# ---- caller ID ------------------------------------------------------------------------------------------------

_option("callerid", string(), "", "Name and number of the phone on the port; asreceived.")
_option("fullname", string(), "", "Name alone.")
_option("cid_number", string(), "", "Number alone.")
_option("cid_tag", string(), "", "Tag.")
_option("usecallerid", flag(), True, "Receive caller ID (lines), send it (phones).")
_SIGNALLED = ("bell", "v23", "v23_jp", "dtmf", "smdi", "auto")
_option("cidsignalling", choice(*_SIGNALLED, aliases={"yes": "bell"}), "bell", "How it is coded; auto: any way.")
_option("cidstart", choice("ring", "polarity", "polarity_in", "dtmf", aliases={"yes": "ring"}), "ring", "Its start.")
_option("dtmfcidlevel", integer(0, 32767), 256, "Has no effect: digits are heard at any level.")
_option("cid_rxgain", number(-60, 30, "dB"), 5.0, "Gain while caller ID is received.")
_option("sendcalleridafter", integer(1, 10), 1, "Ring bursts before it is sent.")
_option("hidecallerid", flag(), False, "Withhold it unless *82 is dialled.")
_option("hidecalleridname", flag(), False, "Withhold the name alone (PRI).")
_option("restrictcid", flag(), False, "Has no effect; hidecallerid has.")
_option("usecallingpres", flag(), False, "Send the call's own presentation (PRI, SS7).")
_option("callwaitingcallerid", flag(), False, "Send it in a call (type II).")
_option("useincomingcalleridondahditransfer", flag(), False, "A call dialled after a flash shows the held party.")
_option("usesmdi", flag(), False, "Caller ID and messages by SMDI.")
_option("smdiport", string(), "/dev/ttyS0", "Serial port of SMDI.")
_option("mwimonitor", monitored(), frozenset(), "Message waiting received on a line.")
_option("mwilevel", integer(0, 32767), 512, "Has no effect: messages are heard at any level.")
_option("mwimonitornotify", string(), "", "Program run with mailbox and 0 or 1 when it changes.")
_option(
    "mwisendtype", flags("rpas", "lrev", "hvdc", "hvac", "neon", "nofsk", "fsk"), frozenset(), "Message waiting sent."
)
_option("mailbox", string(), "", "Voicemail box of the phone: stutter tone and message lamp.")
_option("adsi", flag(), False, "The phone has a display for ADSI.")

# ---- phones ---------------------------------------------------------------------------------------------------

_option("immediate", flag(), False, "Go to extension s at once, no dial tone.")
_option("immediatering", flag(), True, "With immediate: ringing is heard until the answer.")
_option("threewaycalling", flag(), False, "A flash begins another call.")
_option("threewaysilenthold", flag(), False, "The dial tone after a flash may end in silence.")
_option("transfer", flag(), False, "Hanging up on two calls joins them.")
_option("transfertobusy", flag(), True, "Even when one is busy.")
_option("canpark", flag(), False, "Calls may be parked after a flash.")
_option("callwaiting", flag(), False, "A second call beeps.")
_option("callwaitingdeluxe", flag(), False, "A flash and a digit decide on the second call.")
_option("callreturn", flag(), False, "*69 tells the last caller.")
_option("cancallforward", flag(), False, "*72 and *73 forward calls.")
_option("lastnumredial", flag(), False, "## dials the last number again.")
_option("calledsubscriberheld", flag(), False, "A called phone may hang up and lift again.")
_option("autoreoriginate", flag(), False, "Dial tone comes back after the far end hung up.")
_option("firstdigit_timeout", integer(1, 3_600_000, "ms"), 16000, "Time for the first digit.")
_option("interdigit_timeout", integer(1, 3_600_000, "ms"), 8000, "Time for each further digit.")
_option("matchdigit_timeout", integer(1, 3_600_000, "ms"), 3000, "Time when the number may be complete.")
_option("dialmode", choice("pulse", "dtmf", "none", "both", aliases={"tone": "dtmf"}), "both", "How phones may dial.")

# ---- lines ----------------------------------------------------------------------------------------------------

_option("pulsedial", flag(), False, "Dial pulses instead of tones.")
_option("ringtimeout", integer(500, 60_000, "ms"), 8000, "A call is over when no ring came for that long.")
_option("busydetect", flag(), False, "Hang up on busy tone.")
_option("busycount", integer(1, 20), 3, "Busy tones before that.")
_option("busypattern", pattern(), (), "Times of the busy tone.")
_option("silencecap", integer(0, 86_400, "s"), 0, "A call in which nobody has said anything for that long ends.")
_option("callprogress", flag(), False, "Follow a call by its tones: ringing, busy, answer.")
_option("answeronpolarityswitch", flag(), False, "The far end answers by reversing the battery.")
_option("hanguponpolarityswitch", flag(), False, "It hangs up by reversing the battery.")
_option("polarityonanswerdelay", integer(0, 60_000, "ms"), 600, "Reversals are ignored for that long after the answer.")
_option("waitfordialtone", integer(0, 60_000, "ms"), 0, "Wait for dial tone before dialling.")
_option("dialtone_detect", dial_tone(), 0.0, "Dial tone in a call ends it, for that long after the answer.")
_DETECT = choice(
    "no", "incoming", "outgoing", "both", aliases={"yes": "both", "false": "no", "true": "both", "off": "no"}
)
_option("faxdetect", _DETECT, "no", "Send a call with fax tones to extension fax.")
_option("faxdetect_timeout", integer(0, 3600, "s"), 0, "Only for that long after the answer; 0: always.")
_option("usedistinctiveringdetection", flag(), False, "Tell calls apart by how they ring.")
_option("distinctiveringaftercid", flag(), False, "Listen for the ring after caller ID.")
for _ring in ("1", "2", "3"):
    _option(f"dring{_ring}", ring_pattern(), (0, 0, 0), "A distinctive ring.")
    _option(f"dring{_ring}context", string(), "", "Where such calls go.")
    _option(f"dring{_ring}range", integer(-1, 1000), 10, "How near it has to come; 0 is 10, -1 any.")

# ---- sound ----------------------------------------------------------------------------------------------------

_option("echocancel", taps(), None, "Echo canceller; unless written it is on for two-wire lines alone.")
_option("echocancelwhenbridged", flag(), False, "It stays on between two lines: it does anyway.")
_option("echotraining", training(), 0, "Training of the kernel's canceller.")
_option("rxgain", number(-60, 30, "dB"), 0.0, "Gain of what the line says.")
_option("txgain", number(-60, 30, "dB"), 0.0, "Gain of what is said to it.")
_option("rxdrc", number(0, 10), 0.0, "Dynamic range compression of what the line says; 0: none.")
_option("txdrc", number(0, 10), 0.0, "The same of what is said to it.")
_option("hwrxgain", gain(), None, "Gain of the card's own amplifier.")
_option("hwtxgain", gain(), None, "The same outwards.")
_option("relaxdtmf", flag(), False, "Take digits that are not quite in order.")
_option("toneduration", integer(10, 10_000, "ms"), 100, "Length of digits that are sent.")

# ---- timing of loops, in ms; -1: the driver's own -------------------------------------------------------------

for _name, _text in (
    ("prewink", "Time before a wink."),
    ("preflash", "Time before a flash."),
    ("wink", "Length of a wink."),
    ("flash", "Length of a flash."),
    ("start", "Length of a ground start."),
    ("rxwink", "Shortest wink received."),
    ("rxflash", "Longest flash received."),
    ("debounce", "Debouncing."),
):
    _option(_name, integer(-1, 60_000, "ms"), -1, _text)

# ---- feature group D ------------------------------------------------------------------------------------------

_option("defaultcic", string(), "", "Carrier of tandem access.")
_option("defaultozz", string(), "", "OZZ digits of tandem access.")
_option("ani_info_digits", integer(0, 2), 2, "Information digits before the caller's number.")
_option("ani_wink_time", integer(0, 60_000, "ms"), 1000, "Wait for a wink.")
_option("ani_timeout", integer(0, 60_000, "ms"), 10000, "Wait for the caller's number.")
