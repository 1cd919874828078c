"""A new firmware over the link: gathered in one file, checked as a whole, unpacked into the slot that is spare.

The file is "OFW1", three bytes of version, then for each file: length of its name, name, u32 size, contents.
"""

import hashlib
import os
import struct

MAGIC = b"OFW1"
LARGEST = 262144
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789_./"
_BLOCK = 1024


class UpdateError(Exception):
    """The update cannot go on; the host begins again."""


def _remove(folder):
    try:
        names = os.listdir(folder)
    except OSError:
        return  # there is none
    for name in names:
        path = folder + "/" + name
        if os.stat(path)[0] & 0x4000:
            _remove(path)
        else:
            os.remove(path)
    os.rmdir(folder)


class Update:
    """One update under way."""

    def __init__(self, folder, size, digest):
        if not 16 <= size <= LARGEST:
            raise UpdateError("size")
        self._path = folder + "/update.bin"
        self._file = open(self._path, "wb")
        self._size = size
        self._digest = digest
        self._hash = hashlib.sha256()
        self.offset = 0

    def data(self, offset, chunk):
        """Take a piece; one that came before is passed over. Raises UpdateError for a gap."""
        if offset + len(chunk) <= self.offset:
            return
        if offset != self.offset or offset + len(chunk) > self._size:
            raise UpdateError("offset")
        self._file.write(chunk)
        self._hash.update(chunk)
        self.offset += len(chunk)

    def end(self, target):
        """Check the whole and unpack it into a folder; its version. Raises UpdateError."""
        self._file.close()
        if self.offset != self._size or self._hash.digest() != self._digest:
            raise UpdateError("digest")
        _remove(target)
        os.mkdir(target)
        with open(self._path, "rb") as file:
            if file.read(4) != MAGIC:
                raise UpdateError("magic")
            version = tuple(file.read(3))
            while True:
                length = file.read(1)
                if not length:
                    break
                self._unpack(file, length[0], target)
        os.remove(self._path)
        return version

    def _unpack(self, file, length, target):
        name = file.read(length).decode()
        if not name or any(char not in _NAME for char in name) or ".." in name or name[0] == "/" or name[-1] == "/":
            raise UpdateError("name")
        (left,) = struct.unpack(">I", file.read(4))
        folder, slash, _ = name.rpartition("/")
        if slash and folder not in os.listdir(target):
            os.mkdir(target + "/" + folder)
        with open(target + "/" + name, "wb") as out:
            while left:
                block = file.read(min(left, _BLOCK))
                if not block:
                    raise UpdateError("short")
                out.write(block)
                left -= len(block)
