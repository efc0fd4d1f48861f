"""The process's beginning and end: `linkpack.cli.startup`."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest

from linkpack.cli.startup import Inspect, leave

TEXTS = ("", "line", "  indented", "trailing  ", "tab\there", "\ttab", "two\n    lines", "\n  a\n    b\n", " \n ")


def run(code: str) -> subprocess.CompletedProcess[str]:
    """What a new interpreter makes of *code*."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("text", TEXTS)
def test_clean_text(text: str) -> None:
    """The stand-in strips a help text as the real module does."""
    assert Inspect().cleandoc(text) == inspect.cleandoc(text)


def test_stand_in_becomes_the_real_module() -> None:
    """Whoever asks for more than `cleandoc` gets the real thing, and so does who imports it afterwards."""
    code = """if True:
        import sys
        from linkpack.cli.startup import Inspect
        sys.modules["inspect"] = stand_in = Inspect()
        import click, inspect
        assert inspect is stand_in
        print(inspect.signature(lambda a, b: None), inspect.cleandoc("  a\\n    b"), sep="|")
        import inspect
        print(inspect is stand_in, inspect.__file__ is not None)
    """
    assert run(code).stdout == "(a, b)|a\nb\nFalse True\n"


@pytest.mark.bare
def test_click_has_the_real_type() -> None:
    """What click does with UUIDs it does with the real type, once the stand-in has served its loading."""
    code = """if True:
        import sys
        from linkpack.cli.startup import Uuid
        sys.modules["uuid"] = stand_in = Uuid()
        import click, uuid
        assert uuid is stand_in
        stand_in.unset()
        print("platform" in sys.modules)
        found = click.UUID.convert("12345678123456781234567812345678", None, None)
        from uuid import UUID, uuid4
        print(found, type(found) is UUID, type(uuid4()) is click.types.uuid.UUID)
    """
    assert run(code).stdout == "False\n12345678-1234-5678-1234-567812345678 True True\n"


@pytest.mark.bare
def test_start_does_without_inspect_and_uuid() -> None:
    """A command runs without the real `inspect` and `uuid`, which is what the stand-ins are for."""
    code = """if True:
        import atexit, sys
        from linkpack.cli import startup as start
        atexit.register(lambda: print(*(type(sys.modules[name]).__name__ for name in ("inspect", "uuid"))))
        atexit.register(lambda: print("dis" in sys.modules, "platform" in sys.modules))
        sys.argv[1:] = ["prefix"]
        start.main()
    """
    assert run(code).stdout.splitlines()[1:] == ["False False", "Inspect Uuid"]


def test_interrupted_while_it_loads() -> None:
    """Ctrl-C before the first command is loaded ends the program as it does later: 130, and no traceback."""
    code = """if True:
        import sys
        from linkpack.cli import startup as start
        class Pressed:
            def find_spec(self, name, path, target=None):
                if name == "click":
                    raise KeyboardInterrupt
        sys.meta_path.insert(0, Pressed())
        start.main()
    """
    done = run(code)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 130)


def test_restarts_without_streams() -> None:
    """In a locale that is not UTF-8 the program starts over, though its streams are closed."""
    code = "import os, sys; sys.argv[1:] = sys.orig_argv[-1:]; from linkpack.cli.startup import main; main()"
    words = [sys.executable, "-c", code, "--version"]
    env = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    program = 'exec "$@" >&-'
    done = subprocess.run(
        ["sh", "-c", program, "sh", *words], env=env, capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.returncode) == ("", 0)


def test_end_runs_what_waits_for_it() -> None:
    """What is registered for the end of the process runs, buffers are written, and the status is kept."""
    code = """if True:
        import atexit, sys
        from linkpack.cli.startup import leave
        atexit.register(print, "at exit")
        print("no newline", end="")
        leave(SystemExit(7))
    """
    done = run(code)
    assert (done.stdout, done.returncode) == ("no newlineat exit\n", 7)


@pytest.mark.parametrize("prepare", ["", "import threading; threading.Thread(target=lambda: go.wait()).start()"])
def test_other_threads_end_first(prepare: str) -> None:
    """With another thread at work, and for a status that is no number, the interpreter ends as it always does."""
    code = f"""if True:
        import threading
        go = threading.Event()
        {prepare}
        from linkpack.cli.startup import leave
        try:
            leave(SystemExit({"3" if prepare else '"said"'}))
        except SystemExit as end:
            print("in order", end.code)
        go.set()
    """
    assert run(code).stdout == f"in order {3 if prepare else 'said'}\n"


def test_a_stream_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A buffer that cannot be written is left to the interpreter, which says so."""

    class Full:
        def flush(self) -> None:
            raise OSError

    monkeypatch.setattr("atexit._run_exitfuncs", lambda: None)
    monkeypatch.setattr("threading.active_count", lambda: 1)
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(SystemExit):
        leave(SystemExit(0))
