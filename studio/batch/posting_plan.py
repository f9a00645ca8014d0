"""When the clips of a batch are posted: read from words, laid over the calendar, written as CSV and as iCalendar."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from studio.batch.batch_manifest import write_csv
from studio.batch.batch_nouns import PostingPlan
from studio.motion.camera_moves import normalise
from studio.nouns import Refusal, replace
from studio.presets import platform, platforms

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
GROUPS = {
    "weekday": range(5), "weekdays": range(5), "weekend": (5, 6), "weekends": (5, 6), "day": range(7),
}  # fmt: skip
NUMBERS = {
    "one": 1, "once": 1, "two": 2, "twice": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "daily": 7, "weekly": 1,
}  # fmt: skip
IDLE = ("and", "at", "post", "posts", "clips", "o'clock")
"""Words of a plan that say nothing of it."""

_NEXT = r"(?= to | from | starting | at | on | every | \||$| \d+[:.]\d\d| \d+ ?[ap]m)"
"""Where a list of places or days ends."""

USUAL = "18:00"
COLUMNS = ("date", "time", "zone", "platform", "photo", "file", "title")
YEARS = range(2000, 2200)
"""Years that a plan may begin in."""

MINUTES = 15
"""How long a post takes in the calendar."""

REMEDY = 'Write it like "three a week to reels and shorts from monday, 18:00".'


class Post(NamedTuple):
    """One photo's clip, to be posted: `uid` names it in every calendar it is imported into; `files` are (platform,
    path) of each place it goes to.
    """

    uid: str
    photo: str
    title: str
    files: tuple[tuple[str, str], ...]


class PlannedPost(NamedTuple):
    """A post and when it is due, in the plan's time zone."""

    post: Post
    at: datetime


# Words ----------------------------------------------------------------------------------------------------------------


def read_plan(words: str, today: date, zone: str) -> PostingPlan:
    """A plan from words: how many a week or a day, or on which days; to which places; from when; at what time.

    Raises `Refusal` for what isn't understood, a single word of it too.
    """
    said = _Words(" ".join(words.casefold().replace(",", " ").replace("&", " and ").split()))
    found = _read_places(said.take(rf"\bto (.+?){_NEXT}"))
    start = _read_start(said.take(r"\b(?:from|starting) (?:on )?(?:next )?(\d{4}-\d\d-\d\d|\d+|[a-z]+)\b"), today)
    times = _read_times(said)
    if start < today:
        raise Refusal(f"{start} is over.", "Start today or later.")
    often = said.take(r"\b(\d+|[a-z]+)(?: times)? (?:a|per|every|each) (week|day)\b")
    often = often or said.take(r"\b(daily|weekly)\b")
    named = _read_days(said.take(rf"\b(?:on|every) (.+?){_NEXT}"))
    word, by = (often[1], often[2] if often.re.groups > 1 else "week") if often else ("", "")
    number = NUMBERS.get(word) or (int(word) if word.isdigit() else 0)
    if by == "day":
        days, times = tuple(range(7)), _spread_times(number, times)
    elif named:
        days = named
    elif 1 <= number <= 7:
        days = tuple(sorted({(start.weekday() + 7 * at // number) % 7 for at in range(number)}))
    else:
        raise Refusal(f"{words!r} doesn't say how often.", REMEDY)
    said.require_empty()
    return check_plan(PostingPlan(days, start.isoformat(), times or (USUAL,), zone, found))


class _Words:
    """Words of which what was understood is taken away."""

    def __init__(self, said: str) -> None:
        self._said = said

    def take(self, pattern: str) -> re.Match[str] | None:
        """The first place that fits, which is taken away."""
        found = re.search(pattern, self._said)
        if found:
            self._said = f"{self._said[: found.start()]} | {self._said[found.end() :]}"
        return found

    def require_empty(self) -> None:
        """Raises `Refusal` for a word that is left and says something."""
        left = [word for word in re.findall(r"[^\s|]+", self._said) if word not in IDLE]
        if left:
            raise Refusal(f"{left[0]!r} isn't understood in a plan.", REMEDY)


def _read_times(said: _Words) -> tuple[str, ...]:
    """Times of day: "18:00", "18.00", "6 pm", "7:30pm", "at 9"; sorted. Raises `Refusal` for what no clock shows."""
    found: set[str] = set()
    while one := (
        said.take(r"\b(\d{1,2})(?:[:.](\d\d))? ?(am|pm)\b") or said.take(r"\b(\d{1,2})[:.](\d\d)()\b")
        or said.take(r"\bat (\d{1,2})()()(?= |$)")
    ):  # fmt: skip
        hour, minute = int(one[1]), int(one[2] or 0)
        if hour > (12 if one[3] else 23) or minute > 59 or (one[3] and not hour):
            raise Refusal(f"{one[0]!r} is no time of day.", "Write it like 18:00.")
        hour = hour % 12 + 12 * (one[3] == "pm") if one[3] else hour
        found.add(f"{hour:02d}:{minute:02d}")
    return tuple(sorted(found))


def check_plan(plan: PostingPlan) -> PostingPlan:
    """The plan. Raises `Refusal` for values out of range, a day that isn't in the calendar and a zone nobody knows."""
    try:
        start = date.fromisoformat(plan.start)
    except ValueError:
        raise Refusal(f"{plan.start!r} is no day.", "Write it like 2026-12-01.") from None
    if start.year not in YEARS:
        raise Refusal(f"{plan.start} is out of the calendar.", f"Start between {YEARS[0]} and {YEARS[-1]}.")
    _open_zone(plan.zone)
    return replace(plan)


def _open_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Refusal(f"There is no time zone called {name!r}.", "Write one like Europe/Lisbon, or UTC.") from None


def find_zone() -> str:
    """The name of this computer's time zone, "UTC" where it doesn't say."""
    named = os.environ.get("TZ", "").removeprefix(":")
    link = Path("/etc/localtime")
    if not named and link.is_symlink():
        named = str(link.resolve()).rpartition("zoneinfo/")[2]
    try:
        return ZoneInfo(named).key if named else "UTC"
    except (KeyError, ValueError, OSError):
        return "UTC"


def _read_days(found: re.Match[str] | None) -> tuple[int, ...]:
    """The days of the week that are named, "weekdays", "weekends" or "day" for any of them; 0 is Monday."""
    days: set[int] = set()
    for word in found[1].split() if found else ():
        begins = word.rstrip("s") if len(word) > 2 else "?"
        some = GROUPS.get(word) or [at for at, day in enumerate(DAYS) if day.startswith(begins)]
        if not some and word not in IDLE:
            raise Refusal(f"{word!r} is no day of the week.", REMEDY)
        days.update(some)
    return tuple(sorted(days))


def _read_start(found: re.Match[str] | None, today: date) -> date:
    """The day after "from": a date, today, tomorrow, or the next such day of the week; tomorrow where none is named."""
    word = found[1] if found else "tomorrow"
    if word[:1].isdigit():
        try:
            return date.fromisoformat(word)
        except ValueError:
            raise Refusal(f"{word!r} is no day.", REMEDY) from None
    if word in ("today", "tomorrow"):
        return today + timedelta(word == "tomorrow")
    for at, day in enumerate(DAYS):
        if len(word) >= 3 and day.startswith(word):
            return today + timedelta((at - today.weekday()) % 7)
    raise Refusal(f"{word!r} is no day.", REMEDY)


def _spread_times(number: int, times: tuple[str, ...]) -> tuple[str, ...]:
    """So many times of day: those that were named where they are enough, else evenly from 9 to 21 o'clock."""
    if not 1 <= number <= 12:
        raise Refusal("That is too many a day.", "Post at most 12 a day.")
    if len(times) == number or number == 1:
        return times[:number]
    minutes = [540 + 720 * at // (number - 1) for at in range(number)]
    return tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in minutes)


def _read_places(found: re.Match[str] | None) -> tuple[str, ...]:
    words = re.sub(r"\b(and|then)\b", " ", found[1]).split() if found else []
    known = {normalise(name): one.id for one in platforms() for name in (one.id, one.title, one.label)}
    places: list[str] = []
    while words:
        fits = (length for length in range(4, 0, -1) if normalise(" ".join(words[:length])) in known)
        length = next(fits, 0)
        if not length:
            raise Refusal(
                f"There is no place called {words[0]!r}.", f"Choose from: {', '.join(p.id for p in platforms())}."
            )
        places.append(known[normalise(" ".join(words[:length]))])
        words = words[length:]
    return tuple(dict.fromkeys(places))


# The calendar ---------------------------------------------------------------------------------------------------------


def lay_out(plan: PostingPlan, posts: Sequence[Post]) -> tuple[PlannedPost, ...]:
    """Each post with its moment, in their order: local time, so that 18:00 stays 18:00 when the clocks change; a time
    that is skipped then is an hour later.
    """
    zone, day = _open_zone(plan.zone), date.fromisoformat(plan.start)
    chosen = [post._replace(files=_choose_files(plan, post)) for post in posts]
    wanted = [post for post in chosen if post.files]
    found: list[PlannedPost] = []
    while len(found) < len(wanted):
        if day.weekday() in plan.days:
            for time in sorted(plan.times)[: len(wanted) - len(found)]:
                local = datetime.combine(day, datetime.strptime(time, "%H:%M").time(), zone)
                found.append(PlannedPost(wanted[len(found)], local.astimezone(UTC).astimezone(zone)))
        day += timedelta(1)
    return tuple(found)


def _choose_files(plan: PostingPlan, post: Post) -> tuple[tuple[str, str], ...]:
    return tuple((place, path) for place, path in post.files if not plan.platforms or place in plan.platforms)


def write_plan_csv(plan: PostingPlan, planned: Sequence[PlannedPost]) -> bytes:
    """The plan as CSV: a line for each file that is to be posted."""
    entries = [
        {
            "date": f"{one.at:%Y-%m-%d}", "time": f"{one.at:%H:%M}", "zone": plan.zone, "platform": _name_place(place),
            "photo": one.post.photo, "file": path, "title": one.post.title,
        }
        for one in planned for place, path in one.post.files
    ]  # fmt: skip
    return write_csv(COLUMNS, entries)


def write_ical(name: str, plan: PostingPlan, planned: Sequence[PlannedPost], now: datetime) -> bytes:
    """The plan as iCalendar (RFC 5545): an event for each post, in the plan's time zone. Imported twice, an event takes
    the place of the one that is there.
    """
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", "-//Stir//Posting plan//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    for one in planned:
        event = Event()
        event.add("uid", f"{one.post.uid}@stir")
        event.add("dtstamp", now.astimezone(UTC))
        event.add("dtstart", one.at)
        event.add("duration", timedelta(minutes=MINUTES))
        names = (_name_place(place).partition(",")[0] for place, _ in one.post.files if place)
        places = ", ".join(dict.fromkeys(names))
        event.add("summary", f"Post {one.post.title} to {places}" if places else f"Post {one.post.title}")
        event.add("description", "\n".join(path for _, path in one.post.files))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    if planned:
        year = timedelta(days=366)
        calendar.add_missing_timezones(planned[0].at.date() - year, planned[-1].at.date() + year)
    return calendar.to_ical()


def _name_place(place: str) -> str:
    known = platform(place)
    return known.title if known else place
