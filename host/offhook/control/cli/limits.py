"""``ulimit``: the resource limits of the process."""

from __future__ import annotations

import resource

from offhook.control.cli.completion import first
from offhook.modules import CommandError, Module, Request

module = Module("res_limit", "Resource limits")

LIMITS = {
    "time": (resource.RLIMIT_CPU, "cpu time"),
    "file": (resource.RLIMIT_FSIZE, "file size"),
    "data": (resource.RLIMIT_DATA, "program data segment"),
    "stack": (resource.RLIMIT_STACK, "program stack size"),
    "core": (resource.RLIMIT_CORE, "core file size"),
    "memory": (resource.RLIMIT_RSS, "resident memory"),
    "lock": (resource.RLIMIT_MEMLOCK, "amount of memory locked into RAM"),
    "processes": (resource.RLIMIT_NPROC, "number of processes"),
    "descriptors": (resource.RLIMIT_NOFILE, "number of file descriptors"),
    "virtual": (resource.RLIMIT_AS, "virtual memory"),
}
CHANGEABLE = frozenset(("file", "core", "processes", "descriptors"))


@module.command(
    "ulimit [<resource>] [<num>]", "Set or show process resource limits", complete=first(lambda _: list(LIMITS))
)
def ulimit(request: Request) -> None:
    """Show the limits of the process's resources, or set one.

    The resources are time, file, data, stack, core, memory, lock, processes, descriptors and virtual; file, core,
    processes and descriptors can be set.
    """
    if len(request.args) > 2:
        raise request.usage()
    if not request.args:
        request.print(*map(_shown, LIMITS))
        return
    name, *value = (arg.lower() for arg in request.args)
    if name not in LIMITS:
        raise CommandError("Unknown resource")
    if not value:
        request.print(_shown(name))
        return
    if name not in CHANGEABLE:
        raise CommandError("Resource not permitted to be set")
    try:
        limit = resource.RLIM_INFINITY if value[0] == "unlimited" else int(value[0])
        resource.setrlimit(LIMITS[name][0], (limit, limit))
    except (ValueError, OSError) as error:
        raise CommandError(f"{name} cannot be limited to {value[0]}: {error}") from None


def _shown(name: str) -> str:
    number, text = LIMITS[name]
    soft, hard = resource.getrlimit(number)
    told = "effectively unlimited" if hard == resource.RLIM_INFINITY else f"limited to {soft}"
    return f"{text[0].upper()}{text[1:]} ({name}) is {told}."
