"""The module behind features.conf: FEATURE, FEATUREMAP, ``features show``, and the codes of every call of two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from offhook.calls.channel import INHERITED, Channel
from offhook.calls.features import granted
from offhook.calls.member import Member, Work
from offhook.calls.pbx import Pbx
from offhook.config.model import TRUE_WORDS
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.log import verbose
from offhook.modules import Module, Request, Syntax
from offhook.services.features.attended import AttendedTransfer, transfer_attended
from offhook.services.features.builtin import application, disconnect, transfer_blindly
from offhook.services.features.configuration import FeatureMap, FeaturesConfig, General, assign, read_features, shown
from offhook.services.features.detection import CodeDetection

module = Module("features", "Call features", priority=10)

OWN = "feature settings"
"""Key in a channel's data of settings of its own; also among the inherited data when they are to be."""


@dataclass(slots=True)
class OwnSettings:
    """What FEATURE and FEATUREMAP changed for one channel."""

    general: General
    codes: FeatureMap


class Features:
    """features.conf in force, and what modules add to the codes."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.config = FeaturesConfig()
        self.works: dict[str, Callable[[Channel], Work]] = {}
        """What modules do for "parkcall" and "automixmon", by the name of the feature."""

    def general(self, channel: Channel) -> General:
        """The general settings for a channel."""
        own = own_settings(channel)
        return own.general if own is not None else self.config.general

    def codes(self, channel: Channel) -> FeatureMap:
        """The codes for a channel."""
        own = own_settings(channel)
        return own.codes if own is not None else self.config.codes

    def code(self, channel: Channel, name: str) -> str:
        """The digits of a feature or of a step of an attended transfer on a channel; "" when it has none."""
        return shown(self.codes(channel), name) or shown(self.general(channel), name) or ""

    def digits(self, channel: Channel, name: str) -> str:
        """The digits that a party of a call dials for a feature, one of its DYNAMIC_FEATURES included; "" for none."""
        code = shown(self.codes(channel), name)
        if code is not None:
            return code
        named = self.config.named(channel.get("DYNAMIC_FEATURES") or "", channel.name)
        return next((feature.code for feature in named if feature.name == name), "")

    def change(self, channel: Channel) -> OwnSettings:
        """Settings of the channel's own, made from those in force when it has none."""
        own = own_settings(channel)
        if own is None or channel.data.get(OWN) is None:
            base = own or OwnSettings(self.config.general, self.config.codes)
            own = OwnSettings(replace(base.general), replace(base.codes))
            channel.data[OWN] = own
        return own

    def watch(self, member: Member) -> CodeDetection | None:
        """The code detection for a party that comes into a call of two; None when it has one or needs none."""
        if member.bridge.kind != "basic" or any(isinstance(one, CodeDetection) for one in member.features):
            return None
        return CodeDetection(
            member, self._codes_of, lambda channel: self.general(channel).featuredigittimeout, self.feature_of
        )

    def feature_of(self, channel: Channel, code: str) -> str:
        """The name of the feature a code belongs to, as test events tell it."""
        codes, general = self.codes(channel), self.general(channel)
        for name in ("blindxfer", "atxfer", "disconnect", "automixmon", "parkcall"):
            if code == getattr(codes, name):
                return name
        return "atxferthreeway" if code == general.atxferthreeway else "unknown"

    def _codes_of(self, member: Member) -> dict[str, Work]:
        minder = member.bridge.minder
        if isinstance(minder, AttendedTransfer):
            return minder.codes(member)
        if member.bridge.kind != "basic":
            return {}
        channel = member.channel
        found: dict[str, Work] = {}
        letters = granted(channel)
        if letters:
            codes = self.codes(channel)
            if "T" in letters:
                general = self.general(channel)
                _add(found, codes.blindxfer, lambda place: transfer_blindly(place, general))
                _add(found, codes.atxfer, lambda place: transfer_attended(place, general))
            if "H" in letters:
                _add(found, codes.disconnect, disconnect)
            for letter, name in (("K", "parkcall"), ("X", "automixmon")):
                if letter in letters and name in self.works:
                    _add(found, getattr(codes, name), self.works[name](channel))
        for feature in self.config.named(channel.get("DYNAMIC_FEATURES") or "", channel.name):
            _add(found, feature.code, application(feature))
        return found


def _add(codes: dict[str, Work], code: str, work: Work) -> None:
    if code:
        codes.setdefault(code, work)


def own_settings(channel: Channel) -> OwnSettings | None:
    """What FEATURE and FEATUREMAP changed for a channel, or for one it comes from."""
    found: OwnSettings | None = channel.data.get(OWN)
    if found is None:
        inherited = channel.data.get(INHERITED)
        if inherited and inherited.get(OWN):
            found = inherited[OWN][0]
    return found


def features_of(pbx: Pbx) -> Features:
    """The features of a running exchange."""
    found = pbx.parts.get("features")
    if not isinstance(found, Features):
        found = pbx.parts["features"] = Features(pbx)
    return found


@module.on_load
@module.on_reload
async def read(pbx: Pbx) -> None:
    """Read features.conf, at first or again."""
    features = features_of(pbx)
    builders = pbx.parts.setdefault("member_features", [])
    if features.watch not in builders:
        builders.append(features.watch)
    file = await pbx.off_loop(pbx.config.load, "features.conf", module.name)
    if file is None:
        verbose(3, "no features.conf: the codes are those built in")
    features.config = read_features(file) if file is not None else FeaturesConfig()
    pbx.parts["pickupexten"] = features.config.general.pickupexten


@module.on_unload
def forget(pbx: Pbx) -> None:
    """Calls have no codes from now on."""
    features = pbx.parts.pop("features", None)
    builders = pbx.parts.get("member_features", [])
    if features is not None and features.watch in builders:
        builders.remove(features.watch)


@module.function(
    "FEATURE",
    Syntax("option_name", option_name="inherit, or an option of features.conf's section general."),
    see_also=("FEATUREMAP",),
)
def feature(scope: Scope, name: str = "") -> str:
    """How features behave on this channel.

    With inherit set to yes, channels that are called from this one have the settings too.
    """
    channel = need_channel(scope, "FEATURE")
    if name.lower() == "inherit":
        return str(int(bool(channel.data.get(INHERITED, {}).get(OWN))))
    value = shown(features_of(scope.pbx).general(channel), name)
    if value is None:
        raise FunctionError(f"FEATURE({name}): no such option")
    return value


@feature.writer
def set_feature(scope: Scope, value: str, name: str = "") -> None:
    """Change how features behave on this channel."""
    channel = need_channel(scope, "FEATURE")
    own = features_of(scope.pbx).change(channel)
    if name.lower() == "inherit":
        kept = channel.data.setdefault(INHERITED, {})
        if value.strip().lower() in TRUE_WORDS:
            kept[OWN] = [own]
        else:
            kept.pop(OWN, None)
        return
    _assign(own.general, name, value, "FEATURE")


@module.function(
    "FEATUREMAP",
    Syntax("feature_name", feature_name="blindxfer, atxfer, disconnect, parkcall or automixmon."),
    see_also=("FEATURE",),
)
def feature_map(scope: Scope, name: str = "") -> str:
    """The code of a feature on this channel."""
    channel = need_channel(scope, "FEATUREMAP")
    value = shown(features_of(scope.pbx).codes(channel), name)
    if value is None:
        raise FunctionError(f"FEATUREMAP({name}): no such feature")
    return value


@feature_map.writer
def set_feature_map(scope: Scope, value: str, name: str = "") -> None:
    """Give a feature another code on this channel, or with an empty one none."""
    channel = need_channel(scope, "FEATUREMAP")
    _assign(features_of(scope.pbx).change(channel).codes, name, value, "FEATUREMAP")


def _assign(settings: General | FeatureMap, name: str, value: str, function: str) -> None:
    try:
        assign(settings, name, value)
    except KeyError:
        raise FunctionError(f"{function}({name}): no such option") from None
    except ValueError as error:
        raise FunctionError(f"{function}({name}): {error}") from None


_BUILT_IN = (
    ("Blind Transfer", "blindxfer"),
    ("Attended Transfer", "atxfer"),
    ("Disconnect Call", "disconnect"),
    ("Park Call", "parkcall"),
    ("One Touch MixMonitor", "automixmon"),
)


def _row(*columns: str) -> str:
    name, default, now = columns
    return f"{name:<25} {default:<7} {now:<7}"


@module.command("features show")
def features_show(request: Request) -> None:
    """List the codes of features.

    Shows those built in with their default, applications with codes, and groups of these.
    """
    config = features_of(request.pbx).config
    general, codes = General(), FeatureMap()
    request.print(_row("Builtin Feature", "Default", "Current"), _row("---------------", "-------", "-------"))
    request.print(_row("Pickup", general.pickupexten, config.general.pickupexten))
    for title, name in _BUILT_IN:
        request.print(_row(title, getattr(codes, name), getattr(config.codes, name)))
    request.print("", _row("Dynamic Feature", "Default", "Current"), _row("---------------", "-------", "-------"))
    for item in config.applications.values():
        request.print(_row(item.name, "no def", item.code))
    if not config.applications:
        request.print("(none)")
    request.print("", "Feature Groups:", "---------------")
    for name, items in config.groups.items():
        request.print(f"===> Group: {name}")
        for item_name, code in items.items():
            request.print(f"===> --> {item_name} ({code or config.applications[item_name].code})")
    if not config.groups:
        request.print("(none)")
