"""The kernel's interface as we declare it: numbers and sizes for both ABIs, and the tone zones it is given."""

from __future__ import annotations

import math
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from kernel_shims.dahdi import zones
from kernel_shims.dahdi.port import decode_event
from kernel_shims.dahdi.request import binding, sentence
from kernel_shims.line import Happening, LineEvent

HEADER = Path(__file__).resolve().parents[3] / "kernel-shims/kernel_shims/dahdi/abi.h"
LP64 = {
    "SPECIFY": 0x4004DA26,
    "GET_PARAMS": 0xC088DA05,
    "SET_PARAMS": 0x4088DA05,
    "HOOK": 0x4004DA07,
    "GETEVENT": 0x8004DA08,
    "IOMUX": 0xC004DA09,
    "SPANSTAT": 0xC13ADA0A,
    "SETGAINS": 0x4204DA10,
    "CHANCONFIG": 0x404CDA13,
    "SENDTONE": 0x4004DA15,
    "GET_BUFINFO": 0x8018DA1B,
    "SET_BUFINFO": 0x4018DA1B,
    "DIAL": 0x4104DA1F,
    "AUDIOMODE": 0x4004DA20,
    "ECHOCANCEL": 0x4004DA21,
    "SETLAW": 0x4004DA27,
    "SETCADENCE": 0x4040DA2A,
    "ECHOTRAIN": 0x4004DA32,
    "ONHOOKTRANSFER": 0x4004DA33,
    "FLUSH": 0x4004DA03,
    "SYNC": 0xDA04,
    "WCTDM_STATS": 0x800CDA3C,
    "WCTDM_ECHOTUNE": 0x4009DA3F,
    "TONEDETECT": 0x4004DA5B,
    "SETPOLARITY": 0x4004DA5C,
    "VMWI": 0xC004DA5E,
    "VMWI_CONFIG": 0x4004DA5F,
    "STARTUP": 0x4004DA63,
    "SFCONFIG": 0x4058DA2E,
}
ILP32 = LP64 | {"SFCONFIG": 0x4048DA2E}
"""Only the one structure with longs differs."""


CACHE = Path(os.environ.get("OFFHOOK_CACHE", Path.home() / ".cache/offhook"))
DRIVERS_HEADERS = (Path("/usr/include/dahdi"), *sorted(CACHE.glob("modules-*/usr/include/dahdi")))
"""Where the drivers' own headers may lie: of Debian's dahdi-source, or what the guest's modules were built with."""
THEIR_NAMES = """\
#define dahdi_wctdm_stats wctdm_stats
#define dahdi_wctdm_echo_coefs wctdm_echo_coefs
#define coef coef1
#define DAHDI_WCTDM_STATS WCTDM_GET_STATS
#define DAHDI_WCTDM_ECHOTUNE WCTDM_SET_ECHOTUNE
"""
BIT_FIELDS = {("dahdi_hwgain", "tx")}
"""Fields that have no offset."""


def compiled(tmp_path: Path, option: str, headers: Iterable[Path], values: Sequence[str], names: str = "") -> list[int]:
    """Values as a compiler of that ABI has them: out of an object file, so no library of the ABI is needed."""
    source = tmp_path / "abi.c"
    lines = [*(f'#include "{header}"' for header in headers), names]
    table = ",\n".join(values)
    lines.append(f'const unsigned table[] __attribute__((section(".abi"))) = {{{table}}};\n')
    source.write_text("\n".join(lines))
    made, data = tmp_path / "abi.o", tmp_path / "abi.bin"
    system = "/usr/include/x86_64-linux-gnu"  # of asm/ioctl.h, which is the same for both ABIs
    command = ["gcc", option, "-c", "-idirafter", system, "-o", str(made), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized" in done.stderr:
        pytest.skip(f"this compiler has no {option}: {done.stderr.strip()}")
    assert not done.returncode, done.stderr
    subprocess.run(["objcopy", "-O", "binary", "--only-section=.abi", made, data], check=True)
    content = data.read_bytes()
    return [int.from_bytes(content[at : at + 4], "little") for at in range(0, len(content), 4)]


def requests() -> list[str]:
    """The requests that our header names."""
    return re.findall(r"^#define (DAHDI_\w+) DAHDI_", HEADER.read_text(), re.MULTILINE)


def layouts() -> dict[str, list[str]]:
    """The fields of each structure of our header."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
    found = {}
    for name, body in re.findall(r"struct (dahdi_\w+) \{(.*?)\}", text, re.DOTALL):
        declared = [re.sub(r"^\s*(unsigned )?(int|char|long)\b", "", part) for part in body.split(";")]
        found[name] = [
            re.sub(r"\[.*?\]", "", field).strip() for part in declared for field in part.split(",") if part.strip()
        ]
    return found


@pytest.mark.parametrize(("option", "expected"), [("-m64", LP64), ("-m32", ILP32)], ids=["LP64", "ILP32"])
def test_request_numbers(tmp_path: Path, option: str, expected: dict[str, int]) -> None:
    found = compiled(tmp_path, option, [HEADER], [f"DAHDI_{name}" for name in expected])
    assert dict(zip(expected, found, strict=True)) == expected


@pytest.mark.parametrize("option", ["-m64", "-m32"])
def test_numbers_and_layouts_are_those_of_the_drivers_own_headers(tmp_path: Path, option: str) -> None:
    folder = next((folder for folder in DRIVERS_HEADERS if (folder / "user.h").exists()), None)
    if folder is None:
        pytest.skip("there is no dahdi/user.h: Debian's dahdi-source has it")
    values = requests()
    for name, fields in layouts().items():
        values += [
            f"sizeof(struct {name})",
            *(f"__builtin_offsetof(struct {name}, {field})" for field in fields if (name, field) not in BIT_FIELDS),
        ]
    assert len(values) > 150
    theirs = [folder / "user.h", folder / "wctdm_user.h"]
    ours = compiled(tmp_path, option, [HEADER], values)
    drivers = compiled(tmp_path, option, theirs, values, THEIR_NAMES)
    assert dict(zip(values, ours, strict=True)) == dict(zip(values, drivers, strict=True))


def test_the_binding_has_the_same_numbers() -> None:
    lib = binding().lib
    assert {name: getattr(lib, f"DAHDI_{name}") for name in LP64} == LP64
    assert binding().ffi.sizeof("struct dahdi_spaninfo") == 314


def test_events_are_decoded() -> None:
    assert decode_event(2) == LineEvent(Happening.OFF_HOOK)
    assert decode_event((1 << 16) | ord("7")) == LineEvent(Happening.PULSE_DIGIT, "7")
    assert decode_event((1 << 17) | ord("#")) == LineEvent(Happening.DTMF_DOWN, "#")
    assert decode_event(999) is None


def test_errors_have_a_remedy() -> None:
    assert sentence("/dev/dahdi/ctl", 2).endswith("the DAHDI drivers are not loaded (modprobe dahdi)")


def test_a_zone_s_tones_are_sines_that_repeat_as_they_should() -> None:
    dial = (zones.Part(350, 440),)
    recall = (*(zones.Part(350, 440, 100, once=True), zones.Part(0, 0, 100, once=True)), *dial)
    made = zones.definitions(zones.Zone("us", (2000, 4000), {"dial": dial, "dialrecall": recall}))
    first = made[0]
    before, last = first.init_v2_1, first.init_v3_1
    samples = []
    for _ in range(800):
        before, last = last, ((first.fac1 * last) >> 15) - before
        samples.append(last)
    crossings = sum(one < 0 <= other for one, other in pairwise(samples))
    assert abs(crossings - 35) <= 1
    assert [(one.tone, one.next) for one in made[1:4]] == [(5, 2), (5, 3), (5, 3)]
    assert len(made) == 4 + 16 + 15
    peak = max(map(abs, samples))
    assert math.isclose(peak, 10 ** ((-10 - 3.14) / 20) * 32768, rel_tol=0.05)
