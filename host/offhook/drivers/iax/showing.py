"""Peers, users, calls and registrations as the console shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from offhook.drivers.iax.peers import Peer
from offhook.drivers.iax.reading import Entry
from offhook.iax import formats as iax_formats
from offhook.iax.call import Call
from offhook.iax.frames import Command
from offhook.iax.seal import AES128, KEY_ROTATION

if TYPE_CHECKING:
    from offhook.drivers.iax.registrations import Registrations
    from offhook.drivers.iax.stack import IaxStack
    from offhook.iax.association import Association

_PRIORITIES = {"reqonly": "REQ Only", "disabled": "Disabled", "caller": "Caller", "host": "Host"}
NOWHERE = "(null)"
"""What Asterisk shows for an address that is not there."""


def encryption_words(mask: int) -> str:
    """Encryption as the console names it."""
    words = [word for bit, word in ((AES128, "aes128"), (KEY_ROTATION, "keyrotate")) if mask & bit]
    return f"({','.join(words)})" if words else "no"


def place_of(peer: Peer) -> tuple[str, str]:
    """Address and port of a peer, in words."""
    return (peer.address[0], str(peer.address[1])) if peer.address is not None else (NOWHERE, "0")


def peer_title(peer: Peer) -> str:
    """Name, and our name there."""
    username = peer.entry["username"]
    return f"{peer.name}/{username}" if username else peer.name


def kind_of(peer: Peer) -> str:
    """ "online", "offline" or "unmonitored"."""
    status = peer.status()
    if status == "Unmonitored":
        return "unmonitored"
    return "online" if status.startswith(("OK", "LAGGED")) else "offline"


def peer_table(peers: Iterable[Peer]) -> Iterator[str]:
    """``iax2 show peers``."""
    yield (
        f"{'Name/Username':<15.15}  {'Host':<40.40} {'   '}   {'Mask':<40.40}  {'Port':<9} {'   '}  {'Status':<11} "
        f"{'Description':<32.32}"
    )
    count = {"online": 0, "offline": 0, "unmonitored": 0}
    for peer in peers:
        entry = peer.entry
        host, port = place_of(peer)
        count[kind_of(peer)] += 1
        yield (
            f"{peer_title(peer):<15.15}  {host:<40.40} {'(D)' if entry.dynamic else '(S)'}  {NOWHERE:<40.40}  "
            f"{port:<6}{'(T)' if entry['trunk'] else '   '} {'(E)' if entry.encryption else '   '}  "
            f"{peer.status():<11} {entry['description']:<32.32}"
        )
    yield (
        f"{sum(count.values())} iax2 peers [{count['online']} online, {count['offline']} offline, "
        f"{count['unmonitored']} unmonitored]"
    )


def user_table(users: Iterable[Entry]) -> Iterator[str]:
    """``iax2 show users``; secrets stay secret."""
    yield f"{'Username':<15.15}  {'Secret':<20.20}  {'Authen':<15.15}  {'Def.Context':<15.15}  {'A/C':<5.5}  Codec Pref"
    for user in users:
        if user["secret"] or user["dbsecret"]:
            secret = "<Set>"
        else:
            secret = f"Key: {user['inkeys']:<15.15} " if user["inkeys"] else "-no secret-"
        yield (
            f"{user.name:<15.15}  {secret:<20.20}  {user.methods:<15d}  {user.context:<15.15}  "
            f"{'Yes' if user.acl else 'No':<5.5}  {_PRIORITIES[user['codecpriority']]}"
        )


def peer_block(peer: Peer) -> Iterator[str]:
    """``iax2 show peer``."""
    entry = peer.entry
    host, port = peer.address or (NOWHERE, 0)
    default_host, default_port = peer.default_address or (NOWHERE, 0)
    name, number = entry.caller_id or ("", "")
    caller = f'"{name}" <{number}>' if name and number else name or number or "<unspecified>"
    names = [each.name for each in entry.formats]
    rows = (
        ("* Name       ", peer.name),
        ("Description  ", entry["description"]),
        ("Secret       ", "<Set>" if entry["secret"] else "<Not set>"),
        ("Context      ", entry.context),
        ("Parking lot  ", entry["parkinglot"]),
        ("Mailbox      ", entry["mailbox"]),
        ("Dynamic      ", "Yes" if entry.dynamic else "No"),
        ("Callnum limit", entry["maxcallnumbers"]),
        ("Calltoken req", {"no": "No", "auto": "Auto"}.get(entry["requirecalltoken"], "Yes")),
        ("Trunk        ", "Yes" if entry["trunk"] else "No"),
        ("Encryption   ", encryption_words(entry.encryption) if entry.encryption else "No"),
        ("Callerid     ", caller),
        ("Expire       ", peer.expiry if peer.address is not None and entry.dynamic else -1),
        ("ACL          ", "Yes" if entry.acl else "No"),
        ("Addr->IP     ", f"{host} Port {port}"),
        ("Defaddr->IP  ", f"{default_host} Port {default_port}"),
        ("Username     ", entry["username"]),
        ("Codecs       ", f"({'|'.join(iax_formats.names(entry.capability)) or 'nothing'})"),
        ("Codec Order  ", f"({'|'.join(names) or 'none'})"),
        ("Status       ", peer.status()),
    )
    yield from ("", "")
    for title, value in rows:
        yield f"  {title}: {value}"
    yield (
        f"  Qualify      : every {entry['qualifyfreqok']}ms when OK, every {entry['qualifyfreqnotok']}ms when "
        f"UNREACHABLE (sample smoothing {'On' if entry['qualifysmoothing'] else 'Off'})"
    )
    yield ""


def _message(noted: tuple[int, bool] | None) -> str:
    if noted is None:
        return ""
    try:
        word = Command(noted[0]).name
    except ValueError:
        word = f"({noted[0]}?)"
    return ("Tx:" if noted[1] else "Rx:") + word[:9]


def _called(stack: IaxStack, association: Association) -> str:
    session = stack.sessions.get(association.number)
    channel = getattr(session, "channel", None)
    return channel.name if channel is not None else "(None)"


def channel_table(stack: IaxStack) -> Iterator[str]:
    """``iax2 show channels``: calls, and whatever else has a call number just now."""
    yield (
        f"{'Channel':<20.20}  {'Peer':<40.40}  {'Username':<10.10}  {'ID (Lo/Rem)':<11.11}  {'Seq (Tx/Rx)':<11.11}  "
        f"{'Lag':<7.7}  {'Jitter':<6.6}  {'JitBuf':<6.6}  Format  FirstMsg    LastMsg"
    )
    count = 0
    for association in stack.exchange:
        session = stack.sessions.get(association.number)
        out, expected = association.sequence
        lag, jitter, depth, codec, username = 0, -1, 0, "", "(None)"
        if session is not None:
            report = session.local_report
            lag, jitter, depth = session.call.quality.lag_ms, report.jitter, report.delay
            codec = session.heard.name if session.heard is not None else ""
            username = session.username or "(None)"
        yield (
            f"{_called(stack, association):<20.20}  {association.address[0]:<40.40}  {username:<10.10}  "
            f"{association.number:05d}/{association.peer_number:05d}  {out:05d}/{expected:05d}  {lag:05d}ms  "
            f"{jitter:04d}ms  {depth:04d}ms  {codec:<6.6}  {_message(association.first_command):<10}  "
            f"{_message(association.last_command)}"
        )
        count += 1
    yield f"{count} active IAX channel{'' if count == 1 else 's'}"


def net_lines(stack: IaxStack, *, wide: bool) -> Iterator[str]:
    """What both ends of each call say of what they receive: in columns, or with single blanks."""
    widths = (4, 4, 4, 5, 3, 5, 4, 6, 4, 4, 5, 3, 5, 4, 6) if wide else (0,) * 15
    for association in stack.exchange:
        session = stack.sessions.get(association.number)
        if session is None or not isinstance(association.role, Call):
            continue
        quality, local = session.call.quality, session.local_report
        remote = quality.remote
        values = (
            quality.ping_ms, local.jitter, local.delay, local.lost, local.loss_percent, local.dropped,
            local.out_of_order, local.packets // 1000, remote.jitter, remote.delay, remote.lost, remote.loss_percent,
            remote.dropped, remote.out_of_order, remote.packets // 1000,
        )  # fmt: skip
        name = _called(stack, association)
        columns = " ".join(f"{value:{width or ''}}" for value, width in zip(values, widths, strict=True))
        first, last = _message(association.first_command), _message(association.last_command)
        yield f"{name:<24.25} {columns} {first} {last}" if wide else f"{name} {columns} {first} {last}"


def net_table(stack: IaxStack) -> Iterator[str]:
    """``iax2 show netstats``."""
    yield "                                -------- LOCAL ---------------------  -------- REMOTE --------------------"
    yield (
        "Channel                    RTT  Jit  Del  Lost   %  Drop  OOO  Kpkts  Jit  Del  Lost   %  Drop  OOO  Kpkts "
        "FirstMsg    LastMsg"
    )
    lines = list(net_lines(stack, wide=True))
    yield from lines
    yield f"{len(lines)} active IAX channel{'' if len(lines) == 1 else 's'}"


def registry_rows(registrations: Registrations) -> Iterator[tuple[str, str, str, int, str]]:
    """Host, user, our address as they see it, refresh and state of each registration of ours."""
    for own in registrations.lines.values():
        host = "{}:{}".format(*own.address) if own.address is not None else own.line.host
        registration = own.registration
        seen = registration.perceived if registration is not None else None
        perceived = "{}:{}".format(*seen) if seen is not None else "<Unregistered>"
        yield host, own.line.username, perceived, own.refresh, own.standing.value


def registry_table(registrations: Registrations) -> Iterator[str]:
    """``iax2 show registry``."""
    yield f"{'Host':<45.45}  {'dnsmgr':<6.6}  {'Username':<10.10}  {'Perceived':<45.45} {'Refresh':>8.8}  State"
    count = 0
    for host, username, perceived, refresh, state in registry_rows(registrations):
        yield f"{host:<45.45}  {'N':<6.6}  {username:<10.10}  {perceived:<45.45} {refresh:8d}  {state}"
        count += 1
    yield f"{count} IAX2 registrations."
