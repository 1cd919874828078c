#!/usr/bin/env python3
"""Fill a data folder with what a caller hears: prompts (sounds/en) and music on hold (moh).

    prompts.py DATADIR [--speak]

Takes the recordings of Debian's packages (asterisk-core-sounds-en-wav, asterisk-moh-opsound-wav) by links where they
are installed; otherwise, or with --speak, has espeak-ng speak the sentences of prompts-en.tsv and makes music.
What is there already stays.
"""

from __future__ import annotations

import argparse
import array
import math
import shutil
import subprocess
import sys
import wave
from pathlib import Path

RATE = 8000
"""Hz of everything made here: linear 16 bit, mono."""
RECORDED = tuple(Path("/usr/share/asterisk/sounds") / name for name in ("en_US_f_Allison", "en"))
RECORDED_MUSIC = Path("/usr/share/asterisk/moh")
SENTENCES = Path(__file__).resolve().parent.parent / "data/prompts-en.tsv"
WORDS_A_MINUTE = 150


def write_wav(path: Path, samples: array.array[int]) -> None:
    """Write 8 kHz samples beside the file and rename, so that an interruption leaves no half prompt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    part.rename(path)


def resampler(rate: int, taps: int = 32) -> list[tuple[int, list[float]]]:
    """Windowed-sinc filters of a rational rate change to 8 kHz: one (input step, coefficients) a phase."""
    common = math.gcd(rate, RATE)
    up, down = RATE // common, rate // common
    cutoff = 0.45 * RATE / rate
    phases = []
    for phase in range(up):
        position = phase * down / up
        first = math.floor(position) - taps + 1
        coefficients = []
        for index in range(first, first + 2 * taps):
            x = index - position
            window = 0.54 + 0.46 * math.cos(math.pi * x / taps)
            sinc = 2 * cutoff if x == 0 else math.sin(2 * math.pi * cutoff * x) / (math.pi * x)
            coefficients.append(sinc * window)
        scale = 1 / sum(coefficients)
        phases.append((first, [value * scale for value in coefficients]))
    return phases


def to_8khz(path: Path) -> array.array[int]:
    """The samples of a mono 16 bit wav file at 8 kHz."""
    with wave.open(str(path), "rb") as source:
        rate = source.getframerate()
        data = array.array("h", source.readframes(source.getnframes()))
    if sys.byteorder == "big":
        data.byteswap()
    if rate == RATE:
        return data
    phases = resampler(rate)
    down, up = rate // math.gcd(rate, RATE), len(phases)
    pad = len(phases[0][1])
    padded = [0] * pad + data.tolist() + [0] * pad
    out = array.array("h")
    for number in range(len(data) * up // down):
        first, coefficients = phases[number % up]
        start = pad + number // up * down + first
        value = sum(a * b for a, b in zip(coefficients, padded[start : start + len(coefficients)], strict=True))
        out.append(max(-32768, min(32767, round(value))))
    return out


TONES: dict[str, list[tuple[tuple[float, ...], float]]] = {
    "beep": [((1000,), 0.25)],
    "beeperr": [((400,), 0.4)],
    "confbridge-join": [((660,), 0.12), ((880,), 0.18)],
    "confbridge-leave": [((880,), 0.12), ((660,), 0.18)],
}
"""Prompts that are no speech: frequencies in Hz and seconds of each note."""


def speak(data: Path) -> int:
    """Have espeak-ng speak every sentence that is not there; how many were."""
    espeak = shutil.which("espeak-ng") or shutil.which("espeak")
    if espeak is None:
        raise SystemExit(
            "there are neither Debian's recorded prompts nor espeak-ng: "
            "apt-get install asterisk-core-sounds-en-wav (or espeak-ng) and run this again"
        )
    made = 0
    raw = data / "sounds/en/.spoken.wav"
    raw.parent.mkdir(parents=True, exist_ok=True)
    for line in SENTENCES.read_text().splitlines():
        if line.startswith("#"):
            continue
        name, sentence = line.split("\t")
        target = data / f"sounds/en/{name}.wav"
        if not target.exists():
            subprocess.run([espeak, "-v", "en-us", "-s", str(WORDS_A_MINUTE), "-w", str(raw), sentence], check=True)
            write_wav(target, to_8khz(raw))
            made += 1
    raw.unlink(missing_ok=True)
    for seconds in range(1, 11):
        target = data / f"sounds/en/silence/{seconds}.wav"
        if not target.exists():
            write_wav(target, array.array("h", bytes(2 * RATE * seconds)))
    for name, score in TONES.items():
        target = data / f"sounds/en/{name}.wav"
        if not target.exists():
            write_wav(target, notes(score))
    return made


def notes(score: list[tuple[tuple[float, ...], float]], peak: int = 7000) -> array.array[int]:
    """Sine notes one after the other: (frequencies in Hz, seconds) each, with soft edges."""
    out = array.array("h")
    edge = RATE // 50
    for frequencies, seconds in score:
        size = int(RATE * seconds)
        for n in range(size):
            swell = min(1.0, n / edge, (size - n) / edge)
            value = sum(math.sin(2 * math.pi * frequency * n / RATE) for frequency in frequencies)
            out.append(int(peak * swell * value / max(1, len(frequencies))))
    return out


def make_music(path: Path) -> None:
    """A quiet broken-chord piece of about half a minute."""
    chords = ((0, 4, 7, 12), (9, 12, 16, 21), (5, 9, 12, 17), (7, 11, 14, 19))
    order = (0, 1, 2, 3, 2, 1)
    score: list[tuple[tuple[float, ...], float]] = []
    for turn in range(4):
        for chord in chords:
            for step in order:
                pitch = chord[step] + (12 if turn % 2 and step == 3 else 0)
                score.append(((262 * 2 ** (chord[0] / 12) / 2, 262 * 2 ** (pitch / 12)), 0.3))
    write_wav(path, notes(score, 5000))


def link(target: Path, source: Path) -> bool:
    """Make target a link to source when there is nothing yet."""
    if target.exists() or target.is_symlink():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)
    return True


def fill(data: Path, *, spoken: bool) -> str:
    """Put prompts and music into a data folder; a sentence that says where they came from."""
    recorded = None if spoken else next((path for path in RECORDED if (path / "hello-world.wav").exists()), None)
    if recorded is not None:
        link(data / "sounds/en", recorded)
        told = f"prompts are those of {recorded}"
    elif (data / "sounds/en").is_symlink():
        told = f"prompts are those of {(data / 'sounds/en').readlink()}"
    else:
        told = f"{speak(data)} prompts were spoken by espeak-ng"
    if not spoken and any(RECORDED_MUSIC.glob("*.wav")):
        link(data / "moh", RECORDED_MUSIC)
        return f"{told}; music is that of {RECORDED_MUSIC}"
    music = data / "moh/broken-chords.wav"
    if not music.exists():
        make_music(music)
    return f"{told}; music was made"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--speak", action="store_true", help="speak even where recordings are installed")
    options = parser.parse_args()
    print(f"{options.data}: {fill(options.data, spoken=options.speak)}")


if __name__ == "__main__":
    main()
