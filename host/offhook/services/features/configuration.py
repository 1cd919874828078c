"""features.conf: how transfers and pickups behave, the codes of features, and applications with codes of their own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

from offhook.config.model import TRUE_WORDS

if TYPE_CHECKING:
    from offhook.config.model import ConfigFile, Entry, Section

log = logging.getLogger(__name__)


@dataclass(slots=True)
class General:
    """Section [general]; the names are those of the file, times in the unit that the file has."""

    featuredigittimeout: int = 1000
    """ms between the digits of a code."""
    courtesytone: str = ""
    recordingfailsound: str = ""
    transferdigittimeout: int = 3
    """s between the digits of an extension."""
    atxfernoanswertimeout: int = 15
    """s until an attended transfer's target counts as absent."""
    atxferdropcall: bool = False
    atxferloopdelay: int = 10
    """s between calling the transferer back and trying the target again."""
    atxfercallbackretries: int = 2
    xfersound: str = "beep"
    xferfailsound: str = "beeperr"
    atxferabort: str = "*1"
    atxfercomplete: str = "*2"
    atxferthreeway: str = "*3"
    atxferswap: str = "*4"
    transferdialattempts: int = 3
    transferretrysound: str = "pbx-invalid"
    transferinvalidsound: str = "privacy-incorrect"
    transferannouncesound: str = "pbx-transfer"
    pickupexten: str = "*8"
    pickupsound: str = ""
    pickupfailsound: str = ""


@dataclass(slots=True)
class FeatureMap:
    """Section [featuremap]: the codes of the features that are built in; "" has none."""

    blindxfer: str = "#"
    disconnect: str = "*"
    atxfer: str = ""
    parkcall: str = ""
    automixmon: str = ""


@dataclass(frozen=True, slots=True)
class AppFeature:
    """A line of [applicationmap]: an application that a code starts, on who dialled it or on the others."""

    name: str
    code: str
    on_self: bool
    application: str
    data: str = ""
    music_class: str = ""
    """What the others hear meanwhile; "" is silence."""


@dataclass(slots=True)
class FeaturesConfig:
    """A whole features.conf."""

    general: General = field(default_factory=General)
    codes: FeatureMap = field(default_factory=FeatureMap)
    applications: dict[str, AppFeature] = field(default_factory=dict)
    groups: dict[str, dict[str, str]] = field(default_factory=dict)
    """By group, the code of each feature in it ("" takes the feature's own)."""

    def named(self, text: str, whose: str) -> list[AppFeature]:
        """The application features that DYNAMIC_FEATURES ("one#group") names."""
        found = []
        for name in filter(None, text.split("#")):
            group = self.groups.get(name)
            if group is not None:
                for item, code in group.items():
                    feature = self.applications[item]
                    found.append(replace(feature, code=code) if code else feature)
            elif name in self.applications:
                found.append(self.applications[name])
            else:
                log.warning("%s: DYNAMIC_FEATURES names %r, which features.conf does not have", whose, name)
        return found


Settings = General | FeatureMap


def assign(settings: Settings, name: str, value: str) -> None:
    """Set an option by its name in the file. Raises KeyError without such an option, ValueError for a bad value."""
    name = name.lower()
    if name not in {known.name for known in fields(settings)}:
        raise KeyError(name)
    now = getattr(settings, name)
    if isinstance(now, bool):
        setattr(settings, name, value.strip().lower() in TRUE_WORDS)
    elif isinstance(now, int):
        if not value.strip().isdigit():
            raise ValueError(f"{name} = {value}: give a whole number, not below 0")
        setattr(settings, name, int(value))
    else:
        setattr(settings, name, value)


def shown(settings: Settings, name: str) -> str | None:
    """An option as text; None when there is no such one."""
    name = name.lower()
    if name not in {known.name for known in fields(settings)}:
        return None
    value = getattr(settings, name)
    return str(int(value)) if isinstance(value, bool) else str(value)


_MOVED = frozenset(
    (
        "context",
        "parkext",
        "parkext_exclusive",
        "parkinghints",
        "parkedmusicclass",
        "parkingtime",
        "parkpos",
        "findslot",
        "parkedcalltransfers",
        "parkedcallreparking",
        "parkedcallhangup",
        "parkedcallrecording",
        "comebackcontext",
        "comebacktoorigin",
        "comebackdialtime",
        "parkeddynamic",
        "adsipark",
    )
)
"""Options of parking, which were in features.conf once."""


def read_features(config: ConfigFile) -> FeaturesConfig:
    """Read a features.conf; what is wrong is logged and left out."""
    found = FeaturesConfig()
    moved = False
    for section in config:
        if section.template:
            continue
        name = section.name.lower()
        if name in ("general", "featuremap"):
            target: Settings = found.general if name == "general" else found.codes
            for entry in section:
                if name == "general" and entry.name.lower() in _MOVED:
                    if not moved:
                        log.warning("%s: parking is set up in res_parking.conf", _place(section, entry))
                    moved = True
                    continue
                try:
                    assign(target, entry.name, entry.value)
                except KeyError:
                    log.warning("%s: no option %r in [%s]", _place(section, entry), entry.name, section.name)
                except ValueError as error:
                    log.warning("%s: %s", _place(section, entry), error)
        elif name == "applicationmap":
            for entry in section:
                feature = read_application(entry.name, entry.value, _place(section, entry))
                if feature is not None:
                    found.applications[entry.name] = feature
        elif not name.startswith("parkinglot_"):
            found.groups[section.name] = {entry.name: entry.value for entry in section}
    for group, items in found.groups.items():
        for item in [item for item in items if item not in found.applications]:
            log.warning("features.conf: group %r has %r, which [applicationmap] does not have", group, item)
            del items[item]
    return found


def _place(section: Section, entry: Entry) -> str:
    return f"{section.file}:{entry.line}"


def read_application(name: str, text: str, place: str) -> AppFeature | None:
    """Read ``code,self|peer,Application(arguments)[,class]``, or the same with the arguments as a field of its own."""
    code, _, rest = text.partition(",")
    who, _, rest = rest.partition(",")
    who = who.strip().partition("/")[0].lower()
    bracket, comma = rest.find("("), rest.find(",")
    if bracket >= 0 and (comma < 0 or bracket < comma):
        application, _, tail = rest.partition("(")
        data, _, tail = tail.rpartition(")")
        music_class = tail.lstrip(" ,").strip()
    else:
        application, _, tail = rest.partition(",")
        if tail.lstrip().startswith('"'):
            data, _, tail = tail.lstrip()[1:].partition('"')
            music_class = tail.lstrip(" ,").strip()
        else:
            data, _, music_class = tail.partition(",")
    code, application = code.strip(), application.strip()
    if not (code and who and application):
        log.warning("%s: %s needs a code, self or peer, and an application, with commas between", place, name)
        return None
    if who not in ("self", "caller", "peer", "callee"):
        log.warning("%s: %s is for self or peer, not %r", place, name, who)
        return None
    return AppFeature(name, code, who in ("self", "caller"), application, data.strip(), music_class.strip())
