"""RSA keys in a folder: which can be used, and what is said of the others."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from offhook.services.keys import Unusable, read_folder, read_key

KEY = rsa.generate_private_key(65537, 1024)


def private(key=KEY, code: bytes = b"") -> bytes:
    kept = BestAvailableEncryption(code) if code else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, kept)


def public(key=KEY) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def write(path, text, mode=0o600):
    path.write_bytes(text)
    path.chmod(mode)
    return path


def test_usable_keys_are_kept_and_others_told(tmp_path, caplog):
    write(tmp_path / "a.pub", public(), 0o644)
    write(tmp_path / "a.key", private())
    write(tmp_path / "coded.key", private(code=b"secret"))
    write(tmp_path / "broken.pub", b"nothing")
    write(tmp_path / "notes.txt", b"")
    keys = read_folder(tmp_path)
    assert [(key.name, key.private, key.key is not None) for key in keys] == [
        ("a", True, True),
        ("a", False, True),
        ("coded", True, False),
    ]
    assert "broken.pub" in caplog.text
    assert read_folder(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("name", "text", "mode", "told"),
    [
        ("open.key", private(), 0o640, "chmod 600"),
        ("long.key", private(rsa.generate_private_key(65537, 2048)), 0o600, "1024 bits"),
        ("curve.pub", public(ec.generate_private_key(ec.SECP256R1())), 0o600, "no RSA key"),
    ],
)
def test_what_is_wrong_with_a_key(tmp_path, name, text, mode, told):
    with pytest.raises(Unusable, match=told):
        read_key(write(tmp_path / name, text, mode))
