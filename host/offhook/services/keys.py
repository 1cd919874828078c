"""RSA keys of the folder astkeydir: NAME.pub and NAME.key, by which IAX2 peers prove who they are."""

from __future__ import annotations

import hashlib
import logging
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from offhook.calls.pbx import Pbx
from offhook.log import NOTICE, verbose
from offhook.modules import Module, Request

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

log = logging.getLogger(__name__)
module = Module("res_crypto", "Cryptographic Digital Signatures", priority=9)

PART = "keys"
BITS = 1024
"""The one size that IAX2 authenticates with."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key file; ``key`` is None while the file waits for its pass code."""

    name: str
    private: bool
    key: RSAPrivateKey | RSAPublicKey | None
    digest: str
    """MD5 of the file, to tell keys apart by."""


class Unusable(Exception):
    """A key file cannot be used; the sentence says why."""


def read_key(path: Path) -> Key:
    """Read a key file. Raises Unusable, or OSError."""
    private = path.suffix == ".key"
    if not path.is_file():
        raise Unusable(f"{path} is no regular file")
    mode = stat.S_IMODE(path.stat().st_mode)
    if private and mode & ~0o600:
        raise Unusable(f"{path} can be read by others (mode {mode:04o}); chmod 600 it")
    text = path.read_bytes()
    digest = hashlib.md5(text).hexdigest()
    # The library takes 8 MB, and few have keys.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    try:
        found = load_pem_private_key(text, None) if private else load_pem_public_key(text)
    except TypeError:
        return Key(path.stem, private, None, digest)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unusable(f"{path} holds no {'private' if private else 'public'} key in PEM form: {error}") from None
    if not isinstance(found, RSAPrivateKey | RSAPublicKey) or found.key_size != BITS:
        raise Unusable(f"{path} holds no RSA key of {BITS} bits")
    return Key(path.stem, private, found, digest)


def read_folder(folder: Path) -> list[Key]:
    """All usable keys of a folder; what cannot be used is told."""
    keys = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.suffix not in (".pub", ".key"):
            continue
        try:
            key = read_key(path)
        except (Unusable, OSError) as error:
            log.error("%s", error)
            continue
        if key.key is None:
            log.log(NOTICE, "key %s has a pass code and cannot be used; take it off with openssl rsa", path)
        else:
            verbose(3, "Loaded %s key '%s'", "PRIVATE" if key.private else "PUBLIC", key.name)
        keys.append(key)
    return keys


async def _read(pbx: Pbx) -> None:
    pbx.parts[PART] = await pbx.off_loop(read_folder, Path(pbx.paths.keys))


@module.on_load
async def load(pbx: Pbx) -> None:
    """Read the keys."""
    await _read(pbx)


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read them again."""
    await _read(pbx)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Forget them."""
    pbx.parts.pop(PART, None)


@module.command("keys show", "Displays RSA key information")
def show(request: Request) -> None:
    """Show the RSA keys of the folder astkeydir."""
    if request.args:
        raise request.usage()

    def line(name: str, kind: str, status: str, digest: str) -> str:
        return f"{name:<18} {kind:<8} {status:<16} {digest:<33}"

    keys: list[Key] = request.pbx.parts[PART]
    request.print(line("Key Name", "Type", "Status", "Sum"), line("-" * 18, "-" * 8, "-" * 16, "-" * 32))
    for key in keys:
        status = "[Loaded]" if key.key is not None else "[Needs Passcode]"
        request.print(line(key.name, "PRIVATE" if key.private else "PUBLIC", status, key.digest))
    request.print("", f"{len(keys)} known RSA keys.", "")
