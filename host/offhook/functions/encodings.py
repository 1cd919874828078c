"""Texts in other forms: BASE64, MD5, SHA1, URI encoding, AES, character sets, UUID."""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import logging
import os
from urllib.parse import quote, unquote_to_bytes

from offhook.dialplan.arguments import from_octets, octets
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
base64_module = Module("func_base64", "base64 encode/decode dialplan functions")
md5_module = Module("func_md5", "MD5 digest dialplan functions")
sha1_module = Module("func_sha1", "SHA-1 computation dialplan function")
uri_module = Module("func_uri", "URI encode/decode dialplan functions")
aes_module = Module("func_aes", "AES dialplan functions")
iconv_module = Module("func_iconv", "Charset conversions")
uuid_module = Module("func_uuid", "UUID generation dialplan function")

_BLOCK = 16
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_AS_BASE64 = bytes(octet if octet in _BASE64 else ord("/") for octet in range(256))


def _need(function: str, data: str) -> bytes:
    if not data:
        raise FunctionError(f"{function} needs a text")
    return octets(data)


def _from_base64(text: str) -> bytes:
    """Decode up to the first =; a character that base64 does not use counts as a slash."""
    clean = octets(text).partition(b"=")[0].translate(_AS_BASE64)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    try:
        return base64.b64decode(clean + b"=" * (-len(clean) % 4))
    except binascii.Error as error:
        raise FunctionError(f'"{text}" is no base64: {error}') from error


@base64_module.function("BASE64_ENCODE", Syntax("string"), see_also=("BASE64_DECODE",), raw=True)
def encode_base64(scope: Scope, text: str) -> str:
    """A text in base64."""
    return base64.b64encode(_need("BASE64_ENCODE", text)).decode()


@base64_module.function("BASE64_DECODE", Syntax("string"), see_also=("BASE64_ENCODE",), raw=True)
def decode_base64(scope: Scope, text: str) -> str:
    """The text that a base64 text stands for, up to the first zero octet."""
    _need("BASE64_DECODE", text)
    return from_octets(_from_base64(text))


@md5_module.function("MD5", Syntax("data"), raw=True)
def md5(scope: Scope, text: str) -> str:
    """The MD5 digest of a text in hexadecimal."""
    return hashlib.md5(_need("MD5", text), usedforsecurity=False).hexdigest()


@sha1_module.function("SHA1", Syntax("data"), raw=True)
def sha1(scope: Scope, text: str) -> str:
    """The SHA-1 digest of a text in hexadecimal."""
    return hashlib.sha1(_need("SHA1", text), usedforsecurity=False).hexdigest()


@uri_module.function("URIENCODE", Syntax("data"), see_also=("URIDECODE",), raw=True)
def encode_uri(scope: Scope, text: str) -> str:
    """A text with all but letters, digits and -_.!~*'() written as %XX (RFC 2396)."""
    return quote(octets(text), safe="-_.!~*'()")


@uri_module.function("URIDECODE", Syntax("data"), see_also=("URIENCODE",), raw=True)
def decode_uri(scope: Scope, text: str) -> str:
    """A text with each %XX written as the character it stands for."""
    return from_octets(unquote_to_bytes(octets(text)))


def _key(function: str, text: str) -> bytes:
    key = octets(text)
    if len(key) != _BLOCK:
        raise FunctionError(f"{function} needs a key of exactly {_BLOCK} octets, not of {len(key)}")
    return key


def _crypt(key: bytes, data: bytes, *, encrypt: bool) -> bytes:
    """AES-128 block by block (ECB), the last one filled with zeros: what peers of this function expect."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    cipher = Cipher(algorithms.AES(key), modes.ECB())
    worker = cipher.encryptor() if encrypt else cipher.decryptor()
    return worker.update(data + bytes(-len(data) % _BLOCK)) + worker.finalize()


@aes_module.function("AES_ENCRYPT", Syntax("key", "string"), see_also=("AES_DECRYPT",))
def encrypt_aes(scope: Scope, key: str, text: str) -> str:
    """A text enciphered with AES-128 and a key of 16 characters, in base64."""
    return base64.b64encode(_crypt(_key("AES_ENCRYPT", key), _need("AES_ENCRYPT", text), encrypt=True)).decode()


@aes_module.function("AES_DECRYPT", Syntax("key", "string"), see_also=("AES_ENCRYPT",))
def decrypt_aes(scope: Scope, key: str, text: str) -> str:
    """The text that AES_ENCRYPT with the same key has enciphered."""
    _need("AES_DECRYPT", text)
    plain = _crypt(_key("AES_DECRYPT", key), _from_base64(text), encrypt=False)
    return from_octets(plain)


@iconv_module.function("ICONV", Syntax("in-charset", "out-charset", "string"))
def convert(scope: Scope, source: str, target: str, text: str) -> str:
    """A text converted from one character set into another.

    //TRANSLIT or //IGNORE after the second set tells what becomes of characters that it does not have.
    """
    name, _, manner = target.partition("//")
    errors = {"IGNORE": "ignore", "TRANSLIT": "replace"}.get(manner.upper(), "strict")
    try:
        decoded = octets(text).decode(codecs.lookup(source.partition("//")[0]).name)
        return from_octets(decoded.encode(codecs.lookup(name).name, errors))
    except LookupError as error:
        raise FunctionError(f"ICONV cannot convert from {source} to {target}: {error}") from error
    except UnicodeError as error:
        log.warning('ICONV(%s,%s,...): "%s" cannot be converted: %s', source, target, text, error)
        return ""


@uuid_module.function("UUID", Syntax())
def new_uuid(scope: Scope) -> str:
    """A new random UUID (RFC 9562, version 4)."""
    octets_16 = bytearray(os.urandom(16))
    octets_16[6] = octets_16[6] & 0x0F | 0x40
    octets_16[8] = octets_16[8] & 0x3F | 0x80
    digits = octets_16.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
