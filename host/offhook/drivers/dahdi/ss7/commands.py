"""The CLI commands ``ss7 ...``, in Asterisk's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.line import LineError
from offhook.drivers.dahdi.module import lines_of, module
from offhook.drivers.dahdi.ss7 import showing
from offhook.drivers.dahdi.ss7.settings import MOST_LINKSETS, point_code_of
from offhook.drivers.dahdi.ss7.states import Blocked
from offhook.modules import CommandError, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.ss7.circuit import CircuitPort
    from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset

    Candidates = Callable[["Ss7Linkset", list[str]], Iterable[str]]

_MESSAGES = ("coo", "coa", "cbd", "cba", "eco", "lin", "lun", "lia", "lua", "lfu", "tfp", "tfa", "tfr")
_HIGHEST_RANGE = {"itu": 31, "ansi": 24}


def _linkset(request: Request, word: str) -> Ss7Linkset:
    if not word.isdigit() or not 1 <= int(word) <= MOST_LINKSETS:
        raise CommandError(f"Invalid linkset {word}.  Should be a number from 1 to {MOST_LINKSETS}")
    found = lines_of(request.pbx).ss7.sets.get(int(word))
    if found is None:
        raise CommandError(f"No SS7 running on linkset {word}")
    return found


def _point_code(linkset: Ss7Linkset, word: str) -> int:
    try:
        return point_code_of(word, linkset.variant)
    except ValueError as error:
        raise CommandError(f"Invalid DPC specified! {error}") from None


def _number(word: str, what: str) -> int:
    if not word.isdigit():
        raise CommandError(f"Invalid {what} specified!")
    return int(word)


def _circuit(linkset: Ss7Linkset, dpc: str, cic: str) -> CircuitPort:
    found = linkset.circuit(_number(cic, "CIC"), _point_code(linkset, dpc))
    if found is None:
        raise CommandError(f"Invalid CIC specified! Linkset {linkset.number} has no CIC {cic} to point code {dpc}")
    return found


# ---- completion ----------------------------------------------------------------------------------------------


def _complete(*words: Candidates | tuple[str, ...]) -> Callable[[Pbx, list[str], str], Iterable[str]]:
    """A completer: the linkset first, or where ``words`` says so (by ``_sets``), then what each place may have."""

    def complete(pbx: Pbx, args: list[str], _typed: str) -> Iterable[str]:
        if len(args) >= len(words):
            return ()
        wanted = words[len(args)]
        if isinstance(wanted, tuple):
            return wanted
        sets = lines_of(pbx).ss7.sets
        if wanted is _sets:
            return [str(number) for number in sorted(sets)]
        place = words.index(_sets)
        linkset = sets.get(int(args[place])) if args[place].isdigit() else None
        return wanted(linkset, args[place + 1 :]) if linkset is not None else ()

    return complete


def _sets(_linkset: Ss7Linkset, _args: list[str]) -> Iterable[str]:
    return ()


def _codes(linkset: Ss7Linkset, _args: list[str]) -> Iterable[str]:
    return sorted({linkset.point_code_text(one.point_code) for one in linkset.circuits})


def _cics(linkset: Ss7Linkset, args: list[str]) -> Iterable[str]:
    return [str(one.cic) for one in linkset.circuits if linkset.point_code_text(one.point_code) == args[0]]


def _link_codes(linkset: Ss7Linkset, _args: list[str]) -> Iterable[str]:
    return [str(link.code) for link in linkset.library.links]


# ---- showing -------------------------------------------------------------------------------------------------


@module.command("ss7 show linkset <linkset>", "Shows the status of a linkset", complete=_complete(_sets))
def show_linkset(request: Request) -> None:
    """Show everything of a linkset, as libss7 tells it."""
    if len(request.args) != 1:
        raise request.usage()
    request.print(*_linkset(request, request.args[0]).status_lines())


@module.command("ss7 show channels", "Displays SS7 channel information")
def show_channels(request: Request) -> None:
    """List the circuits of all linksets: whether each is idle and blocked, and whose call it has."""
    request.print(*showing.channels(lines_of(request.pbx).ss7))


@module.command("ss7 show calls <linkset>", "Show ss7 calls", complete=_complete(_sets))
def show_calls(request: Request) -> None:
    """Show libss7's records of circuits: messages that have passed, and timers that run."""
    if len(request.args) != 1:
        raise request.usage()
    request.print(*_linkset(request, request.args[0]).library.call_lines())


@module.command("ss7 show cics <linkset> [dpc]", "Show cics on a linkset", complete=_complete(_sets, _codes))
def show_cics(request: Request) -> None:
    """List the circuits of a linkset with their state and who has blocked them: M for maintenance, H for hardware."""
    if not 1 <= len(request.args) <= 2:
        raise request.usage()
    linkset = _linkset(request, request.args[0])
    wanted = _point_code(linkset, request.args[1]) if len(request.args) == 2 else None
    request.print(*showing.circuits(linkset, wanted))


@module.command("ss7 show version", "Displays libss7 version")
def show_version(request: Request) -> None:
    """Show libss7's version."""
    from kernel_shims.ss7.binding import version

    try:
        request.print(f"libss7 version: {version()}")
    except LineError as error:
        raise CommandError(str(error)) from None


@module.command(
    "ss7 set debug {on|off} linkset <linkset>",
    "Enables SS7 debugging on a linkset",
    complete=_complete(("on", "off"), ("linkset",), _sets),
)
def set_debug(request: Request) -> None:
    """Show the messages of a linkset on the console, of all three layers."""
    match request.args:
        case [("on" | "off") as word, "linkset", number]:
            linkset = _linkset(request, number)
            linkset.set_debug(word == "on")
            request.print(f"{'Enabled' if word == 'on' else 'Disabled'} debugging on linkset {number}")
        case _:
            raise request.usage()


# ---- blocking and resetting ----------------------------------------------------------------------------------


def _block_circuit(request: Request, on: bool) -> None:
    if len(request.args) != 3:
        raise request.usage()
    linkset = _linkset(request, request.args[0])
    circuit = _circuit(linkset, request.args[1], request.args[2])
    maintained = bool(circuit.locally & Blocked.MAINTENANCE)
    if on is not maintained:
        if not linkset.supervision.block_circuit(circuit, on):
            raise CommandError(f"The {'' if on else 'un'}blocking request could not be sent")
        linkset.settle()
        what = f"{'' if on else 'un'}blocking request for linkset {linkset.number}"
        request.print(f"Sent {what} on CIC {circuit.cic} DPC {linkset.point_code_text(circuit.point_code)}")
    elif not on and circuit.locally:
        request.print(f"CIC {circuit.cic} is hardware locally blocked!")
    else:
        request.print(f"CIC {circuit.cic} {'already' if on else 'is not'} locally blocked")


@module.command("ss7 block cic <linkset> <dpc> <CIC>", "Blocks the given CIC", complete=_complete(_sets, _codes, _cics))
def block_cic(request: Request) -> None:
    """Ask the far end not to use a circuit (BLO)."""
    _block_circuit(request, True)


@module.command(
    "ss7 unblock cic <linkset> <dpc> <CIC>", "Unblocks the given CIC", complete=_complete(_sets, _codes, _cics)
)
def unblock_cic(request: Request) -> None:
    """Let the far end use a circuit again (UBL)."""
    _block_circuit(request, False)


def _first(request: Request) -> tuple[Ss7Linkset, CircuitPort, int]:
    linkset = _linkset(request, request.args[0])
    length = _number(request.args[3], "range")
    highest = _HIGHEST_RANGE[linkset.variant]
    if not 1 <= length <= highest:
        raise CommandError(f"Invalid range specified! It is the number of further circuits, from 1 to {highest}")
    first = _circuit(linkset, request.args[1], request.args[2])
    if len(linkset.between(first.cic, first.cic + length, first.point_code)) != length + 1:
        raise CommandError(f"Invalid CIC/RANGE: not all of CIC {first.cic} to {first.cic + length} are there")
    return linkset, first, length


def _block_group(request: Request, on: bool) -> None:
    hardware = len(request.args) == 5 and request.args[4].upper() == "H"
    if len(request.args) not in (4, 5) or (len(request.args) == 5 and not hardware):
        raise request.usage()
    linkset, first, length = _first(request)
    if not linkset.supervision.block_group(first, first.cic + length, on=on, hardware=hardware):
        raise CommandError(f"The {'' if on else 'un'}blocking request could not be sent")
    linkset.settle()
    what = f"remote{' hardware' if hardware else ''} {'' if on else 'un'}blocking request"
    request.print(f"Sending {what} linkset {linkset.number} on CIC {first.cic} range {length}")


@module.command(
    "ss7 block group <linkset> <dpc> <first CIC> <range> [H]",
    "Blocks the given CIC range",
    complete=_complete(_sets, _codes, _cics),
)
def block_group(request: Request) -> None:
    """Ask the far end not to use circuits that follow each other (CGB); H: because of hardware, which ends calls."""
    _block_group(request, True)


@module.command(
    "ss7 unblock group <linkset> <dpc> <first CIC> <range> [H]",
    "Unblocks the given CIC range",
    complete=_complete(_sets, _codes, _cics),
)
def unblock_group(request: Request) -> None:
    """Let the far end use circuits again (CGU)."""
    _block_group(request, False)


@module.command("ss7 block linkset <linkset>", "Blocks all CICs on a linkset", complete=_complete(_sets))
def block_linkset(request: Request) -> None:
    """Ask the far end not to use any circuit of a linkset."""
    _every(request, "blocking", lambda linkset, circuit: linkset.supervision.block_circuit(circuit, True))


@module.command("ss7 unblock linkset <linkset>", "Unblocks all CICs on a linkset", complete=_complete(_sets))
def unblock_linkset(request: Request) -> None:
    """Let the far end use every circuit of a linkset again."""
    _every(request, "unblocking", lambda linkset, circuit: linkset.supervision.block_circuit(circuit, False))


@module.command("ss7 reset linkset <linkset>", "Resets all CICs on a linkset", complete=_complete(_sets))
def reset_linkset(request: Request) -> None:
    """Reset every circuit of a linkset, ending its call (RSC)."""
    _every(request, "reset", lambda linkset, circuit: linkset.supervision.reset_circuit(circuit))


def _every(request: Request, what: str, work: Callable[[Ss7Linkset, CircuitPort], bool]) -> None:
    if len(request.args) != 1:
        raise request.usage()
    linkset = _linkset(request, request.args[0])
    for circuit in list(linkset.circuits):
        if work(linkset, circuit):
            request.print(f"Sent {'remote ' if what != 'reset' else ''}{what} request on CIC {circuit.cic}")
    linkset.settle()


@module.command("ss7 reset cic <linkset> <dpc> <CIC>", "Resets the given CIC", complete=_complete(_sets, _codes, _cics))
def reset_cic(request: Request) -> None:
    """Reset a circuit, ending its call (RSC)."""
    if len(request.args) != 3:
        raise request.usage()
    linkset = _linkset(request, request.args[0])
    circuit = _circuit(linkset, request.args[1], request.args[2])
    sent = linkset.supervision.reset_circuit(circuit)
    linkset.settle()
    code = linkset.point_code_text(circuit.point_code)
    request.print(f"{'Sent' if sent else 'Failed'} RSC for linkset {linkset.number} on CIC {circuit.cic} DPC {code}")


@module.command(
    "ss7 reset group <linkset> <dpc> <first CIC> <range>",
    "Resets the given CIC range",
    complete=_complete(_sets, _codes, _cics),
)
def reset_group(request: Request) -> None:
    """Reset circuits that follow each other, ending their calls (GRS)."""
    if len(request.args) != 4:
        raise request.usage()
    linkset, first, length = _first(request)
    if not linkset.supervision.reset_group(first, first.cic + length):
        raise CommandError("The GRS could not be sent")
    linkset.settle()
    request.print("GRS sent ... ")


# ---- links ---------------------------------------------------------------------------------------------------


@module.command(
    "ss7 mtp3 <linkset> <slc> <message> [argument]",
    "Send an NET MNG message",
    complete=_complete(_sets, _link_codes, _MESSAGES),
)
def mtp3(request: Request) -> None:
    """Send a message of network management on a link: coo, coa, cbd, cba, eco, lin, lun, lia, lua, lfu, tfp, tfa, tfr.

    For tests: Offhook is no signalling transfer point.
    """
    if not 3 <= len(request.args) <= 4:
        raise request.usage()
    linkset = _linkset(request, request.args[0])
    code, message = _number(request.args[1], "slc"), request.args[2].lower()
    if message not in _MESSAGES:
        raise CommandError(f"Unknown msg {message}; there are {', '.join(_MESSAGES)}")
    argument = _number(request.args[3], "argument") if len(request.args) == 4 else 0
    request.print(linkset.library.manage(code, message, argument))
    linkset.settle()


@module.command("ss7 restart mtp3 <linkset> <slc>", "Restart a link", complete=_complete(_sets, _link_codes))
def restart_mtp3(request: Request) -> None:
    """Restart MTP3 towards the neighbour of a link (TRA)."""
    if len(request.args) != 2:
        raise request.usage()
    linkset = _linkset(request, request.args[0])
    code = _number(request.args[1], "slc")
    if code not in [link.code for link in linkset.library.links]:
        raise CommandError(f"Linkset {linkset.number} has no link with code {code}")
    linkset.library.restart(code)
    linkset.settle()
