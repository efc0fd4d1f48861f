"""An odd package.json is packed as npm packs it, or the table here says why it is refused."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.errors import LinkpackError
from tests.support.npm import node, npm12_root, npm_root

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.differential

FILES = ("a.js", "b.js", "a.1", "index.js", "d/x.js")

# What `npm pack` does up to the list of files, and what `npm publish` makes of name and version.
ASK = """
const use = (name) => require(require.resolve(name, { paths: [process.argv[1]] }))
const pacote = use('pacote'), Arborist = use('@npmcli/arborist'), packlist = use('npm-packlist')
const PackageJson = use('@npmcli/package-json')
let failed = () => {}
process.on('uncaughtException', (error) => failed(error)) // thrown inside a callback of the file system
const answer = async (path) => {
  try {
    const manifest = await pacote.manifest('file:' + path, { Arborist, _isRoot: true, allowDirectory: 'all' })
    if (!manifest._id) throw new Error('Invalid package, must have name and version')
    const tree = await new Arborist({ path }).loadActual()
    const files = await new Promise((resolve, reject) => {
      failed = reject
      packlist(tree, { path, prefix: path }).then(resolve, reject)
    })
    const published = await PackageJson.prepare(path).then(({ content }) => content, () => ({}))
    return { files: files.sort(), name: published.name ?? '', version: published.version ?? '' }
  } catch (error) { return { error: String(error.message) } }
}
const main = async () => {
  const answers = []
  for (const path of JSON.parse(require('node:fs').readFileSync(0, 'utf8'))) answers.push(await answer(path))
  process.stdout.write(JSON.stringify(answers))
}
main()
"""

ANY: list[object] = [
    None,
    "",
    False,
    0,
    5,
    True,
    [],
    {},
    "x",
    ["x"],
    [5],
    [None],
    {"a": None},
    {"a": 5},
    {"a": {}},
]
ENTRIES: list[object] = [
    {"a": ""},
    {"a": "1"},
    {"a": []},
    {"a": True},
    {"": "1"},
    {"../x": "1"},
    {" a": "1"},
    {"//": "a"},
]
NO_TEXT: list[object] = [5, True, [], {}, ["x"], [5], [None], {"a": None}, {"a": 5}, {"a": {}}]
LONG = "x" * 300
VERSIONS = ["v1.2.3", " 1.2.3", "1.2.3 ", "=1.2.3", "01.2.3", "1.2.3beta", "1.2.3-01", " v1.2.3-x ", "== v1.2.3"]
VERSIONS += ["1.2.3", "1.2", "latest", "V1.2.3", "1.2.3-x..y", LONG]
NAMES = [
    "p",
    "P",
    "@s/p",
    "@S/p",
    "http",
    "p~",
    " p",
    "p ",
    " @s/p ",
    "@s",
    "a/b",
    "p q",
    "é",
    "p%20",
    "../x",
    ".p",
    "_p",
]
NAMES += ["@s/.p", "node_modules", "favicon.ico", LONG]
SPECS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
OTHERS = [
    "workspaces",
    "publishConfig",
    "peerDependenciesMeta",
    "overrides",
    "exports",
    "private",
    "os",
    "engines",
]
OTHERS += ["type", "license", "repository", "keywords", "packageManager"]
VALUES: dict[str, list[object]] = {
    **{key: ANY for key in OTHERS},  # noqa: C420 - nobody changes the list
    **{key: [*ANY, *ENTRIES] for key in SPECS},
    "version": [*ANY, *VERSIONS],
    "name": [*ANY, *NAMES],
    "bin": [*ANY, "a.js", ["a.js"], ["a.js", 5], {"x": ["a.js"]}, {"x": "a.js", "y": None}, {"": "a.js"}],
    "files": [*ANY, "a.js", ["a.js"], ["a.js", None], [""], ["a.js", ["b.js"]]],
    "main": [*ANY, "a.js", ["a.js"]],
    "browser": [*ANY, "a.js", {"./x": False}],
    "bundleDependencies": ANY,
    "bundledDependencies": ANY,
    "scripts": [*ANY, {"prepack": None}, {"test": ["a"]}],
    "directories": [*ANY, {"bin": None}, {"bin": ""}, {"bin": 5}, {"man": 5}, {"bin": ["a"]}, ["a"]],
    "man": [*ANY, "a.1", ["a.1"]],
    "patchedDependencies": [*ANY, {"a": "b.js"}],
}
TEXTS = {
    "duplicate keys": '{"name":"q","name":"p","version":"1.0.0","files":["a.js"],"files":["b.js"]}',
    "duplicate entries": '{"name":"p","version":"1.0.0","dependencies":{"a":"1","a":"2"}}',
    "byte order mark": '\ufeff{"name":"p","version":"1.0.0"}',
    "__proto__": '{"name":"p","version":"1.0.0","__proto__":{"files":["a.js"]}}',
    "surrogate": '{"name":"p","version":"1.0.0","description":"\\ud800"}',
    "trailing comma": '{"name":"p","version":"1.0.0",}',
    "comment": '{"name":"p",/**/"version":"1.0.0"}',
    "NaN": '{"name":"p","version":"1.0.0","x":NaN}',
    "array": "[]",
    "nothing": "",
}
# What npm packs and linkpack refuses, by the reason why.
REASONS: dict[str, dict[str, list[object]]] = {
    "it has content of a wrong type, which npm passes over: somebody meant something by it": {
        **{key: ["x", 5, ["x"], True] for key in SPECS},
        "bin": [5, True, {"a": 5}, {"a": {}}, {"x": ["a.js"]}],
        "bundleDependencies": ["x", 5],
        "bundledDependencies": ["x", 5],
        "scripts": ["x", 5, ["x"], [5], [None], True],
        "directories": ["x", 5, ["x"], ["a"], [5], [None], True, {"man": 5}],
        "files": ["x", "a.js"],
        "man": [5, True, [5], [None], {}, {"a": None}, {"a": 5}, {"a": {}}],
        "patchedDependencies": ["x", 5, ["x"], [5], [None], True, {"a": 5}, {"a": {}}],
        "peerDependenciesMeta": ["x", 5, ["x"], [5], [None], True],
        "publishConfig": ["x", 5, ["x"], [5], [None], True],
    },
    "npm publish refuses the version": {"version": [*NO_TEXT, "x", "1.2", "latest", "V1.2.3", "1.2.3-x..y", LONG]},
    "npm publish or npm install refuses the name": {
        "name": [
            *NO_TEXT,
            "@s",
            "a/b",
            "p q",
            "é",
            "p%20",
            "../x",
            ".p",
            "_p",
            "@s/.p",
            "node_modules",
            "favicon.ico",
        ]
    },
    "npm takes no new package with so long a name": {"name": [LONG]},
    "npm install refuses the dependency's name": {
        key: [{"": "1"}, {"../x": "1"}, {" a": "1"}, {"//": "a"}] for key in SPECS if key != "devDependencies"
    },
    "what is to be bundled is no package, or is not installed: npm leaves it out": {
        key: [["x"], [5], [None], {"a": None}, {"a": 5}, {"a": {}}]
        for key in ("bundleDependencies", "bundledDependencies")
    },
}
REFUSED: set[tuple[str, str]] = {
    (field, json.dumps(each)) for rows in REASONS.values() for field, values in rows.items() for each in values
}
# Fields that concern only an install in the project itself, and end npm's pack all the same.
TAKEN = {
    ("workspaces", text) for text in ('""', "0", "false", "null", "{}", '{"a": null}', '{"a": 5}', '{"a": {}}')
}
TAKEN |= {("overrides", text) for text in ("[null]", '{"a": null}')}


def cases() -> dict[tuple[str, str], str]:
    """The text of each package.json, by field and value, or by what is odd."""
    found = {("", label): text for label, text in TEXTS.items()}
    for field, values in VALUES.items():
        for value in values:
            manifest = {"name": "p", "version": "1.0.0", field: value}
            found[field, json.dumps(value)] = json.dumps(manifest)
    return found


def ours(folder: Path, edition: str) -> Any:  # noqa: ANN401 - files, name and version, or the code of the refusal
    """What linkpack makes of the package in *folder*."""
    try:
        plan = linkpack.plan_pack(folder, npm_rules=edition)
    except LinkpackError as error:
        return error.code
    files = sorted(entry.path.removeprefix("package/") for entry in plan.entries)
    return files, plan.manifest.name, plan.manifest.version


@pytest.mark.parametrize("edition", ["11", "12"])
def test_odd_manifests(edition: str, tmp_path: Path) -> None:
    """What npm packs is packed, with npm's files, and the name and version that publishing gives it."""
    folders = {}
    for number, (case, text) in enumerate(cases().items()):
        folders[case] = tmp_path / str(number)
        for path in FILES:
            (folders[case] / path).parent.mkdir(parents=True, exist_ok=True)
            (folders[case] / path).write_text("1\n", encoding="utf-8")
        (folders[case] / "package.json").write_text(text, encoding="utf-8", newline="")
    done = subprocess.run(
        [node(), "-e", ASK, str(npm_root() if edition == "11" else npm12_root())],
        input=json.dumps([str(folder) for folder in folders.values()]),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    refused: set[tuple[str, str]] = set()
    taken: set[tuple[str, str]] = set()
    for (case, folder), answer in zip(folders.items(), json.loads(done.stdout), strict=True):
        found = ours(folder, edition)
        if "error" in answer:
            taken |= set() if isinstance(found, str) else {case}
        elif isinstance(found, str):
            refused.add(case)
        else:
            published = [answer[key] for key in ("name", "version") if answer["name"]] or ["p", "1.0.0"]
            assert found == (answer["files"], *published), case
    assert refused == REFUSED
    assert taken <= TAKEN
