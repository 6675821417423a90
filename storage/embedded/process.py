"""One server process that lives no longer than the program that started it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from storage.errors import EmbeddedServiceError

_LAUNCHER = Path(__file__).with_name("launch.py")


class _Spawner:
    """A thread that starts processes and never ends: the kernel's parent-death signal fires when a *thread* dies."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def run(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._thread is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._serve, name="embedded-spawner", daemon=True)
                self._thread.start()
        done: queue.SimpleQueue[subprocess.Popen[bytes] | OSError] = queue.SimpleQueue()

        def attempt() -> None:
            try:
                done.put(start())
            except OSError as error:
                done.put(error)

        self._asked.put(attempt)
        outcome = done.get()
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    def _serve(self) -> None:
        while True:
            self._asked.get()()


_SPAWNER = _Spawner()


class ServerProcess:
    """Starts, watches and stops one server over one folder. Not thread-safe.

    The folder is locked for as long as the server is ours. A server left over by a program that was killed is known by
    its pid and birth, and stopped first. ``dies_by`` is the signal that the kernel sends when we are gone.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        dies_by: signal.Signals | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.log_path = folder / "server.log"
        self._pid_path = folder / "server.pid"
        self._stop_signal = stop_signal
        self._dies_by = dies_by or stop_signal
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def claim(self) -> None:
        """Lock the folder and stop what an earlier, killed program left running there.

        Raises ``EmbeddedServiceError`` when the folder is another program's, or the server is running already.
        """
        if self._process is not None:
            if self._process.poll() is None:
                raise EmbeddedServiceError(f"{self.name} is running already, as process {self._process.pid}")
            self._process = None
        if self._lock is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                owner = os.pread(lock, 32, 0).decode().strip() or "?"
                os.close(lock)
                raise EmbeddedServiceError(
                    f"{self.name}: {self.folder} is in use by process {owner}; stop it, or choose another data folder"
                ) from None
            os.truncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            self._lock = lock
        self._stop_leftover()

    def start(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        user: tuple[int, int] | None = None,
        keep_reading: bool = False,
    ) -> None:
        """Run ``argv`` as the server; its output is appended to ``log_path``. ``user`` is (uid, gid)."""
        command = _launcher(argv, user, keep_reading, self._dies_by)
        variables = {**os.environ, **(environment or {})}
        with self.log_path.open("ab") as log:
            self._process = _SPAWNER.run(
                lambda: subprocess.Popen(  # noqa: S603
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=variables,
                    start_new_session=True,  # the terminal's Ctrl-C is for us; we stop the server in our own order
                )
            )
        created = psutil.Process(self._process.pid).create_time()
        self._pid_path.write_text(f"{self._process.pid} {created}\n")

    def wait_ready(self, probe: Callable[[], bool], timeout_s: float) -> None:
        """Return when ``probe`` says yes; raise ``EmbeddedServiceError`` with the log's end when it won't."""
        deadline = time.monotonic() + timeout_s
        while not probe():
            if not self.is_running:
                raise EmbeddedServiceError(f"{self.name} ended at once; {self._log_end()}")
            if time.monotonic() > deadline:
                raise EmbeddedServiceError(f"{self.name} was not ready after {timeout_s:.0f} s; {self._log_end()}")
            time.sleep(0.03)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask the server to end, insist after ``timeout_s``, and unlock the folder. Safe to call twice."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(self._stop_signal)
                try:
                    self._process.wait(timeout_s)
                except subprocess.TimeoutExpired:
                    _end([psutil.Process(self._process.pid)], signal.SIGKILL, timeout_s)
                    self._process.wait()
            self._process = None
            self._pid_path.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _stop_leftover(self) -> None:
        try:
            pid, created = self._pid_path.read_text().split()
            leftover = psutil.Process(int(pid))
            if abs(leftover.create_time() - float(created)) < 1.0:
                _end([leftover], self._dies_by, 10.0)
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            pass
        self._pid_path.unlink(missing_ok=True)

    def _log_end(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()[-8:]
        return f"the end of {self.log_path}:\n  " + "\n  ".join(lines)


def run_to_end(argv: Sequence[str], *, user: tuple[int, int] | None = None, keep_reading: bool = False) -> None:
    """Run one command as ``user``; raise ``EmbeddedServiceError`` with what it printed when it fails."""
    command = _launcher(argv, user, keep_reading, signal.SIGTERM)
    done = subprocess.run(  # noqa: S603
        command, stdin=subprocess.DEVNULL, capture_output=True, cwd="/", check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise EmbeddedServiceError(f"{Path(argv[0]).name} failed:\n{said[-2000:]}")


def _launcher(
    argv: Sequence[str], user: tuple[int, int] | None, keep_reading: bool, death_signal: signal.Signals
) -> list[str]:
    spec = {
        "parent": os.getpid(),
        "death_signal": int(death_signal),
        "user": None if user is None else user[0],
        "group": None if user is None else user[1],
        "keep_reading": keep_reading,
        "argv": list(argv),
    }
    return [sys.executable, "-I", "-S", str(_LAUNCHER), json.dumps(spec)]


def _end(processes: list[psutil.Process], first: signal.Signals, timeout_s: float) -> None:
    """End processes and their children: politely, then by SIGKILL."""
    everyone = [*processes, *(child for process in processes for child in process.children(recursive=True))]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(first)
    _, alive = psutil.wait_procs(everyone, timeout_s)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, 5.0)
