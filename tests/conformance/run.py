#!/usr/bin/env python3
"""Run tests of the Asterisk Test Suite against this checkout; print what passes by group, and why the rest does not.

    run.py LIST|TEST... [--group M1,M2] [--only REGEX] [--retry] [--workers 2] [--minutes 60] [--out FOLDER]

LIST has a test path and perhaps its group on a line (a tab between). A path that begins with tests/ is a test itself.
The driver and the namespaces come from the folder that SHARED names; CONFORMANCE_ROOT is the root that its setup.sh
built. Logs of what failed are kept below the out folder, a folder a test; the runner's own output is runner.log there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from layout import CHECKOUT, lay_out

GOOD = ("passed",)
SECONDS_OF_A_HANG = 150
EXCERPT_LINES = 6
EXCERPT_WIDTH = 200
NOISE = re.compile(r"^\s*$|Running \[|--> |^\d+ lines of|DEBUG|INFO\]|Traceback")


def read_list(words: list[str], groups: set[str], only: str) -> dict[str, str]:
    """The tests to run and their groups ("" when the list names none)."""
    tests: dict[str, str] = {}
    for word in words:
        if word.startswith("tests/") and not Path(word).is_file():
            tests[word.rstrip("/")] = ""
            continue
        for line in Path(word).read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                name, _, rest = line.partition("\t")
                group = rest.split("\t")[0].strip()
                if not groups or group in groups:
                    tests[name.strip().rstrip("/")] = group
    return {name: group for name, group in tests.items() if re.search(only, name)}


def read_rows(path: Path) -> dict[str, tuple[str, str]]:
    """Test -> (result, seconds); the later row, that of a retry, counts."""
    rows: dict[str, tuple[str, str]] = {}
    for line in path.read_text().splitlines():
        name, result, seconds = line.split("\t")
        rows[name] = (result, seconds)
    return rows


def collect_logs(root: Path, tag: str, out: Path) -> None:
    """Move what the suite archived of failed tests and the runner's output out of the throw-away layers."""
    for layer in sorted((root / "work").glob(f"{tag}*")):
        logs = layer / "u/ts/testsuite/logs"
        if logs.is_dir():
            shutil.copytree(logs, out / "tests", dirs_exist_ok=True)
        shutil.rmtree(layer, ignore_errors=True)
    for log in sorted((root / "logs").glob(f"{tag}*.log")):
        with log.open(errors="replace") as source:
            split_by_test(source.read(), out)
        log.unlink()


def split_by_test(text: str, out: Path) -> None:
    """Write each test's part of a runner's output to its folder; a second run replaces the first."""
    for part in re.split(r"^[\d.]+ (?=--> Running test )", text, flags=re.MULTILINE)[1:]:
        if match := re.match(r"--> Running test '(\S+?)/?'", part):
            folder = out / match[1]
            folder.mkdir(parents=True, exist_ok=True)
            text = re.sub(r"^\d+\.\d\d ", "", part, flags=re.MULTILINE)
            end = re.search(rf"^Test {re.escape(match[1])} .*$", text, re.MULTILINE)
            (folder / "runner.log").write_text(text[: end.end()] if end else text)


def excerpt(out: Path, test: str) -> list[str]:
    """The lines of a failed test's output, and of the daemons' logs, that tell most."""
    path = out / test / "runner.log"
    if not path.exists():
        return ["no output of the test was kept"]
    lines = path.read_text(errors="replace").splitlines()
    telling = [line for line in lines if re.search(r"ERROR|WARNING|Error|assert|not met|[Ff]ailed", line)]
    told = (telling or [line for line in lines if not NOISE.search(line)])[-EXCERPT_LINES:]
    for log in sorted((out / test).rglob("messages.txt")):
        if "ast" in str(log.relative_to(out / test)):
            lines = log.read_text(errors="replace").splitlines()
            telling = [line for line in lines if re.search(r"\] (ERROR|WARNING)\[|^\S*(Error|Exception)\b", line)]
            told += [f"{log.parts[-5]}: {line}" for line in telling[-EXCERPT_LINES:]]
    return [line[:EXCERPT_WIDTH] for line in dict.fromkeys(told)]


def unmet(test: str, suite: Path, markers: set[str]) -> str:
    """The modules that a test wants and that have no marker."""
    try:
        text = (suite / test / "test-config.yaml").read_text()
    except OSError:
        return "no such test"
    wanted = re.findall(r"^[^#\n]*\basterisk\s*:\s*['\"]?([\w.-]+)", text, re.MULTILINE)
    return "needs " + ", ".join(sorted({name for name in wanted if name.removesuffix(".so") not in markers}))


def report(tests: dict[str, str], rows: dict[str, tuple[str, str]], out: Path, suite: Path, markers: set[str]) -> int:
    """Print the counts by group and each failure; how many did not pass."""
    groups = sorted(set(tests.values()), key=lambda group: (len(group), group))
    missing = [name for name in tests if rows.get(name, ("",))[0] not in GOOD]
    for name in missing:
        result, seconds = rows.get(name, ("not reached", "0"))
        print(f"\n{name} ({tests[name] or '-'}): {result} after {seconds} s")
        if result in ("dep", "skipped"):
            print(f"    {unmet(name, suite, markers)}")
        elif result != "not reached":
            for line in excerpt(out, name):
                print(f"    {line}")
    print()
    for group in groups:
        members = [name for name in tests if tests[name] == group]
        counts = Counter(rows.get(name, ("not reached",))[0] for name in members)
        others = ", ".join(f"{count} {result}" for result, count in counts.most_common() if result not in GOOD)
        print(f"{group or 'tests'}: {counts['passed']} of {len(members)} pass{f' ({others})' if others else ''}")
    print(f"{len(tests) - len(missing)} passed, {len(missing)} failed")
    return len(missing)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--group", default="", help="only tests of these groups, comma-separated")
    parser.add_argument("--only", default="", help="only tests whose path this regular expression finds")
    parser.add_argument("--retry", action="store_true", help="run what did not pass once more")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--out", type=Path, default=CHECKOUT / "build/conformance")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("SHARED", CHECKOUT.parent / "shared")))
    parser.add_argument("--asterisk", action="store_true", help="run the real Asterisk of the root instead")
    options = parser.parse_args()
    root = os.environ.get("CONFORMANCE_ROOT", "")
    driver = options.shared / "conformance/drive.py"
    if not root or not (Path(root) / "chroot/ts").is_dir():
        raise SystemExit(
            "CONFORMANCE_ROOT must name the folder that conformance/setup.sh built (see tests/conformance/README.md)"
        )
    if not driver.is_file():
        raise SystemExit(f"{driver}: not found; name the folder that has conformance/drive.py with SHARED=")
    tests = read_list(options.tests, set(filter(None, options.group.split(","))), options.only)
    if not tests:
        raise SystemExit("no test is left after GROUP and ONLY")
    tag = f"run{os.getpid()}w"
    scratch = CHECKOUT / f"build/{tag}"
    scratch.mkdir(parents=True)
    try:
        chosen, results = scratch / "list", scratch / f"{tag}.tsv"
        chosen.write_text("".join(f"{name}\n" for name in tests))
        environment = dict(os.environ, BIND=str(CHECKOUT))
        if not options.asterisk:
            lay_out(scratch / "root", CHECKOUT / ".venv/bin/python")
            environment["LOWER"] = str(scratch / "root")
        command = [sys.executable, str(driver), str(chosen), str(results)]
        command += ["--workers", str(min(options.workers, len(tests))), "--minutes", str(options.minutes)]
        chunk = max(1, min(6, -(-len(tests) // options.workers)))
        command += ["--chunk", str(chunk), *(["--retry"] if options.retry else [])]
        subprocess.run(command, env=environment, check=False)
        options.out.mkdir(parents=True, exist_ok=True)
        collect_logs(Path(root), tag, options.out)
        rows = read_rows(results) if results.exists() else {}
        for name, (result, _) in rows.items():
            if result in GOOD:
                shutil.rmtree(options.out / name, ignore_errors=True)
        markers = {path.stem for path in (scratch / "root").rglob("modules/*.so")}
        return 1 if report(tests, rows, options.out, Path(root) / "chroot/ts/testsuite", markers) else 0
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
