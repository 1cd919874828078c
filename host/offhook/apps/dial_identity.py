"""Who a dialled party is told is calling: Dial's options f, o, s and u."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from offhook.calls.channel import Channel
from offhook.calls.party import PRESENTATION_BY_WORD, Connected, Name, Number, Party, parse_callerid
from offhook.modules import Options

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Identities:
    """The identities that one Dial shows instead of the caller's own."""

    channel: Channel
    options: Options

    @property
    def shown_to_called(self) -> Party | None:
        """What f(callerid) says; None leaves the caller's own."""
        return self._forced() if self.options["f"] else None

    def original(self) -> Party:
        """What option o has the called channel keep as its own identity: the caller's, or the one given."""
        if not self.options["o"]:
            return self.channel.caller.id.copy()
        name, number = parse_callerid(self.options["o"])
        return Party.of(number or None, name or None)

    def forwarded(self, forwarder: Channel, channel: Channel) -> None:
        """Give a channel that is called after a forward its identities: f holds there with and without argument."""
        if "f" in self.options:
            channel.connected = Connected(id=self._forced())
            channel.tell_connected()
        if "o" in self.options:
            channel.caller.id = self.original()
            channel.tell_caller()

    def _forced(self) -> Party:
        options, channel = self.options, self.channel
        if options["f"]:
            name, number = parse_callerid(options["f"])
            party = Party.of(number or None, name or None)
        else:
            party = Party(number=Number(True, channel.exten))
            hint = channel.pbx.dialplan.hint_name(channel.context, channel.exten)
            if hint:
                party.name = Name(True, hint)
        party.tag = options["s"]
        if options["u"]:
            presentation = PRESENTATION_BY_WORD.get(options["u"].lower())
            if presentation is None:
                log.warning(
                    "%s: Dial's u(%s): no such presentation; one of %s",
                    channel.name,
                    options["u"],
                    ", ".join(PRESENTATION_BY_WORD),
                )
            else:
                party.number = party.number._replace(presentation=presentation)
        return party
