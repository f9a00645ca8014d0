"""Words that name a camera move, and words that put moves in sequence: "push in", "then", "followed by", "ends with a".

For one line in lower case without punctuation; whether it is about the camera is for `camera_clause`. Where no side is named
it is the one `camera_moves.parse` takes: "orbit" is to the right, "tilt" is up.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from studio.motion.vocabulary import forms, inflected, words
from studio.nouns import MoveName

MOST = 4
"""Legs of a camera's way at most: the first moves and three more."""

_NEXT = re.compile(
    r"\b(?:then|after (?:that|this|which)|afterwards?|thereafter|next|finally|lastly|eventually|followed by|before|later"
    r"|ends? (?:with|on|by|in)|ending (?:with|on|by|in)|finish(?:es|ing)? (?:with|on|by)|to finish|clos(?:es|ing) with"
    r"|second(?:ly)?|third(?:ly)?|at last|at the end|in the end|once there|from there|transition(?:s|ing)? (?:to|into))\b"
)
_LATER = re.compile(r"\b(?:at the end|in the end|at last|afterwards?)$")
_FIRST = re.compile(r"\b(?:start|begin|open)(?:s|ing|ning)? (?:with|on|by)\b|^(?:at )?first(?:ly)?\b")
_OPENERS = {
    "after": words("that this which"), "followed": words("by"), "at": words("last first"), "once": words("there"),
    "from": words("there"), "before": words("it"),
}  # fmt: skip
_BOUNDS = forms("end finish close start begin open")
_WITH = words("with in")
_BEFORE = re.compile(r"^(?:and |but |right |just |shortly )?after (?!that\b|this\b|which\b|wards)")


def later(before: str) -> bool:
    """Whether words between two moves, or before the first of a clause, put what comes after them later."""
    return turn(before, 0, len(before)) >= 0


def turn(line: str, start: int, end: int) -> int:
    """Where, from the character `start` to `end`, a line turns to what comes later; -1 where it doesn't."""
    found = _NEXT.search(line, start, end)
    return found.start() if found else -1


def spans(line: str) -> list[tuple[int, int]]:
    """The characters of a line that only say in which order things happen."""
    return [found.span() for pattern in (_NEXT, _FIRST) for found in pattern.finditer(line)]


def opening(lows: list[str], at: int = 0) -> int:
    """How many words from `at` on are such an order of two words: "followed by"."""
    low, after = lows[at], lows[at + 1] if at + 1 < len(lows) else ""
    return 2 if after in _OPENERS.get(low, ()) or (low in _BOUNDS and after in _WITH) else 0


def bounds(low: str) -> bool:
    """Whether a word says that something begins or ends so, before "with"."""
    return low in _BOUNDS


def closes(after: str) -> bool:
    """Whether words after a move put it last: "orbit left at the end"."""
    return _LATER.search(after) is not None


def precedes(line: str) -> bool:
    """Whether a clause says what comes before that which follows it: "after panning left, push in"."""
    return _BEFORE.match(line) is not None


class Found(NamedTuple):
    """A move that a line names, and where: the characters from `start` to `end`."""

    name: MoveName
    start: int
    end: int


def _v(verbs: str) -> str:
    return "(?:" + "|".join(dict.fromkeys(form for verb in verbs.split() for form in inflected(verb))) + ")"


_ADV = (
    r"(?: (?:\w+ly|far|further|straight|a (?:little|bit|touch)|all the way|a long way|very|smooth|slow|fast|quick|shot|move"
    r"|movement|moves|(?:the )?camera|motion|and|slight|\d+(?:°| degrees?))){0,4}"
)
_FROM_LEFT, _FROM_RIGHT = r"(?:from )?(?:the )?left to (?:the )?right", r"(?:from )?(?:the )?right to (?:the )?left"
_TO = r"(?:(?:to|towards?) (?:the |its |our |her |his )?)?"
_L = rf"(?:{_FROM_RIGHT}|{_TO}(?:left|leftwards?)(?! to))"
_R = rf"(?:{_FROM_LEFT}|{_TO}(?:right|rightwards?)(?! to))"
_ROADS = "street|road|hall|hallway|corridor|alley|aisle|path|lane|stairs?|river|runway|tunnel|track|trail|beach|steps"
_ALONG = rf"(?! (?:the |a |this |an )?(?:\w+ )?(?:{_ROADS}))"
_U, _D = rf"(?:up{_ALONG}|upwards?|higher|skywards?)", rf"(?:down{_ALONG}|downwards?|lower)"
_IN = r"(?:in|inwards?|forwards?|closer|nearer|into|towards?|onto|ahead|up close|close)"
_OUT = r"(?:out|outwards?|back|backwards?|away|off|further away)"
_GO = _v(
    "move dolly track truck slide glide drift float fly travel push sweep creep inch ease edge go advance step walk crawl swoop"
    " cruise sail shift scoot come trundle roam wander"
)
_TURN = _v("turn swivel swing whip look rotate pivot")
_CW, _ACW = r"(?<!anti )(?<!counter )clockwise", r"(?:anti ?|counter ?)clockwise"
_ROUND = _v("rotate move travel swing spin wrap curve sweep go fly turn glide track dolly")
_ORBIT = rf"(?:{_v('orbit circle arc revolve encircle')}|{_ROUND}{_ADV} (?:around|round|about)|orbital)"
_WHILE = (
    rf"{_v('push dolly move')}{_ADV} (?:in|forwards?|closer){_ADV} (?:while|as it){_ADV} {_ORBIT}{_ADV}(?: (?:around|about))?"
)
_SPIRAL = rf"(?:push and orbit|push orbit|{_v('spiral')}{_ADV} in(?:wards?)?)"
_VERTIGO = r"(?:dolly zoom(?:s|ing)?|vertigo|hitchcock|zolly|contra zoom)(?: effect| shot| zoom)?"
_PAN, _DOLLY = r"(?:whip )?pan(?:s|ning|ned)?(?: shot| across)?", r"(?:dolly|dollies|dollying)(?: shot)?"
_AS_ONE = r"(?: (?:for|in|as) a dolly zoom)?"
_TRACKING = r"(?:tracking|trucking|lateral|sideways)(?: tracking)?(?: shot| move| dolly| slide)"
_JIB = "(?:crane|jib|boom|pedestal)s?"

_STRONG: tuple[tuple[MoveName, str], ...] = (
    ("dolly_zoom_out", rf"{_v('pull')}{_ADV} {_OUT}{_ADV} while{_ADV} zooming{_ADV} in{_AS_ONE}"),
    (
        "dolly_zoom_in",
        rf"{_v('push dolly move track')}{_ADV} (?:in|forwards?){_ADV} while{_ADV} zooming{_ADV} out{_AS_ONE}",
    ),
    ("dolly_zoom_out", rf"{_VERTIGO}(?: pull(?:ing|s)?)? (?:out|back)"),
    ("dolly_zoom_in", rf"(?:reverse )?(?:{_VERTIGO}|trombone shot|jaws effect)(?: in)?"),
    ("push_orbit_left", rf"{_WHILE} {_L}(?: around)?"),
    ("push_orbit_right", rf"{_WHILE}(?: {_R})?(?: around)?"),
    ("push_orbit_left", rf"{_SPIRAL}{_ADV} {_L}"),
    ("push_orbit_right", rf"{_SPIRAL}(?: {_R})?"),
    ("handheld", r"hand ?held(?: camera)?(?: sway| shake| movement| motion)?|(?:sways?|swaying)(?: \w+)? as if handheld"),
    ("handheld", r"shaky ?cam|shaky camera|go ?pro|camera shake"),
    ("zoom_out", rf"{_v('zoom')}{_ADV} {_OUT}"),
    ("zoom_in", rf"(?:crash |snap |punch )?{_v('zoom')}(?: shot| effect)?(?:{_ADV} {_IN})?|punch in|ken burns(?: effect)?"),
    ("truck_left", rf"dolly(?: shot)?{_ADV} {_L}"),
    ("truck_right", rf"dolly(?: shot)?{_ADV} {_R}"),
    ("dolly_out", rf"{_DOLLY}{_ADV} {_OUT}|pull ?(?:back|out)(?= shot| reveal|$)|pull ?backs?"),
    ("dolly_in", rf"{_DOLLY}(?:{_ADV} {_IN})?|push(?:es|ing)? ?in(?:to)?(?: shot)?"),
    ("pan_left", rf"{_PAN}{_ADV} {_L}"),
    ("pan_right", rf"{_PAN}{_ADV} {_R}"),
    ("tilt_up", rf"(?:whip )?pan(?:s|ning)?{_ADV} {_U}"),
    ("tilt_down", rf"(?:whip )?pan(?:s|ning)?{_ADV} {_D}"),
    ("pan_right", r"whip pan|panning(?: shot)?|pan shot|panoramic sweep"),
    ("truck_left", rf"{_TRACKING}{_ADV} {_L}"),
    ("truck_right", rf"{_TRACKING}(?:{_ADV} {_R})?"),
    ("crane_down", rf"{_JIB}(?: shot)?{_ADV} {_D}"),
    ("crane_up", rf"{_JIB} (?:shot|move|movement)(?: {_U})?|{_JIB}(?:s|ing)?{_ADV} {_U}"),
    ("roll_left", r"dutch (?:angle|tilt|roll)(?: to the)? left|barrel roll left"),
    ("roll_right", r"dutch (?:angle|tilt|roll)(?: to the right| right)?|barrel roll"),
    ("orbit_left", rf"(?:orbit|arc)(?:al|ing|s)? (?:shot |move )?{_L}"),
    (
        "orbit_right",
        rf"(?:orbit|arc)(?:al|ing|s)? (?:shot |move )?{_R}|(?:orbit(?:al|ing)?|arc(?:ing)?) (?:shot|move|movement|camera)",
    ),
    ("orbit_right", r"360(?:°| degrees?)? (?:shot|rotation|orbit|spin|view|turn|turnaround)|turntable (?:shot|view|spin)"),
)
"""What names a camera move wherever it stands."""

_ASIDE = r"(?=(?: (?!and|then|while|as)[\w']+){1,3}?"
"""Whom the camera follows, before the words for the side they go to; it is looked at and not read."""
_TIPS = _v("roll tilt tip lean rotate spin")
_WEAK: tuple[tuple[MoveName, str], ...] = (
    ("roll_left", rf"{_TIPS}{_ADV} {_ACW}|{_v('roll tip lean')}{_ADV} {_L}|tilt(?:s|ing)?{_ADV} {_L}"),
    ("roll_right", rf"{_TIPS}{_ADV} {_CW}|{_v('roll tip lean')}{_ADV} {_R}|tilt(?:s|ing)?{_ADV} {_R}|{_v('roll spin')}"),
    ("orbit_right", _ORBIT),
    ("tilt_down", rf"(?:{_v('tilt look')}){_ADV} {_D}"),
    ("tilt_up", rf"(?:{_v('tilt look')}){_ADV} {_U}|{_v('tilt')}"),
    ("zoom_out", r"widen(?:s|ing)?(?: out)?"),
    (
        "dolly_out",
        rf"{_v('pull back')}{_ADV} {_OUT}|{_v('retreat recede withdraw')}(?: back| away)?|{_v('back')} up|{_GO}{_ADV} {_OUT}",
    ),
    ("dolly_in", rf"{_v('close')}{_ADV} in|{_v('approach')}|{_v('push')}(?:{_ADV} {_IN})?"),
    (
        "crane_up",
        rf"(?:{_GO}|{_v('lift crane boom pull tower')}|jibs?){_ADV} {_U}|{_v('rise ascend climb soar elevate crane')}(?: {_U})?",
    ),
    ("crane_up", rf"{_v('lift')} off|camera(?: \w+ly)? {_v('lift')}|boom|pedestal"),
    ("crane_down", rf"(?:{_GO}|{_v('crane boom sink')}|jibs?){_ADV} {_D}|{_v('descend sink lower drop fall dive')}(?: {_D})?"),
    ("truck_left", rf"{_v('follow track')}{_ASIDE} (?:{_FROM_RIGHT}|to (?:the )?left(?! side| of)|left$))"),
    ("truck_right", rf"{_v('follow track')}{_ASIDE} (?:{_FROM_LEFT}|to (?:the )?right(?! side| of)|right$))"),
    ("truck_left", rf"{_GO}{_ADV} {_L}"),
    ("truck_right", rf"{_GO}{_ADV} (?:{_R}|sideways|laterally|across|alongside|past|along)|{_v('truck')}"),
    ("pan_left", rf"(?:{_TURN}|pan){_ADV} {_L}"),
    ("pan_right", rf"(?:{_TURN}|pan){_ADV} {_R}|pan(?:s|ning|ned)?|{_v('pivot')}"),
    ("orbit_right", _v("rotate")),
    (
        "dolly_in",
        rf"{_GO}(?:{_ADV} (?:{_IN}|through|over|down|across|between|under))|{_v('follow trail chase creep inch advance track')}",
    ),
    ("truck_right", _v("drift slide")),
    ("dolly_in", _v("glide fly travel float sail cruise")),
    ("handheld", _v("sway breathe wobble shake bob jitter tremble jolt judder")),
)
"""What means a move only where the camera is spoken of."""

Patterns = tuple[tuple[MoveName, re.Pattern[str]], ...]


@cache
def patterns(weak: bool) -> Patterns:
    """What names a move wherever it stands, or (weak) only where the camera is spoken of. Compiled on first use: that takes long.

    Tried in their order: what is read by one is not read by those after it.
    """
    return tuple((name, re.compile(rf"\b(?:{pattern})(?![\w'])")) for name, pattern in (_WEAK if weak else _STRONG))


_AGAIN = re.compile(
    r"\b(?:and then|and|then) (?:back )?(?:to the )?(left|right|up|down|upwards?|downwards?|forwards?|back|in|out)\b(?! (?:the|a"
    r"|of)\b)"
)
_FAMILIES: dict[str, dict[str, MoveName]] = {
    "zoom": {"in": "zoom_in", "out": "zoom_out", "back": "zoom_out"},
    "pan tilt": {"left": "pan_left", "right": "pan_right", "up": "tilt_up", "down": "tilt_down"},
    "roll": {"left": "roll_left", "right": "roll_right"},
    "orbit": {"left": "orbit_left", "right": "orbit_right"},
    "dolly truck crane push": {
        "left": "truck_left", "right": "truck_right", "up": "crane_up", "down": "crane_down", "in": "dolly_in", "for": "dolly_in",
        "out": "dolly_out", "back": "dolly_out",
    },
}  # fmt: skip
_SIDE = re.compile(r"\b(left|right|up|down|clockwise|anti ?clockwise|counter ?clockwise)(?:ward|wards)?(?: \w+)? $")
_SIDED = re.compile(r"\b(?:left|right|up|down|clockwise)")
_LEFTWARDS = re.compile(rf"\b(?:{_FROM_RIGHT}|left|leftwards?|{_CW})(?! to (?:the )?right)\b")
_OTHER: dict[MoveName, MoveName] = {
    "pan_right": "pan_left", "truck_right": "truck_left", "roll_right": "roll_left", "orbit_right": "orbit_left",
    "tilt_up": "tilt_down", "crane_up": "crane_down",
}  # fmt: skip


def again(name: MoveName, way: str) -> MoveName | None:
    """The move that goes on another way than `name` did, None when it can't: "pan left, then right"."""
    family = next((ways for names, ways in _FAMILIES.items() if name.split("_")[0] in names.split()), {})
    return family.get(way.removesuffix("s").removesuffix("ward"))


def more_ways(line: str, found: list[Found]) -> list[Found]:
    """Further ways that the moves of a line go: "moves up and to the right"."""
    more: list[Found] = []
    for match in _AGAIN.finditer(line):
        before = [one for one in found if one.end <= match.start() + 1]
        if before and not any(one.start < match.end() and match.start(1) < one.end for one in found):
            name = again(before[-1].name, match[1])
            more += [Found(name, match.start(1), match.end())] if name else []
    return more


def sided(one: Found, line: str, unread: str, part: str) -> MoveName:
    """A move with its side, where that is said elsewhere than right after it: "circles her clockwise", "a leftward pan".

    unread: the line with what names moves blotted out. part: what of the line is said of this move.
    """
    if one.name == "orbit_right" and _LEFTWARDS.search(part):
        return "orbit_left"
    side = None if _SIDED.search(line[one.start : one.end]) else _SIDE.search(unread[: one.start])
    if side is None:
        return one.name
    way = side[1]
    other = way in ("left", "down")
    if way.endswith("clockwise"):  # seen from above a clockwise orbit goes left; seen from behind a clockwise roll goes right
        other = (way == "clockwise") == (one.name == "orbit_right")
    return _OTHER.get(one.name, one.name) if other else one.name
