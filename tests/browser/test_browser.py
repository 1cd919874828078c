"""A softphone in a browser (SIP.js in Chromium) registers over WSS, calls the echo test and hears itself.

SIP.js is installed into build/browser when the test first runs. Nothing leaves the loopback.
"""

from __future__ import annotations

import array
import datetime
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support import audio
from support.browser import CHROMIUM, Browser
from support.daemon import Daemon, free_port
from support.phone import Phone

HERE = Path(__file__).resolve().parent
INSTALLED = HERE.parents[1] / "build/browser"
SIP_JS = "sip.js@0.21.2"
SETTLED = 2 * audio.RATE
"""Samples after which a browser plays at the speed sound comes: before, its jitter buffer seeks its delay."""

PJSIP_CONF = """\
[wss]
type = transport
protocol = wss
bind = 127.0.0.1

[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}

[web](!)
type = endpoint
context = phones
disallow = all
allow = {codecs}
webrtc = yes
[password](!)
type = auth
auth_type = digest
password = secret
[place](!)
type = aor
max_contacts = 1
remove_existing = yes

[browser](web)
auth = browser
aors = browser
[browser](password)
username = browser
[browser](place)

[second](web)
auth = second
aors = second
[second](password)
username = second
[second](place)

[desk]
type = endpoint
context = phones
disallow = all
allow = ulaw
auth = desk
aors = desk
[desk]
type = auth
auth_type = digest
username = desk
password = secret
[desk]
type = aor
max_contacts = 1
"""

EXTENSIONS_CONF = """\
[phones]
exten => 600,1,Answer()
 same => n,Echo()
exten => desk,1,Dial(PJSIP/desk,20)
exten => second,1,Dial(PJSIP/second,20)
"""

HTTP_CONF = """\
[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = {http}
tlsenable = yes
tlsbindaddr = 127.0.0.1:{https}
tlscertfile = {certificate}
"""

pytestmark = pytest.mark.skipif(not CHROMIUM or shutil.which("npm") is None, reason="needs chromium and npm")


@pytest.fixture(scope="session")
def sip_js() -> Path:
    """The folder of SIP.js."""
    folder = INSTALLED / "node_modules/sip.js"
    if not folder.exists():
        INSTALLED.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(INSTALLED), "--no-audit", "--no-fund", "--loglevel=error", SIP_JS]
        subprocess.run(command, check=True, timeout=240)
    return folder


def write_certificate(path: Path) -> Path:
    """A certificate for localhost with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return path


class Place:
    """A daemon with a web server, and where it listens."""

    def __init__(self, root: Path, codecs: str) -> None:
        self.https = free_port()
        http = HTTP_CONF.format(http=free_port(), https=self.https, certificate=write_certificate(root / "web.pem"))
        files = {
            "pjsip.conf": PJSIP_CONF.replace("{codecs}", codecs),
            "extensions.conf": EXTENSIONS_CONF,
            "http.conf": http,
        }
        self.daemon = Daemon(root, files)


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A daemon a browser can register with."""
    made = Place(tmp_path, request.param)
    with made.daemon:
        yield made


def samples(data: bytes) -> list[int]:
    """Sound as the page posts it."""
    return array.array("h", data).tolist()


def call(place: Place, sip_js: Path, tmp_path: Path, number: str, seconds: int) -> dict[str, bytes]:
    """Let the browser call a number; its reports."""
    microphone = audio.write(tmp_path / "microphone.wav", audio.chirps(20))
    profile = tmp_path / "profile"
    profile.mkdir()
    with Browser({"": HERE, "sip.js": sip_js}, profile, microphone) as browser:
        browser.open(
            "softphone.html",
            server=f"wss://localhost:{place.https}/ws",
            aor="sip:browser@localhost",
            user="browser",
            secret="secret",
            call=f"sip:{number}@localhost",
            seconds=seconds,
        )
        return browser.wait(60)


@pytest.mark.parametrize("place", ["opus"], indirect=True)
def test_a_browser_hears_itself_in_the_echo_test(place: Place, sip_js: Path, tmp_path: Path) -> None:
    reports = call(place, sip_js, tmp_path, "600", 8)
    figures = json.loads(reports["done"])
    assert figures["dtls"] == "connected" and figures["received"] > 200, figures
    said, heard = samples(reports["said"]), samples(reports["heard"])
    assert len(said) > 4 * audio.RATE
    likeness, delay = audio.correlation(said[SETTLED:], heard[SETTLED:])
    assert likeness > 0.8, f"the echo correlates by {likeness:.2f}\n{place.daemon.told()}"
    assert delay < 1.5


@pytest.mark.parametrize("place", ["opus,vp8"], indirect=True)
def test_two_browsers_hear_and_see_each_other_over_one_port_each(place: Place, sip_js: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    microphone = audio.write(tmp_path / "microphone.wav", audio.chirps(20))
    with Browser({"": HERE, "sip.js": sip_js}, profile, microphone) as browser:
        browser.open("videophones.html", server=f"wss://localhost:{place.https}/ws", call="sip:second@localhost")
        figures = json.loads(browser.wait(90)["done"])
    for party in figures.values():
        assert party["transports"] == 1, figures
        assert party["frames"] >= 20 and party["width"] == 160 and party["sound"] >= 50, (figures, place.daemon.told())


@pytest.mark.parametrize("place", ["ulaw"], indirect=True)
def test_a_browser_and_a_desk_phone_hear_each_other(place: Place, sip_js: Path, tmp_path: Path) -> None:
    with Phone("desk", "secret", f"127.0.0.1:{place.daemon.sip_port}") as desk:
        desk.start()
        desk.files(audio.write(tmp_path / "d.wav", audio.tone(700, 30)), tmp_path / "desk.wav")
        desk.do("auto_answer", on=True)
        reports = call(place, sip_js, tmp_path, "desk", 7)
        desk.wait_state("DISCONNECTED")
        desk.close()
    assert audio.loudest(samples(reports["heard"]), 700) > 1500
    said, heard = samples(reports["said"]), audio.read(tmp_path / "desk.wav")
    likeness, _ = audio.correlation(said[SETTLED:], heard[SETTLED:])
    assert likeness > 0.6, f"the desk phone heard the browser by {likeness:.2f}"
