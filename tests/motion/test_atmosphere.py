"""Words for rain, snow, dust, embers, a cloud's shadow and grain ask for them, and words about what lies, melts or runs don't."""

from __future__ import annotations

from studio import presets
from studio.motion.compose import compose
from studio.motion.prompt_promise import promise
from studio.motion.read_prompt import add_worded_motion, read_motion
from studio.nouns import Effect, Motion
from tests.rows import each_row

PARALLAX, WAN = presets.card("parallax"), presets.card("wan22-ti2v-5b")

ASKED = {
    "it snows": Effect("snow"), "it is snowing heavily": Effect("snow", 0.9), "make it snow": Effect("snow"),
    "heavy snow": Effect("snow", 0.9), "snow swirls in the wind": Effect("snow"), "soft falling snow": Effect("snow", 0.3),
    "light rain": Effect("rain", 0.3), "rain falls in the light of the lamps": Effect("rain"),
    "it starts to rain": Effect("rain"),
    "a drizzle": Effect("rain", 0.3), "rain pours straight down": Effect("rain", 0.9, direction=90.0),
    "rain falls to the left": Effect("rain", direction=180.0), "summer rain": Effect("rain"),
    "dust motes float in the light": Effect("dust"), "dust in the air": Effect("dust"), "tiny motes drift": Effect("dust", 0.3),
    "embers rise": Effect("embers"), "sparks fly": Effect("embers"), "sparks rise from the bonfire": Effect("embers"),
    "a cloud's shadow passes over the field": Effect("shadow"), "cloud shadows drift across the hills": Effect("shadow"),
    "film grain": Effect("grain"), "with subtle film grain": Effect("grain", 0.3),
}  # fmt: skip
ELSE = (
    "raindrops run down the glass", "rain drips from the roof", "the street in the rain", "snow slides off the roof",
    "snow-capped mountains", "snow on the mountains", "the snow melts", "dust kicks up behind the horse", "dust on the shelf",
    "sparks fly from the grinder", "embers glow in the hearth", "she walks through falling snow", "a field of grain sways",
    "shadows lengthen", "clouds drift over the house in the shadow", "no rain", "without snow", "no film grain", "the rain stops",
)  # fmt: skip


@each_row("text", ASKED)
def test_what_the_air_is_asked_for_is_shown_and_told(text: str) -> None:
    motion = read_motion(text)
    assert motion.effects == (ASKED[text],) or add_worded_motion(motion).effects == (ASKED[text],)
    told = promise(motion, PARALLAX, text)
    assert not told.unseen and any(text.removeprefix("with ") in seen for seen in told.seen)
    assert ASKED[text].name in {"grain"} or text.split()[-1] in compose(motion, WAN).prompt.lower()


@each_row("text", ELSE)
def test_what_lies_melts_runs_or_comes_from_a_thing_is_not_asked_of_the_air(text: str) -> None:
    air = {"rain", "snow", "dust", "embers", "shadow", "grain"}
    assert not air & {effect.name for effect in add_worded_motion(read_motion(text)).effects}
    assert not air & {effect.name for effect in add_worded_motion(Motion(environment=text)).effects}
