"""What the process is to the operating system: background, user, limits, priority, pid file, children."""

from __future__ import annotations

import grp
import os
import pwd
import resource
import signal
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ctypes

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_KEEPCAPS: Final = 8
REALTIME_PRIORITY: Final = 10
_LINUX_CAPABILITY_VERSION_3: Final = 0x20080522

#: Capabilities kept when another user takes over: real-time media, QoS marks, steering BPF, raw RTP socket, low ports.
CAPABILITIES: Final = {"net_bind_service": 10, "net_admin": 12, "net_raw": 13, "sys_nice": 23, "bpf": 39}


class StartError(Exception):
    """The daemon cannot start; the sentence is shown on the terminal and the exit status is 1."""


def _libc() -> ctypes.CDLL:
    import ctypes  # most start without

    return ctypes.CDLL(None, use_errno=True)


def to_background() -> None:
    """Become a daemon: a new session without a terminal, input and output on /dev/null. Before any thread starts."""
    if os.fork():
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:
        os.close(null)


def take_name(name: str, arguments: list[str]) -> None:
    """Be found by pidof, killall and ps under the program's name, not as an interpreter that runs a script.

    Rewrites the process's argument area (proc(5), fields 48 and 49 of stat) and its command name.
    """
    try:
        with open("/proc/self/comm", "w", encoding="utf-8") as comm:
            comm.write(name[:15])
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        shown = b"\0".join(os.fsencode(word) for word in (name, *arguments))[: end - start - 1]
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            memory.write(shown.ljust(end - start, b"\0"))
    except (OSError, ValueError, IndexError):
        return  # it works under the interpreter's name as well


def limits(*, dump_core: bool, files: int) -> None:
    """Set the limits on core dumps and on open files (0: leave it)."""
    if dump_core:
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (OSError, ValueError) as error:
            print(f"Unable to lift the limit on core dumps: {error}", file=sys.stderr)
    if files:
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = max(files, hard) if os.geteuid() == 0 and hard != resource.RLIM_INFINITY else hard
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
        except (OSError, ValueError) as error:
            print(f"Unable to set the limit of open files to {files}: {error}", file=sys.stderr)


def realtime_priority() -> None:
    """Ask for real-time scheduling; without the right to it things go on as they are."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))
    except (OSError, AttributeError) as error:
        print(f"Unable to set high priority: {error}", file=sys.stderr)


def make_run_directory(path: str) -> bool:
    """Make the directory of socket and pid file; True when it was there already."""
    try:
        os.makedirs(path, mode=0o755)
    except FileExistsError:
        return True
    except OSError as error:
        print(f"Unable to make {path}, remote consoles cannot connect: {error.strerror}", file=sys.stderr)
    return False


def become(user: str, group: str, run_directory: str, existed: bool, *, dump_core: bool = False) -> None:
    """Run as another user and group, keeping the capabilities that media needs and, when asked to, the possibility of
    core dumps, which a change of user takes away (prctl(2), PR_SET_DUMPABLE). Raises StartError."""
    root = os.geteuid() == 0
    if root and group:
        try:
            gid = grp.getgrnam(group).gr_gid
        except KeyError:
            raise StartError(f"No such group '{group}'!") from None
        if not existed and os.path.isdir(run_directory):
            os.chown(run_directory, -1, gid)
        os.setgid(gid)
        os.setgroups([])
    if not user:
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise StartError(f"No such user '{user}'!") from None
    if not root:
        if entry.pw_uid != os.geteuid():
            raise StartError(f"Offhook was started without root's rights and cannot run as '{user}'")
        return
    if os.path.isdir(run_directory):
        os.chown(run_directory, entry.pw_uid, -1)
    libc = _libc()
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    if not group:
        os.setgid(entry.pw_gid)
        os.initgroups(user, entry.pw_gid)
    os.setuid(entry.pw_uid)
    _keep_capabilities(libc)
    if dump_core:
        libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def _keep_capabilities(libc: ctypes.CDLL) -> None:
    """Give the new user those of the capabilities that the process had (capset(2), version 3)."""
    import ctypes

    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    class Data(ctypes.Structure):
        _fields_ = (
            ("effective", ctypes.c_uint32),
            ("permitted", ctypes.c_uint32),
            ("inheritable", ctypes.c_uint32),
        )

    header = Header(_LINUX_CAPABILITY_VERSION_3, 0)
    sets = (Data * 2)()
    if libc.capget(ctypes.byref(header), sets):
        print("Unable to read the process's capabilities", file=sys.stderr)
        return
    for number in range(64):
        keep = number in CAPABILITIES.values()
        half, bit = sets[number // 32], 1 << number % 32
        had = bool(half.permitted & bit)
        for field in ("effective", "permitted", "inheritable"):
            value = getattr(half, field) & ~bit
            setattr(half, field, value | bit if keep and had else value)
    if libc.capset(ctypes.byref(header), sets):
        print("Unable to keep capabilities: media runs without real-time priority and steering", file=sys.stderr)


def usable_directory(*, background: bool, dump_core: bool) -> None:
    """Leave a working directory that cannot be used, or that a background process would keep busy."""
    try:
        usable = os.access(os.getcwd(), os.R_OK | os.X_OK, effective_ids=True)
    except OSError:
        usable = False
    if not usable or (background and not dump_core):
        os.chdir("/")


def write_pid_file(path: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as target:
            target.write(f"{os.getpid()}\n")
    except OSError as error:
        print(f"Unable to open pid file '{path}': {error.strerror}", file=sys.stderr)


def die_with_parent() -> None:
    """For a child, before exec: end when the daemon ends, however it ends (prctl(2) PR_SET_PDEATHSIG)."""
    _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
