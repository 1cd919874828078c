"""``echo-run``: a canceller channel over recorded signals, as others use it."""

from __future__ import annotations

import array
import random
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
PROGRAM = CHECKOUT / "build/echo-run"


@pytest.fixture(scope="module")
def program() -> Path:
    """The program, built from the engine's objects."""
    subprocess.run(["make", "-s", "-C", str(CHECKOUT / "host/engine"), "echo-run"], check=True)
    return PROGRAM


def samples(path: Path) -> array.array[int]:
    """A raw file's samples."""
    return array.array("h", path.read_bytes())


def write(path: Path, values: list[int]) -> Path:
    """A raw file of samples."""
    path.write_bytes(array.array("h", values).tobytes())
    return path


def power(values: list[int] | array.array[int]) -> float:
    """Mean square."""
    return sum(each * each for each in values) / len(values)


def test_an_echo_is_taken_out(program: Path, tmp_path: Path) -> None:
    chance = random.Random(5)
    sent = [int(chance.uniform(-8000, 8000)) if at // 800 % 3 else 0 for at in range(24000)]
    heard = [int(0.3 * sent[at - 40] - 0.1 * sent[at - 41]) if at > 41 else 0 for at in range(24000)]
    far, near = write(tmp_path / "rin.raw", sent), write(tmp_path / "sin.raw", heard)
    subprocess.run([program, "--nlp", "off", far, near, tmp_path / "out.raw"], check=True)
    out = samples(tmp_path / "out.raw")
    assert len(out) == 24000
    assert power(out[16000:]) < power(heard[16000:]) / 10000


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 801])
def test_the_output_is_as_long_as_the_shorter_input(program: Path, tmp_path: Path, count: int) -> None:
    near = [20 + at * 7 % 300 for at in range(count)]  # louder than what may be an offset
    files = write(tmp_path / "rin.raw", [0] * (count + 3)), write(tmp_path / "sin.raw", near)
    subprocess.run([program, "--tail", "8", *files, tmp_path / "out.raw"], check=True)
    assert samples(tmp_path / "out.raw").tolist() == near


def test_what_is_no_raw_file_is_refused(program: Path, tmp_path: Path) -> None:
    good = write(tmp_path / "good.raw", [0] * 80)
    (tmp_path / "odd.raw").write_bytes(b"abc")
    (tmp_path / "sound.wav").write_bytes(b"RIFF" + bytes(80))
    for name, why in [("odd.raw", "odd number of bytes"), ("sound.wav", "is a WAV file"), ("none.raw", "No such file")]:
        done = subprocess.run(
            [program, tmp_path / name, good, tmp_path / "out.raw"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert why in done.stderr
