"""The module res_parking: its applications, command, and manager actions."""

from __future__ import annotations

import logging

from offhook.calls import causes
from offhook.calls.answering import answer_and_wait
from offhook.calls.channel import Channel, Hangup
from offhook.calls.dialing import Dialing
from offhook.calls.features import grant
from offhook.calls.joining import bring_in
from offhook.calls.pbx import Pbx
from offhook.calls.prompts import play_all
from offhook.calls.requesting import RequestError, request
from offhook.calls.transfer import set_transfer_variables
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import ActionError, ActionRequest, Module, Request, Syntax, split_arguments
from offhook.services.features.core import features_of
from offhook.services.parking.core import ParkingError, parking_of, say_place
from offhook.services.parking.lots import DEFAULT, Lot, default_lot, read_lots
from offhook.services.parking.place import Place

log = logging.getLogger(__name__)
module = Module("res_parking", "Call Parking Resource", priority=15)

_OPTIONS = {
    "r": "The parked call hears ringing instead of music.",
    "R": "Any place instead of the next one.",
    "s": "Do not tell the caller its place.",
    "c(context,extension,priority)": "Where the call goes when nobody fetches it, instead of what the lot says.",
    "t(seconds)": "How long it may be parked, instead of what the lot says; 0 is for ever.",
    "m(class)": "Music on hold class.",
}


@module.on_load
@module.on_reload
async def read(pbx: Pbx) -> None:
    """Read res_parking.conf, at first or again."""
    parking = parking_of(pbx)
    file = await pbx.off_loop(pbx.config.load, "res_parking.conf", module.name)
    dynamic, lots = read_lots(file) if file is not None else (False, {DEFAULT: default_lot()})
    parking.configure(dynamic, lots)
    start(pbx)


def start(pbx: Pbx) -> None:
    """Make parking known to transfers, codes and device states."""
    parking = parking_of(pbx)
    intercepts = pbx.parts.setdefault("transfer_intercepts", [])
    if parking.intercept not in intercepts:
        intercepts.append(parking.intercept)
    pbx.parts["is_parking_extension"] = parking.parks
    features_of(pbx).works["parkcall"] = parking.code
    pbx.devices.providers["park"] = parking.device_state


@module.on_unload
def forget(pbx: Pbx) -> None:
    """Parked calls end."""
    parking = parking_of(pbx)
    parking.close()
    features_of(pbx).works.pop("parkcall", None)
    pbx.parts.pop("is_parking_extension", None)
    pbx.devices.providers.pop("park", None)
    intercepts = pbx.parts.get("transfer_intercepts", [])
    if parking.intercept in intercepts:
        intercepts.remove(parking.intercept)
    del pbx.parts["parking"]


# ---- applications -------------------------------------------------------------------------------------------


@module.application(
    "Park", Syntax("[parking_lot_name]", "[options]", options=_OPTIONS), see_also=("ParkedCall",), raw=True
)
async def park(channel: Channel, arguments: str = "") -> None:
    """Park the caller in a parking lot.

    The lot is the one named, else that of PARKINGLOT, else the channel's, else the default one. PARKINGEXTEN asks
    for a certain place. The call ends when it was fetched and that call is over.
    """
    await answer_and_wait(channel)
    parking = parking_of(channel.pbx)
    try:
        place = parking.take(channel, None, arguments)
    except ParkingError as error:
        log.warning("%s cannot be parked: %s", channel.name, error)
        if not channel.get("BLINDTRANSFER"):
            await play_all(channel, ["pbx-parkingfailed"])
        return
    await parking.wait(place)
    raise Hangup


@module.function("PARK_GET_CHANNEL", Syntax("parking_space", "parking_lot"), see_also=("Park",))
def parked_channel(scope: Scope, space: str = "", lot: str = "") -> str:
    """The name of the channel that is parked in a place of a parking lot."""
    found = parking_of(scope.pbx).find(lot)
    if found is None:
        raise FunctionError(f"PARK_GET_CHANNEL: there is no parking lot {lot!r}")
    place = found.places.get(int(space)) if space.isdigit() else None
    if place is None:
        raise FunctionError(f"PARK_GET_CHANNEL: nobody is parked at {space!r} of {lot}")
    return place.channel.name


@module.application("ParkedCall", Syntax("[parking_lot_name]", "[parking_space]"), see_also=("Park",))
async def parked_call(channel: Channel, name: str = "", space: str = "") -> None:
    """Fetch a parked call: the one at a place, or the first one in the lot."""
    await answer_and_wait(channel)
    parking = parking_of(channel.pbx)
    lot = parking.find(name, channel)
    if lot is None:
        log.warning("%s: no parking lot %r to fetch a call from", channel.name, name)
    elif space and not space.isdigit():
        log.warning("%s: ParkedCall: place %r is no number", channel.name, space)
    else:
        bridge = parking.retrieve(lot, int(space) if space else None, channel)
        if bridge is not None:
            grant(channel, lot.settings.letters("caller"))
            if lot.settings.courtesytone and "caller" in lot.settings.parkedplay:
                await play_all(channel, [lot.settings.courtesytone])
            if not bridge.dissolved:
                await bridge.join(channel)
            raise Hangup
    await play_all(channel, ["pbx-invalidpark"])
    raise Hangup


@module.application(
    "ParkAndAnnounce",
    Syntax("[parking_lot_name]", "[options]", "announce:[announce1[:...]]", "dial", options=_OPTIONS),
    see_also=("Park",),
    raw=True,
)
async def park_and_announce(channel: Channel, arguments: str = "") -> None:
    """Park the caller, and call somebody to announce it.

    The announcement is a list of prompts with colons between; PARKED says the place. The called channel has the
    place in PARKEDAT.
    """
    name, options, template, dial_string = (*split_arguments(arguments, ",", 4), "", "", "", "")[:4]
    if not template or "/" not in dial_string:
        log.warning("%s: ParkAndAnnounce needs prompts to announce and technology/address to call", channel.name)
        raise Hangup
    parking = parking_of(channel.pbx)
    try:
        place = parking.take(channel, None, f"{name},{options}", silent=True)
    except ParkingError as error:
        log.warning("%s cannot be parked: %s", channel.name, error)
        return
    channel.pbx.spawn(_announce(place, template, dial_string), f"announcement of {channel.name}")
    await parking.wait(place)
    raise Hangup


async def _announce(place: Place, template: str, dial_string: str) -> None:
    pbx = place.channel.pbx
    dialing = Dialing(pbx)
    try:
        called = request(pbx, dial_string)
    except RequestError as error:
        log.warning("the parked call at %d cannot be announced to %s: %s", place.number, dial_string, error)
        return
    called.inherit_from(place.channel)
    called.set("_PARKEDAT", str(place.number))
    called.caller = place.channel.caller
    dialing.add(called, dial_string)
    try:
        dialing.start()
        outcome = await dialing.run(30.0)
        dialing.finish()
        if outcome.channel is not None:
            for name in template.split(":"):
                if name == "PARKED":
                    await say_place(outcome.channel, place.number)
                else:
                    await play_all(outcome.channel, [name])
    except Hangup:
        log.debug("who is told of the parked call at %d has hung up", place.number)
    finally:
        dialing.finish()
        called.hangup(causes.NORMAL_CLEARING)


# ---- the console --------------------------------------------------------------------------------------------


@module.command(
    "parking show [name]", "Show a parking lot or all of them", complete=lambda pbx, words, start: parking_of(pbx).lots
)
def parking_show(request: Request) -> None:
    """Show parking lots.

    Shows all lots with their settings, or one with the calls parked there.
    """
    parking = parking_of(request.pbx)
    arguments = request.args
    if len(arguments) > 1:
        raise request.usage()
    if not arguments:
        request.print("", "Parking General Options", "-----------------------")
        request.print(f"Dynamic Parking     :  {_yes(parking.dynamic)}", "")
        for lot in parking.lots.values():
            request.print(*_described(lot))
        request.print("")
        return
    found = parking.lots.get(arguments[0])
    if found is None:
        request.print("", f"Could not find parking lot '{arguments[0]}'", "")
        return
    request.print("", *_described(found), "Parked Calls", "------------")
    for place in found.places.values():
        request.print(
            f"  Space               :  {place.number}",
            f"  Channel             :  {place.channel.name}",
            f"  Parker Dial String  :  {place.parker}",
            "",
        )
    request.print("" if found.places else "  (none)\n\n")


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _described(lot: Lot) -> list[str]:
    settings = lot.settings
    unused = " (comebacktoorigin=yes, not used)" if settings.comebacktoorigin else ""
    return [
        f"Parking Lot: {lot.name}",
        "-" * 74,
        f"Parking Extension   :  {settings.parkext}",
        f"Parking Context     :  {settings.context}",
        f"Parking Spaces      :  {settings.first}-{settings.last}",
        f"Parking Time        :  {settings.parkingtime} sec",
        f"Comeback to Origin  :  {_yes(settings.comebacktoorigin)}",
        f"Comeback Context    :  {settings.comebackcontext}{unused}",
        f"Comeback Dial Time  :  {settings.comebackdialtime} sec",
        f"MusicOnHold Class   :  {settings.parkedmusicclass}",
        f"Enabled             :  {_yes(lot.enabled)}",
        f"Dynamic             :  {_yes(lot.dynamic)}",
        "",
    ]


# ---- the manager interface ----------------------------------------------------------------------------------


@module.action("Parkinglots", ("call",), Syntax())
def parking_lots(request: ActionRequest) -> None:
    """List the parking lots."""
    lots = parking_of(request.pbx).lots
    request.listed("Parking lots will follow")
    for lot in lots.values():
        settings = lot.settings
        request.event(
            "Parkinglot",
            [
                ("Name", lot.name),
                ("StartSpace", str(settings.first)),
                ("StopSpace", str(settings.last)),
                ("Timeout", str(settings.parkingtime)),
            ],
        )
    request.complete("ParkinglotsComplete", len(lots))


@module.action("ParkedCalls", ("call",), Syntax("[ParkingLot]", ParkingLot="Only the calls of this lot."))
def parked_calls(request: ActionRequest) -> None:
    """List the parked calls."""
    from offhook.control.manager.events_parking import block

    parking = parking_of(request.pbx)
    name = request.get("ParkingLot")
    lots = list(parking.lots.values())
    if name:
        if name not in parking.lots:
            raise ActionError("Requested parking lot could not be found.")
        lots = [parking.lots[name]]
    request.listed("Parked calls will follow")
    count = 0
    for lot in lots:
        for number in sorted(lot.places):
            lines = (block(lot.places[number]) or "").split("\r\n")[:-1]
            request.event("ParkedCall", [(key, value) for key, _, value in (line.partition(": ") for line in lines)])
            count += 1
    request.complete("ParkedCallsComplete", count, [("Total", str(count))])


@module.action(
    "Park",
    ("call",),
    Syntax(
        "Channel",
        "[TimeoutChannel]",
        "[AnnounceChannel]",
        "[Timeout]",
        "[Parkinglot]",
        "[ParkingSpace]",
        Channel="Who is parked.",
        TimeoutChannel="Who is called when nobody fetches the call.",
        AnnounceChannel="Who is told the place.",
        Timeout="ms until then.",
    ),
)
def park_action(request: ActionRequest) -> None:
    """Park a channel."""
    pbx = request.pbx
    name = request.require("Channel", "Channel not specified")
    timeout = request.get("Timeout")
    if timeout and not timeout.isdigit():
        raise ActionError("Invalid Timeout value.")
    channel = pbx.channels.find(name)
    if channel is None:
        raise ActionError(f"Channel does not exist: {name}")
    back = request.get("TimeoutChannel") or request.get("Channel2")
    if back:
        set_transfer_variables(channel, back, attended=False)
    if space := request.get("ParkingSpace"):
        channel.set("PARKINGEXTEN", space)
    arguments = request.get("Parkinglot")
    if timeout:
        arguments += f",t({max(1, int(timeout) // 1000) if int(timeout) else 0})"
    parking = parking_of(pbx)
    peer = channel.bridge.peer(channel) if channel.bridge is not None else None
    if peer is not None and peer.name == back:
        parking.park_bridged(channel, peer, arguments)
    else:
        try:
            place = parking.take(channel, None, arguments, silent=True)
        except ParkingError as error:
            log.warning("%s cannot be parked: %s", channel.name, error)
            raise ActionError("Park action failed\n") from None
        bridged = channel.bridge is not None
        if not bridged:
            parking.parked(place)
        bring_in(parking.bridge_of(place.lot), channel, place, end=True)
        if bridged:
            parking.parked(place)
    request.ok("Park successful\n")
