"""Parking: putting calls into lots, fetching them, and what becomes of those that nobody fetches."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from typing import Any

from offhook.calls import causes
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.calls.features import grant
from offhook.calls.holding import PARTICIPANT
from offhook.calls.member import Member, Work
from offhook.calls.pbx import Pbx
from offhook.calls.prompts import play_all
from offhook.calls.transfer import set_transfer_variables
from offhook.dialplan.context import HINT, DialplanError, Priority
from offhook.dialplan.location import parse_location
from offhook.log import verbose
from offhook.media.spoken import language_for
from offhook.modules import Options, split_arguments
from offhook.services.features.builtin import leave, sound_to
from offhook.services.parking.lots import DEFAULT, Lot, LotSettings, dynamic_settings
from offhook.services.parking.place import ParkingEvent, Place

log = logging.getLogger(__name__)

REGISTRAR = "res_parking"
PARK_DIAL = "park-dial"
"""Context of the extensions that call back whoever parked a call."""


class ParkingError(Exception):
    """A call cannot be parked; the sentence says why."""


class Parking:
    """All parking lots of a running exchange."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.lots: dict[str, Lot] = {}
        self.dynamic = False

    # ---- lots ---------------------------------------------------------------------------------------

    def configure(self, dynamic: bool, lots: dict[str, LotSettings]) -> None:
        """Take new settings; lots that are gone from them take no more calls."""
        self.dynamic = dynamic
        for name, lot in list(self.lots.items()):
            if lot.dynamic:
                continue
            self._remove_extensions(lot.settings)
            if name not in lots:
                lot.enabled = False
                self._drop_unused(lot)
        for name, settings in lots.items():
            known = self.lots.get(name)
            if known is not None:
                known.settings, known.enabled, known.dynamic = settings, True, False
            else:
                self.lots[name] = Lot(settings)
            self._add_extensions(settings)

    def close(self) -> None:
        """Give everything up: extensions, bridges, who is parked."""
        for lot in list(self.lots.values()):
            self._remove_extensions(lot.settings)
            if lot.bridge is not None:
                lot.bridge.dissolve(causes.NORMAL_CLEARING)
        self.lots.clear()

    def find(self, name: str, channel: Channel | None = None, *, make: bool = False) -> Lot | None:
        """The lot of a name, or the one that is a channel's; with ``make`` it may be made for the channel."""
        if not name and channel is not None:
            name = channel.get("PARKINGLOT") or channel.parking_lot
        name = name or DEFAULT
        lot = self.lots.get(name)
        if lot is None and make and self.dynamic and channel is not None:
            lot = self._make(name, channel)
        return lot

    def _make(self, name: str, channel: Channel) -> Lot | None:
        template = self.lots.get(channel.get("PARKINGDYNAMIC") or DEFAULT)
        if template is None:
            log.error("parking lot %s cannot be made like %s: there is none", name, channel.get("PARKINGDYNAMIC"))
            return None
        texts = [channel.get(f"PARKINGDYN{part}") or "" for part in ("CONTEXT", "EXTEN", "POS")]
        try:
            settings = dynamic_settings(template.settings, name, *texts)
        except ValueError as error:
            log.error("parking lot %s cannot be made: PARKINGDYNPOS %s: give %s", name, texts[2], error)
            return None
        if not self._add_extensions(settings):
            return None
        lot = self.lots[name] = Lot(settings, dynamic=True)
        return lot

    def _drop_unused(self, lot: Lot) -> None:
        """Forget a lot that nobody needs any more."""
        if lot.places or (lot.enabled and not lot.dynamic):
            return
        self.lots.pop(lot.name, None)
        self._remove_extensions(lot.settings)
        if lot.bridge is not None:
            lot.bridge.dissolve()

    def _add_extensions(self, lot: LotSettings) -> bool:
        if not lot.parkext:
            return True
        plan = self.pbx.dialplan
        registrar = f"{REGISTRAR}/{lot.name}"
        context = plan.contexts.get(lot.context) or plan.create(lot.context, registrar)
        try:
            if not _parks(self.pbx, lot.context, lot.parkext):
                exclusive = lot.name if lot.parkext_exclusive else ""
                owner = registrar if exclusive else REGISTRAR
                plan.add(context.name, Priority(lot.parkext, 1, "Park", exclusive, registrar=owner))
            for number in range(lot.first, lot.last + 1):
                exten = str(number)
                plan.add(context.name, Priority(exten, 1, "ParkedCall", f"{lot.name},{number}", registrar=registrar))
                if lot.parkinghints:
                    device = f"park:{number}@{lot.context}"
                    plan.add(context.name, Priority(exten, HINT, device, registrar=registrar))
        except DialplanError as error:
            log.error("parking lot %s: its extensions cannot be added: %s", lot.name, error)
            self._remove_extensions(lot)
            return False
        return True

    def _remove_extensions(self, lot: LotSettings) -> None:
        self.pbx.dialplan.remove_registrar(f"{REGISTRAR}/{lot.name}")
        if not lot.parkext_exclusive and lot.parkext and _parks(self.pbx, lot.context, lot.parkext):
            others = [
                other.settings
                for other in self.lots.values()
                if other.name != lot.name and other.settings.context == lot.context
            ]
            if not any(other.parkext == lot.parkext for other in others):
                try:
                    self.pbx.dialplan.remove(lot.context, lot.parkext, registrar=REGISTRAR)
                except DialplanError as error:
                    log.debug("parking lot %s: %s", lot.name, error)

    # ---- parking ------------------------------------------------------------------------------------

    def take(self, channel: Channel, parker: Channel | None, arguments: str, *, silent: bool = False) -> Place:
        """Choose a place for a channel; ``parked`` is to be told then. Raises ParkingError.

        ``arguments`` are those of the application Park; without ``parker`` the channel parks itself.
        """
        name, text = (*split_arguments(arguments, ",", 2), "", "")[:2]
        options = Options(text)
        lot = self.find(name, parker or channel, make=True)
        if lot is None or not lot.enabled:
            raise ParkingError(f"no parking lot {name or (parker or channel).get('PARKINGLOT') or DEFAULT!r}")
        limit = lot.settings.parkingtime
        if "t" in options:
            if not options["t"].isdigit():
                raise ParkingError(f"t({options['t']}): give a number of seconds, 0 or more")
            limit = int(options["t"])
        wanted = -1
        if "R" in options:
            wanted = lot.random_place()
        elif exten := channel.get("PARKINGEXTEN"):
            if not exten.isdigit() or not int(exten):
                raise ParkingError(f"PARKINGEXTEN={exten} is no place to park at")
            wanted = int(exten)
        blind = channel.get("BLINDTRANSFER") or ""
        attended = channel.get("ATTENDEDTRANSFER") or ""
        whose = attended or blind or (parker or channel).name
        number = lot.free_place(wanted)
        if number is None:
            raise ParkingError(f"parking lot {lot.name} is full")
        place = Place(
            lot,
            number,
            channel,
            whose.rpartition("-")[0] or whose,
            limit,
            self._ended,
            mode="r" if "r" in options else "m",
            music_class=options["m"] or lot.settings.parkedmusicclass,
            comeback=options["c"],
        )
        lot.places[number] = place

        def gone() -> None:
            if place.channel is channel:  # else another one has taken its place over
                self._ended(place, "giveup")

        channel.at_end(gone)
        channel.answer()
        place.announced = not blind and not silent and "s" not in options
        return place

    def parked(self, place: Place) -> None:
        """Tell that a channel is parked: it is in no other bridge any more."""
        channel, lot, number = place.channel, place.lot, place.number
        self._tell("ParkedCall", place)
        for part, arguments_of in (("cdr", (channel, lot.name, number)), ("cel", (channel, place.parker, lot.name))):
            if (engine := self.pbx.parts.get(part)) is not None:
                engine.parked(*arguments_of)
        if place.announced:
            self.pbx.loop.call_soon(self._announce_to_parked, place)
        verbose(3, "Parking '%s' in '%s' at space %d", channel.name, lot.name, number)
        self.pbx.devices.publish(f"park:{number}@{lot.settings.context}", "INUSE")

    def bridge_of(self, lot: Lot) -> Bridge:
        """The bridge in which the lot's calls wait."""
        if lot.bridge is None or lot.bridge.dissolved:
            lot.bridge = Bridge(
                self.pbx,
                kind="parking",
                creator="Parking",
                name=lot.name,
                dissolve_on_hangup=False,
                dissolve_when_empty=False,
                holding=True,
            )
            lot.bridge.minder = self
        return lot.bridge

    async def wait(self, place: Place) -> None:
        """Wait at a place with the channel whose task this is, until it is fetched and that call is over."""
        self.parked(place)
        await self.bridge_of(place.lot).join(place.channel, place, role=PARTICIPANT)

    def park_bridged(self, parkee: Channel, parker: Channel, arguments: str, *, hang_up: bool = True) -> bool:
        """Move a party of a call to a parking lot; who parks it is told the place and then leaves."""
        source = parkee.bridge
        if source is None or parker.bridge is not source:
            return False
        set_transfer_variables(parkee, parker.name, attended=False)
        try:
            place = self.take(parkee, parker, arguments)
        except ParkingError as error:
            log.warning("%s cannot be parked by %s: %s", parkee.name, parker.name, error)
            sound_to(parker, "pbx-parkingfailed")
            return True
        parkee.stop_tones()
        parkee.pbx.stop_music(parkee)
        bridge = self.bridge_of(place.lot)
        member = source.members[parkee]
        member.features.append(place)
        member.role = PARTICIPANT
        source.move(parkee, bridge, between=lambda: self.parked(place))
        source.members[parker].perform(_saying(place.number, hang_up))
        return True

    def _announce_to_parked(self, place: Place) -> None:
        async def tell(member: Member) -> None:
            place.stop(member)
            await say_place(member.channel, place.number)
            if not place.resolved:
                place.start(member)

        bridge = place.lot.bridge
        if bridge is not None and place.channel in bridge.members:
            bridge.members[place.channel].perform(tell)

    # ---- leaving the lot ----------------------------------------------------------------------------

    def retrieve(self, lot: Lot, number: int | None, retriever: Channel) -> Bridge | None:
        """Bring who is parked at a place (without a number, the first one) into a new bridge; None: nobody is."""
        if number is None:
            place = next((lot.places[known] for known in sorted(lot.places)), None)
        else:
            place = lot.places.get(number)
        if place is None or place.resolved or lot.bridge is None or place.channel not in lot.bridge.members:
            return None
        place.retriever = retriever
        self._resolve(place, "answered")
        self._tell("UnParkedCall", place)
        channel = place.channel
        grant(channel, lot.settings.letters("callee"))
        member = lot.bridge.members[channel]
        place.left(member)
        member.features.remove(place)
        member.role = ""
        made = Bridge(self.pbx)
        lot.bridge.move(channel, made)
        if "callee" in lot.settings.parkedplay:
            sound_to(channel, lot.settings.courtesytone)
        self._drop_unused(lot)
        return made

    def _ended(self, place: Place, how: str) -> None:
        if place.resolved:
            return
        self._resolve(place, how)
        if how == "giveup":
            self._tell("ParkedCallGiveUp", place)
        else:
            self._come_back(place)
        self._drop_unused(place.lot)

    def _resolve(self, place: Place, how: str) -> None:
        place.resolved = how
        place.stop_clock()
        place.lot.places.pop(place.number, None)
        self.pbx.devices.publish(f"park:{place.number}@{place.lot.settings.context}", "NOT_INUSE")
        if (cel := self.pbx.parts.get("cel")) is not None:
            reasons = {"answered": "UnparkedCall", "giveup": "ParkedCallGiveUp", "timeout": "ParkedCallTimeOut"}
            cel.unparked(place.channel, reasons[how], place.retriever)

    def _come_back(self, place: Place) -> None:
        """Nobody fetched the call in time: send it back to who parked it, or wherever the lot says."""
        channel, settings = place.channel, place.lot.settings
        flat = place.parker.replace("/", "_")
        for name, value in (
            ("PARKING_SPACE", str(place.number)),
            ("PARKEDLOT", place.lot.name),
            ("PARKER", place.parker),
            ("PARKER_FLAT", flat),
            ("BRIDGE_FEATURES", settings.letters("caller").lower()),
        ):
            channel.set(name, value)
        plan = self.pbx.dialplan
        if PARK_DIAL not in plan.contexts:
            plan.create(PARK_DIAL, REGISTRAR)
        known = plan.find(PARK_DIAL, flat, 1)
        if known is None or known.registrar == REGISTRAR:
            back = Priority(flat, 1, "Dial", f"{place.parker},{settings.comebackdialtime}", registrar=REGISTRAR)
            plan.add(PARK_DIAL, back, replace=True)
        self._tell("ParkedCallTimeOut", place)
        grant(channel, settings.letters("callee"))
        where = self._comeback_place(place, flat)
        channel.async_goto(*where)

    def _comeback_place(self, place: Place, flat: str) -> tuple[str, str, int]:
        settings, plan = place.lot.settings, self.pbx.dialplan
        if place.comeback:
            try:
                return parse_location(place.channel, place.comeback)
            except DialplanError as error:
                log.warning("%s cannot come back from parking to %s: %s", place.channel.name, place.comeback, error)
        if settings.comebacktoorigin:
            return PARK_DIAL, flat, 1
        if plan.exists(settings.comebackcontext, flat):
            return settings.comebackcontext, flat, 1
        if plan.exists(settings.comebackcontext, "s"):
            return settings.comebackcontext, "s", 1
        return "default", "s", 1

    def _tell(self, kind: str, place: Place) -> None:
        self.pbx.bus.publish(ParkingEvent(kind, place))

    # ---- what the lots' bridges tell ----------------------------------------------------------------

    def entered(self, bridge: Bridge, channel: Channel, swap: Channel | None) -> None:
        """A channel may take over another's place (a Local channel that takes itself out)."""
        lot = next((lot for lot in self.lots.values() if lot.bridge is bridge), None)
        place = next((one for one in lot.places.values() if one.channel is swap), None) if lot and swap else None
        if place is not None:
            place.channel = channel
            bridge.members[channel].features.append(place)
            bridge.members[channel].role = PARTICIPANT
            self._tell("ParkedCallSwap", place)

    def departed(self, bridge: Bridge, channel: Channel) -> None:
        """The place itself knows."""

    # ---- states and transfers -----------------------------------------------------------------------

    def device_state(self, text: str) -> str:
        """The state of "place@context": in use when a call is parked there."""
        exten, _, context = text.partition("@")
        if not context or not exten.isdigit():
            return "INVALID"
        for lot in self.lots.values():
            if lot.settings.context == context and int(exten) in lot.places:
                return "INUSE"
        return "NOT_INUSE"

    def parks(self, context: str, exten: str) -> bool:
        """Whether an extension parks who comes to it."""
        return _parks(self.pbx, context, exten)

    def intercept(self, transferer: Channel, transferee: Channel, context: str, exten: str) -> bool:
        """A transfer to an extension that parks: park the transferee and tell the transferer the place."""
        if not _parks(self.pbx, context, exten):
            return False
        step = self.pbx.dialplan.find(context, exten, 1)
        return self.park_bridged(transferee, transferer, step.data if step is not None else "")

    def code(self, channel: Channel) -> Work:
        """What the one-step parking code does."""
        return self._park_by_code

    async def _park_by_code(self, member: Member) -> None:
        parker = member.channel
        lot = self.find("", parker, make=True)
        if lot is None:
            log.warning(
                "%s cannot park: no parking lot %r", parker.name, parker.get("PARKINGLOT") or parker.parking_lot
            )
            return
        others = [channel for channel in member.bridge if channel is not parker]
        if len(others) == 1:
            self.intercept(parker, others[0], lot.settings.context, lot.settings.parkext)
        elif others:
            from offhook.calls.transfer import blind_transfer

            blind_transfer(parker, lot.settings.context, lot.settings.parkext, external=False)


def _parks(pbx: Pbx, context: str, exten: str) -> bool:
    step = pbx.dialplan.find(context, exten, 1) if context and exten else None
    return step is not None and step.application.lower() == "park"


def _saying(number: int, hang_up: bool) -> Work:
    async def work(member: Member) -> None:
        await say_place(member.channel, number)
        if hang_up and member.channel.bridge is not None:
            leave(member)

    return work


def say_place(channel: Channel, number: int) -> Coroutine[Any, Any, str]:
    """Say a place to a party."""
    return play_all(channel, language_for(channel.language).digits(str(number)))


def parking_of(pbx: Pbx) -> Parking:
    """The parking lots of a running exchange."""
    found = pbx.parts.get("parking")
    if not isinstance(found, Parking):
        found = pbx.parts["parking"] = Parking(pbx)
    return found
