"""Packing on a Dask cluster: a real scheduler and two real workers on 127.0.0.1, one of them killed midway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from linkpack.errors import ConfigError
from linkpack.jobs.batch import Batch, Packed, pack_many
from linkpack.jobs.workers import Crew
from linkpack.packing.options import PackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

PACKAGES = 24


class Cluster(NamedTuple):
    """The scheduler's address and the worker processes."""

    address: str
    workers: list[subprocess.Popen[str]]


def started(line: str, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """A process of Dask's own command line, and the line of its log that holds *line*."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    for found in process.stderr:
        if line in found:
            return process, found
    raise AssertionError(arguments)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster whose workers run elsewhere than this process."""
    pytest.importorskip("distributed")
    processes = []
    try:
        options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        scheduler, line = started("Scheduler at:", "distributed.cli.dask_scheduler", *options)
        processes.append(scheduler)
        address = line.split("Scheduler at:")[1].strip()
        quiet = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path / "dask"))
        for _ in range(2):
            worker, _ = started("Registered to:", "distributed.cli.dask_worker", address, *quiet)
            processes.append(worker)
        yield Cluster(address, processes[1:])
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Packages of half a megabyte; the current directory is the one above."""
    monkeypatch.chdir(tmp_path)
    for number in range(PACKAGES):
        folder = tmp_path / "packages" / f"p{number}"
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"name": f"p{number}", "version": "1.0.0"}))
        (folder / "data").write_bytes(os.urandom(500_000))
    return [f"packages/p{number}" for number in range(PACKAGES)]


def test_a_cluster_that_loses_a_worker_packs_the_same(
    cluster: Cluster, folders: list[str], tmp_path: Path
) -> None:
    """With one of two workers killed after the first result, the results are those of this machine alone."""
    alone = list(pack_many(folders, Batch(PackOptions(destination="alone"), crew=Crew(1))))
    run = pack_many(folders, Batch(PackOptions(destination="together"), crew=Crew(scheduler=cluster.address)))
    outcomes = [next(run)]
    cluster.workers[0].kill()
    outcomes += run
    assert {type(each) for each in outcomes} == {Packed}
    shasums = [each.tarball.shasum for each in outcomes if isinstance(each, Packed)]
    assert shasums == [each.tarball.shasum for each in alone if isinstance(each, Packed)]
    found = [{path.name: path.read_bytes() for path in (tmp_path / at).iterdir()} for at in ("alone", "together")]
    assert found[0].keys() == {f"p{number}-1.0.0.tgz" for number in range(PACKAGES)}
    assert found[0] == found[1]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://", "tcp://"])
def test_an_address_without_a_scheduler_is_an_error(
    address: str, folders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("linkpack.jobs.workers._PATIENCE", "1s")
    with pytest.raises(ConfigError, match="no Dask scheduler answers") as caught:
        list(pack_many(folders[:2], Batch(PackOptions(destination="out"), crew=Crew(scheduler=address))))
    assert caught.value.code == "ESCHEDULER"


def test_without_the_extra_the_error_says_what_to_install(
    folders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match="needs the distributed package") as caught:
        list(
            pack_many(folders[:2], Batch(PackOptions(destination="out"), crew=Crew(scheduler="tcp://127.0.0.1:9")))
        )
    assert caught.value.hint == "install linkpack[dask]"


@pytest.mark.parametrize("error", [AssertionError(), RuntimeError("no loop")], ids=["without words", "with words"])
def test_a_client_that_cannot_start_is_no_traceback(
    error: Exception, folders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps Dask's client from starting, the error names the address and is no traceback."""

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=fails))
    with pytest.raises(ConfigError, match=r"tcp://x:1: (AssertionError|no loop)$"):
        list(pack_many(folders[:2], Batch(PackOptions(destination="out"), crew=Crew(scheduler="tcp://x:1"))))
