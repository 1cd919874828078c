"""Commands through the control socket of a real daemon: what people and scripts see."""

import re
from typing import Any

import pytest


def test_version_names_asterisk_first(daemon: Any) -> None:
    assert re.match(r"Asterisk 22\.\d+\.\d+ \(Offhook [\d.]+\) on a ", daemon.run("core show version"))


def test_uptime_counts(daemon: Any) -> None:
    assert re.fullmatch(r"System uptime: \d+ seconds?\nLast reload: \d+ seconds?\n", daemon.run("core show uptime"))
    assert re.fullmatch(r"System uptime: \d+\nLast reload: \d+\n", daemon.run("core show uptime seconds"))


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (
            "nonsense here",
            "No such command 'nonsense here' (type 'core show help nonsense' for other possible commands)\n",
        ),
        (
            "core show nonsense",
            "No such command 'core show nonsense' (type 'core show help core show nonsense' for other possible "
            "commands)\n",
        ),
        (
            "core show application Nix",
            "Your application(s) is (are) not registered\nCommand 'core show application Nix' failed.\n",
        ),
        ("core show channel X", "X is not a known channel\n"),
        ("database get f k", "Database entry not found.\n"),
        ("dialplan show nix", "There is no existence of 'nix' context\nCommand 'dialplan show nix' failed.\n"),
        (
            "dialplan show 7@default",
            "There is no existence of 7@default extension\nCommand 'dialplan show 7@default' failed.\n",
        ),
        ("module load nix", "Unable to load module nix\nCommand 'module load nix' failed.\n"),
        ("module reload nix", "No such module 'nix'\n"),
        ("module reload app_echo.so", "The module 'app_echo.so' does not support reloads\n"),
        ("", ""),
    ],
)
def test_answers_to_what_cannot_be_done(daemon: Any, command: str, answer: str) -> None:
    assert daemon.run(command) == answer


def test_wrong_arguments_print_the_usage(daemon: Any) -> None:
    assert daemon.run("core show channels nonsense").startswith(
        "Usage: core show channels [concise|verbose|count]\n       List"
    )


def test_case_and_blanks_do_not_matter(daemon: Any) -> None:
    assert daemon.run("  CORE   show Calls ").endswith("calls processed\n")


def test_help_lists_and_explains(daemon: Any) -> None:
    everything = daemon.run("core show help").splitlines()
    assert "core show channels [concise|verbose|count] -- Display information on channels" in everything
    assert everything == sorted(everything, key=lambda line: line.lower().partition(" -- ")[0].rstrip())
    assert not [line for line in everything if line.startswith("_")]
    beginning = daemon.run("core show help module").splitlines()
    assert [line.split(" -- ")[0].strip() for line in beginning] == [
        "module load",
        "module refresh",
        "module reload",
        "module show [like]",
        "module unload",
    ]
    assert daemon.run("core show help module load") == (
        "Usage: module load <module>\n       Load a module that does not run.\n"
    )
    assert daemon.run("core show help nix") == "No such command 'nix'.\n"


def test_manuals_of_applications_and_functions(daemon: Any) -> None:
    assert re.search(
        r"\n  -= Info about Application 'Echo' =- \n\n\[Synopsis\]\n.+\n\n\[Provided By\]\napp_echo\n\n\[Descr",
        daemon.run("core show application echo"),
    )
    assert "            Echo: " in daemon.run("core show applications like ech")
    assert daemon.run("core show applications describing nothingatall").endswith("    -= 0 Applications Matching =-\n")
    assert "[Syntax]\nLEN(" in daemon.run("core show function LEN")
    assert daemon.run("core show function len").startswith("No function by that name registered.\n")


def test_every_word_has_a_manual(daemon: Any) -> None:
    for command in ("core show applications", "core show functions"):
        assert "<Synopsis not available>" not in daemon.run(command)


def test_completion_of_commands_and_arguments(daemon: Any) -> None:
    def completed(line: str) -> list[str]:
        answer: str = daemon.run(f'_command complete "{line}"')
        return answer.split()

    assert completed("co") == ["config", "core"]
    assert completed("core show chann") == ["channel", "channels", "channeltype", "channeltypes"]
    assert completed("core show channels ") == ["concise", "count", "verbose"]
    assert completed("core show channels v") == ["verbose"]
    assert "Echo" in completed("core show application ec")
    assert completed("module unload app_e") == ["app_echo.so"]
    assert completed("core show help module re") == ["refresh", "reload"]
    assert completed("dialplan show de") == ["default"]
    assert completed("dialplan show 100@o") == ["100@other"]
    assert completed("nonsense ") == []


def test_dialplan_show_has_the_shape_that_tools_parse(daemon: Any) -> None:
    assert daemon.run("dialplan show default") == (
        "[ Context 'default' created by 'pbx_config' ]\n"
        "  '100' (CID match '5551') =>  1. Hangup()                                   [extensions.conf:11]\n"
        "  '100' =>          1. NoOp(first)                                [extensions.conf:9]\n"
        "     [wait]         2. Wait(60)                                   [extensions.conf:10]\n"
        "  '300' =>          hint: Custom:lamp                             [extensions.conf:13]\n"
        "  '_2XX' =>         1. Hangup()                                   [extensions.conf:12]\n"
        "  Include =>        'other'                                       [pbx_config]\n"
        "  Ignore pattern => '9'                                           [pbx_config]\n"
        "\n"
        "-= 4 extensions (5 priorities) in 1 context. =-\n"
    )


def test_dialplan_show_of_an_extension_follows_includes(daemon: Any) -> None:
    assert daemon.run("dialplan show 500@default") == (
        "[ Included context 'other' created by 'pbx_config' ]\n"
        "  '500' =>          1. Hangup()                                   [extensions.conf:18]\n"
        "\n"
        "-= 1 extension (1 priority) in 1 context. =-\n"
    )


def test_the_dialplan_changes_by_command_and_is_saved(daemon: Any) -> None:
    assert daemon.run("dialplan add extension 1,1,Dial,Local/2@b into new") == (
        "Context 'new' did not exist prior to add extension - the context will be created.\n"
        "Extension '1,1,Dial(Local/2@b)' added into 'new' context\n"
    )
    again = daemon.run("dialplan add extension 1,1,Answer() into new")
    assert again.startswith("Extension 1@new with priority 1 already exists\n")
    assert daemon.run("dialplan add extension 1,1,Set(a=b;c) into new replace") == (
        "Extension 1@new (1) replace by '1,1,Set(a=b;c)'\n"
    )
    assert daemon.run("dialplan add include other into new") == "Context 'other' included in 'new' context\n"
    assert daemon.run("dialplan add ignorepat 8 into new") == "Ignore pattern '8' added into 'new' context\n"
    target = daemon.folder / "saved.conf"
    assert daemon.run(f"dialplan save {target}") == f"Dialplan successfully saved into '{target}'\n"
    saved = target.read_text()
    assert "[globals]\nCITY => Bern\n\n" in saved
    assert "[new]\nexten => 1,1,Set(a=b\\;c)\n\ninclude => other\n\nignorepat => 8\n" in saved
    assert "exten => 100/5551,1,Hangup()\n" in saved
    assert "exten => 100,2(wait),Wait(60)\n" in saved
    assert daemon.run("dialplan remove extension 1@new 1") == "Extension 1@new with priority 1 removed\n"
    assert daemon.run("dialplan remove include other from new") == "We are not including 'other' into 'new' now\n"
    assert daemon.run("dialplan remove ignorepat 8 from new") == "Ignore pattern '8' removed from 'new' context\n"
    assert daemon.run("dialplan remove context new") == "Removed context 'new'\n"
    assert daemon.run("dialplan remove context new") == "There is no such context as 'new'\n"
    assert daemon.run("dialplan remove extension 1@new x").startswith("Invalid priority 'x'\n")


def test_a_dialplan_reload_takes_the_file_as_it_is_now(daemon: Any) -> None:
    path = daemon.folder / "etc" / "extensions.conf"
    text = path.read_text()
    try:
        path.write_text(text + "exten => 501,1,Hangup()\n")
        assert daemon.run("dialplan reload") == "Dialplan reloaded.\n"
        assert "'501' =>" in daemon.run("dialplan show other")
    finally:
        path.write_text(text)
        daemon.run("dialplan reload")
    assert "'501' =>" not in daemon.run("dialplan show other")


def test_global_variables(daemon: Any) -> None:
    assert daemon.run("dialplan set global RIVER Aare") == "\n    -- Global variable 'RIVER' set to 'Aare'\n"
    shown = daemon.run("dialplan show globals")
    assert "   RIVER=Aare\n" in shown
    assert "   CITY=Bern\n" in shown
    assert shown.endswith(" variable(s)\n")
    assert daemon.run("dialplan eval function LEN(${RIVER})") == "Return Value: Success (0)\nResult: 4\n"


def test_hints(daemon: Any) -> None:
    assert "300@default                   : Custom:lamp" in daemon.run("core show hints")
    assert daemon.run("core show hint 300").endswith("1 hint matching extension 300\n")
    assert daemon.run("core show hint 7") == "No hints matching extension 7\n"


def test_a_call_is_shown_and_hung_up(daemon: Any) -> None:
    assert daemon.run("channel originate Local/100@default extension 100@default") == ""
    lines = daemon.run("core show channels").splitlines()
    assert lines[0] == f"{'Channel':<64} {'Location':<32} {'State':<7} {'Application(Data)':<30}"
    assert any(line.startswith("Local/100@default-") and "Wait(60)" in line for line in lines)
    assert "2 active channels" in lines
    name = next(line.split()[0] for line in lines if line.startswith("Local/") and ";2" in line)
    concise = daemon.run("core show channels concise").splitlines()
    assert len(concise) == 2
    assert all(line.count("!") == 13 for line in concise)
    shown = daemon.run(f"core show channel {name}")
    assert f"           Name: {name}\n" in shown
    assert "        Context: default\n" in shown
    assert "Call Identifier: [C-" in shown
    daemon.run(f"dialplan set chanvar {name} COLOUR green")
    assert "COLOUR=green\n" in daemon.run(f"dialplan show chanvar {name}")
    refused = daemon.run(f"channel redirect {name} nowhere")
    assert refused.startswith(f"Channel '{name}' failed to be redirected to nowhere: there is no priority or label")
    assert daemon.run(f"channel redirect {name} default,100,wait") == (
        f"Channel '{name}' successfully redirected to default,100,wait\n"
    )
    assert daemon.run("channel request hangup Nix/1") == "Nix/1 is not a known channel\n"
    assert daemon.run("channel request hangup L*").startswith("L* did not match a known channel\n")
    assert daemon.run("channel request hangup /(/").startswith("/(/ is not a valid POSIX Extended Regular Expression")
    daemon.run("channel request hangup /^local/")
    assert daemon.run("core show channels count").splitlines()[:2] == ["0 active channels", "0 active calls"]


def test_modules_come_and_go(daemon: Any) -> None:
    listed = daemon.run("module show like app_echo")
    assert listed.splitlines()[0].split() == [
        *("Module", "Description", "Use", "Count", "Status", "Support", "Level"),
    ]
    assert re.search(r"\napp_echo\.so +\S.* 0 +Running +core\n1 modules loaded\n$", listed)
    assert daemon.run("module unload app_echo") == "Unloaded app_echo\n"
    assert daemon.run("module show like app_echo").endswith("\n0 modules loaded\n")
    assert daemon.run("core show application Echo").startswith("Your application(s)")
    assert daemon.run("module unload app_echo").startswith("Unable to unload resource app_echo\n")
    assert daemon.run("module load app_echo.so") == "Loaded app_echo.so\n"
    assert daemon.run("module load app_echo.so").startswith("Unable to load module app_echo.so\n")
    assert daemon.run("module refresh app_echo") == "Unloaded and loaded app_echo\n"
    assert daemon.run("module reload pbx_config.so") == "Module 'pbx_config.so' reloaded successfully.\n"


def test_the_database_by_command(daemon: Any) -> None:
    assert daemon.run("database put colours sky blue") == "Updated database successfully\n"
    assert daemon.run("database get colours sky") == "Value: blue\n"
    assert daemon.run("database show colours") == (f"{'/colours/sky':<50}: {'blue':<25}\n1 results found.\n")
    assert daemon.run("database showkey sky").endswith("1 results found.\n")
    assert daemon.run("database query \"SELECT value FROM astdb WHERE key='/colours/sky'\"") == (
        f"value: {'blue':<50}\n\n"
    )
    assert daemon.run('database query "nonsense"').startswith("The query failed: ")
    assert daemon.run("database del colours sky") == "Database entry removed.\n"
    assert daemon.run("database del colours sky") == "Database entry could not be removed.\n"
    daemon.run("database put colours a/b 1")
    assert daemon.run("database deltree colours a") == "1 database entries removed.\n"
    assert daemon.run("database deltree colours") == "Database entries do not exist.\n"


def test_log_channels_by_command(daemon: Any) -> None:
    path = daemon.folder / "log" / "extra.log"
    assert daemon.run("logger add channel extra.log verbose(5),warning") == ""
    assert daemon.run("logger add channel extra.log warning") == "Logger channel 'extra.log' already exists\n"
    shown = daemon.run("logger show channels")
    assert shown.startswith("Logger queue limit: 1000\n\nChannel ")
    assert re.search(r"extra\.log +File +default +Enabled +- WARNING VERBOSE \n", shown)
    assert re.search(r"full\.log +File +plain +Enabled +- DEBUG TRACE NOTICE ", shown)
    daemon.run("module refresh app_echo")
    assert daemon.run("logger remove channel extra.log") == "Removed dynamic logger channel 'extra.log'\n"
    assert "Unloading app_echo.so" in path.read_text()
    assert daemon.run("logger remove channel extra.log") == "Unable to find dynamic logger channel 'extra.log'\n"
    assert daemon.run("logger rotate") == ""
    assert (daemon.folder / "log" / "full.log.0").exists()
    assert daemon.run("logger reload") == ""
    assert daemon.run("logger show levels").splitlines()[:4] == [
        "Level Name",
        "----- ----",
        "    0 DEBUG",
        "    1 TRACE",
    ]


def test_verbose_and_debug_levels(daemon: Any) -> None:
    assert daemon.run("core set verbose 5") == "Console verbose was 3 and is now 5.\n"
    assert daemon.run("core set verbose atleast 4") == "Console verbose is still 5.\n"
    assert daemon.run("core set verbose 3 silent") == ""
    assert daemon.run("core set debug 2") == "Core debug was OFF and is now 2.\n"
    assert daemon.run("core set debug off") == "Core debug was 2 and is now OFF.\n"
    assert daemon.run("core set debug 3 app_echo.so") == ("Core debug was 0 and has been set to 3 for 'app_echo'.\n")
    assert daemon.run("core set debug 3 app_echo") == "Core debug is still 3 for 'app_echo'.\n"
    assert daemon.run("core set debug 0 app_echo") == "Core debug was 3 and has been set to 0 for 'app_echo'.\n"
    assert daemon.run("core set debug 1 nix") == "There is no module nix\n"


def test_configuration_files_and_their_help(daemon: Any) -> None:
    assert re.search(r"pbx_config +/\S+/extensions\.conf", daemon.run("config list"))
    assert daemon.run(f"config reload {daemon.folder}/etc/extensions.conf") == ""
    assert "\tlogger\n" in daemon.run("config show help")
    assert "rotatestrategy" in daemon.run("config show help logger general")
    assert "Default: sequential\n" in daemon.run("config show help logger general rotatestrategy")
    assert daemon.run("config show help nix") == "Module nix not found.\n"
    assert "\n;rotatestrategy = sequential\n" in daemon.run("config show sample logger.conf")
    assert daemon.run("core show config mappings") == "No config mappings found.\n"


def test_media_formats(daemon: Any) -> None:
    codecs = daemon.run("core show codecs audio")
    assert re.search(r"\n +\d+ audio ulaw +ulaw +\d+ \(G\.711 u-law\)\n", codecs)
    assert "video" not in codecs
    assert daemon.run("core show codec 99999") == "Codec 99999 not found\n"
    assert re.search(r"\n\d+ file formats registered\.\n$", daemon.run("core show file formats"))
    assert "Translation times between formats" in daemon.run("core show translation")
    assert "To alaw" in daemon.run("core show translation paths ulaw")
    assert daemon.run("core show translation paths nix") == 'Source codec "nix" is not found.\n'


def test_the_daemon_and_the_machine(daemon: Any) -> None:
    settings = daemon.run("core show settings")
    assert f"  Configuration file:          {daemon.config}\n" in settings
    assert "  Root console verbosity:      3\n" in settings
    assert "  Total RAM: " in daemon.run("core show sysinfo")
    assert re.search(r"\n\d+ threads listed\.\n$", daemon.run("core show threads"))
    assert "1 taskprocessors" in daemon.run("core show taskprocessors")
    assert daemon.run("core show license").startswith("Offhook is free software")
    assert "no warranty" in daemon.run("core show warranty")
    assert "Local " in daemon.run("core show channeltypes")
    assert daemon.run("core show channeltype local").startswith("-- Info about channel driver: Local --\n")
    assert daemon.run("core show switches") == "There are no registered alternative switches\n"
    assert daemon.run("!ls").startswith("No such command")
