"""Ray on this machine, for this region alone: started, joined, and ended without a trace.

Every process of a region carries ``BEKET_REGION=<mark>`` in its environment; that is how leftovers are told from
strangers.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from cluster import guard
from cluster.errors import RegionError
from cluster.home import Home
from storage.secrets import read_or_make_secret

MARK_VARIABLE: Final = "BEKET_REGION"

_log = logging.getLogger("beket.region")

_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How large the engine may be. ``address`` joins a running cluster instead of starting one."""

    namespace: str
    address: str | None = None
    num_cpus: int | None = None
    num_gpus: int | None = None
    object_store_mb: int = 200
    threads: int = 1


class Engine:
    """A Ray of our own (or a place in another's). Start and stop from the main thread: Ray's processes end with it."""

    def __init__(self, home: Home, options: EngineOptions) -> None:
        self._home = home
        self._options = options
        self._node: Any = None
        self._socket_folder = socket_folder(home)

    def start(self, say: Callable[[str], None], stop: threading.Event) -> None:
        """Start and connect. Raises ``RegionError`` with the place of Ray's own logs.

        On a busy machine Ray's processes miss each other's fixed times: a start that failed is told by ``say`` and
        tried again from nothing, unless ``stop`` is set.
        """
        prepare_environment(self._home, self._options.threads, joins=self._options.address is not None)
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            for number in range(1, _TRIES + 1):
                try:
                    self._start(number)
                    break
                except RegionError as error:
                    if number == _TRIES or stop.is_set() or self._options.address is not None:
                        raise
                    _log.warning("%s", error)
                    say(f"Ray did not start; it is tried again ({number + 1} of {_TRIES})")
        finally:
            if threading.current_thread() is threading.main_thread():
                for number, handler in handlers.items():  # Ray sets its own
                    signal.signal(number, handler)

    def _start(self, number: int) -> None:
        import ray

        if self._options.address is not None:
            self._connect(ray, self._options.address)
            return
        from ray._private.node import Node
        from ray._private.parameter import RayParams

        self._socket_folder = socket_folder(self._home, number)
        try:
            for left in socket_folders(self._home):
                shutil.rmtree(left, ignore_errors=True)
            self._socket_folder.mkdir(mode=0o700)
            # kept before it starts: what a start that fails has begun is to be ended too
            self._node = Node.__new__(Node)
            # ray.init would start an autoscaler and a log tailer too, which one machine has no use for
            self._node.__init__(
                RayParams(
                    node_ip_address="127.0.0.1",
                    num_cpus=self._options.num_cpus,
                    num_gpus=self._options.num_gpus,
                    object_store_memory=self._options.object_store_mb * 1_000_000,
                    temp_dir=str(self._socket_folder),
                    include_dashboard=False,
                    include_log_monitor=False,
                    no_monitor=True,
                ),
                head=True,
                shutdown_at_exit=False,
                spawn_reaper=True,
            )
            self._connect(ray, self._node.gcs_address)
        except Exception as error:  # Ray raises bare exceptions of many kinds here
            self.stop()
            if isinstance(error, RegionError):
                raise
            raise RegionError(
                f"Ray did not start: {str(error).splitlines()[0] if str(error) else type(error).__name__}; "
                f"see {self._home.logs / 'ray'}, and `beket doctor` for memory and /dev/shm"
            ) from error

    @property
    def address(self) -> str:
        """host:port of the engine, for other drivers with the same token."""
        return str(self._options.address or (self._node.gcs_address if self._node else ""))

    @property
    def is_alive(self) -> bool:
        """Whether the processes of our own Ray run; another's is taken to."""
        return self._node is None or not self._node.dead_processes()

    def stop(self) -> None:
        """Disconnect; end Ray if it is ours, and what it left. Safe to call twice."""
        import ray

        ray.shutdown()
        if self._options.address is not None:
            return
        if self._node is not None:
            self._node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
            self._node = None
            _end([one for one in marked_processes(self._home.mark) if guard.writes(str(one.pid), self._home.mark)])
        keep_logs(self._socket_folder, self._home.logs / "ray")
        shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _connect(self, ray: Any, address: str) -> None:
        from ray._private import services, worker

        # what Ray has to say of a death is for the log; the supervisor tells a person who came back
        worker.print_to_stdstream = lambda data, ignore_prefix: _log.warning("Ray: %s", " ".join(data["lines"]))
        local: dict[str, Any] = {}
        if self._node is not None:
            # Ray turns 127.0.0.1 into an outer address, on which a node bound to loopback does not listen
            services.resolve_ip_for_localhost = lambda host: host
            local["_node_ip_address"] = "127.0.0.1"
        try:
            ray.init(
                address=address,
                **local,
                namespace=self._options.namespace,
                log_to_driver=False,
                logging_level="ERROR",
                configure_logging=False,
            )
        except ConnectionError as error:
            raise RegionError(
                f"Ray at {address} can't be reached; see that it runs, or leave ray.address out"
            ) from error


def prepare_environment(home: Home, threads: int, *, joins: bool = False) -> None:
    """Set what Ray and every process under it inherit: the mark, the token, and how many threads a library may take.

    Before Ray is imported: it reads its token then. With ``joins`` the token is the running cluster's, which the
    user has set.
    """
    variables = {
        MARK_VARIABLE: home.mark,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        # glibc would raise it to a picture's size, and then keep what decoders give back
        "MALLOC_MMAP_THRESHOLD_": str(2**20),
    }
    if not joins:
        token = home.secrets / "ray_token"
        read_or_make_secret(token, 48)
        variables |= {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            # agents that wait on an inherited pipe outlive a killed raylet by minutes
            "RAY_enable_pipe_based_agent_to_parent_health_check": "0",
            "RAY_enable_metrics_collection": "0",
            "RAY_prestart_worker_first_driver": "0",
            "RAY_worker_niceness": "0",  # 15 by default: any other program would starve the cameras
            "RAY_gcs_server_port_wait_time_s": "120",
            "RAY_agent_register_timeout_ms": "120000",
        }
        os.environ.pop("RAY_AUTH_TOKEN", None)
        os.environ.pop("RAY_ADDRESS", None)
    os.environ.update(variables)


def socket_folder(home: Home, number: int = 1) -> Path:
    """Ray's session folder at the ``number``-th try: short, because a socket's path may have 107 bytes only."""
    tried = "" if number == 1 else f"{number}-"
    return Path(tempfile.gettempdir()) / f"beket-{os.getuid()}-{tried}{home.mark}"


def socket_folders(home: Home) -> list[Path]:
    """Those that are there, of whatever try."""
    return [folder for number in range(1, _TRIES + 1) if (folder := socket_folder(home, number)).exists()]


def marked_processes(mark: str) -> list[psutil.Process]:
    """Processes that carry the mark, us and those we run under left out."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for pid in guard.marked(mark):
        if pid not in mine:
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(pid))
    return found


def sweep(home: Home, grace_s: float = 3.0, *, spare: int | None = None) -> int:
    """End every marked process that is still there: politely, then by force. Returns how many there were."""
    left = [process for process in marked_processes(home.mark) if process.pid != spare]
    for process in left:
        _signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(left, grace_s)
    _end(alive)
    return len(left)


def keep_logs(session_root: Path, kept: Path) -> None:
    """Move the logs of the last session, which are small, to where they outlive it."""
    for logs in session_root.glob("session_*/logs"):
        if not logs.is_symlink() and not logs.parent.is_symlink():
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(logs, kept, ignore_dangling_symlinks=True, dirs_exist_ok=True)


def _end(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + 10.0
    while processes and time.monotonic() < deadline:
        for process in processes:
            _signal(process, signal.SIGKILL)
        _, processes = psutil.wait_procs(processes, 1.0)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
