"""The probe phone: pjsua2 in a process of its own, a second opinion that shares no line of code with the exchange.

    python -m offhook.field.diag.probe          an order as JSON on standard input, the findings as JSON on output

It registers, calls a number, plays a tone, listens, hangs up, and tells what it measured. It has no audio device.
"""

from __future__ import annotations

import json
import math
import struct
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Any, Final

from offhook.field.diag.mos import mos, rating

REGISTER_S: Final = 8.0
ANSWER_S: Final = 30.0
POLL_MS: Final = 20
RATE: Final = 8000


def main() -> int:
    """Carry out the order."""
    try:
        import pjsua2
    except ImportError:
        print(json.dumps({"failed": "pjsua2 is not installed here: pip install pjsua2-python"}))
        return 1
    order = json.load(sys.stdin)
    try:
        found = Probe(pjsua2, order).run()
    except pjsua2.Error as error:
        found = {"failed": f"{error.title}: {error.reason}"}
    print(json.dumps(found), flush=True)
    return 1 if "failed" in found else 0


class Probe:
    """One call of the phone."""

    def __init__(self, pj: Any, order: dict[str, Any]) -> None:
        self.pj = pj
        self.order = order
        self.found: dict[str, Any] = {}
        self.registered: tuple[int, bool] | None = None
        self.state = ""
        self.code = 0
        self.reason = ""
        self.active = False
        self.endpoint = pj.Endpoint()

    def _start(self) -> Any:
        pj, order = self.pj, self.order
        self.endpoint.libCreate()
        configuration = pj.EpConfig()
        configuration.uaConfig.threadCnt = 0
        configuration.uaConfig.mainThreadOnly = True
        configuration.logConfig.level = configuration.logConfig.consoleLevel = 0
        configuration.medConfig.noVad = True
        configuration.medConfig.ecTailLen = 0
        self.endpoint.libInit(configuration)
        self.endpoint.audDevManager().setNullDev()
        kinds = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}
        transport = self.endpoint.transportCreate(kinds[order["transport"]], pj.TransportConfig())
        self.endpoint.libStart()
        suffix = f";transport={order['transport']}" if order["transport"] != "udp" else ""
        account = pj.AccountConfig()
        account.idUri = f"sip:{order['user']}@{order['server']}"
        account.regConfig.registrarUri = f"sip:{order['server']}{suffix}" if order["register"] else ""
        account.regConfig.timeoutSec = 60
        account.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", order["user"], 0, order["password"]))
        account.sipConfig.transportId = transport
        if order.get("srtp"):
            account.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_MANDATORY
            account.mediaConfig.srtpSecureSignaling = 0
        probe = self

        class Line(pj.Account):  # type: ignore[misc, name-defined]
            def onRegState(self, parameter: Any) -> None:
                probe.registered = (parameter.code, self.getInfo().regIsActive)

        line = Line()
        line.create(account)
        return line

    def _until(self, condition: Any, seconds: float) -> float | None:
        """Serve until a condition holds; how long it took, None when it did not."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                return None
            self.endpoint.libHandleEvents(POLL_MS)
        return time.monotonic() - began

    def run(self) -> dict[str, Any]:
        """Register, call, listen; what was found."""
        with tempfile.TemporaryDirectory() as folder:
            line = self._start()
            try:
                self._work(line, Path(folder))
            finally:
                self._until(lambda: False, 0.3)
                line.shutdown()
                self.endpoint.libDestroy()
        return self.found

    def _work(self, line: Any, folder: Path) -> None:
        if self.order["register"]:
            took = self._until(lambda: self.registered is not None, REGISTER_S)
            if took is None or self.registered is None:
                self.found["failed"] = f"no answer to REGISTER within {REGISTER_S:.0f} s"
                return
            code, active = self.registered
            self.found["registration_ms"] = round(took * 1000)
            if not active:
                self.found["failed"] = f"registration refused with {code}"
                return
        self._call(line, folder)

    def _call(self, line: Any, folder: Path) -> None:
        pj, probe = self.pj, self

        class Call(pj.Call):  # type: ignore[misc, name-defined]
            def onCallState(self, parameter: Any) -> None:
                info = self.getInfo()
                probe.state, probe.code = info.stateText, info.lastStatusCode
                probe.reason = info.lastReason

            def onCallMediaState(self, parameter: Any) -> None:
                info = self.getInfo()  # owns the list
                for index, medium in enumerate(info.media):
                    if medium.type == pj.PJMEDIA_TYPE_AUDIO and medium.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                        probe.connect(self.getAudioMedia(index))

        tone(folder / "tone.wav")
        self.player = pj.AudioMediaPlayer()
        self.player.createPlayer(str(folder / "tone.wav"))
        self.recorder = pj.AudioMediaRecorder()
        self.recorder.createRecorder(str(folder / "heard.wav"))
        call = Call(line)
        suffix = f";transport={self.order['transport']}" if self.order["transport"] != "udp" else ""
        call.makeCall(f"sip:{self.order['number']}@{self.order['server']}{suffix}", pj.CallOpParam(True))
        rang = self._until(lambda: self.code >= 180 or self.state == "DISCONNECTED", ANSWER_S)
        if rang is not None and 180 <= self.code < 200:
            self.found["ringing_ms"] = round((rang or 0.0) * 1000)
        took = self._until(lambda: self.state in ("CONFIRMED", "DISCONNECTED"), ANSWER_S)
        if self.state != "CONFIRMED":
            self.found["failed"] = f"not answered: {self.code} {self.reason}".strip()
            return
        self.found["answered_ms"] = round(((rang or 0.0) + (took or 0.0)) * 1000)
        self._until(lambda: self.state == "DISCONNECTED", self.order["seconds"])
        if self.state == "CONFIRMED":
            self._measure(call)
            call.hangup(pj.CallOpParam(True))
            self._until(lambda: self.state == "DISCONNECTED", 3.0)
        self.recorder = self.player = None
        self.found["heard_db"] = level(folder / "heard.wav")

    def connect(self, audio: Any) -> None:
        """Sound both ways."""
        self.player.startTransmit(audio)
        audio.startTransmit(self.recorder)

    def _measure(self, call: Any) -> None:
        statistics, stream = call.getStreamStat(0), call.getStreamInfo(0)
        received = statistics.rtcp.rxStat
        expected = received.pkt + received.loss
        loss = received.loss / expected if expected else 1.0
        jitter = received.jitterUsec.mean / 1000
        delay = statistics.rtcp.rttUsec.mean / 2000
        r = rating(stream.codecName, loss, delay, jitter)
        self.found |= {
            "codec": f"{stream.codecName}/{stream.codecClockRate}",
            "received": received.pkt,
            "sent": statistics.rtcp.txStat.pkt,
            "loss_percent": round(loss * 100, 2),
            "jitter_ms": round(jitter, 2),
            "delay_ms": round(delay, 1),
            "r": round(r, 1),
            "mos": round(mos(r), 2) if received.pkt else 1.0,
        }


def tone(path: Path, seconds: int = 2) -> None:
    """A wave file of 440 Hz at -12 dB."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = (int(8231 * math.sin(2 * math.pi * 440 * number / RATE)) for number in range(RATE * seconds))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


def level(path: Path) -> float:
    """The level of what was heard, in dB of full scale; -96 for silence."""
    try:
        with wave.open(str(path), "rb") as file:
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error):
        return -96.0
    samples = struct.unpack(f"<{len(data) // 2}h", data[: len(data) // 2 * 2])
    power = sum(sample * sample for sample in samples) / len(samples) if samples else 0.0
    return round(max(-96.0, 10 * math.log10(power / 32768**2)), 1) if power else -96.0


if __name__ == "__main__":
    sys.exit(main())
