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
NUMBERS = {
    "one": 1, "once": 1, "two": 2, "twice": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "daily": 7,
}  # fmt: skip
USUAL = "18:00"
COLUMNS = ("date", "time", "zone", "platform", "photo", "file", "title")
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

    Raises `Refusal` for what isn't understood.
    """
    said = " ".join(words.casefold().replace(",", " ").split())
    times = tuple(sorted({f"{int(hour):02d}:{minute}" for hour, minute in re.findall(r"\b(\d?\d):(\d\d)\b", said)}))
    start = _read_start(said, today)
    often = re.search(r"\b(\d+|[a-z]+)(?: times)? (?:a|per|every) (week|day)\b", said)
    named = _read_days(re.search(r"\bon (.+?)(?= to | from | at |$)", said))
    number = _read_number(often[1]) if often else 7 if "daily" in said or "every day" in said else 0
    if often and often[2] == "day":
        days, times = tuple(range(7)), _spread_times(number, times)
    elif named:
        days = named
    elif 1 <= number <= 7:
        days = tuple(sorted({(start.weekday() + 7 * at // number) % 7 for at in range(number)}))
    else:
        raise Refusal(f"{words!r} doesn't say how often.", REMEDY)
    found = _read_places(re.search(r"\bto (.+?)(?= from | at | on | \d?\d:\d\d|$)", said))
    return check_plan(PostingPlan(days, start.isoformat(), times or (USUAL,), zone, found))


def check_plan(plan: PostingPlan) -> PostingPlan:
    """The plan. Raises `Refusal` for values out of range, a day that isn't in the calendar and a zone nobody knows."""
    try:
        date.fromisoformat(plan.start)
    except ValueError:
        raise Refusal(f"{plan.start!r} is no day.", "Write it like 2026-12-01.") from None
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


def _read_number(word: str) -> int:
    return int(word) if word.isdigit() else NUMBERS.get(word, 0)


def _read_days(found: re.Match[str] | None) -> tuple[int, ...]:
    words = re.findall(r"[a-z]+", found[1]) if found else []
    return tuple(sorted({at for word in words for at, day in enumerate(DAYS) if day.startswith(word[:3])}))


def _read_start(said: str, today: date) -> date:
    """The day after "from": a date, today, tomorrow, or the next such day of the week; tomorrow where none is named."""
    found = re.search(r"\bfrom (?:next )?([a-z]+|\d{4}-\d\d-\d\d)", said)
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
    for word in words:
        if normalise(word) not in known:
            raise Refusal(
                f"There is no place called {word!r}.", f"Choose from: {', '.join(p.id for p in platforms())}."
            )
        places.append(known[normalise(word)])
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
        places = ", ".join(dict.fromkeys(_name_place(place) for place, _ in one.post.files if place))
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
