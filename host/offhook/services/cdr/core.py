"""cdr.conf, the CLI of records, and what the dialplan may do with them."""

from __future__ import annotations

import logging
import os
from dataclasses import fields as names_of

from offhook.calls.channel import Channel
from offhook.calls.events import FullyBooted
from offhook.calls.pbx import Pbx
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Options, Request, Syntax
from offhook.services.cdr.delivery import Batch
from offhook.services.cdr.engine import CdrEngine, engine_of
from offhook.services.cdr.fields import Fields, present_fields
from offhook.services.cdr.record import Phase, Rules

log = logging.getLogger(__name__)
core_module = Module("cdr", "CDR Engine", priority=8)
fork_module = Module("app_forkcdr", "Fork The CDR into 2 separate entities")
app_module = Module("app_cdr", "Tell Asterisk to not maintain a CDR for this channel")
function_module = Module("func_cdr", "Call Detail Record (CDR) dialplan function")

_RULES = {
    "enable": "enabled",
    "unanswered": "unanswered",
    "congestion": "congestion",
    "endbeforehexten": "end_before_h",
    "initiatedseconds": "initiated_seconds",
    "channeldefaultenabled": "channel_default_enabled",
    "ignorestatechanges": "ignore_state_changes",
    "ignoredialchanges": "ignore_dial_changes",
    "canceldispositionenabled": "cancel_disposition",
}

_BATCH = frozenset({"batch", "safeshutdown", "size", "time"})
_WITHOUT_EFFECT = frozenset({"scheduleronly", "debug"})


def _configuration(pbx: Pbx) -> tuple[Rules, Batch]:
    rules, batch = Rules(), Batch()
    config = pbx.config.load("cdr.conf", core_module.name)
    section = config.get("general") if config is not None else None
    if section is None:
        return rules, batch
    for entry in section:
        option = entry.name.lower()
        if option in _WITHOUT_EFFECT:
            log.warning("%s:%d: %s has no effect", entry.file, entry.line, option)
        elif option not in _RULES and option not in _BATCH:
            log.warning('%s:%d: unknown option "%s"; it has no effect', entry.file, entry.line, entry.name)
    for option, attribute in _RULES.items():
        setattr(rules, attribute, section.boolean(option, getattr(rules, attribute)))
    batch.enabled = section.boolean("batch", False)
    batch.safe_shutdown = section.boolean("safeshutdown", True)
    for option in ("size", "time"):
        text = section.get(option)
        if text is not None:
            if text.isdigit():
                setattr(batch, "size" if option == "size" else "seconds", int(text))
            else:
                log.error("cdr.conf: %s = %s: a whole number is needed", option, text)
    return rules, batch


@core_module.on_load
def start(pbx: Pbx) -> None:
    """Begin to follow calls."""
    engine = CdrEngine(pbx)
    pbx.parts["cdr"] = engine
    engine.configure(*_configuration(pbx))
    engine.delivery.open(os.path.join(pbx.paths.spool, "cdr-journal"))

    def recover(_: FullyBooted) -> None:
        pbx.spawn(engine.delivery.recover(), "CDR journal")

    pbx.bus.subscribe(FullyBooted, recover)


@core_module.on_reload
def reload(pbx: Pbx) -> None:
    """Read cdr.conf again."""
    pbx.parts["cdr"].configure(*_configuration(pbx))


@core_module.on_unload
async def stop(pbx: Pbx) -> None:
    """Write what is left."""
    await pbx.parts.pop("cdr").stop()


@core_module.command("cdr show status")
def cdr_show_status(request: Request) -> None:
    """Display the state of call detail records.

    Shows how records are cut, whether they are collected before they are written, and the backends.
    """
    engine: CdrEngine = request.pbx.parts["cdr"]
    rules, batch = engine.rules, engine.delivery.batch
    request.print("", "Call Detail Record (CDR) settings", "----------------------------------")
    request.print(f"  Logging:                    {'Enabled' if rules.enabled else 'Disabled'}")
    request.print(f"  Mode:                       {'Batch' if batch.enabled else 'Simple'}")
    if rules.enabled:
        for text, value in (
            ("Log calls by default:       ", rules.channel_default_enabled),
            ("Log unanswered calls:       ", rules.unanswered),
            ("Log congestion:             ", rules.congestion),
            ("Ignore bridging changes:    ", rules.ignore_state_changes),
            ("Ignore dial state changes:  ", rules.ignore_dial_changes),
        ):
            request.print(f"  {text}{'Yes' if value else 'No'}")
        request.print("")
        if batch.enabled:
            request.print("* Batch Mode Settings", "  -------------------")
            request.print(f"  Safe shutdown:              {'Enabled' if batch.safe_shutdown else 'Disabled'}")
            request.print(f"  Current batch size:         {len(engine.delivery.waiting)} records")
            request.print(f"  Maximum batch size:         {batch.size} records")
            request.print(f"  Maximum batch time:         {int(batch.seconds)} seconds")
            request.print("")
        request.print("* Registered Backends", "  -------------------")
        if not engine.delivery.backends:
            request.print("    (none)")
        for name in engine.delivery.backends:
            request.print(f"    {name}{' (suspended) ' if name in engine.delivery.suspended else ''}")
        request.print("")


@core_module.command("cdr show active [<channel>]")
def cdr_show_active(request: Request) -> None:
    """Display records in the making.

    Without a channel, one line for each channel; with one, each of its records.
    """
    engine: CdrEngine = request.pbx.parts["cdr"]
    now = engine.now()
    request.print("")
    request.print("Channels with Call Detail Record (CDR) Information")
    request.print("--------------------------------------------------")
    request.print(
        f"{'Channel':<25.25} {'Dst. Channel':<25.25} {'LastApp':<15.15} {'Start':<8} {'Answer':<8} Billsec Duration"
    )
    for channel in request.pbx.channels:
        chain = engine.chain(channel)
        if chain is None or (request.args and channel.name.lower() != request.args[0].lower()):
            continue
        for record in chain.records if request.args else [chain.current]:
            other = record.party_b.channel.name if record.party_b is not None else "<none>"
            found = present_fields(record, now)
            start, answer = found.text("start")[11:], found.text("answer")[11:]
            request.print(
                f"{channel.name:<25.25} {other:<25.25} {record.application:<15.15} {start:<8} {answer:<8} "
                f"{record.billed(now):<7} {record.duration(now):<8}"
            )
    request.print("")


@core_module.command("cdr submit")
def cdr_submit(request: Request) -> None:
    """Write collected records now.

    Only in batch mode are there any.
    """
    engine: CdrEngine = request.pbx.parts["cdr"]
    if not engine.rules.enabled:
        request.print("Cannot submit CDR batch: CDR engine disabled.")
    elif not engine.delivery.batch.enabled:
        request.print("Cannot submit CDR batch: batch mode not enabled.")
    else:
        engine.delivery.submit()
        request.print("Submitted CDRs to backend engines for processing.  This may take a while.")


# ---- the dialplan --------------------------------------------------------------------------------------


@fork_module.application(
    "ForkCDR",
    Syntax(
        "[options]",
        options={
            "a": "The new record's answer time is now, when the channel is answered.",
            "e": "End the present records.",
            "r": "The new record starts now.",
            "v": "The new record keeps the variables.",
        },
    ),
    see_also=("CDR", "CDR_PROP", "ResetCDR"),
)
def fork_cdr(channel: Channel, options: str = "") -> None:
    """Go on with a further record beside the present one."""
    engine = engine_of(channel.pbx)
    chain = engine.chain(channel) if engine else None
    if engine is None or chain is None or not chain.fork(engine.now(), options):
        log.warning("%s: ForkCDR: the channel has no record that could be forked", channel.name)


@app_module.application(
    "ResetCDR", Syntax("[options]", options={"v": "Keep the variables.", "e": "Enable records again."})
)
def reset_cdr(channel: Channel, options: str = "") -> None:
    """Start the record's clocks again: start is now, and so is the answer of an answered channel."""
    engine = engine_of(channel.pbx)
    chain = engine.chain(channel) if engine else None
    if engine is not None and chain is not None:
        if "e" in Options(options):
            _disable(channel, False)
        chain.reset(engine.now(), keep_variables="v" in Options(options))


def _disable(channel: Channel, on: bool) -> None:
    engine = engine_of(channel.pbx)
    chain = engine.chain(channel) if engine else None
    for record in chain.records if chain else ():
        if record.phase is not Phase.FINAL:
            record.disabled = record.disabled_for_good = on


_READ_ONLY = frozenset(field.name for field in names_of(Fields)) - {"userfield", "variables", "peeraccount"}


@function_module.function(
    "CDR",
    Syntax("name", "[options]", options={"f": "Times of duration with a fraction.", "u": "Raw values."}),
    see_also=("CDR_PROP",),
)
def cdr(scope: Scope, name: str = "", options: str = "") -> str:
    """A field or variable of the channel's record.

    Fields: clid, src, dst, dcontext, channel, dstchannel, lastapp, lastdata, start, answer, end, duration, billsec,
    disposition, amaflags, accountcode, uniqueid, linkedid, userfield, sequence; any other name is a variable of
    the record's own. userfield and variables may be written.
    """
    channel = scope.channel
    if channel is None:
        finished: Fields | None = scope.pbx.parts.get("cdr_finished")
        return finished.text(name, raw="u" in Options(options)) if finished is not None else ""
    engine = engine_of(channel.pbx)
    chain = engine.chain(channel) if engine else None
    if engine is None or chain is None:
        return ""
    record = chain.current
    now = engine.now()
    found = present_fields(record, now)
    letters = Options(options)
    name = name.lower()
    if record.end is None:
        found.dst, found.dcontext = channel.exten, channel.context
        found.lastapp, found.lastdata = channel.application, channel.application_data
    else:
        found.lastapp, found.dcontext, found.dst, _ = record.place
    if "f" in letters and name in ("duration", "billsec"):
        since = record.start if name == "duration" else record.answer
        return f"{(record.end or now).clock - since.clock:f}" if since is not None else "0.000000"
    return found.text(name, raw="u" in letters)


@cdr.writer
def cdr_write(scope: Scope, value: str, name: str = "", options: str = "") -> None:
    """Set userfield or a variable of the record."""
    channel = scope.channel
    engine = engine_of(channel.pbx) if channel is not None else None
    if engine is None:
        return
    lower = name.lower()
    if lower == "accountcode":
        channel.set_accountcode(value)
        return
    if lower == "amaflags":
        channel.set_by_name("CHANNEL(amaflags)", value)
        return
    if lower in _READ_ONLY:
        raise FunctionError(f"CDR({name}) cannot be written: it is part of the record itself")
    set_field(engine, channel, name, value)


def set_field(engine: CdrEngine, channel: Channel, name: str, value: str) -> None:
    """Set userfield or a variable in every record that has the channel as a party and is not over."""
    for other in engine.pbx.channels:
        chain = engine.chain(other)
        for record in chain.records if chain else ():
            if record.end is not None and record is not chain.current:  # type: ignore[union-attr]
                continue
            for side in (record.party_a, record.party_b):
                if side is not None and side.channel is channel:
                    if name.lower() == "userfield":
                        side.user_field = value
                    else:
                        side.variables[name] = value


@function_module.function("CDR_PROP", Syntax("name"), see_also=("CDR",), write_only=True)
def cdr_prop(scope: Scope, value: str, name: str = "") -> None:
    """Set a property of the channel's records that are not complete, and of its later ones.

    party_a: the channel is party A whenever it can be. disable: no record is written.
    """
    engine = engine_of(scope.pbx)
    chain = engine.chain(scope.channel) if engine and scope.channel is not None else None
    if chain is None:
        return
    on = value.strip().lower() in ("yes", "true", "1", "on", "y", "t")
    if name.lower() == "disable":
        _disable(scope.channel, on)
    elif name.lower() == "party_a":
        for record in chain.records:
            if record.phase is not Phase.FINAL:
                record.party_a.party_a = on
    else:
        raise FunctionError(f"CDR_PROP({name}): the properties are party_a and disable")
