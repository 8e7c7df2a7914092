"""The process that started this one to wait for it: where it dies, this one goes too."""

import ctypes
import os
import signal

VARIABLE = "PENSTOCK_PARENT"  # its number; a process that nobody waits for has none
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def follow(number: str) -> None:
    """Has the kernel kill this process where the parent of this number dies; does nothing for an empty one, and where
    the system is no Linux."""
    if not number:
        return
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return
    if str(os.getppid()) != number:  # it died before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)
