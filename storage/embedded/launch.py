"""Runs between fork and the server: ties the process to its parent's life, gives up root, and becomes the server.

Started as ``python -I -S launch.py SPEC`` with SPEC as JSON: ``parent`` (pid), ``death_signal``, ``user`` and ``group``
(ids or null), ``keep_reading`` (keep CAP_DAC_OVERRIDE, for a server that has to reach files under closed folders) and
``argv``.
It imports nothing of beket, so that it starts in a few milliseconds.
"""

import ctypes
import json
import os
import struct
import sys

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAP_DAC_OVERRIDE = 1
LINUX_CAPABILITY_VERSION_3 = 0x20080522


def become(user: int, group: int, keep_reading: bool) -> None:
    """Change to ``user`` and ``group`` for good; optionally keep the one right to pass closed folders."""
    libc = ctypes.CDLL(None, use_errno=True)
    if keep_reading:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    if keep_reading:
        header = struct.pack("Ii", LINUX_CAPABILITY_VERSION_3, 0)
        bit = 1 << CAP_DAC_OVERRIDE
        data = struct.pack("IIIIII", bit, bit, bit, 0, 0, 0)
        libc.capset(header, data)
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def main() -> None:
    spec = json.loads(sys.argv[1])
    if spec["user"] is not None:
        become(spec["user"], spec["group"], spec["keep_reading"])
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, spec["death_signal"], 0, 0, 0)
    if os.getppid() != spec["parent"]:
        sys.exit("the process that asked for this server is gone")
    os.execv(spec["argv"][0], spec["argv"])  # noqa: S606


if __name__ == "__main__":
    main()
