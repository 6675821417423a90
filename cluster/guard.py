"""A process that outlives the region by a moment, to end what a killed region leaves behind.

Run as ``python -I -S guard.py MARK``. It waits for the end of its standard input, which comes when the region's
process is gone, however that went; then it ends every process that carries the mark. It imports nothing of beket.
"""

import os
import signal
import sys
import time


def marked(needle: bytes) -> list[int]:
    """Processes whose environment holds ``needle``, this one left out."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - no imports that cost time
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
                    if needle in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                continue
    return found


def end(needle: bytes) -> None:
    """Ask them to end, and insist after three seconds."""
    for number, patience_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience_s
        for pid in marked(needle):
            try:
                os.kill(pid, number)
            except OSError:
                continue
        while marked(needle) and time.monotonic() < deadline:
            time.sleep(0.1)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(1):
        continue
    end(f"BEKET_REGION={sys.argv[1]}".encode())


if __name__ == "__main__":
    main()
