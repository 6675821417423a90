"""A process that outlives the region by a moment, to end what a killed region leaves behind.

Run as ``python -I -S guard.py MARK``. It waits for the end of its standard input, which comes when the region's
process is gone, however that went; then it ends every process that carries the mark. It imports nothing of beket.
"""

import os
import signal
import stat
import sys
import time


def marked(mark: str) -> list[int]:
    """Processes that carry the mark, this one left out: in their environment, or in the files that they write to.

    Ray's workers write their titles over a part of their environment; their logs lie in a folder named by the mark.
    """
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - no imports that cost time
        if name.isdigit() and int(name) != os.getpid() and (_says(name, mark) or writes(name, mark)):
            found.append(int(name))
    return found


def _says(pid: str, mark: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return f"BEKET_REGION={mark}".encode() in file.read().split(b"\0")
    except OSError:
        return False


def writes(pid: str, mark: str) -> bool:
    """Whether a process has a file of Ray's open that it may write to."""
    folder = f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return False
    for number in numbers:
        path = f"{folder}/{number}"
        try:
            # the mode of the link says how the file is open: who only reads a log is no part of the region
            if f"-{mark}/session_" in os.readlink(path) and os.lstat(path).st_mode & stat.S_IWUSR:  # noqa: PTH115
                return True
        except OSError:
            continue
    return False


def end(mark: str) -> None:
    """Ask them to end, and insist after three seconds."""
    for number, patience_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience_s
        for pid in marked(mark):
            try:
                os.kill(pid, number)
            except OSError:
                continue
        while marked(mark) and time.monotonic() < deadline:
            time.sleep(0.1)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(1):
        continue
    end(sys.argv[1])


if __name__ == "__main__":
    main()
