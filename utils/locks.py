"""Locks on files between processes, by what the system has for them."""
from __future__ import annotations

import errno
import os
from typing import IO

FAR = 1 << 30  # bytes; where Windows locks one, behind what files hold: there others cannot read what is locked


def try_lock(file: IO) -> bool:
    """Lock an open, writable file until it is closed or this process ends; forked workers do not inherit the lock. False
    where another process has it; True also where the system or the file system knows no such locks."""
    try:
        import fcntl
    except ImportError:
        return _try_lock_on_windows(file)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass
    return True


def _try_lock_on_windows(file):
    try:
        import msvcrt
    except ImportError:
        return True
    number = file.fileno()
    before = os.lseek(number, 0, os.SEEK_CUR)
    try:
        os.lseek(number, FAR, os.SEEK_SET)
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EDEADLK)
    finally:
        os.lseek(number, before, os.SEEK_SET)
    return True
