"""How long a sound file is, from its size and header."""

from __future__ import annotations

import os
import wave

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


def length_ms(path: str) -> int:
    """The playing time of a sound file in ms. Raises OSError, and ValueError for a format whose files do not tell."""
    extension = path.rpartition(".")[2]
    if extension in ("wav", "wav16"):
        try:
            with wave.open(path, "rb") as sound:
                return sound.getnframes() * 1000 // sound.getframerate()
        except (wave.Error, EOFError) as error:
            raise ValueError(f"{path}: {error}") from error
    rate = _BYTES_A_SECOND.get(extension)
    if rate is None and extension.startswith("sln") and extension[3:].isdigit():
        rate = 2000 * int(extension[3:])
    if rate is None:
        raise ValueError(f'{path}: the length of files ending in "{extension}" is not known')
    return os.path.getsize(path) * 1000 // rate
