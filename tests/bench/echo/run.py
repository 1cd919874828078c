"""``make bench-echo``: the echo canceller beside OSLEC and Speex, on composite source signals and on speech.

Peers come from Debian's packages: Speex from libspeexdsp-dev, OSLEC from the source that dahdi-source installs (run in
user space, below build/), hybrids D.2 .. D.9 of G.168 from libspandsp-dev, voices from the prompts of
asterisk-core-sounds-* and from espeak-ng. What is not installed is left out, and said.

    run.py [--quick] [--only css|speech|cost]
"""

from __future__ import annotations

import argparse
import array
import platform
import re
import shutil
import subprocess
import tarfile
import wave
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
ENGINE = TOP / "host/engine"
BUILD = TOP / "build/bench-echo"
OSLEC = Path("/usr/src/dahdi.tar.bz2")
PROMPTS = Path("/usr/share/asterisk/sounds")

CANCELLER = [str(path) for path in sorted(ENGINE.glob("echo*.c")) if path.name != "echo_bank.c"]
FLAGS = ["-O3", "-std=c11", "-D_GNU_SOURCE", "-ffp-contract=fast", "-Wall", "-Wextra", f"-I{ENGINE}", f"-I{HERE}"]
RATE = 8000

SPOKEN = {
    "en-gb+m3": "The harbour master opened every envelope before seven, and nobody on the pier could say why the ferry"
    " had turned around. Please bring sixty blue chairs to the second floor, we shall need them on Thursday.",
    "en-us+f2": "When the rain stopped, children ran out and shouted at the passing trains. My number is five five"
    " eight, three one seven nine, and I shall be at home until a quarter past six.",
    "de+m1": "Der alte Hafenmeister öffnete jeden Brief vor sieben Uhr, und niemand konnte sagen, warum die Fähre"
    " umgekehrt war. Bitte bringen Sie sechzig blaue Stühle in den zweiten Stock.",
    "fr+f4": "Le vieux capitaine ouvrait chaque lettre avant sept heures, et personne ne savait pourquoi le bateau"
    " avait fait demi-tour. Apportez soixante chaises bleues au deuxième étage.",
}


def run(*command: str, quiet: bool = False) -> str:
    """What a command prints; its failure is the bench's."""
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not quiet:
        print(done.stdout, end="", flush=True)
    return done.stdout


def oslec() -> list[str]:
    """Objects and flags that bring OSLEC in, or none."""
    if not OSLEC.exists():
        print(f"OSLEC is left out: {OSLEC} is not there (apt-get install dahdi-source).")
        return []
    source = BUILD / "oslec"
    (source / "linux").mkdir(parents=True, exist_ok=True)
    with tarfile.open(OSLEC) as archive:
        for member in archive:
            if "/staging/echo/" in member.name and member.name.endswith((".c", ".h")):
                content = archive.extractfile(member)
                assert content is not None
                (source / Path(member.name).name).write_bytes(content.read())
    for name in ("kernel", "module", "slab", "types"):
        (source / f"linux/{name}.h").write_text('#include "no_kernel.h"\n')
    built = source / "oslec.o"
    run("gcc", "-O2", "-w", f"-I{source}", f"-I{HERE}", "-c", "-o", str(built), str(source / "echo.c"))
    return ["-DWITH_OSLEC", f"-I{source}", str(built)]


def voices() -> list[str]:
    """Half a minute or more of each voice that this machine has."""
    folder = BUILD / "voices"
    folder.mkdir(exist_ok=True)
    made = []
    for language in sorted(path for path in PROMPTS.glob("*_*_*") if path.is_dir()) if PROMPTS.is_dir() else []:
        sound = array.array("h")
        for prompt in sorted(language.glob("*.wav"), key=lambda path: path.stem[::-1]):
            with wave.open(str(prompt)) as opened:
                if opened.getframerate() == RATE and opened.getnframes() > 2 * RATE and len(sound) < 90 * RATE:
                    sound.frombytes(opened.readframes(opened.getnframes()))
        if len(sound) > 20 * RATE:
            made.append(str(folder / f"{language.name}.wav"))
            with wave.open(made[-1], "wb") as written:
                written.setparams((1, 2, RATE, 0, "NONE", ""))
                written.writeframes(sound.tobytes())
    if shutil.which("espeak-ng"):
        for voice, text in SPOKEN.items():
            made.append(str(folder / f"espeak-{voice}.wav"))
            run("espeak-ng", "-v", voice, "-s", "155", "-w", made[-1], text, quiet=True)
    else:
        print("Voices of espeak-ng are left out: it is not installed (apt-get install espeak-ng).")
    if all("espeak" in name for name in made):
        print(f"Recorded voices are left out: none below {PROMPTS} (apt-get install asterisk-core-sounds-en-wav).")
    return made


def counted(command: list[str]) -> int:
    """Instructions of a run on this machine, by callgrind."""
    text = run("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command, quiet=True)
    found = re.search(r"Collected\s*:\s*(\d+)", text)
    if found is None:
        raise SystemExit(f"callgrind told no count: {text}")
    return int(found[1])


def counted_by_qemu(command: list[str]) -> int:
    plugin = BUILD / "count_instructions.so"
    text = run("qemu-aarch64", "-plugin", str(plugin), *command, quiet=True)
    found = re.search(r"instructions: (\d+)", text)
    if found is None:
        raise SystemExit(f"the plugin told no count: {text}")
    return int(found[1])


def costs(title: str, count: object, program: Path, peers: list[str], tails: list[int]) -> None:
    print(f"\n{title}: instructions a sample and channel, settled (the first second, converging)")
    print("  " + " " * 10 + "".join(f"{tail:>8} ms        " for tail in tails))
    for peer in peers:
        row = f"  {peer:<10}"
        for tail in tails:
            runs = [count([str(program), peer, str(tail), str(seconds)]) for seconds in (0, 1, 2, 8)]  # type: ignore[operator]
            channels = 4 if peer == "Offhook" else 1
            settled, first = (runs[3] - runs[2]) / 6, runs[1] - runs[0]
            row += f"{settled / RATE / channels:8.0f} ({first / RATE / channels:6.0f})  "
        print(row, flush=True)


def cost(extra: list[str], quick: bool) -> None:
    tails = [32, 128] if quick else [16, 32, 64, 128]
    signals = [str(HERE / "cost.c"), str(HERE / "signals.c")]
    if shutil.which("valgrind"):
        program = BUILD / "cost"
        run("gcc", *FLAGS, "-DWITH_PEERS", *signals, str(HERE / "peers.c"), *CANCELLER, *extra, "-o", str(program),
            "-lspeexdsp", "-lm")  # fmt: skip
        peers = ["Offhook", "Speex"] + (["OSLEC"] if extra else [])
        costs(f"{platform.machine()} (callgrind)", counted, program, peers, tails)
    else:
        print("No instruction counts: valgrind is not installed (apt-get install valgrind).")
    missing = [name for name in ("qemu-aarch64", "aarch64-linux-gnu-gcc") if not shutil.which(name)]
    if missing:
        print(f"No counts for aarch64: {' and '.join(missing)} not installed"
              " (apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross).")  # fmt: skip
        return
    version = run("qemu-aarch64", "--version", quiet=True)
    major = int(re.search(r"version (\d+)", version)[1])  # type: ignore[index]
    interface = 1 if major < 9 else 2  # plugin interface: 2 since QEMU 8.2
    run("gcc", "-O2", "-fPIC", "-shared", f"-DPLUGIN_VERSION={interface}", "-o", str(BUILD / "count_instructions.so"),
        str(HERE / "count_instructions.c"))  # fmt: skip
    program = BUILD / "cost-aarch64"
    run("aarch64-linux-gnu-gcc", *FLAGS, "-static", *signals, *CANCELLER, "-o", str(program), "-lm")
    costs("aarch64 (QEMU)", counted_by_qemu, program, ["Offhook"], tails)


def main() -> None:
    parser = argparse.ArgumentParser(description="The echo canceller beside OSLEC and Speex.")
    parser.add_argument("--quick", action="store_true", help="32 ms, A-law, -10 dBm0; 8 cases of speech a row")
    parser.add_argument("--only", choices=("css", "speech", "cost"), help="one kind of table")
    wanted = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    extra = oslec()
    program = BUILD / "bench"
    sources = [str(HERE / f"{name}.c") for name in ("bench", "table_css", "table_speech", "score", "signals", "peers")]
    run("gcc", *FLAGS, *sources, *CANCELLER, *extra, "-o", str(program), "-lspeexdsp", "-lm")
    if wanted.only in (None, "css"):
        tables = [(32, "alaw", -10)]
        if not wanted.quick:
            tables += [(16, "alaw", -10), (64, "alaw", -10), (128, "alaw", -10), (32, "ulaw", -10), (32, "linear", -10)]
            tables += [(32, "alaw", 0), (32, "alaw", -20), (32, "alaw", -30)]
        for tail, coding, dbm0 in tables:
            run(str(program), "css", str(tail), coding, str(dbm0))
    if wanted.only in (None, "speech"):
        spoken = voices()
        for tail in (32,) if wanted.quick else (16, 32, 64, 128):
            run(str(program), "speech", str(tail), "8" if wanted.quick else "24", *spoken)
    if wanted.only in (None, "cost"):
        cost(extra, wanted.quick)


if __name__ == "__main__":
    main()
