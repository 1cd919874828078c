"""``module ...``: what is loaded."""

from __future__ import annotations

from offhook.control.cli.completion import every, first, reloadable_modules, running_modules, stopped_modules
from offhook.modules import CommandError, Module, Request
from offhook.modules.loader import Loader, Reloaded, Result, State

module = Module("cli_modules", "Commands about modules")

_ROW = "{:<30} {:<40.40} {:<10} {:<11} {:>13}"

_RELOADED = {
    Reloaded.NOT_FOUND: "No such module '{0}'",
    Reloaded.NOT_IMPLEMENTED: "The module '{0}' does not support reloads",
    Reloaded.QUEUED: "Asterisk cannot reload a module yet; request queued",
    Reloaded.ERROR: "The module '{0}' reported a reload failure",
    Reloaded.IN_PROGRESS: "A module reload request is already in progress; please be patient",
    Reloaded.UNINITIALIZED: (
        "The module '{0}' was not properly initialized. Before reloading the module, you must run "
        '"module load {0}" and fix whatever is preventing the module from being initialized.'
    ),
    Reloaded.SUCCESS: "Module '{0}' reloaded successfully.",
}


def _loader(request: Request) -> Loader:
    loader: Loader = request.pbx.loader
    return loader


@module.command(
    "module show [like <text>]",
    "List modules and info",
    complete=lambda pbx, args, typed: running_modules(pbx) if args == ["like"] else [] if args else ["like"],
)
def show(request: Request) -> None:
    """List the loaded modules whose name contains the text, and how often each is in use."""
    args = request.args
    if args and (len(args) != 2 or args[0].lower() != "like"):
        raise request.usage()
    like = args[1].lower() if args else ""
    loader = _loader(request)
    request.print(_ROW.format("Module", "Description", "Use Count", "Status", "Support Level"))
    count = 0
    for loaded in sorted(loader.known.values(), key=lambda one: one.name.lower()):
        if loaded.module is None or loaded.state is State.KNOWN or like not in loaded.file.lower():
            continue
        running = "Running" if loaded.state is State.RUNNING else "Not Running"
        use = loader.use_count(loaded)
        request.print(_ROW.format(loaded.file, loaded.module.text, use, running, loaded.module.support))
        count += 1
    request.print(f"{count} modules loaded")


@module.command("module load <module>", "Load a module by name", complete=first(stopped_modules))
async def load(request: Request) -> None:
    """Load a module that does not run."""
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    if await _loader(request).load(name) is not Result.SUCCESS:
        request.print(f"Unable to load module {name}")
        raise CommandError(f"Command '{request.line}' failed.")
    request.print(f"Loaded {name}")


@module.command("module unload [-f] [-h] <module>", "Unload a module by name", complete=every(running_modules))
async def unload(request: Request) -> None:
    """Unload modules.

    With -f or -h also those that are in use: calls that need them end.
    """
    names = [arg for arg in request.args if not arg.startswith("-")]
    flags = {letter for arg in request.args if arg.startswith("-") for letter in arg[1:]}
    if not names or flags - set("fh"):
        raise request.usage()
    for name in names:
        if not await _loader(request).unload(name, force=bool(flags)):
            request.print(f"Unable to unload resource {name}")
            raise CommandError(f"Command '{request.line}' failed.")
        request.print(f"Unloaded {name}")


@module.command("module reload [<module> ...]", "Reload configuration for a module", complete=every(reloadable_modules))
async def reload(request: Request) -> None:
    """Have the modules, or without a name all of them, read their configuration again."""
    if not request.args:
        await _loader(request).reload()
    for name in request.args:
        result = await _loader(request).reload(name)
        request.print(_RELOADED[result].format(name))


@module.command(
    "module refresh <module> [recursively]",
    "Completely unloads and loads a module by name",
    complete=lambda pbx, args, typed: ["recursively"] if len(args) == 1 else running_modules(pbx) if not args else [],
)
async def refresh(request: Request) -> None:
    """Unload a module and load it again; with "recursively" together with the modules that need it."""
    args = request.args
    if len(args) not in (1, 2) or (len(args) == 2 and args[1].lower() != "recursively"):
        raise request.usage()
    loader = _loader(request)
    loaded = loader.find(args[0])
    users = []
    if loaded is not None and len(args) == 2:
        users = [one.name for one in loader.running if one.module and loaded.name in one.module.depends]
    for name in (*users, args[0]):
        if not await loader.unload(name):
            request.print(f"Unable to unload resource {name}")
            raise CommandError(f"Command '{request.line}' failed.")
    for name in (args[0], *reversed(users)):
        if await loader.load(name) is not Result.SUCCESS:
            request.print(f"Unable to load module {name}")
            raise CommandError(f"Command '{request.line}' failed.")
    request.print(f"Unloaded and loaded {args[0]}")


@module.command("core reload", "Global reload")
async def core_reload(request: Request) -> None:
    """Have every module read its configuration again."""
    if request.args:
        raise request.usage()
    await _loader(request).reload()
