"""The keys that updates are signed with: those of a maintainer, or throw-away ones of this cache folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cross import cache, chroot, tools

NAMES = ("OFFHOOK_SIGNING_CERT", "OFFHOOK_SIGNING_KEY", "OFFHOOK_KEYRING")
MAKE = """
cd /keys
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7300 -subj "/CN=Offhook test authority" \\
  -keyout authority.key -out keyring.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=Offhook test signer" \\
  -keyout signer.key -out signer.csr
printf 'keyUsage=critical,digitalSignature\\nextendedKeyUsage=emailProtection\\n' > extensions
openssl x509 -req -in signer.csr -CA keyring.pem -CAkey authority.key -CAcreateserial -days 7300 \\
  -extfile extensions -out signer.pem
"""


@dataclass(frozen=True)
class Keys:
    """Files: certificate and key that sign, and the authority that boxes trust."""

    certificate: Path
    key: Path
    keyring: Path


def keys() -> Keys:
    """The keys named in the environment; else throw-away ones, made once."""
    given = [os.environ.get(name) for name in NAMES]
    if all(given):
        return Keys(*(Path(str(path)).absolute() for path in given))
    if any(given):
        raise SystemExit(f"Name all of {', '.join(NAMES)}, or none for throw-away keys")

    def make(work: Path) -> None:
        chroot.run(tools.with_image_tools(), MAKE, {"keys": work})

    folder = cache.made("keys", ["throw-away keys 1"], make)
    cache.say(f"signing with throw-away keys of {folder}: images for others are signed with your own ({NAMES[0]}, ...)")
    return Keys(folder / "signer.pem", folder / "signer.key", folder / "keyring.pem")
