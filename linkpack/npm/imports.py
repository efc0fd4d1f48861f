"""Find what a JavaScript or TypeScript source loads.

The source is read token by token, but not parsed. A specifier that is put together at run time is not found. The
results were compared with those of acorn and TypeScript on 26,000 files: tests/differential/test_imports_node.py.
`import_mentions` is the quick look that says which sources need this one.
"""

from __future__ import annotations

import re
from typing import Literal

from linkpack.npm.import_mentions import BLANK, TYPESCRIPT
from linkpack.record import Record

Kind = Literal["import", "export", "dynamic", "require", "resolve"]

_TEXT = r"""(?P<quote>["'])(?P<text>[^"'`\\\n]{1,300})(?P=quote)"""
_ARGUMENT = r"""(?P<quote>["'`])(?P<text>(?:(?!\$\{)[^"'`\\\n]){1,300})(?P=quote)""" + BLANK + r"(?P<end>[),])"
_OPEN = r"(?:\?\.)?\(" + BLANK  # never put BLANK beside BLANK in a pattern: matching would take quadratic time

# These texts may follow the words `require` and `import`: `("x")`, `.resolve("x")`, `.meta.resolve("x")`.
_REQUIRE = re.compile(BLANK + r"(?P<resolve>\??\." + BLANK + r"resolve\b" + BLANK + ")?" + _OPEN + _ARGUMENT)
_DYNAMIC = re.compile(BLANK + _OPEN + _ARGUMENT)
_META = re.compile(
    BLANK + r"\." + BLANK + "meta" + BLANK + r"\." + BLANK + r"resolve\b" + BLANK + _OPEN + _ARGUMENT
)
# What may follow a static `import`, `a, { b } from "x"` or `"x"`, and an `export`, `* as a from "x"`.
_COMMENT = r"/\*(?:[^*]|\*(?!/)){0,300}\*/|//[^\n]{0,300}\n"
_CLAUSE = r"(?P<clause>(?:\s|" + _COMMENT + r"|[\w$*,]|\{[^{}]*\}){0,300}?)"
_IMPORT = re.compile(r"(?:" + _CLAUSE + r"(?<![\w$])from\b)?" + BLANK + _TEXT)
_NAME = r"""(?:[\w$]+|"[^"\n]*"|'[^'\n]*')"""
_EXPORT = re.compile(
    BLANK
    + r"(?P<clause>(?:type\b"
    + BLANK
    + r")?(?:\*(?:"
    + BLANK
    + r"as\b"
    + BLANK
    + _NAME
    + r")?|\{[^{}]*\}))"
    + BLANK
    + r"from\b"
    + BLANK
    + _TEXT
)
_TYPE_CLAUSE = re.compile(r"type(?:of)?\s*(?:\s[\w$]|[{*])")  # not `import type from "x"`
_TYPE_NAME = re.compile(r"type(?:of)?\s")
# What may follow a call of `import`: `.catch`, which guards it, or a member that no promise has, of a type.
_CATCH = re.compile(r"\s*\.\s*catch\b")
_MEMBER = re.compile(r"\s*\.\s*(?!then\b|catch\b|finally\b)[\w$]")
# What follows the name in `const require = …`, unless the value is one that Node made, by `createRequire` or so.
_OWN_REQUIRE = re.compile(r"\s*=(?![^;\n]{0,200}(?:createRequire|import\.meta|module\.require))(?!=)")

# The tokens of JavaScript outside of templates and elements. Numbers are read as names, which does no harm.
_TOKEN = re.compile(
    r"(?P<blank>[\s\ufeff]+|//[^\n\r\u2028\u2029]*|/\*(?:[^*]|\*(?!/))*\*/)"
    r"|(?P<name>\d[\w.]*|(?:[\w$#]|\\u)+)"
    r'|(?P<string>"[^"\\\n]*(?:\\(?:\r\n|[\s\S])[^"\\\n]*)*"'
    r"|'[^'\\\n]*(?:\\(?:\r\n|[\s\S])[^'\\\n]*)*')"
    r"|(?P<sign>=>|\+\+|--|\?\.|\.\.\.|[\s\S])"
)
_REGEX = re.compile(r"/(?![*/])(?:[^\\/\[\n\r\u2028\u2029]|\\[^\n\r]|\[(?:[^\]\\\n\r]|\\[^\n\r])*\])+/[A-Za-z]*")
_TEMPLATE = re.compile(r"[^`\\$]*(?:(?:\\[\s\S]|\$(?!\{))[^`\\$]*)*(?P<end>`|\$\{)")
# JSX: `<>` or `<Name`, but not the type parameters in `<T,>(a: T) => a` and `<T extends A>(a: T) => a`.
_ELEMENT = re.compile(r"<(?:>|[A-Za-z_$][\w$.:-]*(?!\s*(?:,|extends\s)))")
_TAG = re.compile(
    r"""(?P<blank>\s+|/\*(?:[^*]|\*(?!/))*\*/|//[^\n]*)|(?P<string>"[^"]*"|'[^']*')|(?P<sign>/>|[\s\S])"""
)
_CHILD = re.compile(r"[^<{]+")

# After these words an expression begins: a slash opens a regular expression, a brace an object.
_BEFORE_VALUES = frozenset(
    {"return", "typeof", "case", "in", "of", "instanceof", "new", "void", "delete", "throw", "yield", "await"}
    | {"default", "extends"}
)
_BEFORE_BLOCKS = frozenset({"else", "do", "try", "finally"})
_CONTROLS = frozenset({"if", "while", "for", "with", "switch", "catch"})
# A statement outside of all brackets that begins with these is run, and so is a `require` in it.
_BEGINNERS = frozenset({"const", "let", "var", "module", "exports", "require"})
_BRANCHES = _CONTROLS | {"else", "do"}
_VALUE_SIGNS = frozenset("([,=?&|!~^%*+-.")
_UNCLOSED = frozenset("\"'")  # a quotation mark that begins no text
_MISSES = 20  # from so many slashes on that begin no regular expression, the source is given up
_CLOSERS = {")": "(", "]": "[", "}": "{"}


class Import(Record):
    """A load of a module in a source.

    A *guarded* load may fail: it is inside a `try`, or its promise has a `catch`. A *lazy* load is inside a
    function, and happens when that is called. A *certain* load happens whenever the source is loaded. Some loads
    that are certain are not recognized as such.
    """

    specifier: str
    line: int  # from 1
    kind: Kind
    guarded: bool
    lazy: bool = False
    certain: bool = False


def find_imports(source: str, extension: str) -> tuple[Import, ...] | None:
    """Return the modules that *source* loads, in order.

    *extension* (`.tsx`) says which language it is. Imports for type checkers only are left out. None if the
    brackets of the source do not match.

    >>> [(load.specifier, load.kind) for load in find_imports('import a from "x"; require("./y")', ".js")]
    [('x', 'import'), ('./y', 'require')]
    """
    jsx = extension not in {".ts", ".mts", ".cts"}
    loads = _Reading(source, jsx=jsx, typed=extension in TYPESCRIPT).run()
    if loads is None and jsx:  # what looked like an element were type parameters of Flow or TypeScript
        loads = _Reading(source, jsx=False, typed=extension in TYPESCRIPT).run()
    return loads


class _Level:
    """An open bracket, template or element.

    *kind* is the bracket, "`" for the inside of a template's `${}`, `tag` for `<a …>` and `child` for what is
    between two tags. *holds* is `control` for the parentheses of `if` and its like, `object`, `try` or
    `function` for such braces, `closing` for `</a>`, and else "". *hides* is true where a parameter is called
    `require`.
    """

    __slots__ = ("hides", "holds", "kind")

    def __init__(self, kind: str, holds: str = "", *, hides: bool = False) -> None:
        self.kind = kind
        self.holds = holds
        self.hides = hides


class _Reading:
    """One reading of a source, from its start to its end."""

    def __init__(self, source: str, *, jsx: bool, typed: bool) -> None:
        self.source = source
        self.jsx = jsx
        self.typed = typed
        self.levels: list[_Level] = []
        self.within = {"try": 0, "function": 0, "hiding": 0}  # how many of the levels are such
        self.before = ""  # the last token but one
        self.last = ""  # the last token; '"' for a text, "/" for a regular expression
        self.is_value = False  # whether the last token ends an expression
        self.after_control = False  # whether the parentheses closed last are those of `if` and its like
        self.hiding = False  # whether the parentheses just closed, or `=>`, have a parameter called `require`
        self.owns_require = False  # whether the source defines a `require`, so that no call of it loads a module
        self.is_run = False  # whether the current statement runs, and no operator before may stop it
        self.ends_early = False  # whether a `return` or `throw` came, outside of functions
        self.line = 1  # that of the place `counted`
        self.counted = 0
        self.misses = 0  # slashes that could have begun a regular expression, and did not
        self.loads: list[Import] = []

    def run(self) -> tuple[Import, ...] | None:
        """Return the loads, None if brackets do not match."""
        # A line `#!…` is no JavaScript. Without an end it is the whole source, and nothing can be said of that.
        at = self.source.find("\n") if self.source.startswith("#!") else 0
        end = len(self.source)
        while 0 <= at < end:
            top = self.levels[-1].kind if self.levels else ""
            if top == "tag":
                at = self._read_tag(at)
            elif top == "child":
                at = self._read_child(at)
            else:
                at = self._read_code(at)
        if at < 0 or self.levels:
            return None
        hidden = {"require", "resolve"} if self.owns_require else set()
        return tuple(load for load in self.loads if load.kind not in hidden)

    def _read_code(self, at: int) -> int:
        """Read a token at *at*, and return where the next begins.

        All methods that read return -1 when they cannot.
        """
        match = _TOKEN.match(self.source, at)
        if match is None:
            return -1
        if match.lastgroup == "name":
            return self._read_name(match[0], match.end())
        if match.lastgroup == "string":
            self._pass('"', is_value=True)
        elif match.lastgroup == "sign":
            return self._read_sign(match[0], at)
        return match.end()

    def _pass(self, token: str, *, is_value: bool) -> None:
        """Make *token* the last one."""
        self.before, self.last, self.is_value = self.last, token, is_value

    def _read_sign(self, sign: str, at: int) -> int:
        """Read a bracket, template, element or operator."""
        after = at + len(sign)
        if self.source.startswith("/*", at):  # a comment without an end
            after = -1
        elif sign == "/" and not self.is_value:
            after = self._read_regex(at)
        elif sign == "<" and self.jsx and not self.is_value and (element := _ELEMENT.match(self.source, at)):
            self._open_element(element[0])
            after = element.end()
        elif sign == "`":
            after = self._read_template(after)
        elif sign in _UNCLOSED:
            after = -1
        elif sign in "([{":
            self._open(sign)
        elif sign in _CLOSERS:
            after = self._close(sign, after)
        else:
            # After `a++` and, in TypeScript, `a!` a slash divides.
            keeps = sign in {"++", "--"} or (sign == "!" and self.typed)
            self.hiding = self.hiding and sign == "=>"
            # What is behind `?`, `&&`, `||` or `=>` may not be run.
            self.is_run = self.is_run and (bool(self.levels) or sign not in {"?", "&", "|", "=>"})
            self._pass(sign, is_value=keeps and self.is_value)
        return after

    def _read_regex(self, at: int) -> int:
        """Read a regular expression at *at*.

        A slash that begins none is taken for a division. The number of these is limited, since each costs a look
        to the end of the line.
        """
        regex = _REGEX.match(self.source, at)
        self._pass("/", is_value=regex is not None)
        if regex:
            return regex.end()
        self.misses += 1
        return at + 1 if self.misses < _MISSES else -1

    def _open(self, sign: str) -> None:
        """Enter the bracket *sign*."""
        level = _Level(sign)
        if sign == "(":
            # `for await (`
            is_control = self.last in _CONTROLS or (self.last == "await" and self.before == "for")
            level.holds = "control" if is_control else ""
        elif sign == "{":
            level.holds = self._classify_braces()
            level.hides = self.hiding and self.last in {")", "=>"}
        self.hiding = False
        self.levels.append(level)
        self._count(level, 1)
        self._pass(sign, is_value=False)

    def _count(self, level: _Level, number: int) -> None:
        """Add *number*, 1 or -1, to the count of such levels."""
        if level.holds in self.within:
            self.within[level.holds] += number
        if level.hides and level.kind == "{":
            self.within["hiding"] += number

    def _classify_braces(self) -> str:
        """Return what a brace here opens, as in `_Level.holds`."""
        if self.last == "try":
            return "try"
        if self.last == "=>" or (self.last == ")" and not self.after_control):
            return "function"
        return "object" if self._opens_object() else ""

    def _opens_object(self) -> bool:
        """Return True if a brace here opens an object, not a block."""
        # After a colon: a value in brackets, but in a block the statement of a label or case.
        if self.last == ":":
            return bool(self.levels) and (self.levels[-1].kind in "([" or self.levels[-1].holds == "object")
        return self.last in _BEFORE_VALUES or (self.last[:1] in _VALUE_SIGNS and self.last != "=>")

    def _close(self, sign: str, after: int) -> int:
        """Leave the level that *sign* closes."""
        if not self.levels or self.levels[-1].kind not in {_CLOSERS[sign], "`" if sign == "}" else sign}:
            return -1
        level = self.levels.pop()
        self._count(level, -1)
        if level.kind == "`":
            return self._read_template(after)
        # A slash divides behind an object or parentheses. Behind a block or `if (…)` it begins a pattern.
        self.after_control = sign == ")" and level.holds == "control"
        self.hiding = sign == ")" and level.hides and level.holds != "control"
        is_value = level.holds == "object" if sign == "}" else level.holds != "control"
        self._pass(sign, is_value=is_value)
        return after

    def _read_template(self, at: int) -> int:
        """Read a template from *at* to its end or its next `${`."""
        match = _TEMPLATE.match(self.source, at)
        if match is None:
            return -1
        if match["end"] == "`":
            self._pass('"', is_value=True)
        else:
            self.levels.append(_Level("`"))
            self._pass("{", is_value=False)
        return match.end()

    def _read_name(self, name: str, after: int) -> int:
        """Read the word *name*, and what it loads."""
        is_member = self.last in {".", "?."}
        at = after
        if not is_member:
            self._follow(name)
        # `module.require` is Node's, any other member called `require` is not.
        if name == "require" and (not is_member or self.before == "module"):
            self._read_require(after)
        elif name in {"import", "export"} and not is_member:
            at = self._read_import(after) if name == "import" else self._read_export(after)
        if at != after:
            self._pass('"', is_value=True)
        # `a.if` is a value, and opens no parentheses of control.
        elif is_member:
            self._pass(name if name not in _CONTROLS else "", is_value=True)
        else:
            self._pass(name, is_value=name not in _BEFORE_VALUES and name not in _BEFORE_BLOCKS)
        return at

    def _follow(self, name: str) -> None:
        """Decide by the word *name* whether its statement is run."""
        if name in {"return", "throw"} and not self.within["function"]:
            self.ends_early = True
        elif not self.levels and name in _BRANCHES:
            self.is_run = False
        elif not self.levels and name in _BEGINNERS and (self.is_value or self.last in {"", ";", "}"}):
            self.is_run = True

    def _read_require(self, after: int) -> None:
        """Note a `require`, or that the source defines its own."""
        if self.last == "function" or (
            self.last in {"var", "let", "const"} and _OWN_REQUIRE.match(self.source, after)
        ):
            self.owns_require = True
            return
        # A parameter called `require`: `require => …`, `(require, b) => …`, `function (a, require) {…}`.
        following = self.source[after : after + 40].lstrip()
        if following.startswith("=>"):
            self.hiding = True
        elif self.levels and self.levels[-1].kind == "(" and self.last in {"(", ","}:
            self.levels[-1].hides = following[:1] in {",", ")", "=", ":"} or self.levels[-1].hides
        match = _REQUIRE.match(self.source, after)
        if match and not self.within["hiding"]:
            self._note(match, "resolve" if match["resolve"] else "require")

    def _read_import(self, after: int) -> int:
        """Read an `import`, and return the end of a static one.

        Any other one is left at *after*.
        """
        call = _DYNAMIC.match(self.source, after)
        if call:
            if not self._is_type_query(call):
                self._note(call, "dynamic")
            return after
        if meta := _META.match(self.source, after):
            self._note(meta, "resolve")
            return after
        match = _IMPORT.match(self.source, after)
        if match is None:
            return after
        if not _is_types(match["clause"] or ""):
            self._note(match, "import")
        return match.end()

    def _is_type_query(self, call: re.Match[str]) -> bool:
        """Return True if *call* is a type of TypeScript.

        `typeof import("x")` and `import("x").Name` are types.
        """
        is_member = call["end"] == ")" and _MEMBER.match(self.source, call.end()) is not None
        return self.typed and (self.last == "typeof" or is_member)

    def _read_export(self, after: int) -> int:
        """Read an `export`, and return the end of `export … from`.

        Any other one is left at *after*.
        """
        match = _EXPORT.match(self.source, after)
        if match is None:
            return after
        if not _is_types(match["clause"]):
            self._note(match, "export")
        return match.end()

    def _note(self, match: re.Match[str], kind: Kind) -> None:
        """Add the load that *match* found."""
        self.line += self.source.count("\n", self.counted, match.start("text"))
        self.counted = match.start("text")
        caught = kind == "dynamic" and match["end"] == ")" and _CATCH.match(self.source, match.end())
        guarded = bool(caught) or self.within["try"] > 0
        lazy = self.last == "=>" or self.within["function"] > 0
        is_static = kind in {"import", "export"}
        certain = not self.levels and (is_static or (kind == "require" and self.is_run and not self.ends_early))
        self.loads.append(
            Import(
                specifier=match["text"],
                line=self.line,
                kind=kind,
                guarded=guarded,
                lazy=lazy,
                certain=certain,
            )
        )

    def _read_tag(self, at: int) -> int:
        """Read one token inside of `<a …>` or `</a>`."""
        match = _TAG.match(self.source, at)
        if match is None or self.source.startswith("/*", match.start("sign")):
            return -1
        sign = match["sign"]
        if sign == "{":
            self.levels.append(_Level("{", "object"))
            self._pass("{", is_value=False)
        elif sign == "<" and (element := _ELEMENT.match(self.source, at)):
            self._open_element(element[0])
            return element.end()
        elif sign == "/>":
            self._end_element(1)
        elif sign == ">" and self.levels[-1].holds == "closing":
            self._end_element(2)
        elif sign == ">":
            self.levels[-1] = _Level("child")
        return match.end()

    def _read_child(self, at: int) -> int:
        """Read one piece between `<a>` and `</a>`."""
        match = _CHILD.match(self.source, at)
        if match:
            return match.end()
        if self.source[at] == "{":
            self.levels.append(_Level("{", "object"))
            self._pass("{", is_value=False)
            return at + 1
        if self.source.startswith("</", at):
            self.levels.append(_Level("tag", "closing"))
            return at + 2
        element = _ELEMENT.match(self.source, at)
        if element is None:
            return -1
        self._open_element(element[0])
        return element.end()

    def _open_element(self, start: str) -> None:
        self.levels.append(_Level("child" if start == "<>" else "tag"))

    def _end_element(self, levels: int) -> None:
        del self.levels[-levels:]
        self._pass(")", is_value=True)


def _is_types(clause: str) -> bool:
    """Return True if an import with *clause* is for type checkers only.

    >>> _is_types("type A"), _is_types("{ type A, type B }"), _is_types("{ type A, b }")
    (True, True, False)
    """
    if "type" not in clause:
        return False
    plain = re.sub(_COMMENT, " ", clause).strip()
    names = [name.strip() for name in plain[1:-1].split(",")] if plain[:1] + plain[-1:] == "{}" else []
    return _TYPE_CLAUSE.match(plain) is not None or (
        any(names) and all(_TYPE_NAME.match(name) for name in names if name)
    )
