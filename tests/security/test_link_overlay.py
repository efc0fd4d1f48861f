"""Link commands on overlayfs, as in a container: what lies in an earlier layer of the image cannot be renamed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mounts import in_namespace, namespace
from tests.support.overlay import COMMANDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RENAMES = 3  # the exit status where folders of the lower layer can be renamed


@pytest.mark.parametrize("command", COMMANDS)
def test_a_call_that_fails_leaves_the_old_state_or_the_new_one(command: str) -> None:
    """The same holds for a call that is interrupted.

    A sample of the faults; `LINKPACK_FAULTS=all` takes every one.
    """
    if not namespace():
        pytest.skip("no mount namespaces here")
    every = ["all"] if os.environ.get("LINKPACK_FAULTS") == "all" else []
    done = subprocess.run(
        [*namespace(), sys.executable, "-m", "tests.support.overlay", command, *every],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == RENAMES:
        pytest.skip("this overlayfs renames folders of the lower layer")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["tried"] > 10
    assert found["wrong"] == []


def test_a_package_of_any_layer_comes_back() -> None:
    """A link displaced it in the same layer or a later one. `unlink` and `undo` restore it."""
    in_namespace(
        """
        import tempfile
        from pathlib import Path
        import linkpack
        from tests.support.linkbox import LinkBox
        from tests.support.overlay import Overlay

        for number, (before, linked) in enumerate([(1, 2), (1, 1), (2, 2)]):
            overlay = Overlay(Path(tempfile.mkdtemp()).resolve())
            overlay.show("empty", "one")
            top = overlay.mount / "box"
            top.mkdir()
            box = LinkBox(top)
            lib, app = box.command("lib", "alpha"), box.package("app", "app")
            def install():
                box.installed(app, "alpha")
                return box.tree(app)
            if before == 1:
                old = install()
            if linked == 1:
                linkpack.link([lib], app, box.options())
            overlay.show("one", "two")
            if before == 2:
                old = install()
            if linked == 2:
                journal = linkpack.link([lib], app, box.options())
                after = box.tree(app)
                linkpack.undo(journal, app, box.options())
                assert box.tree(app) == old, number
                linkpack.link([lib], app, box.options())
            after = box.tree(app)
            assert box.leads(app, "alpha") == lib
            journal = linkpack.unlink(["alpha"], app, box.options())
            assert box.tree(app) == old, number
            linkpack.undo(journal, app, box.options())
            assert box.tree(app) == after, number
            linkpack.undo(linkpack.unlink(["alpha"], app, box.options()), app, box.options())
            assert box.tree(app) == after, number
            linkpack.unlink(["alpha"], app, box.options())
            assert box.tree(app) == old, number
            assert not list((box.home / "state/linkpack/journals").iterdir())
        """
    )


def test_a_package_that_is_mounted_by_itself_is_named() -> None:
    """A volume in the place of the link is an error before anything is changed; one beside it does no harm."""
    in_namespace(
        """
        import subprocess, tempfile
        from pathlib import Path
        from linkpack.errors import LinkConflict
        import linkpack
        from tests.support.linkbox import LinkBox

        top = Path(tempfile.mkdtemp()).resolve()
        box = LinkBox(top)
        lib, app = box.command("lib", "@s/alpha"), box.package("app", "app")
        installed = box.installed(app, "@s/alpha")
        (top / "volume").mkdir()
        subprocess.run(["mount", "--bind", str(top / "volume"), str(installed)], check=True)
        before = box.tree()
        try:
            linkpack.link([lib], app, box.options())
        except LinkConflict as err:
            assert (err.code, err.path) == ("EBUSY", str(installed)), err
            assert "is a mount point" in err.message
        else:
            raise AssertionError("linked")
        assert box.tree() == before
        subprocess.run(["umount", str(installed)], check=True)

        # A mount of the scope's folder: what makes way cannot be renamed into the stash of the node_modules.
        before = box.tree(app)
        scope = installed.parent
        subprocess.run(["mount", "--bind", str(scope), str(scope)], check=True)
        linkpack.link([lib], app, box.options())
        assert box.leads(app, "@s/alpha") == lib
        assert (Path(app) / "node_modules/.linkpack/@s+alpha/run.js").is_file()
        linkpack.unlink(["@s/alpha"], app, box.options())
        subprocess.run(["umount", str(scope)], check=True)
        assert box.tree(app) == before
        """
    )


def test_a_mounted_manifest_is_saved_in() -> None:
    """Where package.json and the lockfile are mounted by themselves, they are written over."""
    in_namespace(
        """
        import subprocess, tempfile
        from pathlib import Path
        import linkpack
        from tests.support.linkbox import LinkBox

        top = Path(tempfile.mkdtemp()).resolve()
        box = LinkBox(top)
        lib, app = box.package("lib", "alpha"), box.package("app", "app")
        (Path(app) / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {"": {"name": "app"}}}')
        before = box.tree(app)
        for name in ("package.json", "package-lock.json"):
            outside = top / name
            outside.write_bytes((Path(app) / name).read_bytes())
            subprocess.run(["mount", "--bind", str(outside), str(Path(app) / name)], check=True)
        linkpack.link([lib], app, box.options(save=True))
        assert "file:../lib" in (top / "package.json").read_text()
        assert "../lib" in (top / "package-lock.json").read_text()
        linkpack.unlink(["alpha"], app, box.options())
        assert box.tree(app) == before
        """
    )
