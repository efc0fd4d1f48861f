"""Run a task for each of many items in other processes.

The processes are those of any `concurrent.futures` executor: a pool on this machine, or that of a Dask cluster.
Tasks and items are picklable values, about a file system that all workers see.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
import threading
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Literal, TypeVar

from linkpack.errors import ConfigError
from linkpack.notices import current_meter, stop_listening
from linkpack.record import Record
from linkpack.system import own_process

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from types import FrameType

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_PATIENCE = "10s"  # for a scheduler to answer
FEW = 8  # items that are done before other processes have started


class Crew(Record):
    """The workers of a run.

    These are *jobs* processes of this machine, or the processes of a Dask *scheduler*. 0 jobs means one process
    more than there are processors.
    """

    jobs: int = 0
    scheduler: str = ""

    def size(self, items: int) -> int:
        """Return how many processes to start for so many *items*.

        1 means none: this process does the work.

        >>> Crew(jobs=4).size(2), Crew().size(FEW - 1)
        (2, 1)
        """
        if self.jobs == 0 and items < FEW:
            return 1
        # One more than processors, as each waits for the disk at times. Measured on two processors: three
        # processes pack 300 packages in 0.94 of the time of two, and four in the same time as three.
        return min(self.jobs or own_process.count_processors() + 1, items)


def run_all(
    task: Callable[[_Item], _Result],
    items: Sequence[_Item],
    crew: Crew,
    *,
    stops: Callable[[_Result], bool],
    lost: Callable[[_Item, Exception], _Result],
    done: Callable[[_Result], None] | None = None,
) -> Generator[_Result | None, None, None]:
    """Run *task* for each of *items*, and yield the results in their order.

    Each result is yielded as soon as it and those before it are there. If *stops* is true for a result, the items
    that have not begun are cancelled, and yield None. *lost* makes the result of an item when its worker was
    killed or its result cannot be sent. *done* is called with what another process returned as soon
    as it is there, in any thread. Raises `ConfigError` when the scheduler does not answer.
    """
    size = crew.size(len(items))
    if size <= 1 and not crew.scheduler:
        yield from _run_here(task, items, stops)
        return
    with _connect_cluster(crew.scheduler) if crew.scheduler else _start_processes(size) as executor:
        futures = [_submit(executor, task, item) for item in items]
        if done is not None:
            for future in futures:
                future.add_done_callback(partial(_pass_on, done))
        meter = current_meter()
        try:
            for item, future in zip(items, futures, strict=True):
                if meter is not None:
                    meter("packing", sum(future.done() for future in futures), len(futures), "packages")
                result = _wait_for(future, partial(lost, item))
                if result is not None and stops(result):
                    _cancel(futures)
                yield result
        except BaseException:  # an interrupt, or a caller that wants no more
            _cancel(futures)
            raise


def _submit(executor: Executor, task: Callable[[_Item], _Result], item: _Item) -> Future[_Result]:
    try:
        return executor.submit(task, item)
    except BrokenExecutor as err:  # a worker died before all were handed out
        broken: Future[_Result] = Future()
        broken.set_exception(err)
        return broken


def _pass_on(done: Callable[[_Result], None], future: Future[_Result]) -> None:
    """Call *done* with the result of *future*, unless it has none."""
    if not future.cancelled() and future.exception() is None:
        done(future.result())


def _wait_for(future: Future[_Result], lost: Callable[[Exception], _Result]) -> _Result | None:
    try:
        return future.result()
    except CancelledError:
        return None
    except Exception as err:  # noqa: BLE001 - whatever an executor has for a worker that broke
        return lost(err)


def _run_here(
    task: Callable[[_Item], _Result], items: Sequence[_Item], stops: Callable[[_Result], bool]
) -> Iterator[_Result | None]:
    stopped = False
    for item in items:
        result = None if stopped else task(item)
        stopped = stopped or (result is not None and stops(result))
        yield result


def _cancel(futures: Sequence[Future[_Result]]) -> None:
    for future in futures:
        future.cancel()


@contextmanager
def _start_processes(size: int) -> Iterator[Executor]:
    """Provide an executor of *size* processes.

    The block ends when the work that was begun is done.
    """
    context = multiprocessing.get_context(_start_method())
    context.set_forkserver_preload(["linkpack.jobs.batch"])  # only forkserver uses it
    with ProcessPoolExecutor(size, context, _begin_worker) as executor:
        yield executor


def _start_method() -> Literal["fork", "forkserver"]:
    """Return how to start workers: `fork` where it is safe.

    It is safe on Linux while no other thread runs.
    """
    # A forked worker has all modules loaded already. But a lock that another thread holds would stay locked in it
    # for ever, and on macOS the system's libraries do not survive a fork.
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "forkserver"


def _begin_worker() -> None:
    """Set the signals of a worker.

    The parent decides about Ctrl-C, and SIGTERM ends the worker cleanly.
    """
    # A terminal sends Ctrl-C to the workers as well as to the parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    stop_listening()  # a forked worker has the parent's listeners, and its terminal


def _leave(number: int, frame: FrameType | None) -> None:
    """Exit with the status for a signal, leaving open `with` blocks."""
    del frame  # a handler is called with it
    sys.exit(128 + number)


@contextmanager
def _connect_cluster(address: str) -> Iterator[Executor]:
    """Provide the executor of the Dask cluster at *address*.

    That is the address of its scheduler. Raises `ConfigError` (ESCHEDULER).
    """
    try:
        distributed = import_module("distributed")  # an extra, slow to import, and without types
    except ImportError as err:
        raise ConfigError(
            "--scheduler needs the distributed package", code="ESCHEDULER", hint="install linkpack[dask]"
        ) from err
    client, why = None, ""
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except Exception as err:  # noqa: BLE001 - it fails in ways of many kinds, an assertion among them
        why = str(err) or type(err).__name__
    if client is None:
        # A client that failed closes itself when it is collected, and takes a lock for that. Collected while
        # another client starts, which holds that lock, both would wait for ever.
        gc.collect()
        raise ConfigError(
            f"no Dask scheduler answers at {address}: {why}",
            code="ESCHEDULER",
            hint="give the address that dask scheduler prints, such as tcp://host:8786",
        )
    with client:
        yield client.get_executor(pure=False)
