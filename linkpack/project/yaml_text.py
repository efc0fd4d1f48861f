"""Parse YAML as pnpm does, but with every scalar a text.

A module of its own, as PyYAML takes 20 ms to import and only workspaces of pnpm and yarn need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Hashable

_MERGED_KEYS = 1_000_000  # of all merge keys of a file together


# PyYAML's other loaders make numbers, and 1.10 is a version here. Only those know merge keys.
class _TextLoader(yaml.BaseLoader):
    """A loader that makes only text, lists and mappings, and knows merge keys."""

    merged_keys = 0

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Construct a mapping with what its merge keys bring."""
        merges = [value for key, value in node.value if _is_merge(key)]
        pairs = [pair for pair in node.value if not _is_merge(pair[0])]
        own = super().construct_mapping(yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark), deep)
        merged: dict[Hashable, Any] = {}
        for value in merges:
            source = self.construct_object(value, deep=True)
            for mapping in source if isinstance(source, list) else [source]:
                if not isinstance(mapping, dict):
                    raise yaml.YAMLError(f"<< takes a mapping (line {value.start_mark.line + 1})")
                merged = {**mapping, **merged}
                # A small file can merge the same many keys again and again.
                self.merged_keys += len(merged)
                if self.merged_keys > _MERGED_KEYS:
                    raise yaml.YAMLError(f"<< merges more than {_MERGED_KEYS} keys")
        return {**merged, **own}


def parse_yaml(raw: bytes) -> object:
    """Parse the YAML in *raw*, merge keys (`<<`) included.

    A mapping's own keys win over merged ones, and of several merged mappings the first (pnpm 12.21.0). Raises
    `ValueError`, which says why in one line.

    >>> parse_yaml(b"{a: &a {x: 1.10}, b: {<<: *a, y: no}}")
    {'a': {'x': '1.10'}, 'b': {'x': '1.10', 'y': 'no'}}
    """
    try:
        loader = _TextLoader(raw)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError) as err:
        raise ValueError(str(err).splitlines()[0]) from err


def _is_merge(key: yaml.Node) -> bool:
    """Return True if *key* is the node of a merge key: `<<` without quotes."""
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and key.style is None
