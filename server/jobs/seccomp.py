"""System calls that the process which opens strangers' files gives up: Linux answers them with an error from then on.

A filter in the language of seccomp(2): the kernel runs it at each call. It needs no privilege, holds for all threads, and can
never be taken back.
"""

import ctypes
import errno
import os
import struct

_PR_SET_NO_NEW_PRIVS = 38  # prctl(2)
_SET_MODE_FILTER, _GET_ACTION_AVAIL = 1, 2
_ALL_THREADS = 1  # SECCOMP_FILTER_FLAG_TSYNC
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
# Opcodes of classic BPF: load a word, jump if equal or at least, return.
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
# The second numbering of x86-64 (x32); a filter that does not know it can be walked around.
_X32 = 0x40000000

# Numbers of: socket, io_uring_setup (which can make sockets too), execve, execveat, ptrace, process_vm_readv,
# process_vm_writev, pidfd_getfd, and of seccomp itself last.
_CALLS: dict[str, tuple[int, tuple[int, ...], int]] = {
    "x86_64": (0xC000003E, (41, 425, 59, 322, 101, 310, 311, 438), 317),
    "aarch64": (0xC00000B7, (198, 425, 221, 281, 117, 270, 271, 438), 277),
}


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def gives_up_calls() -> bool:
    """Whether this system can do it."""
    known = _CALLS.get(os.uname().machine)
    if known is None or not hasattr(libc(), "syscall"):
        return False
    action = ctypes.c_uint32(_ERRNO)
    return int(libc().syscall(ctypes.c_long(known[2]), _GET_ACTION_AVAIL, 0, ctypes.byref(action))) == 0


def give_up_calls() -> bool:
    """Gives up sockets, starting programs, and reaching into other processes, for good; False where the system cannot do it."""
    if not no_new_privileges() or not gives_up_calls():
        return False
    architecture, calls, seccomp = _CALLS[os.uname().machine]
    code = _filter(architecture, calls, has_x32=os.uname().machine == "x86_64")
    program = _Program(len(code) // 8, code)
    return int(libc().syscall(ctypes.c_long(seccomp), _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program))) == 0


def no_new_privileges() -> bool:
    """From here on no program that this process starts has more rights than it has (setuid, file capabilities)."""
    return hasattr(libc(), "prctl") and libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0


def libc() -> ctypes.CDLL:
    """The C library that this process has anyway."""
    return ctypes.CDLL(None, use_errno=True)


def _filter(architecture: int, calls: tuple[int, ...], *, has_x32: bool) -> bytes:
    """Ends the process at a call of another architecture, answers `calls` with EACCES, and lets everything else through."""
    checks = [_instruction(_AT_LEAST, _X32, if_true=len(calls) + 2)] if has_x32 else []
    checks += [_instruction(_EQUAL, call, if_true=len(calls) - place) for place, call in enumerate(calls)]
    return b"".join(
        [
            _instruction(_LOAD, _ARCHITECTURE_AT),
            _instruction(_EQUAL, architecture, if_true=1),
            _instruction(_RETURN, _KILL),
            _instruction(_LOAD, _NUMBER_AT),
            *checks,
            _instruction(_RETURN, _ALLOW),
            _instruction(_RETURN, _ERRNO | errno.EACCES),
            _instruction(_RETURN, _KILL),
        ]
    )


def _instruction(code: int, value: int, *, if_true: int = 0) -> bytes:
    """One `struct sock_filter`; a jump counts instructions from the next one."""
    return struct.pack("HBBI", code, if_true, 0, value)
