"""Programs in charge of channels: what they are answered, and what the call's end does to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from offhook.calls import events as call_events
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit
from offhook.control.agi import asynchronous, links
from offhook.control.agi.events import AgiExecEnd, AgiExecStart, AsyncAgiEnd, AsyncAgiExec, AsyncAgiStart
from support.call_exchange import Exchange

DIALPLAN = """
[agi]
exten => s,1,Answer()
 same => n,AGI(agi:async,first,second)
 same => n,UserEvent(Done,Status: ${AGISTATUS})
 same => n,Wait(60)
exten => h,1,UserEvent(Ended,Status: ${AGISTATUS})
exten => net,1,Answer()
 same => n,AGI(agi://127.0.0.1:${PORT}/menu?a=b,one)
 same => n,UserEvent(Done,Status: ${AGISTATUS})
 same => n,Wait(60)
exten => run,1,Answer()
 same => n,AGI(${PROGRAM})
 same => n,UserEvent(Done,Status: ${AGISTATUS})
 same => n,Wait(60)
[sub]
exten => s,1,Set(CALLED=${ARG1})
 same => n,Return()
"""


class Steered:
    """A channel in AsyncAGI and a way to give it commands."""

    def __init__(self, exchange: Exchange, channel: Channel) -> None:
        self.exchange = exchange
        self.channel = channel

    async def ask(self, command: str) -> str:
        """Give a command and wait for the answer."""
        exchange = self.exchange
        before = len(exchange.heard(AsyncAgiExec))
        queue = asynchronous.queue_of(self.channel)
        assert queue is not None
        queue.add(command, "7")
        await exchange.until(lambda: len(exchange.heard(AsyncAgiExec)) > before)
        answer = exchange.heard(AsyncAgiExec)[-1]
        assert answer.command_id == "7"
        return unquote(answer.result)


async def steered(exchange: Exchange) -> Steered:
    exchange.dialplan(DIALPLAN)
    await exchange.call("Local/s@agi", application="Wait", data="60")
    await exchange.until(lambda: bool(exchange.heard(AsyncAgiStart)))
    return Steered(exchange, exchange.heard(AsyncAgiStart)[0].channel)


async def test_the_environment_tells_the_call_and_the_arguments(exchange: Exchange) -> None:
    call = await steered(exchange)
    lines = unquote(exchange.heard(AsyncAgiStart)[0].environment).split("\n")
    assert lines[0] == "agi_request: async"
    assert f"agi_channel: {call.channel.name}" in lines
    assert "agi_extension: s" in lines
    assert "agi_priority: 2" in lines
    assert "agi_callerid: unknown" in lines
    assert lines[-4:] == ["agi_arg_1: first", "agi_arg_2: second", "", ""]


async def test_variables_are_set_read_and_evaluated(exchange: Exchange) -> None:
    call = await steered(exchange)
    assert await call.ask('SET VARIABLE FRUIT "green apple"') == "200 result=1\n"
    assert await call.ask("GET VARIABLE FRUIT") == "200 result=1 (green apple)\n"
    assert await call.ask("GET VARIABLE NONE") == "200 result=0\n"
    assert await call.ask('GET FULL VARIABLE "a ${FRUIT} $[1+1]"') == "200 result=1 (a green apple 2)\n"
    assert await call.ask("GET FULL VARIABLE ${FRUIT} Nobody/1") == "200 result=0\n"
    assert await call.ask("GET VARIABLE NOSUCH(1)") == "200 result=0\n"


async def test_the_database_is_written_read_and_cleared(exchange: Exchange) -> None:
    call = await steered(exchange)
    assert await call.ask("DATABASE GET f k") == "200 result=0\n"
    assert await call.ask("DATABASE PUT f k v") == "200 result=1\n"
    assert await call.ask("DATABASE GET f k") == "200 result=1 (v)\n"
    assert await call.ask("DATABASE DEL f k") == "200 result=1\n"
    assert await call.ask("DATABASE DEL f k") == "200 result=0\n"
    assert await call.ask("DATABASE DELTREE f") == "200 result=1\n"


async def test_unknown_and_wrong_commands_are_told_so(exchange: Exchange) -> None:
    call = await steered(exchange)
    assert await call.ask("DANCE") == "510 Invalid or unknown command\n"
    assert (await call.ask("GET VARIABLE")).startswith("520-Invalid command syntax.  Proper usage follows:\n")
    assert [end.result_code for end in exchange.heard(AgiExecEnd)] == [510, 520]
    assert exchange.heard(AgiExecStart)[0].command_id == exchange.heard(AgiExecEnd)[0].command_id


async def test_channel_status_and_hangup_of_others(exchange: Exchange) -> None:
    call = await steered(exchange)
    assert await call.ask("CHANNEL STATUS") == "200 result=6\n"
    assert await call.ask("CHANNEL STATUS Nobody/1") == "200 result=-1\n"
    assert await call.ask("HANGUP Nobody/1") == "200 result=-1\n"


async def test_applications_are_run(exchange: Exchange) -> None:
    call = await steered(exchange)
    assert await call.ask("EXEC Set COLOUR=red") == "200 result=0\n"
    assert call.channel.get("COLOUR") == "red"
    assert await call.ask("EXEC NoSuchThing") == "200 result=-2\n"


async def test_a_failing_command_ends_asyncagi_as_a_failure(exchange: Exchange) -> None:
    call = await steered(exchange)
    await call.ask("EXEC NoSuchThing")
    await exchange.until(lambda: bool(exchange.heard(call_events.UserEvent)))
    assert exchange.heard(call_events.UserEvent)[0].headers == (("Status", "FAILURE"),)


async def test_options_are_evaluated_when_agiexecfull_says_so(exchange: Exchange) -> None:
    call = await steered(exchange)
    await call.ask("SET VARIABLE A 1")
    await call.ask("EXEC Set B=${A}")
    assert call.channel.get("B") == "${A}"
    await call.ask("SET VARIABLE AGIEXECFULL yes")
    await call.ask("EXEC Set B=${A}")
    assert call.channel.get("B") == "1"


async def test_a_subroutine_is_called(exchange: Exchange) -> None:
    from offhook.apps import flow

    exchange.load(flow)
    call = await steered(exchange)
    assert await call.ask("GOSUB sub s 1 hello") == "100 result=0 Trying...\n200 result=0 Gosub complete\n"
    assert call.channel.get("CALLED") == "hello"


async def test_digits_are_waited_for(exchange: Exchange) -> None:
    call = await steered(exchange)
    asking = asyncio.ensure_future(call.ask("WAIT FOR DIGIT -1"))
    await exchange.until(lambda: call.channel.waiter is not None)
    call.channel.deliver(Digit("5"))
    assert await asking == f"200 result={ord('5')}\n"
    assert await call.ask("WAIT FOR DIGIT 0") == "200 result=0\n"


async def test_data_ends_with_the_pound_key(exchange: Exchange) -> None:
    call = await steered(exchange)
    asking = asyncio.ensure_future(call.ask('GET DATA "" 10000 10'))
    await exchange.until(lambda: call.channel.waiter is not None)
    for digit in "42#":
        call.channel.deliver(Digit(digit))
    assert await asking == "200 result=42\n"


async def test_a_missing_file_is_an_error_with_its_place(exchange: Exchange) -> None:
    call = await steered(exchange)
    assert await call.ask('STREAM FILE nothing "" 16') == "200 result=-1 endpos=16\n"


async def test_break_goes_on_with_the_dialplan(exchange: Exchange) -> None:
    call = await steered(exchange)
    assert await call.ask("ASYNCAGI BREAK") == "200 result=0\n"
    await exchange.until(lambda: bool(exchange.heard(call_events.UserEvent)))
    assert exchange.heard(call_events.UserEvent)[0].headers == (("Status", "SUCCESS"),)
    assert len(exchange.heard(AsyncAgiEnd)) == 1


async def test_the_end_of_the_call_ends_a_command_and_asyncagi(exchange: Exchange) -> None:
    call = await steered(exchange)
    asking = asyncio.ensure_future(call.ask("WAIT FOR DIGIT -1"))
    await exchange.until(lambda: call.channel.waiter is not None)
    call.channel.request_hangup()
    assert await asking == "200 result=-1\n"
    await exchange.until(lambda: bool(exchange.heard(call_events.UserEvent)))
    ended = exchange.heard(call_events.UserEvent)[0]
    assert (ended.name, ended.headers) == ("Ended", (("Status", "HANGUP"),))


async def test_a_priority_set_by_the_program_is_gone_to(exchange: Exchange) -> None:
    call = await steered(exchange)
    await call.ask("SET EXTENSION run")
    await call.ask("SET VARIABLE PROGRAM missing.agi")
    await call.ask("SET PRIORITY 2")
    await call.ask("ASYNCAGI BREAK")
    await _eventually(lambda: bool(exchange.heard(call_events.UserEvent)))
    assert exchange.heard(call_events.UserEvent)[0].headers == (("Status", "NOTFOUND"),)


# ---- over the network ---------------------------------------------------------------------------------


async def _eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (a condition of programs and sockets)
            await asyncio.sleep(0.005)


class Server:
    """A FastAGI server that is driven by the test."""

    def __init__(self) -> None:
        self.greeting: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = []
        while (line := (await reader.readline()).decode().rstrip("\n")) != "":
            lines.append(line)
        self.streams = reader, writer
        self.greeting.set_result(lines)

    async def say(self, line: str) -> None:
        assert self.streams is not None
        self.streams[1].write(line.encode() + b"\n")

    async def hear(self) -> str:
        assert self.streams is not None
        return (await self.streams[0].readline()).decode()


async def serving(exchange: Exchange) -> tuple[Server, asyncio.Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    exchange.dialplan(DIALPLAN)
    exchange.pbx.set_global("PORT", str(port))
    await exchange.call("Local/net@agi", application="Wait", data="60")
    return server, listening


async def test_fastagi_says_who_it_is_and_takes_commands(exchange: Exchange) -> None:
    server, listening = await serving(exchange)
    lines = await server.greeting
    assert lines[:2] == ["agi_network: yes", "agi_network_script: menu?a=b"]
    assert lines[-1] == "agi_arg_1: one"
    await server.say("SET VARIABLE X 1")
    assert await server.hear() == "200 result=1\n"
    assert server.streams is not None
    server.streams[1].close()
    await _eventually(lambda: bool(exchange.heard(call_events.UserEvent)))
    assert exchange.heard(call_events.UserEvent)[0].headers == (("Status", "SUCCESS"),)
    listening.close()


async def test_fastagi_is_told_of_the_hangup_and_may_go_on(exchange: Exchange) -> None:
    server, listening = await serving(exchange)
    await server.greeting
    channel = exchange.named("Local/net@agi-00000000;2")
    channel.request_hangup()
    assert await server.hear() == "HANGUP\n"
    await server.say("ANSWER")
    assert await server.hear() == "511 Command Not Permitted on a dead channel or intercept routine\n"
    await server.say("SET VARIABLE X 1")
    assert await server.hear() == "200 result=1\n"
    assert server.streams is not None
    server.streams[1].close()
    await _eventually(lambda: bool(exchange.heard(call_events.UserEvent)))
    assert exchange.heard(call_events.UserEvent)[0].headers == (("Status", "HANGUP"),)
    listening.close()


async def test_another_command_ends_the_wait_for_a_digit(exchange: Exchange) -> None:
    server, listening = await serving(exchange)
    await server.greeting
    channel = exchange.named("Local/net@agi-00000000;2")
    await server.say("WAIT FOR DIGIT -1")
    await _eventually(lambda: channel.waiter is not None)
    await server.say("NOOP")
    assert await server.hear() == "200 result=1\n"
    assert await server.hear() == "200 result=0\n"
    assert server.streams is not None
    server.streams[1].close()
    listening.close()


async def test_a_server_that_is_not_there_is_a_failure(exchange: Exchange) -> None:
    server, listening = await serving(exchange)
    await server.greeting
    assert server.streams is not None
    server.streams[1].close()
    listening.close()
    await listening.wait_closed()
    await _eventually(lambda: bool(exchange.heard(call_events.UserEvent)))
    await exchange.call("Local/net@agi", application="Wait", data="60")
    await _eventually(lambda: len(exchange.heard(call_events.UserEvent)) > 1)
    assert exchange.heard(call_events.UserEvent)[1].headers == (("Status", "FAILURE"),)


# ---- child processes ------------------------------------------------------------------------------------


async def run_program(exchange: Exchange, tmp_path: Path, text: str, mode: int = 0o755) -> str:
    """Run a program on a call; what AGISTATUS became."""
    program = tmp_path / "program.agi"
    program.write_text(text)
    program.chmod(mode)
    exchange.dialplan(DIALPLAN)
    exchange.pbx.set_global("PROGRAM", "program.agi")
    await exchange.call("Local/run@agi", application="Wait", data="60")
    await _eventually(lambda: bool(exchange.heard(call_events.UserEvent)))
    return str(exchange.heard(call_events.UserEvent)[0].headers[0][1])


async def test_a_program_reads_its_environment_and_gives_commands(exchange: Exchange, tmp_path: Path) -> None:
    program = '#!/bin/sh\nread line\necho "SET VARIABLE SEEN \\"$line\\""\nread answer\nexit 0\n'
    assert await run_program(exchange, tmp_path, program) == "SUCCESS"
    seen = [event.value for event in exchange.heard(call_events.VarSet) if event.name == "SEEN"]
    assert seen == ["agi_request: program.agi"]


async def test_commands_sent_at_once_are_all_carried_out(exchange: Exchange, tmp_path: Path) -> None:
    program = "#!/bin/sh\necho 'SET VARIABLE A 1'\necho 'EXEC Set B=2'\nexit 0\n"
    assert await run_program(exchange, tmp_path, program) == "SUCCESS"
    names = [event.name for event in exchange.heard(call_events.VarSet)]
    assert "A" in names
    assert "B" in names


async def test_exit_status_and_what_cannot_be_run_are_failures(exchange: Exchange, tmp_path: Path) -> None:
    assert await run_program(exchange, tmp_path, "#!/bin/sh\nexit 3\n") == "FAILURE"


async def test_a_program_that_is_no_program_is_a_failure(exchange: Exchange, tmp_path: Path) -> None:
    assert await run_program(exchange, tmp_path, "#!/bin/sh\n", mode=0o644) == "FAILURE"


async def test_a_missing_program_is_not_found(exchange: Exchange) -> None:
    exchange.dialplan(DIALPLAN)
    exchange.pbx.set_global("PROGRAM", "none.agi")
    await exchange.call("Local/run@agi", application="Wait", data="60")
    await _eventually(lambda: bool(exchange.heard(call_events.UserEvent)))
    assert exchange.heard(call_events.UserEvent)[0].headers == (("Status", "NOTFOUND"),)


async def test_a_program_gets_sighup_when_the_call_ends(exchange: Exchange, tmp_path: Path) -> None:
    mark = tmp_path / "hung-up"
    program = tmp_path / "program.agi"
    program.write_text(
        f"#!/bin/sh\ntrap 'touch {mark}; exit 0' HUP\necho 'NOOP'\nread x\nwhile :; do sleep 0.01; done\n"
    )
    program.chmod(0o755)
    exchange.dialplan(DIALPLAN)
    exchange.pbx.set_global("PROGRAM", "program.agi")
    await exchange.call("Local/run@agi", application="Wait", data="60")
    await _eventually(lambda: bool(exchange.heard(AgiExecEnd)))
    exchange.named("Local/run@agi-00000000;2").request_hangup()
    await _eventually(lambda: bool(exchange.heard(call_events.UserEvent)))
    assert exchange.heard(call_events.UserEvent)[0].headers == (("Status", "HANGUP"),)
    assert mark.exists()


async def test_environment_variables_name_the_folders(exchange: Exchange, tmp_path: Path) -> None:
    link = None
    program = tmp_path / "env.agi"
    program.write_text("#!/bin/sh\necho $AST_AGI_DIR\n")
    program.chmod(0o755)
    link = await links.start(exchange.pbx.paths, "env.agi", [])
    assert await link.line() == str(tmp_path)
    assert await link.status() == 0
    link.close()
