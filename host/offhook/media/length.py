"""How long a sound file is, from its size and header."""

from __future__ import annotations

import os

_BYTES_A_SECOND = {
    "ulaw": 8000,
    "ul": 8000,
    "mu": 8000,
    "pcm": 8000,
    "alaw": 8000,
    "al": 8000,
    "g722": 8000,
    "gsm": 1650,
    "WAV": 1625,
    "wav49": 1625,
    "sln": 16_000,
    "raw": 16_000,
    "sln8": 16_000,
    "g729": 1000,
}


def samples_of(path: str, rate: int = 8000) -> int:
    """How many samples a sound file has, counted at a rate in Hz. Raises as length_ms does."""
    extension = path.rpartition(".")[2]
    if extension in ("wav", "wav16"):
        import wave

        try:
            with wave.open(path, "rb") as sound:
                return sound.getnframes() * rate // sound.getframerate()
        except (wave.Error, EOFError) as error:
            raise ValueError(f"{path}: {error}") from error
    speed = _BYTES_A_SECOND.get(extension)
    if speed is None and extension.startswith("sln") and extension[3:].isdigit():
        speed = 2000 * int(extension[3:])
    if speed is None:
        raise ValueError(f'{path}: the length of files ending in "{extension}" is not known')
    return os.path.getsize(path) * rate // speed


def length_ms(path: str) -> int:
    """The playing time of a sound file in ms. Raises OSError, and ValueError for a format whose files do not tell."""
    return samples_of(path, 1000)
