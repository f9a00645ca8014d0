"""A table of cases as one test: every row is checked, and all that fail are reported at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any


def each_row(names: str | Sequence[str], rows: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test for every row as `pytest.mark.parametrize` would, as one item: for rows of a millisecond, of which pytest's
    own work is the dearest part. Fixtures are shared by all rows. Raises an `ExceptionGroup` of what each failing row raised,
    with the row as a note.
    """
    words = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    given = [tuple(row) if len(words) > 1 else (row,) for row in rows]
    assert given, f"no rows for {names}"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def run(**fixtures: Any) -> None:
            failed: list[Exception] = []
            for row in given:
                try:
                    test(**fixtures, **dict(zip(words, row, strict=True)))
                except Exception as error:
                    error.add_note(f"in the row {row!r:.300}")
                    failed.append(error)
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(given)} rows fail", failed)

        signature = inspect.signature(test)
        others = [one for name, one in signature.parameters.items() if name not in words]
        run.__signature__ = signature.replace(parameters=others)  # pyright: ignore
        return run

    return decorate
