"""Starting and stopping the program, as init scripts, systemd and people do."""

import os
import pwd
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from offhook.daemon import process
from support.patience import PATIENCE_S
from support.process import HOST, MODULES, Running, write_configuration


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "offhook", *arguments],
        env={**os.environ, "PYTHONPATH": str(HOST), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def until(what: object, seconds: float = PATIENCE_S) -> None:
    """Wait for a condition to hold."""
    assert callable(what)
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_version_and_help_need_no_configuration() -> None:
    assert re.match(r"Asterisk 22\.\d+\.\d+ \(Offhook ", program("-V").stdout)
    shown = program("-h")
    assert shown.returncode == 0
    assert shown.stdout.startswith("Usage: offhook [options]\n")
    wrong = program("-Z")
    assert wrong.returncode == 1
    assert "option -Z not recognized" in wrong.stderr


def test_a_command_without_a_daemon_says_where_it_looked(folder: Path) -> None:
    write_configuration(folder)
    done = program("-C", f"{folder}/etc/asterisk.conf", "-rx", "core show version")
    assert done.returncode == 1
    assert done.stderr == f"Unable to connect to remote asterisk (does {folder}/run/asterisk.ctl exist?)\n"


def test_start_run_and_graceful_stop(folder: Path) -> None:
    write_configuration(folder)
    daemon = Running(folder)
    try:
        daemon.wait()
        assert (folder / "run" / "asterisk.pid").read_text() == f"{daemon.process.pid}\n"
        second = daemon.call("-f")
        assert second.returncode == 1
        assert "already running" in second.stderr
        assert daemon.run("core stop gracefully") == ""
        assert daemon.stopped() == (0, "")
    finally:
        daemon.end()
    assert os.listdir(folder / "run") == []
    log = (folder / "log" / "full.log").read_text()
    assert "Asterisk Ready." in log
    assert "ERROR" not in log


def test_sigterm_stops_and_sighup_reloads(folder: Path) -> None:
    write_configuration(folder)
    daemon = Running(folder)
    try:
        daemon.wait()
        extensions = folder / "etc" / "extensions.conf"
        extensions.write_text(extensions.read_text() + "exten => 777,1,Hangup()\n")
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "'777' =>" in daemon.run("dialplan show other"))
        daemon.process.terminate()
        assert daemon.stopped()[0] == 0
    finally:
        daemon.end()


def test_calls_are_ended_properly_by_a_stop(folder: Path) -> None:
    write_configuration(folder)
    daemon = Running(folder)
    try:
        daemon.wait()
        daemon.run("channel originate Local/100@default extension 100@default")
        until(lambda: "2 active channels" in daemon.run("core show channels"))
        assert daemon.run("core stop when convenient") == "Waiting for inactivity to perform halt\n"
        assert daemon.run("core show version") == "Command 'core show version' cannot be run during shutdown\n"
        assert daemon.run("core abort shutdown") == "Shutdown aborted.\n"
        assert daemon.run("core abort shutdown") == ""
        assert "2 active channels" in daemon.run("core show channels")
        waiting = threading.Thread(target=daemon.run, args=("core stop gracefully",))
        waiting.start()  # it answers when the calls are over, or the stop was aborted
        until(lambda: "cannot be run" in daemon.run("core show version"))
        daemon.run("core abort shutdown")
        waiting.join(20)
        assert not waiting.is_alive()
        daemon.run("core stop now")
        assert daemon.stopped()[0] == 0
    finally:
        daemon.end()


def test_a_restart_is_the_same_process_again(folder: Path) -> None:
    write_configuration(folder)
    daemon = Running(folder)
    try:
        daemon.wait()
        daemon.run("database put before restart 1")
        daemon.run("core restart now")
        until(lambda: "'core show channels'" not in daemon.call("-rx", "core show uptime seconds").stderr)
        until(lambda: daemon.call("-rx", "core waitfullybooted").returncode == 0)
        assert daemon.run("database get before restart") == "Value: 1\n"
        assert (folder / "run" / "asterisk.pid").read_text() == f"{daemon.process.pid}\n"
    finally:
        daemon.end()


def test_without_f_it_goes_to_the_background(folder: Path) -> None:
    write_configuration(folder)
    done = program("-C", f"{folder}/etc/asterisk.conf")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    until((folder / "run" / "asterisk.ctl").exists)
    pid = int((folder / "run" / "asterisk.pid").read_text())
    try:
        done = program("-C", f"{folder}/etc/asterisk.conf", "-rx", "core waitfullybooted")
        assert done.stdout == "Asterisk has fully booted.\n"
        assert os.getsid(pid) == pid
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        program("-C", f"{folder}/etc/asterisk.conf", "-rx", "core restart now")
        until(lambda: program("-C", f"{folder}/etc/asterisk.conf", "-rx", "core waitfullybooted").returncode == 0)
        assert int((folder / "run" / "asterisk.pid").read_text()) == pid
    finally:
        os.kill(pid, signal.SIGTERM)
        until(lambda: not (folder / "run" / "asterisk.pid").exists())


@pytest.mark.parametrize(
    ("modules", "sentence"),
    [
        (None, "modules.conf is missing; write one with [modules] and autoload = yes"),
        ("[x]\n", "there is no [modules] section"),
        ("[modules]\nlaod => app_echo.so\n", 'modules.conf:2: unknown option "laod"'),
        (MODULES + "require => nix.so\n", "modules.conf requires nix, and Offhook has no such module"),
        (MODULES + "noload => app_echo.so\nrequire => app_echo\n", "app_echo is both required and excluded by noload"),
    ],
)
def test_a_bad_modules_conf_stops_the_start_with_a_sentence(folder: Path, modules: str | None, sentence: str) -> None:
    write_configuration(folder, modules=modules or "")
    if modules is None:
        (folder / "etc" / "modules.conf").unlink()
    daemon = Running(folder)
    status, output = daemon.stopped()
    assert status == 1
    assert "Offhook cannot start: " in output
    assert sentence in output
    assert os.listdir(folder / "run") == []


def test_unknown_modules_only_warn(folder: Path) -> None:
    write_configuration(folder, modules=MODULES + "load => chan_nix.so\n")
    daemon = Running(folder)
    try:
        daemon.wait()
    finally:
        daemon.end()
    assert "modules.conf loads chan_nix, and Offhook has no such module" in (folder / "log" / "full.log").read_text()


def test_mistakes_in_asterisk_conf_are_told_with_their_line(folder: Path) -> None:
    write_configuration(folder)
    config = folder / "etc" / "asterisk.conf"
    config.write_text(config.read_text() + "verbsoe = 3\nmaxcalls = many\nnocolor = perhaps\nmaxload = -1\n")
    start = config.read_text().split("\n").index("verbsoe = 3") + 1
    daemon = Running(folder)
    try:
        daemon.wait()
    finally:
        daemon.end()
    log = (folder / "log" / "full.log").read_text()
    for offset, sentence in enumerate(
        (
            'unknown option "verbsoe"; it has no effect',
            '"many" for maxcalls is no number',
            '"perhaps" for nocolor is neither yes nor no',
            "maxload must not be negative",
        )
    ):
        assert f"asterisk.conf:{start + offset}: {sentence}" in log


def test_systemd_is_told_and_may_hand_over_the_socket(folder: Path) -> None:
    write_configuration(folder)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(folder / "notify"))
    notify.settimeout(20)
    daemon = Running(folder, environment={"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "200000"})
    try:
        assert notify.recv(100) == b"READY=1"
        assert [notify.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        daemon.run("core stop now")
        messages = [notify.recv(100)]
        while messages[-1] == b"WATCHDOG=1":
            messages.append(notify.recv(100))
        assert messages[-1] == b"STOPPING=1"
        assert daemon.stopped()[0] == 0
    finally:
        daemon.end()
        notify.close()


def test_the_socket_gets_the_mode_that_files_asks_for(folder: Path) -> None:
    write_configuration(folder)
    config = folder / "etc" / "asterisk.conf"
    config.write_text(config.read_text() + "[files]\nastctlpermissions = 0660\nastctl = other.ctl\n")
    daemon = Running(folder)
    try:
        until((folder / "run" / "other.ctl").exists)
        until(lambda: (folder / "run" / "other.ctl").stat().st_mode & 0o777 == 0o660)
        assert daemon.run("core waitfullybooted") == "Asterisk has fully booted.\n"
    finally:
        daemon.end()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_becoming_another_user_keeps_what_media_needs(folder: Path) -> None:
    ours = int(re.findall(r"CapPrm:\s+([0-9a-f]+)", Path("/proc/self/status").read_text())[0], 16)
    wanted = sum(1 << number for number in process.CAPABILITIES.values()) & ours
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        process.become("nobody", "", str(folder), existed=True)
        os.write(writing, Path("/proc/self/status").read_bytes())
        os._exit(0)
    os.close(writing)
    status = os.read(reading, 65536).decode()
    os.close(reading)
    os.waitpid(child, 0)
    nobody = pwd.getpwnam("nobody").pw_uid
    assert re.search(rf"Uid:\s+{nobody}\s+{nobody}\s+{nobody}", status)
    assert int(re.findall(r"CapEff:\s+([0-9a-f]+)", status)[0], 16) == wanted
    assert folder.stat().st_uid == nobody
    unknown = program("-f", "-U", "nosuchuser", "-C", f"{folder}/etc/asterisk.conf")
    assert unknown.returncode == 1
    assert "No such user 'nosuchuser'!" in unknown.stderr


def test_the_foreground_shows_the_log(folder: Path) -> None:
    write_configuration(folder, logger="[logfiles]\nconsole => notice,warning,error\n")
    daemon = Running(folder, options=("-f", "-n"))
    try:
        daemon.wait()
        daemon.run("module load nix")
        daemon.run("module refresh app_echo")
        daemon.run("core stop now")
        output = daemon.stopped()[1]
    finally:
        daemon.end()
    assert "Asterisk Ready.\n" in output
    assert re.search(r"\[\w+ +\d+ [\d:]+\] ERROR\[\d+\]: loader\.py:\d+ load: there is no module nix\n", output)
    # Verbose 4 is above the configured 3.
    assert "Unloading app_echo" not in output


def test_a_console_on_a_pipe_runs_line_after_line(folder: Path) -> None:
    write_configuration(folder)
    daemon = Running(folder)
    try:
        daemon.wait()
        console = daemon.call("-r", input="core show calls\n\n!echo from the shell\nnonsense\nexit\ncore stop now\n")
        assert console.returncode == 0
        lines = console.stdout.splitlines()
        assert lines[0].startswith("Offhook ")
        assert any(re.fullmatch(r"Connected to Asterisk \S+ currently running on \S+ \(pid = \d+\)", x) for x in lines)
        assert "0 active calls" in lines
        assert "from the shell" in lines
        assert lines[-1].startswith("No such command 'nonsense'")
        assert daemon.process.poll() is None
        stopped = daemon.call("-r", input="core stop now\n" + "core show calls\n" * 3)
        assert "Disconnected from the daemon" in stopped.stdout
    finally:
        daemon.end()


def test_a_console_sees_the_log_as_verbose_as_it_wants(folder: Path) -> None:
    write_configuration(folder)
    daemon = Running(folder)
    try:
        daemon.wait()
        console = daemon.call(
            "-r", "-vvvv", input="module refresh app_echo\ncore set verbose 0\nmodule refresh app_echo\n"
        )
        assert console.stdout.count("       > Unloading app_echo.so\n") == 1
        assert console.stdout.count("Unloaded and loaded app_echo\n") == 2
        muted = daemon.call("-r", "-vvvv", "-m", input="module refresh app_echo\n")
        assert "Unloading" not in muted.stdout
        hidden = daemon.call("-r", "-vvvv", input="logger set level verbose off\nmodule refresh app_echo\n")
        assert "Logger status for 'VERBOSE' has been set to 'off'.\n" in hidden.stdout
        assert "Unloading" not in hidden.stdout
        toggled = daemon.call("-r", "-vvvv", input="logger mute\nmodule refresh app_echo\nlogger mute\n")
        assert "Unloading" not in toggled.stdout
        assert toggled.stdout.endswith("Console is not muted anymore.\n")
    finally:
        daemon.end()


def test_startup_commands_aliases_and_permissions(folder: Path) -> None:
    write_configuration(
        folder,
        modules=MODULES + "load => res_clialiases.so\n",
        cli="[startup_commands]\ndialplan set global EARLY 1 = pre-module\ncore set verbose 4 = yes\nnonsense = yes\n",
        cli_aliases=(
            "[general]\ntemplate = mine\ntemplate = nix\n"
            "[mine]\nhelp = core show help\nshow plan = dialplan show\n"
            "module show = core show version\nput = database put\n"
        ),
        cli_permissions=(
            f"[general]\ndefault_perm = deny\n[{pwd.getpwuid(os.geteuid()).pw_name}]\npermit = all\n"
            "deny = database put\ndeny = ^module (un)?load\npermit = module load app_echo\n[nosuchuser]\npermit = all\n"
        ),
    )
    daemon = Running(folder)
    try:
        daemon.wait()
        assert "   EARLY=1\n" in daemon.run("dialplan show globals")
        assert "  Root console verbosity:      4\n" in daemon.run("core show settings")
        assert daemon.run("show plan other").startswith("[ Context 'other' created by 'pbx_config' ]\n")
        assert daemon.run("help module load").startswith("Usage: module load")
        assert daemon.run("show plan nix").startswith("There is no existence of 'nix' context\n")
        assert daemon.run('_command complete "show plan de"') == "default\n"
        assert daemon.run("cli show aliases").splitlines()[1].split() == ["help", "core", "show", "help"]
        refused = "You don't have permissions to run 'database put a b c' command\n"
        assert daemon.run("database put a b c") == refused
        assert daemon.run("put a b c") == refused
        assert daemon.run("module unload app_echo").startswith("You don't have permissions")
        assert daemon.run("module load app_echo").startswith("Unable to load module")
        assert daemon.run("cli check permissions nobody core show version") == (
            "User 'nobody' is not allowed to run command 'core show version'\n"
        )
        assert "\tdeny -> database put\n" in daemon.run("cli show permissions")
        assert daemon.run("cli reload permissions") == ""
        assert daemon.run("module reload res_clialiases") == "Module 'res_clialiases' reloaded successfully.\n"
        assert daemon.run("help module load").startswith("Usage: module load")
    finally:
        daemon.end()
    log = (folder / "log" / "full.log").read_text()
    assert "cli.conf:4: the command failed: No such command 'nonsense'" in log
    assert "the alias module show is left out: a command is called so" in log
    assert "cli_aliases.conf:3: there is no template [nix]" in log
    assert "there is no user nosuchuser" in log


def test_realtime_by_command_and_in_the_dialplan(folder: Path) -> None:
    write_configuration(
        folder,
        modules=MODULES + "".join(f"load => {x}\n" for x in ("res_config_sqlite3", "res_realtime", "func_realtime")),
        extconfig="[settings]\nphones => sqlite3,main\n",
        res_config_sqlite3="[main]\ndbfile = rt.sqlite3\n",
    )
    with sqlite3.connect(folder / "var" / "rt.sqlite3") as disk:
        disk.execute("CREATE TABLE phones (name TEXT, port TEXT)")
    disk.close()
    daemon = Running(folder)
    try:
        daemon.wait()
        assert daemon.run("realtime store phones name ann port 1") == "Stored RealTime record.\n"
        assert daemon.run("realtime load phones name ann").splitlines()[2:] == [
            f"{'name':>20}  {'ann':<40}",
            f"{'port':>20}  {'1':<40}",
        ]
        assert daemon.run("realtime load phones name bob") == "No rows found matching search criteria.\n"
        assert daemon.run("realtime update phones name ann port 2") == "Updated 1 RealTime record.\n"
        assert daemon.run("realtime update2 phones name ann port 2 NULL port 3") == "Updated 1 RealTime record.\n"
        assert "3" in daemon.run('realtime mget phones "port >" 2')
        assert daemon.run("dialplan eval function REALTIME(phones,name,ann)") == (
            "Return Value: Success (0)\nResult: name=ann,port=3,\n"
        )
        assert "Result: 3\n" in daemon.run("dialplan eval function REALTIME_FIELD(phones,name,ann,port)")
        assert daemon.run("realtime destroy phones name ann") == "Removed 1 RealTime record.\n"
        assert daemon.run("realtime store nix a b").startswith("Failed to store record.")
        assert daemon.run("realtime store phones a").startswith("Usage: realtime store")
    finally:
        daemon.end()
