"""Take a process's rights away, for good: no files, no network, no other processes.

On Linux the kernel sees to it: by seccomp, a filter of system calls that a process sets for itself,
as root or as anyone, and can't lift. It lists the calls that stay, and all others fail. What was
imported before stays usable. Elsewhere Python's own audit events are all that there is; they stop
accidents, but not somebody who means it.
"""

from __future__ import annotations

import ctypes
import math
import platform
import struct
import sys
from typing import Any

# Numbers of system calls by machine: what numbers in memory need, and writing to open pipes.
_ALLOWED = {
    "x86_64": {
        **{"read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10},
        **{"munmap": 11, "brk": 12, "rt_sigprocmask": 14, "rt_sigreturn": 15, "writev": 20},
        **{"sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39},
        **{"exit": 60, "gettimeofday": 96, "getrusage": 98, "times": 100, "sigaltstack": 131},
        **{"gettid": 186, "time": 201, "futex": 202, "sched_getaffinity": 204},
        **{"clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230},
        **{"exit_group": 231, "getrandom": 318, "membarrier": 324, "rseq": 334},
    },
    "aarch64": {
        **{"close": 57, "lseek": 62, "read": 63, "write": 64, "writev": 66, "fstat": 80},
        **{"exit": 93, "exit_group": 94, "futex": 98, "nanosleep": 101, "clock_gettime": 113},
        **{"clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123},
        **{"sched_yield": 124, "sigaltstack": 132, "rt_sigprocmask": 135, "rt_sigreturn": 139},
        **{"times": 153, "getrusage": 165, "gettimeofday": 169, "getpid": 172, "gettid": 178},
        **{"brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226},
        **{"madvise": 233, "getrandom": 278, "membarrier": 283, "rseq": 293},
    },
}
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Of linux/prctl.h, linux/seccomp.h and linux/bpf_common.h.
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_MODE_FILTER = 2
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_KILL, _ALLOW, _FAIL_WITH_EPERM = 0x80000000, 0x7FFF0000, 0x00050001
_OFFSET_OF_NUMBER, _OFFSET_OF_ARCH = 0, 4

# Audit events that reach nothing outside the process. Any other is denied.
_HARMLESS = {
    *("import", "compile", "exec", "builtins.id", "time.sleep", "array.__new__"),
    *("object.__getattr__", "object.__setattr__", "object.__delattr__"),
    *("code.__new__", "function.__new__", "sys._getframe", "marshal.loads"),
}


def can_confine() -> bool:
    """Return whether this system has seccomp, and this module knows the machine's calls."""
    return sys.platform == "linux" and platform.machine() in _ALLOWED and sys.maxsize > 2**32


def confine() -> None:
    """Let this process compute, write to its open files and end; everything else fails.

    Raises:
        OSError: The system refused.
    """
    machine = platform.machine()
    filter_ = _filter(_AUDIT_ARCH[machine], sorted(_ALLOWED[machine].values()))
    code = ctypes.create_string_buffer(filter_, len(filter_))
    program = _Program(len(filter_) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    zeros = (ctypes.c_ulong(0),) * 3
    one, mode = ctypes.c_ulong(1), ctypes.c_ulong(_MODE_FILTER)
    for arguments in (
        (_PR_SET_DUMPABLE, ctypes.c_ulong(0), *zeros),
        (_PR_SET_NO_NEW_PRIVS, one, *zeros),
        (_PR_SET_SECCOMP, mode, ctypes.byref(program), *zeros[:2]),
    ):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "the system refused to confine a process")


def guard() -> None:
    """Deny Python's calls for files, network and processes: weaker than ``confine``."""

    def hook(event: str, _: tuple[Any, ...]) -> None:
        if event not in _HARMLESS:
            raise PermissionError(f"{event} is not allowed while an answer is judged")

    sys.addaudithook(hook)


def limit_resources(*, cpu_s: float, memory_bytes: int) -> None:
    """Limit this process's processor time, and the memory that it may add to what it has.

    Args:
        cpu_s: Processor time after which the system kills it; rounded up to whole seconds.
        memory_bytes: Memory beyond the present, where the system says how much that is.
    """
    import resource

    def limit(kind: int, soft: int) -> None:
        hard = resource.getrlimit(kind)[1]
        value = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
        resource.setrlimit(kind, (value, value))

    limit(resource.RLIMIT_CPU, math.ceil(cpu_s))
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, 0)
    if sys.platform == "linux":
        with open("/proc/self/statm") as pages:
            present = int(pages.read().split()[0]) * resource.getpagesize()
        limit(resource.RLIMIT_AS, present + memory_bytes)
        limit(resource.RLIMIT_NPROC, 0)


class _Program(ctypes.Structure):
    """The C structure ``sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _filter(arch: int, allowed: list[int]) -> bytes:
    """Return a program for the kernel: calls of the list pass, all others fail with EPERM."""
    count = len(allowed)
    lines = [
        (_LOAD_WORD, 0, 0, _OFFSET_OF_ARCH),
        (_JUMP_IF_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD_WORD, 0, 0, _OFFSET_OF_NUMBER),
        *((_JUMP_IF_EQUAL, count - place, 0, call) for place, call in enumerate(allowed)),
        (_RETURN, 0, 0, _FAIL_WITH_EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)
