"""A SIP phone in a process of its own, made of pjsua2: run as a program it takes commands as JSON lines.

It knows nothing of Offhook. What it plays comes from a wave file and what it hears goes into one; there is no audio
device. One call at a time, which it answers by itself when it was told to.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
from typing import Any

import pjsua2 as pj

POLL_MS = 10


class Conversation(pj.Call):  # type: ignore[misc]
    """The call."""

    def __init__(self, account: pj.Account, phone: PhoneProcess, call_id: int = -1) -> None:
        super().__init__(account, call_id)
        self.phone = phone
        self.player: Any = None
        self.recorder: Any = None

    def onCallState(self, parameter: Any) -> None:
        info = self.getInfo()
        self.phone.tell("state", state=info.stateText, code=info.lastStatusCode, reason=info.lastReason)

    def onCallMediaState(self, parameter: Any) -> None:
        info = self.getInfo()  # owns the list
        for index, medium in enumerate(info.media):
            if medium.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            if medium.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.phone.connect(self.getAudioMedia(index))
            self.phone.tell("media", status=MEDIA.get(medium.status, str(medium.status)))

    def onDtmfDigit(self, parameter: Any) -> None:
        self.phone.tell("digit", digit=parameter.digit)


MEDIA = {
    pj.PJSUA_CALL_MEDIA_NONE: "none",
    pj.PJSUA_CALL_MEDIA_ACTIVE: "active",
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "held by us",
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "held by them",
    pj.PJSUA_CALL_MEDIA_ERROR: "error",
}


class Line(pj.Account):  # type: ignore[misc]
    """The account."""

    def __init__(self, phone: PhoneProcess) -> None:
        super().__init__()
        self.phone = phone

    def onRegState(self, parameter: Any) -> None:
        active = self.getInfo().regIsActive
        self.phone.tell("registration", code=parameter.code, active=active, expiration=parameter.expiration)

    def onIncomingCall(self, parameter: Any) -> None:
        call = Conversation(self, self.phone, parameter.callId)
        self.phone.call = call
        self.phone.tell("incoming", remote=call.getInfo().remoteUri)
        self.phone.reply(180)
        if self.phone.answers:
            self.phone.reply(200)


class PhoneProcess:
    """The program: commands in on stdin, happenings out on stdout, all in the main thread."""

    def __init__(self) -> None:
        self.call: Conversation | None = None
        self.line: Line | None = None
        self.answers = False
        self.play = self.record = ""
        self.player: Any = None
        self.recorder: Any = None
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        configuration = pj.EpConfig()
        configuration.uaConfig.threadCnt = 0
        configuration.uaConfig.mainThreadOnly = True
        configuration.uaConfig.maxCalls = 4
        configuration.logConfig.level = int(os.environ.get("PHONE_LOG", "0"))
        configuration.logConfig.consoleLevel = configuration.logConfig.level
        configuration.medConfig.noVad = True
        configuration.medConfig.clockRate = 8000
        configuration.medConfig.ecTailLen = 0
        self.endpoint.libInit(configuration)
        self.endpoint.audDevManager().setNullDev()

    def tell(self, what: str, **values: Any) -> None:
        """Report a happening."""
        print(json.dumps({"what": what, **values}), flush=True)

    def connect(self, audio: Any) -> None:
        """Let the call hear the play file and record what it says."""
        if self.play and self.player is None:
            self.player = pj.AudioMediaPlayer()
            self.player.createPlayer(self.play)
        if self.record and self.recorder is None:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(self.record)
        if self.player is not None:
            self.player.startTransmit(audio)
        if self.recorder is not None:
            audio.startTransmit(self.recorder)

    def reply(self, code: int) -> None:
        """Answer the incoming call with a status."""
        assert self.call is not None
        operation = pj.CallOpParam(True)
        operation.statusCode = code
        self.call.answer(operation)

    def do_start(
        self,
        transport: str,
        user: str,
        secret: str,
        server: str,
        codec: str,
        expires: int,
        srtp: str = "",
    ) -> None:
        configuration = pj.TransportConfig()
        configuration.boundAddress = "127.0.0.1"
        configuration.publicAddress = "127.0.0.1"
        kind = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP}[transport]
        transport_id = self.endpoint.transportCreate(kind, configuration)
        self.endpoint.libStart()
        for offered in self.endpoint.codecEnum2():
            wanted = offered.codecId.lower().startswith(codec.lower() + "/")
            self.endpoint.codecSetPriority(offered.codecId, 255 if wanted else 0)
        account = pj.AccountConfig()
        account.idUri = f"sip:{user}@{server}"
        suffix = ";transport=tcp" if transport == "tcp" else ""
        account.regConfig.registrarUri = f"sip:{server}{suffix}" if expires else ""
        account.regConfig.timeoutSec = expires
        account.regConfig.retryIntervalSec = 0
        account.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, secret))
        account.sipConfig.transportId = transport_id
        account.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        account.mediaConfig.transportConfig.publicAddress = "127.0.0.1"
        account.mediaConfig.ipv6Use = 0
        account.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
        if srtp:
            account.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_MANDATORY
            account.mediaConfig.srtpSecureSignaling = 0
            account.mediaConfig.srtpOpt.keyings = pj.IntVector([pj.PJMEDIA_SRTP_KEYING_SDES])
        self.line = Line(self)
        self.line.create(account)

    def do_files(self, play: str, record: str) -> None:
        self.play, self.record = play, record
        self.player = self.recorder = None

    def do_call(self, uri: str) -> None:
        assert self.line is not None
        self.call = Conversation(self.line, self)
        self.call.makeCall(uri, pj.CallOpParam(True))

    def do_auto_answer(self, on: bool) -> None:
        self.answers = on

    def do_answer(self, code: int) -> None:
        self.reply(code)

    def do_digits(self, digits: str) -> None:
        assert self.call is not None
        self.call.dialDtmf(digits)

    def do_hold(self) -> None:
        assert self.call is not None
        self.call.setHold(pj.CallOpParam(True))

    def do_resume(self) -> None:
        assert self.call is not None
        operation = pj.CallOpParam(True)
        operation.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.call.reinvite(operation)

    def do_transfer(self, uri: str) -> None:
        assert self.call is not None
        self.call.xfer(uri, pj.CallOpParam(True))

    def do_hang_up(self) -> None:
        assert self.call is not None
        self.call.hangup(pj.CallOpParam(True))

    def do_unregister(self) -> None:
        assert self.line is not None
        self.line.setRegistration(False)

    def run(self) -> None:
        """Serve until stdin ends or "quit" comes."""
        self.tell("ready")
        pending = b""
        while True:
            readable, _, _ = select.select([0], [], [], 0)
            if readable:
                data = os.read(0, 65536)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    command = json.loads(line)
                    name = command.pop("do")
                    if name == "quit":
                        return
                    try:
                        getattr(self, f"do_{name}")(**command)
                        self.tell("done", command=name)
                    except pj.Error as error:
                        self.tell("error", command=name, reason=error.reason)
            self.endpoint.libHandleEvents(POLL_MS)

    def close(self) -> None:
        self.player = self.recorder = None
        with contextlib.suppress(pj.Error):
            if self.line is not None:
                self.line.setRegistration(False)
        ends = time.monotonic() + 0.5
        while time.monotonic() < ends:
            self.endpoint.libHandleEvents(POLL_MS)
        self.call = None
        if self.line is not None:
            self.line.shutdown()
        self.endpoint.libDestroy()


if __name__ == "__main__":
    phone = PhoneProcess()
    try:
        phone.run()
    finally:
        phone.close()
    sys.stdout.flush()
    os._exit(0)
