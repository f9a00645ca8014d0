"""Nothing that a browser sends is without an end: every text, list and table of every question, and of a Shot, is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import msgspec.inspect as kinds
import pytest

from studio.batch.batch_nouns import BatchSettings
from studio.nouns import Camera, Clip, Effect, EffectName, Job, Mend, Motion, Move, MoveName, Photo, Refusal, Shot, replace
from studio.ui.shot_form import Desk, Ending, Frame, Output, Words
from tests.ui.conftest import App

OPEN = ("desk{}",)
"""What is checked later: the values of the desk's parts, one by one, against the nouns named here."""


def list_unbounded(kind: kinds.Type, path: str = "", within: tuple[type, ...] = ()) -> Iterator[str]:
    """Where in a type a text, a list or a table may be of any length."""
    if isinstance(kind, kinds.UnionType):
        for one in kind.types:
            yield from list_unbounded(one, path, within)
    elif isinstance(kind, kinds.StructType):
        if kind.cls not in within:
            for field in kind.fields:
                yield from list_unbounded(field.type, f"{path}.{field.name}", (*within, kind.cls))
    elif isinstance(kind, kinds.TupleType):
        for one in kind.item_types:
            yield from list_unbounded(one, path, within)
    elif isinstance(kind, kinds.StrType | kinds.VarTupleType | kinds.ListType | kinds.DictType):
        if kind.max_length is None:
            yield path
        if isinstance(kind, kinds.DictType):
            yield from list_unbounded(kind.key_type, path + " names", within)
            yield from list_unbounded(kind.value_type, path + "{}", within)
        elif not isinstance(kind, kinds.StrType):
            yield from list_unbounded(kind.item_type, path + "[]", within)
    elif isinstance(kind, kinds.AnyType) and not path.endswith(OPEN):
        yield path


def test_every_value_of_every_question_has_a_longest(app: App) -> None:
    asked = [call for block in app.page.blocks.values() for call in getattr(block, "server_fns", ()) or ()]
    assert len(asked) > 100
    for call in asked:
        assert list(list_unbounded(kinds.type_info(call.__annotations__["value"]))) == [], call.__name__


@pytest.mark.parametrize("kind", [Shot, Frame, Ending, Words, Output, Camera, BatchSettings, Desk])
def test_every_value_of_a_shot_has_a_longest(kind: Any) -> None:
    found = list(list_unbounded(kinds.type_info(kind), "desk" if kind is Desk else ""))
    assert found == []


PHOTO = Photo("0" * 64, 100, 100)


def test_each_move_effect_and_mend_once_is_a_shot() -> None:
    moves, effects = tuple(Move(name) for name in get_args(MoveName)), tuple(Effect(name) for name in get_args(EffectName))
    mends = tuple(Mend(name) for name in ("denoise", "deblock", "contrast", "upscale", "background"))
    shot = Shot(PHOTO, motion=Motion(camera=Camera(moves), effects=effects), mends=mends)
    assert Shot.from_json(shot.to_json()) == shot
    with pytest.raises(Refusal):
        replace(shot, motion=Motion(camera=Camera(moves * 2)))
    for wrong in (Motion(effects=effects * 2), Motion(prompt="a" * 5000)):
        with pytest.raises(Refusal):
            Shot.from_json(msgspec.structs.replace(shot, motion=wrong).to_json())


def test_what_is_kept_of_jobs_and_clips_is_bounded_by_its_shot() -> None:
    for kind in (Job, Clip):
        assert [path for path in list_unbounded(kinds.type_info(kind)) if path.startswith(".shot")] == []
