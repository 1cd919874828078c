"""The few file operations that what must survive a power cut is made of.

On Linux a file's content is on the disk after fdatasync of the file, its name after fsync of its folder; until then a
power cut may lose either, and may keep any beginning of what was appended.
"""

from __future__ import annotations

import os


class Disk:
    """Files of a real file system. All of it may block: call it on a worker thread, but for ``append``."""

    def append(self, path: str, data: bytes) -> None:
        """Put data at the end of a file, which is made if need be. The process may die afterwards, not the machine.

        All of it or, with an OSError (a full disk), nothing: what follows one day must not follow a torn line.
        """
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            length = os.fstat(fd).st_size
            try:
                while data:
                    data = data[os.write(fd, data) :]
            except OSError:
                os.truncate(fd, length)
                raise
        finally:
            os.close(fd)

    def sync(self, path: str) -> None:
        """Have a file's content on the disk. A file that is gone needs none."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def sync_folder(self, folder: str) -> None:
        """Have the names in a folder on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def make_folder(self, folder: str) -> None:
        """Make a folder, and those it is in, unless it is there; their names are on the disk then."""
        if os.path.isdir(folder):
            return
        above = os.path.dirname(os.path.abspath(folder))
        self.make_folder(above)
        os.makedirs(folder, exist_ok=True)
        self.sync_folder(above)

    def names(self, folder: str) -> list[str]:
        """The names in a folder, in order."""
        return sorted(os.listdir(folder))

    def read(self, path: str, last: int = 0) -> bytes:
        """A file's content, or its ``last`` octets; nothing when there is no such file."""
        try:
            with open(path, "rb") as file:
                if last:
                    file.seek(max(0, os.fstat(file.fileno()).st_size - last))
                return file.read()
        except FileNotFoundError:
            return b""

    def cut(self, path: str, octets: int) -> None:
        """Take so many octets off a file's end."""
        os.truncate(path, os.stat(path).st_size - octets)

    def remove(self, path: str) -> None:
        """Delete a file. Harmless when it is gone."""
        try:
            os.unlink(path)
        except FileNotFoundError:
            return
