"""Commands about the manager, and the function AMI_CLIENT."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import TYPE_CHECKING, Any

from offhook.control.manager.ami import manager
from offhook.control.manager.module import configure, module
from offhook.control.manager.permissions import granted, mask_of, privilege
from offhook.control.manager.render import RENDERERS, Renderer
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import CommandError, Request, Syntax
from offhook.modules.module import Action

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

WIDTH = 80


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _actions(pbx: Pbx) -> list[Action]:
    return [action for _, action in sorted(pbx.registry.actions.items())]


def _action_names(pbx: Any, _args: list[str], _typed: str) -> list[str]:
    return [action.name for action in _actions(pbx)]


def _user_names(pbx: Any, args: list[str], _typed: str) -> list[str]:
    return [] if args else [user.name for user in manager(pbx).settings.users.values()]


def events_by_name() -> dict[str, Renderer]:
    """Every manager event and what renders it, sorted by name."""
    found = {name: one for renderers in RENDERERS.values() for one in renderers for name in one.names}
    return dict(sorted(found.items()))


def _event_names(_pbx: Any, args: list[str], _typed: str) -> list[str]:
    return [] if args else list(events_by_name())


@module.command("manager show commands", "List manager interface commands")
def show_commands(request: Request) -> None:
    """List the actions of the manager interface."""
    actions = _actions(request.pbx)
    width = max([1, *(len(action.name) for action in actions)])
    room = max(0, WIDTH - width - 4)
    for name, synopsis in (("Action", "Synopsis"), ("------", "--------"), *((a.name, a.synopsis) for a in actions)):
        request.print(f"  {name:<{width}}  {synopsis[:room]}")


@module.command("manager show eventq", "List manager interface queued events")
def show_queued_events(request: Request) -> None:
    """List the events that wait until their sessions can take them."""
    if request.args:
        raise request.usage()
    waiting = [event for session in manager(request.pbx).sessions for event in session.pending]
    counts = Counter(map(id, waiting))
    for event, count in ((each, counts.pop(id(each))) for each in waiting if id(each) in counts):
        request.print(f"Usecount: {count}", f"Category: {event.mask}", "Event:", event.text.replace("\r\n", "\n"))


@module.command(
    "manager show command <action> [<action> ...]", "Show a manager interface command", complete=_action_names
)
def show_command(request: Request) -> None:
    """Print the manual of actions."""
    if not request.args:
        raise request.usage()
    wanted = {name.lower() for name in request.args}
    for action in _actions(request.pbx):
        if action.name.lower() in wanted:
            request.print(*manual(action))


def manual(action: Action) -> list[str]:
    """The manual page of an action, as lines."""
    syntax = [f"Action: {action.name}", "[ActionID:] <value>"]
    arguments = ["ActionID", "    Repeated in the answer and its events."]
    for argument in action.syntax.arguments:
        syntax.append(f"{argument.name}: <value>" if argument.required else f"[{argument.name}:] <value>")
        arguments += ["", argument.name, *(f"    {line}" for line in argument.text.splitlines())]
    sections = (
        ("[Synopsis]", [action.synopsis or "Not available"]),
        ("[Provided By]", [action.module]),
        ("[Description]", action.description.splitlines() or ["Not available"]),
        ("[Syntax]", syntax),
        ("[Arguments]", arguments),
        ("[Privilege]", [privilege(mask_of(action.privilege))]),
        ("[See Also]", [", ".join(action.see_also) or "Not available"]),
    )
    lines = ["", f"  -= Info about Manager Command '{action.name}' =- ", ""]
    for title, body in sections:
        lines += [title, *body, ""]
    return lines


@module.command("manager show events", "List manager interface events")
def show_events(request: Request) -> None:
    """List the events of the manager interface."""
    if request.args:
        raise request.usage()
    names = list(events_by_name())
    width = max(map(len, names))
    request.print("Events:", f"  {'-' * width}" * 3 + "  ")
    for at in range(0, len(names), 3):
        request.print("".join(f"  {name:<{width}}" for name in names[at : at + 3]))
    request.print("", f"{len(names)} events registered.")


@module.command("manager show event <event>", "Show a manager interface event", complete=_event_names)
def show_event(request: Request) -> None:
    """Print the manual of an event."""
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    renderer = events_by_name().get(name)
    if renderer is None:
        request.print(f"Could not find event '{name}'")
        return
    text = inspect.cleandoc(renderer.kind.__doc__ or "")
    request.print(f"Event: {name}", "", f"  -= Info about Manager Event '{name}' =- ", "")
    for title, body in (("[Synopsis]", text or "Not available"), ("[Privilege]", privilege(renderer.mask))):
        request.print(title, body, "")


@module.command("manager show connected", "List connected manager interface users")
def show_connected(request: Request) -> None:
    """List the sessions of the manager interface."""
    wall = request.pbx.wall()
    columns = (15, 55, 10, 10, 8, 8, 10, 10)
    rows: list[tuple[object, ...]] = [
        ("Username", "IP Address", "Start", "Elapsed", "FileDes", "HttpCnt", "ReadPerms", "WritePerms")
    ]
    sessions = manager(request.pbx).sessions
    for one in sessions:
        began = int(one.began_wall)
        elapsed = int(wall) - began
        rows.append(
            (one.username, one.remote[0], began, elapsed, one.descriptor, one.users, one.may_read, one.may_write)
        )
    for row in rows:
        request.print("".join(f"  {str(value)[:width]:<{width}}" for value, width in zip(row, columns, strict=True)))
    request.print(f"{len(sessions)} users connected.")


@module.command("manager kick session <descriptor>", "Kick a connected manager interface connection")
def kick(request: Request) -> None:
    """End the session on a file descriptor, as "manager show connected" tells it."""
    if len(request.args) != 1:
        raise request.usage()
    text = request.args[0]
    if not text.isdigit() or int(text) < 1:
        raise CommandError(f"Invalid AMI file descriptor: {text}")
    for session in manager(request.pbx).sessions:
        if session.descriptor == int(text) and session.outlet is not None:
            if session.kicked:
                request.print(f"Manager session using file descriptor {text} has already been kicked")
                return
            request.print(f"Kicking manager session connected using file descriptor {text}")
            session.kicked = session.ended = True
            session.outlet.end()
            return
    request.print(f"No manager session found using file descriptor {int(text)}")


@module.command("manager show users", "List configured manager users")
def show_users(request: Request) -> None:
    """List the users of manager.conf."""
    if request.args:
        raise request.usage()
    users = manager(request.pbx).settings.users.values()
    if not users:
        request.print("There are no manager users.")
        return
    request.print("", "username", "--------", *(user.name for user in users), "-" * 19)
    request.print(f"{len(users)} manager users configured.")


@module.command("manager show user <user>", "Display information on a specific manager user", complete=_user_names)
def show_user(request: Request) -> None:
    """Show a user of manager.conf."""
    if len(request.args) != 1:
        raise request.usage()
    user = manager(request.pbx).settings.user(request.args[0])
    if user is None:
        request.print(f"There is no manager called {request.args[0]}")
        return
    request.print("")
    for name, value in (
        ("username", user.name),
        ("secret", "<Set>" if user.secret is not None else "(N/A)"),
        ("ACL", _yes(bool(user.acl))),
        ("read perm", granted(user.read)),
        ("write perm", granted(user.write)),
        ("displayconnects", _yes(user.display_connects)),
        ("allowmultiplelogin", _yes(user.multiple_logins)),
    ):
        request.print(f"{name:>18}: {value}")
    request.print("         Variables: ")
    request.print(*(f"                 {name} = {value}" for name, value in user.variables))
    request.print(*user.acl.lines())


@module.command("manager show settings", "Show manager global settings")
def show_settings(request: Request) -> None:
    """Show the options of manager.conf."""
    if request.args:
        raise request.usage()
    ami = manager(request.pbx)
    settings = ami.settings

    def truth(value: bool) -> str:
        return "Yes" if value else "No"

    request.print("", "Global Settings:", "----------------")
    for name, value in (
        ("Manager (AMI):", truth(settings.enabled)),
        ("Web Manager (AMI/HTTP):", truth(settings.web_enabled)),
        ("TCP Bindaddress:", ami.bound or "Disabled"),
        ("HTTP Timeout (seconds):", str(settings.http_timeout_s)),
        ("TLS Enable:", truth(settings.tls.enabled)),
        ("TLS Bindaddress:", ami.tls_bound or "Disabled"),
        ("TLS Certfile:", settings.tls.certificate),
        ("TLS Privatekey:", settings.tls.private_key),
        ("TLS Cipher:", settings.tls.ciphers),
        ("Allow multiple login:", truth(settings.multiple_logins)),
        ("Display connects:", truth(settings.display_connects)),
        ("Timestamp events:", truth(settings.timestamps)),
    ):
        request.print(f"  {name:<25.25}  {value:<15.55}")
    request.print(f"  {'Channel vars:':<25}  {settings.channel_variables_text}")
    request.print(f"  {'Disabled events:':<25}  {settings.disabled_events_text}")
    request.print(f"  {'Debug:':<25}  {truth(settings.debug):<15}")


@module.command("manager set debug [on|off]", "Show, enable, disable debugging of the manager code")
def set_debug(request: Request) -> None:
    """Have events tell where they come from, and show actions on the console."""
    settings = manager(request.pbx).settings
    if not request.args:
        request.print(f"manager debug is {'on' if settings.debug else 'off'}")
    elif len(request.args) == 1 and request.args[0].lower() in ("on", "off"):
        settings.debug = request.args[0].lower() == "on"
    else:
        raise request.usage()


@module.command("manager reload", "Reload manager configurations")
async def reload_command(request: Request) -> None:
    """Read manager.conf again."""
    if request.args:
        raise request.usage()
    await configure(request.pbx)


@module.function("AMI_CLIENT", Syntax("loginname", "field", loginname="A user of manager.conf.", field="sessions"))
def ami_client(scope: Scope, loginname: str, field: str) -> str:
    """How many sessions a manager user has.

    The only field is "sessions".
    """
    ami = manager(scope.pbx)
    name = loginname.strip()
    if ami.settings.user(name) is None:
        raise FunctionError(f"AMI_CLIENT: there is no manager user {name!r}")
    if field.strip().lower() != "sessions":
        raise FunctionError(f"AMI_CLIENT: the field {field.strip()!r} is unknown; write sessions")
    return str(sum(session.username.lower() == name.lower() for session in ami.sessions))
