"""Values that no page sends: legal ones by what a question takes, spoiled in one place; and the bodies they travel in."""

from __future__ import annotations

import copy
import random
from typing import Any

import msgspec.inspect as kinds

ODD: list[Any] = [
    None, True, -1, 0, 1.5, 2**31, 2**53, 2**63 - 1, -(2**63), 1e308, -1e308, "", "\x00", "a\x00b", "a" * 5000, "a" * 70_000,
    "../../etc/hosts", "C:\\x", "\u202e\ufffe", "{{7}}${7}", "%s%n", [], [None] * 50, [[[[1]]]], {}, {"a": {"b": [1, 2]}},
    {"id": -1}, {"\x00": 1}, "0" * 64, "f" * 64, {"path": "/etc/hosts", "meta": {"_type": "gradio.FileData"}}, "2026-13-45",
    10**30, float("inf"), float("nan"), "\ud800",
]  # fmt: skip
"""What stands where something else belongs."""

MANY = 3000
"""Times that a list's one member is repeated."""


def make_value(kind: kinds.Type, chance: random.Random, known: dict[str, list[str]], name: str = "", deep: int = 0) -> Any:
    """A legal value, small; `known` are ids that exist, by the names of fields they are given in."""
    if isinstance(kind, kinds.UnionType):
        return make_value(chance.choice(kind.types), chance, known, name, deep)
    if isinstance(kind, kinds.StructType):
        fields = [field for field in kind.fields if field.required or chance.random() < 0.4]
        return {one.encode_name: make_value(one.type, chance, known, one.name, deep + 1) for one in fields}
    if isinstance(kind, kinds.ListType | kinds.VarTupleType):
        least = kind.min_length or 0
        return [make_value(kind.item_type, chance, known, name, deep + 1) for _ in range(max(least, chance.randint(0, 2)))]
    if isinstance(kind, kinds.TupleType):
        return [make_value(one, chance, known, name, deep + 1) for one in kind.item_types]
    if isinstance(kind, kinds.DictType):
        return {str(make_value(kind.key_type, chance, known)) or "a": make_value(kind.value_type, chance, known, name, deep + 1)}
    if isinstance(kind, kinds.LiteralType):
        return chance.choice(list(kind.values))
    if isinstance(kind, kinds.BoolType):
        return chance.random() < 0.5
    if isinstance(kind, kinds.IntType | kinds.FloatType):
        least = kind.ge if kind.ge is not None else kind.gt or 0
        return int(least) if isinstance(kind, kinds.IntType) else float(least)
    if isinstance(kind, kinds.StrType):
        return chance.choice(known[name]) if known.get(name) and chance.random() < 0.8 else chance.choice(("", "a word", "1"))
    return None


def spoil(value: Any, chance: random.Random) -> Any:
    """The same with one thing wrong somewhere in it: another kind of value, one too many, one missing, or thousands."""
    spots: list[tuple[Any, Any]] = []
    value = [copy.deepcopy(value)]
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        for key in range(len(one)) if isinstance(one, list) else list(one):
            spots.append((one, key))
            if isinstance(one[key], list | dict):
                waiting.append(one[key])
    holder, key = chance.choice(spots)
    now, how = holder[key], chance.random()
    if isinstance(now, list) and now and how < 0.4:
        holder[key] = now[:1] * MANY
    elif isinstance(now, dict) and how < 0.3:
        now[chance.choice(("a", "", "\x00", "__class__", "x" * 300))] = chance.choice(ODD)
    elif isinstance(holder, dict) and how < 0.15:
        del holder[key]
    elif isinstance(now, int | float) and not isinstance(now, bool) and how < 0.6:
        holder[key] = chance.choice((-1, now + 1e9, -1e300, 2**63 - 1, 0.5, str(now)))
    elif isinstance(now, str) and how < 0.6:
        holder[key] = chance.choice((now * 10_000, now + "\x00", now + "a" * 300, "\x00", "x" * 100_000))
    else:
        holder[key] = chance.choice(ODD)
    return value[0]
