"""Commands about the manager, in Asterisk's shapes."""

import pytest

from offhook.control.cli.run import run_command
from offhook.dialplan.scope import Scope


@pytest.fixture
def run(exchange, ami):
    async def typed(line):
        _done, text = await run_command(exchange.pbx, line)
        return text.split("\n")[:-1]

    return typed


async def test_users(run):
    assert await run("manager show users") == [
        "",
        "username",
        "--------",
        "admin",
        "plain",
        "-------------------",
        "2 manager users configured.",
    ]
    lines = await run("manager show user plain")
    assert lines[1:8] == [
        "          username: plain",
        "            secret: <Set>",
        "               ACL: no",
        "         read perm: call,user",
        "        write perm: call,reporting,originate",
        "   displayconnects: yes",
        "allowmultiplelogin: yes",
    ]
    assert await run("manager show user nobody") == ["There is no manager called nobody"]


async def test_sessions(run, admin, plain):
    lines = await run("manager show connected")
    assert lines[0] == (
        "  Username         IP Address                                               Start       Elapsed     "
        "FileDes   HttpCnt   ReadPerms   WritePerms"
    )
    assert lines[1].startswith("  admin            127.0.0.1   ")
    assert lines[-1] == "2 users connected."
    assert await run("manager kick session 99") == ["No manager session found using file descriptor 99"]
    assert (await run("manager kick session x"))[0] == "Invalid AMI file descriptor: x"


async def test_actions(run):
    lines = await run("manager show commands")
    assert lines[0].split() == ["Action", "Synopsis"]
    assert lines[2].split()[0] == "AbsoluteTimeout"
    assert all(len(line) <= 80 for line in lines)
    manual = await run("manager show command hangup PING")
    assert "  -= Info about Manager Command 'Hangup' =- " in manual
    assert "[Cause:] <value>" in manual
    assert manual.index("[Synopsis]") < manual.index("[Privilege]")
    assert "system,call,all" in manual
    assert await run("manager show command nothing") == []


async def test_events(run):
    lines = await run("manager show events")
    assert lines[0] == "Events:"
    assert lines[-1].endswith(" events registered.")
    names = " ".join(lines).split()
    assert {"Newchannel", "SoftHangupRequest", "ChallengeSent", "Cdr", "HangupHandlerPop"} <= set(names)
    assert (await run("manager show event Hangup"))[0] == "Event: Hangup"
    assert await run("manager show event nothing") == ["Could not find event 'nothing'"]


async def test_settings_and_debugging(run, ami):
    lines = await run("manager show settings")
    assert lines[1:4] == ["Global Settings:", "----------------", "  Manager (AMI):             Yes            "]
    assert await run("manager set debug") == ["manager debug is off"]
    assert await run("manager set debug on") == []
    assert ami.settings.debug
    assert (await run("manager set debug maybe"))[0].startswith("Usage:")


async def test_the_function_ami_client(exchange, admin):
    scope = Scope(exchange.pbx)
    assert scope.read("AMI_CLIENT(admin,sessions)") == "1"
    assert scope.read("AMI_CLIENT(plain,sessions)") == "0"
    assert scope.answer("AMI_CLIENT", "nobody,sessions") is None
