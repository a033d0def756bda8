"""Several workers on one machine: processes that are started, watched and ended."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

from keras_stargan.cluster import share, tf_config
from keras_stargan.files.work_dir import SETTINGS_FILE

# Seconds that the other workers have to say what went wrong for them.
_GRACE = 5.0
# The exit status of a program that stopped since it was asked to.
INTERRUPTED = 130


def launch(
    command: Sequence[str],
    workers: int,
    restarts: int = 0,
    work_dir: str | os.PathLike | None = None,
) -> int:
    """Runs a command in several processes that train one model together.

    SIGINT and SIGTERM are passed on to all of them.

    Args:
        command: the program and its arguments.
        workers: how many processes.
        restarts: how often all are started again, with `--resume`, after one failed.
            None is if the run had not begun.
        work_dir: the run's folder, which says whether it had.

    Returns:
        The exit status: 0, that of the first worker that failed (128 and the number of
        the signal if one ended it), or 130 if interrupted.

    Raises:
        ValueError: if there are fewer GPUs than workers.
        OSError: if the program cannot be started.
    """
    environments = [_environment(i, workers, os.environ) for i in range(workers)]
    before = _state(work_dir)
    with _signals() as received:
        while True:
            group = _Group(command, environments)
            status = group.wait(received)
            if received:
                return INTERRUPTED
            can_go_on = _state(work_dir) not in (None, before)
            if status in (0, INTERRUPTED) or not restarts or not can_go_on:
                return status
            restarts -= 1
            print(f"Starting all workers again; {restarts} restarts are left.")
            if "--resume" not in command:
                command = [*command, "--resume"]


def _state(work_dir: str | os.PathLike | None) -> tuple[int, int] | None:
    """What changes when a run begins in its folder; None if there is no run."""
    try:
        found = (pathlib.Path(work_dir or "") / SETTINGS_FILE).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _environment(
    index: int, workers: int, environment: Mapping[str, str]
) -> dict[str, str]:
    """A worker's environment variables; it sees its share of the GPUs alone."""
    gpus = _gpus(environment)
    if 0 < len(gpus) < workers:
        raise ValueError(
            f"{workers} workers need a GPU each; there are {len(gpus)}. Start fewer "
            "workers, or set CUDA_VISIBLE_DEVICES= (to nothing) to train on CPUs."
        )
    each = len(gpus) // workers  # TensorFlow needs as many for each.
    own = gpus[index * each : (index + 1) * each]
    # Lines come when they are written, not when a buffer is full.
    new = {"PYTHONUNBUFFERED": "1"}
    if own:
        new["CUDA_VISIBLE_DEVICES"] = ",".join(own)
    return {**environment, **new}


def _gpus(environment: Mapping[str, str]) -> list[str]:
    """The GPUs that processes may use, as `CUDA_VISIBLE_DEVICES` names them."""
    if (visible := environment.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name.strip() not in ("", "-1")]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return listed.stdout.split() if listed.returncode == 0 else []


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM instead of acting on them."""
    received: list[int] = []

    def keep(number: int, frame: object) -> None:
        received.append(number)

    before = {n: signal.signal(n, keep) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Group:
    """The running workers."""

    def __init__(
        self, command: Sequence[str], environments: Sequence[Mapping[str, str]]
    ) -> None:
        count = len(environments)
        addresses = free_addresses(count)
        self.processes: list[subprocess.Popen] = []
        self._readers = []
        try:
            for i, environment in enumerate(environments):
                process = subprocess.Popen(
                    command,
                    env={**environment, "TF_CONFIG": tf_config(addresses, i)},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    # Ctrl-C comes through `wait`, once.
                    start_new_session=True,
                )
                self.processes.append(process)
                _keep_to_cores(process.pid, i, count)
                reader = threading.Thread(target=_prefix, args=(i, process))
                reader.start()
                self._readers.append(reader)
        except BaseException:
            self._kill()
            raise

    def wait(self, received: list[int]) -> int:
        """Waits until all have ended; ends them if one fails.

        Args:
            received: signals, which are passed on.

        Returns:
            The exit status of the first that failed, or 0.
        """
        status, deadline, passed = 0, float("inf"), 0
        while True:
            running = [p for p in self.processes if p.poll() is None]
            for number in received[passed:]:
                passed += 1
                self._send(number)
            failed = [p for p in self.processes if p.returncode]
            if failed and not status:
                # Of several, one that was killed, since the others failed by that.
                first = min(failed, key=lambda p: p.returncode)
                status = first.returncode
                if status != INTERRUPTED:
                    print(f"Worker {self.processes.index(first)} {_said(status)}.")
                deadline = time.monotonic() + _GRACE
            if not running:
                break
            if time.monotonic() > deadline:
                self._kill()
            time.sleep(0.1)
        for reader in self._readers:
            reader.join()
        return 128 - status if status < 0 else status

    def _send(self, number: int) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(number)

    def _kill(self) -> None:
        # Whole files or none are written, so that nothing is lost.
        self._send(signal.SIGKILL)


def _said(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"failed with exit status {status}"


def free_addresses(count: int) -> list[str]:
    """Addresses of this machine with ports that nobody uses, as `host:port`.

    Args:
        count: how many.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]


def _keep_to_cores(pid: int, index: int, count: int) -> None:
    """Gives a worker its share of the cores, so that workers do not wait for others."""
    if not hasattr(os, "sched_setaffinity"):
        return  # Not on Linux.
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) >= count:
        with contextlib.suppress(ProcessLookupError):  # It has ended already.
            os.sched_setaffinity(pid, cores[share(len(cores), count, index)])


def _prefix(index: int, process: subprocess.Popen) -> None:
    """Prints a worker's output, each line after the worker's number."""
    assert process.stdout is not None
    for line in process.stdout:
        sys.stdout.write(f"[{index}] {line}")
        sys.stdout.flush()
