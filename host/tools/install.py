#!/usr/bin/env python3
"""Put Offhook into a system, write sample configuration, or take Offhook away again.

    install.py install|samples|uninstall [--prefix /usr/local] [--destdir ""] [--sysconfdir /etc] [--localstatedir /var]

The program goes to PREFIX/lib/offhook with the Python packages it depends on beside it (those of the virtual
environment this script runs in), so that neither the checkout nor the environment is needed afterwards. Configuration
is written by "samples" alone, and a file that is in the way is kept as NAME.old (NAME.old.1, ...).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import prompts

HOST = Path(__file__).resolve().parent.parent
SHIMS = HOST.parent / "kernel-shims/kernel_shims"
UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc")
BUILD_ONLY = frozenset({"pycparser", "setuptools"})
SPOOL = ("outgoing", "outgoing_done", "voicemail", "monitor", "recording", "tmp", "system", "dictate", "meetme")


@dataclass(frozen=True)
class Places:
    """Where things go; the folders as the installed system sees them, and ``at`` for where to write them now."""

    prefix: Path
    destdir: str
    sysconf: Path
    state: Path

    def at(self, path: Path) -> Path:
        """The path below DESTDIR."""
        return Path(f"{self.destdir}{path}") if self.destdir else path

    @property
    def library(self) -> Path:
        return self.prefix / "lib/offhook"

    @property
    def configuration(self) -> Path:
        return self.sysconf / "offhook"

    @property
    def data(self) -> Path:
        return self.state / "lib/offhook"

    def files(self) -> dict[Path, str]:
        """The single files of an installation and what each is made from below host/data ("" is written here)."""
        return {
            self.prefix / "sbin/offhook": "",
            self.prefix / "sbin/offhook-diag": "",
            self.prefix / "share/man/man8/offhook.8": "offhook.8",
            self.prefix / "lib/systemd/system/offhook.service": "offhook.service",
            self.prefix / "lib/sysusers.d/offhook.conf": "offhook.sysusers",
            self.prefix / "lib/tmpfiles.d/offhook.conf": "offhook.tmpfiles",
            self.prefix / "lib/udev/rules.d/61-offhook.rules": "offhook.udev",
            self.prefix / "lib/modprobe.d/offhook.conf": "offhook.modprobe",
        }


def dependencies() -> list[str]:
    """The names of the installed packages that Offhook depends on, theirs included."""
    text = (HOST / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert listed is not None
    wanted = re.findall(r'"([\w.-]+)', listed[1])
    found: list[str] = []
    while wanted:
        name = wanted.pop().lower()
        if name in found or name in BUILD_ONLY:
            continue
        try:
            requires = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.append(name)
        wanted += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requires if "extra ==" not in line]
    return found


def copy_dependencies(target: Path) -> None:
    """Copy the packages of the virtual environment; what is Debian's own stays where it is."""
    site = Path(sysconfig.get_path("purelib"))
    for name in dependencies():
        for file in importlib.metadata.files(name) or []:
            source = Path(str(file.locate()))
            if ".." in file.parts or not source.is_relative_to(site) or source.suffix == ".pyc" or not source.is_file():
                continue
            copy = target / source.relative_to(site)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)


def launcher(places: Places, name: str) -> str:
    """An installed program: the daemon and its console, or the login shell of diagnostics."""
    module = {"offhook": "offhook.main", "offhook-diag": "offhook.field.diag.shell"}[name]
    interpreter = Path(sys.executable).resolve()
    return (
        f"#!{interpreter} -I\nimport sys\n\n"
        f"sys.path[:0] = [{str(places.library)!r}, {str(places.library / 'site')!r}]\n"
        f"from {module} import main\n\nsys.exit(main())\n"
    )


def install(places: Places) -> None:
    """Put the program, its manual, the service and the prompts in place."""
    library = places.at(places.library)
    shutil.rmtree(library, ignore_errors=True)
    shutil.copytree(HOST / "offhook", library / "offhook", ignore=UNWANTED)
    shutil.copytree(HOST.parent / "boards", library / "boards")
    shutil.copytree(SHIMS, library / "kernel_shims", ignore=UNWANTED)
    copy_dependencies(library / "site")
    launch = import_module("kernel_shims.astribank.initcard.launch")
    launch.write_launchers(library / "xpp", str(Path(sys.executable).resolve()), places.library)
    words = {"PREFIX": places.prefix, "SYSCONFDIR": places.sysconf, "LOCALSTATEDIR": places.state}
    for path, source in places.files().items():
        target = places.at(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (HOST / "data" / source).read_text() if source else launcher(places, path.name)
        target.write_text(re.sub(r"@(\w+)@", lambda match: str(words[match[1]]), text))
        target.chmod(0o644 if source else 0o755)
    print(f"{places.at(places.prefix / 'sbin/offhook')}: installed")
    data = places.at(places.data)
    print(f"{data}: {prompts.fill(data, spoken=False)}")
    for folder in ("agi-bin", "keys"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    for folder in SPOOL:
        places.at(places.state / "spool/offhook" / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("cdr-csv", "cdr-custom", "cel-custom"):
        places.at(places.state / "log/offhook" / folder).mkdir(parents=True, exist_ok=True)
    if not places.destdir and os.geteuid() == 0 and shutil.which("systemd-sysusers"):
        for tool, part in (("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles", "tmpfiles.d")):
            create = ["--create"] if part == "tmpfiles.d" else []
            subprocess.run([tool, *create, str(places.prefix / "lib" / part / "offhook.conf")], check=False)
    if not places.at(places.configuration / "asterisk.conf").exists():
        print('There is no configuration yet: "make samples" writes one to begin with.')


def save_aside(path: Path) -> Path | None:
    """Rename a file that is in the way; its new name."""
    if not path.exists():
        return None
    aside = path.with_name(f"{path.name}.old")
    number = 0
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.old.{number}")
    path.rename(aside)
    return aside


def sample_files() -> dict[str, str]:
    """Configuration file -> its sample: what is in data/samples, then every option of the file's table as comments."""
    sys.path.insert(0, str(HOST))
    import_module("offhook.daemon.tables")  # declares those of the daemon itself
    from offhook.config.options import SCHEMAS
    from offhook.config.samples import sample
    from offhook.modules.loader import discover

    for source in sorted({known.source for known in discover(HOST / "offhook").values()}):
        import_module(source)
    texts = {path.name: path.read_text() for path in (HOST / "data/samples").glob("*.conf")}
    tables = {schema.file: sample(schema) for schema in SCHEMAS.values()}
    tables["pjsip.conf"] = pjsip_options()
    for name, table in tables.items():
        if name not in texts:
            texts[name] = table
            continue
        lines = (line if not line or line.startswith(";") else f";{line}" for line in table.splitlines())
        texts[name] += "\n; ---- every option, with its default\n\n" + "\n".join(lines) + "\n"
    return texts


def pjsip_options() -> str:
    """Every section type of pjsip.conf with its options at their defaults."""
    from offhook.drivers.sip.configuration.reading import TYPES

    out = []
    for kind, section in sorted(TYPES.items()):
        out += [f"[{kind}]", f"type = {kind}"]
        for name, text in section("").shown():
            refused = section.OPTIONS[name].refused
            out.append(f"{name} = {text}{f'   ; {refused}' if refused else ''}")
        out.append("")
    return "\n".join(out)


def samples(places: Places) -> None:
    """Write a sample of every configuration file, and the prompts."""
    etc = places.at(places.configuration)
    etc.mkdir(parents=True, exist_ok=True)
    written = 0
    for name, text in sorted(sample_files().items()):
        path = etc / name
        if path.exists() and path.read_text() == text:
            continue
        if (aside := save_aside(path)) is not None:
            print(f"{path}: the old file is {aside.name} now")
        path.write_text(text)
        path.chmod(0o640)
        written += 1
    print(f"{etc}: {written} sample files written")
    data = places.at(places.data)
    print(f"{data}: {prompts.fill(data, spoken=False)}")


def uninstall(places: Places) -> None:
    """Remove what install put below the prefix; configuration, recordings, records and the database stay."""
    for path in places.files():
        places.at(path).unlink(missing_ok=True)
    shutil.rmtree(places.at(places.library), ignore_errors=True)
    yours = (places.configuration, places.data, places.state / "spool/offhook")
    kept = [path for path in yours if places.at(path).exists()]
    print(f"Offhook is removed from {places.at(places.prefix)}.")
    if kept:
        print(f"Kept, for you to remove: {' '.join(str(places.at(path)) for path in kept)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=["install", "samples", "uninstall"])
    parser.add_argument("--prefix", type=Path, default=Path("/usr/local"))
    parser.add_argument("--destdir", default="")
    parser.add_argument("--sysconfdir", type=Path, default=Path("/etc"))
    parser.add_argument("--localstatedir", type=Path, default=Path("/var"))
    options = parser.parse_args()
    places = Places(options.prefix, options.destdir.rstrip("/"), options.sysconfdir, options.localstatedir)
    try:
        {"install": install, "samples": samples, "uninstall": uninstall}[options.work](places)
    except PermissionError as error:
        raise SystemExit(
            f"{error.filename}: {error.strerror}; become root, or name other folders by PREFIX="
        ) from error


if __name__ == "__main__":
    main()
