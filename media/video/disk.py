"""A file under a hidden name beside its target, with room put aside so that it can be finished on a full disk."""
from __future__ import annotations

import errno
import os
import shutil
from functools import partial
from pathlib import Path

from bgmatting.utils.errors import no_space
from bgmatting.utils.files import create_hidden, kept_beside


class HiddenFile:
    """The file that PyAV writes a video into. ``keep`` gives the file its name, ``drop`` removes it.

    Where the disk is full, the reserve is given back to it, writing goes on, and ``full`` turns true: whoever writes
    should finish now. The end of a video (its index, frames that the encoder still holds) fits into the reserve. Where it
    does not, or on another error, ``error`` holds that, and what is written from there on goes nowhere: PyAV is told
    nothing, for an error in the middle of its work made older versions crash.

    Args:
        path: the name that the file gets in the end. reserve: bytes to put aside, fewer where little is free.
    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, path: str | os.PathLike, reserve: int):
        self.path, self.full, self.error = Path(path), False, None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.name, self._file = create_hidden(path, partial(open, mode="xb", buffering=0))
        self._spare = self.name.with_suffix(".reserve")
        self._set_aside(min(reserve, shutil.disk_usage(self.path.parent).free // 8))

    def write(self, data: bytes) -> int:
        """Write all of ``data``, or keep the error."""
        left = memoryview(data)
        while len(left) and self.error is None:
            try:
                left = left[self._file.write(left):]
            except OSError as error:
                if not no_space(error) or self.full:
                    self.error = _named(error, self.path)
                self._release()
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence) if self.error is None else offset

    def tell(self) -> int:
        return self._file.tell() if self.error is None else 0

    def keep(self) -> None:
        """Give the file its name, at once and complete. Raises OSError, and there is no file, where something is missing;
        where another program holds the old one, the file has another name, which the error tells."""
        try:
            if self.error is not None:
                raise self.error
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                if not no_space(error):
                    raise
                self._release()
                os.fsync(self._file.fileno())
            self._file.close()
            try:
                os.replace(self.name, self.path)
            except PermissionError as error:
                raise kept_beside(self.name, self.path, error) from None
        except OSError as error:
            self.drop()
            raise _named(error, self.path) from None
        self._remove_reserve()

    def drop(self) -> None:
        """Remove the file."""
        self.error = self.error or disk_full(self.path)  # whatever PyAV still writes while it lets go of the file
        self._file.close()
        self.name.unlink(missing_ok=True)
        self._remove_reserve()

    def _set_aside(self, size):
        try:
            with open(self._spare, "xb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, max(size, 1))
                else:
                    for _ in range(size >> 20):
                        file.write(bytes(1 << 20))
        except OSError:
            self._remove_reserve()  # then a full disk costs the file; whatever is wrong otherwise shows soon

    def _release(self):
        self.full = True
        self._remove_reserve()

    def _remove_reserve(self):
        self._spare.unlink(missing_ok=True)


def disk_full(path: str | os.PathLike) -> OSError:
    """The OSError that says so."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _named(error, path):
    error.filename = str(path)
    return error
