"""What a process gives up before it reads what others have sent: network, files but for reading, memory, processor time."""
from __future__ import annotations

import ctypes
import os
import struct
import sys
import time
from collections.abc import Iterable

NEWUSER, NEWNET = 0x10000000, 0x40000000                # of Linux: unshare
NO_NEW_PRIVILEGES = 38                                  # of Linux: prctl
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # of Linux: Landlock, by the same numbers on all processors
READ_FILE, READ_FOLDER, RUN = 1 << 2, 1 << 3, 1 << 0
KNOWN = {1: 13, 2: 14, 3: 15, 4: 15}                    # version of Landlock: how many rights of files it knows; later 16
ALL_TCP, ALL_SCOPES = 3, 3                              # bind and connect; abstract sockets and signals
DESCRIPTORS = 256
SYSTEM = ("/usr", "/lib", "/lib64", "/nix", "/etc/ld.so.cache", "/etc/localtime", "/proc", "/sys/fs/cgroup",
          "/sys/devices/system/cpu", "/dev/null", "/dev/urandom")


def without_network() -> bool:
    """Leave this process without any network but its own, where the kernel allows it; whether it did.

    Only while the process has one thread. Root without CAP_SYS_ADMIN keeps the network: in a namespace of users it could
    no longer read what other users own.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return libc.unshare(NEWNET) == 0 or os.geteuid() != 0 and libc.unshare(NEWUSER | NEWNET) == 0


def only_reading(folders: Iterable[str | os.PathLike] | None = None) -> bool:
    """From here on this thread, and those that it starts, can write no file, signal no other process (Linux 6.12), and read
    what lies in ``folders`` and what Python needs; None: everything. Whether the kernel (Landlock, Linux 5.13) grants that.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    rights = struct.pack("QQQ", (1 << KNOWN.get(version, 16)) - 1, ALL_TCP, ALL_SCOPES)
    rules = libc.syscall(CREATE_RULESET, rights, 24 if version >= 6 else 16 if version >= 4 else 8, 0)
    if rules < 0:
        return False
    try:
        for place in ["/"] if folders is None else [*SYSTEM, *_python(), *map(os.fspath, folders)]:
            _allow(libc, rules, place)
        libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return libc.syscall(RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def _python():
    """Where Python, its packages and their libraries lie."""
    return [sys.prefix, sys.base_prefix, *sys.path, *os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)]


def _allow(libc, rules, place):
    """Add to Landlock's rules that what lies at a place may be read."""
    try:
        number = os.open(place, os.O_PATH)
    except OSError:  # what is not there
        return
    try:
        rights = READ_FILE | RUN | (READ_FOLDER if os.path.isdir(place) else 0)
        libc.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", rights, number), 0)
    finally:
        os.close(number)


def bound(memory: int) -> None:
    """Bound the addresses of this process to ``memory`` bytes more than it has, and let it write no file, where there is a
    module for it."""
    try:
        import resource
    except ImportError:
        return
    begun = 0
    if os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm", encoding="ascii") as file:
            begun = int(file.read().split()[0]) * resource.getpagesize()
    for kind, value in ((resource.RLIMIT_AS, begun + memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
                        (resource.RLIMIT_NOFILE, DESCRIPTORS)):
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):  # macOS knows no bound of addresses
            pass


def spend(seconds: float) -> None:
    """Let this process take so many more seconds of processors, where there is a module for it."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, hard))
