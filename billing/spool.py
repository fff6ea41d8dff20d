"""Batches on disk while the database is away: one locked file per process, checksummed lines, all fsynced.

A line is eight hexadecimal digits of CRC-32, a space, and the batch as JSON. A torn last line (a crash while it
was written) fails its checksum and is left out: it was never answered. Any other damage is set apart in a file that
ends in .damaged, which the audit names until a person has dealt with it. Files of processes that are gone are
adopted by any process of the node that gets their lock.
"""

import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

SUFFIX, DAMAGED = ".spool", ".damaged"


def line(batch: bytes) -> bytes:
    """One batch as a line."""
    return b"%08x %s\n" % (zlib.crc32(batch), batch)


def batches(content: bytes) -> Iterator[bytes]:
    """The batches of a file's content whose checksums are right."""
    for raw in content.split(b"\n"):
        digits, _, batch = raw.partition(b" ")
        if batch and digits == b"%08x" % zlib.crc32(batch):
            yield batch


def count_damaged(content: bytes) -> int:
    """Finished lines whose checksums are wrong. A torn last line is none of them."""
    lines = [raw for raw in content.split(b"\n")[:-1] if raw]
    return len(lines) - sum(1 for _ in batches(b"\n".join(lines)))


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class SpoolFile:
    """An open, locked spool file. Not for the event loop: every method may block on the disk."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self._handle = path, handle

    @classmethod
    def create(cls, folder: Path, name: UUID) -> "SpoolFile":
        """A new file of our own."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{name}{SUFFIX}"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sync_folder(folder)
        return cls(path, handle)

    @classmethod
    def adopt(cls, path: Path) -> "SpoolFile | None":
        """A file left by a process that is gone; None where its process lives or someone was faster."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_nlink:
                return cls(path, handle)
        except BlockingIOError:
            pass
        os.close(handle)
        return None

    def append(self, batch: bytes) -> None:
        """On disk when this returns; raises OSError where it is not."""
        start = os.fstat(self._handle).st_size
        data = line(batch)
        try:
            while data:
                data = data[os.write(self._handle, data) :]
            os.fsync(self._handle)
        except OSError:
            os.ftruncate(self._handle, start)
            raise

    def read(self) -> list[bytes]:
        """All batches whose checksums are right."""
        return list(batches(self._content()))

    def set_apart(self) -> int:
        """Copy the whole file beside it where a finished line is damaged, for a person to look at; how many are."""
        content = self._content()
        damaged = count_damaged(content)
        if damaged:
            with self.path.with_suffix(DAMAGED).open("ab") as copy:
                copy.write(content)
                copy.flush()
                os.fsync(copy.fileno())
            sync_folder(self.path.parent)
        return damaged

    def _content(self) -> bytes:
        return os.pread(self._handle, os.fstat(self._handle).st_size, 0)

    def clear(self) -> None:
        """Empty: everything in it is in the ledger."""
        os.ftruncate(self._handle, 0)
        os.fsync(self._handle)

    def remove(self) -> None:
        """Delete the file and let go of it."""
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)
        os.close(self._handle)

    def close(self) -> None:
        """Let go of the lock; the file stays for whoever adopts it."""
        os.close(self._handle)


def waiting(folder: Path) -> list[Path]:
    """The spool files of this node that hold something."""
    try:
        return [path for path in sorted(folder.glob(f"*{SUFFIX}")) if path.stat().st_size]
    except FileNotFoundError:
        return []


def damaged(folder: Path) -> list[Path]:
    """The files of this node that were set apart."""
    return sorted(folder.glob(f"*{DAMAGED}"))
