"""Finding prompts by name, language and format."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from offhook.media import PromptLibrary, format_named


@pytest.fixture
def library(sounds: Path) -> PromptLibrary:
    """English and German, with some names in one language only."""
    for name in (
        "en/beep.gsm",
        "en/beep.wav",
        "en/digits/5.gsm",
        "de/beep.sln16",
        "de_AT/servus.ulaw",
        "plain.alaw",
        "en/notes.txt",
        "fr/deep/er/name.g722",
    ):
        path = sounds / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return PromptLibrary(sounds)


def found(library: PromptLibrary, name: str, language: str = "", *formats: str) -> str:
    """Where a prompt was found, below the folder."""
    prompt = library.find(name, language, [format_named(each) for each in formats])
    return prompt.path.removeprefix(library.directory + "/") if prompt else ""


def test_by_language(library: PromptLibrary) -> None:
    assert found(library, "beep", "de") == "de/beep.sln16"
    assert found(library, "beep", "de_AT") == "de/beep.sln16"
    assert found(library, "servus", "de_AT") == "de_AT/servus.ulaw"
    assert found(library, "digits/5", "de") == "en/digits/5.gsm"
    assert found(library, "plain", "de") == "plain.alaw"
    assert found(library, "deep/er/name", "fr") == "fr/deep/er/name.g722"
    assert found(library, "servus", "de") == ""
    assert found(library, "notes", "en") == ""


def test_by_cost(library: PromptLibrary) -> None:
    assert found(library, "beep") == "en/beep.wav"
    assert found(library, "beep", "en", "gsm") == "en/beep.gsm"
    assert found(library, "beep", "en", "g729") in ("en/beep.wav", "en/beep.gsm")


def test_absolute_names(library: PromptLibrary, sounds: Path) -> None:
    assert found(library, f"{sounds}/en/beep", "de") == "en/beep.wav"
    assert library.find("/nowhere/at/all") is None


def test_existence_and_extensions(library: PromptLibrary) -> None:
    assert library.exists("digits/5", "de")
    assert not library.exists("digits/6", "de")
    assert sorted(library.extensions("beep", "en")) == ["gsm", "wav"]
    assert library.extensions("nothing") == []


def test_several_names(library: PromptLibrary) -> None:
    assert [prompt.path.rpartition("/")[2] for prompt in library.find_all(["beep", "digits/5"])] == [
        "beep.wav",
        "5.gsm",
    ]
    with pytest.raises(KeyError, match='no sound file is called "digits/9"'):
        library.find_all(["beep", "digits/9"])


def test_new_files_are_seen(library: PromptLibrary, sounds: Path) -> None:
    library.remember = 0
    assert found(library, "fresh") == ""
    (sounds / "en" / "fresh.wav").write_bytes(b"")
    os.utime(sounds / "en", ns=(0, 12345))
    assert found(library, "fresh") == "en/fresh.wav"
    (sounds / "en" / "fresh.wav").unlink()
    os.utime(sounds / "en", ns=(0, 23456))
    assert found(library, "fresh") == ""
