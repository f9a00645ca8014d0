"""What people and things do: the verbs that a prompt's actions are made of, in all their forms.

Knows how English verbs are inflected. Refuses to know sentences. The list is the studio's own.
"""

from __future__ import annotations

import re
from functools import cache

VERBS = """
accelerate act add adjust admire adorn advance aim animate answer appear applaud approach arch arrange arrive ascend assemble
attach bake balance bark bathe beat beckon become bend billow bite blaze blend blink bloom blow blush board bob boil bounce
bound bow brake break breathe brew brighten bring browse brush bubble buckle build burn burst bustle butter buzz call carve
cascade cast catch celebrate change charge chase chat check cheer chew chime chirp chop chuckle circle clamp clap clasp clatter
clean clear clench click climb clink close clutch coil collapse collide comb come comfort compose condense consider contract
converse coo cook cool count course crack crackle crash crawl creak creep crinkle crochet cross crouch cruise crumble crumple
crunch cry cuddle curl curtsy cut cycle dab dance dangle dapple darken dart dash deal decorate deepen deflate deliver
demonstrate depart descend dice dig dim dine dip direct disappear discuss display dissolve dive do dock dodge doze drag drain
drape draw dress dribble drift drink drip drive drizzle droop drop drum dry duck dunk ease eat echo embrace emerge emit
encircle engrave enjoy enter erupt escape evaporate examine exhale exit expand experiment explode explore extend fade fall fan
fasten feed fetch fiddle fidget fill filter finish fix fizz fizzle flap flare flash flatten flex flick flicker flinch flip
float flock flourish flow flush flutter fly foam fold follow form freeze froth frown fry fumble gallop gasp gather gaze gesture
get giggle glance glare glitch glaze gleam glide glimmer glimpse glint glisten glitter glow go grab grasp grate graze greet
grin grind grip groom grow grumble guide gulp gush hail hand hang harvest hatch head heave help hesitate hiccup hike hiss hit
hoist hold hop hover howl hug hum hunt hurry ignite illuminate imagine inflate inhale insert inspect invite jerk jingle jog
jolt juggle jump kayak keep kick kiss knead kneel knit knock ladle land lap lash lather laugh launch lead lean leap learn
lengthen let level lick lift light linger listen load loom loop loosen lounge lower lunge lurch lurk march mash massage
meditate melt mend meow merge mime mingle mix moan moor morph mount move mow munch nap negotiate nestle nibble nod notice nudge
nuzzle observe offer ooze open orbit pace paddle paint pant parade part pass pause peck pedal peek peel peer percolate perform
perk pet pick pinch pirouette pivot place plait play plié plop pluck plunge point poke polish ponder pop pounce pour practise
prance pray preach preen prepare present press propose prowl puff pull pulse pump punch purr pursue push put quiver race rack
rage rain raise ram rattle reach read reappear reassure recede recline recoil reel reflect relax release repair reply retract
rev reveal reverse revolve ride ring ripen ripple rise roam roar roast rock roil roll rotate row rub ruffle rumble run rush
rustle sag sail salute sashay savor savour scamper scan scatter scoop scrape scratch scream scroll scrub scrunch scrutinise
scrutinize scud scurry search seep select serenade serve set settle sew shake share sharpen shave shift shimmer shine shiver
shoot shout show shrug shudder shuffle shut sigh signal simmer sing sink sip sit sizzle skate sketch ski skid skip slam slap
sleep slice slide slip slosh slow slump slurp smash smear smell smile smirk smoke smooch smooth snake snap sneak sneer sneeze
sniff snip snore snow snuggle soak soar sob soften soothe spark sparkle speak speed spill spin spiral spit splash splatter
split sprawl spray spread sprinkle sprint spritz sprout sputter squat squeak squeeze squint squirm stack stagger stalk stamp
stare start steal steam steep steer step sting stir stitch stomp stop straighten strain strap streak stream stretch stride
strike strobe stroke stroll strum strut study stumble stylise sunbathe surf surge surround swallow swat sway sweat sweep swell
swerve swim swing swipe swirl swish swoop tackle take talk tango tap taper taste taxi teach tear tease teeter tend thaw thicken
thrash throb throw thrust thump thunder tick tickle tidy tighten tilt tip tiptoe toast topple toss touch tousle trail tramp
transform transition travel trek tremble trickle trim trot trundle try tuck tug tumble turn twang tweak tweet twiddle twine
twinkle twirl twist twitch twitter type unbox unbutton uncork undulate unfold unfurl unlock unpack unroll unscrew untie unveil
unwrap unzip vanish vary vault veer vent vibrate visit waddle wade waft wag wail wait wake walk waltz wander warm wash watch
wave weave weep weigh welcome wheeze whine whip whirl whisk whisper whistle whiz wield wiggle wilt wince wind windsurf wink
wipe wobble work worry wrap wrestle wriggle wring write yawn zigzag zip zoom
"""
STATES = (
    "stand sit lie wear be have pose face feature depict contain hold look seem stay remain keep kneel crouch lounge surround"
)
_IRREGULAR = {
    "rise": "rose risen", "fall": "fell fallen", "fly": "flew flown", "blow": "blew blown", "run": "ran", "swim": "swam",
    "go": "went",
    "come": "came", "lie": "lying lay", "have": "has had", "be": "is are was were being", "do": "does did", "light": "lit",
    "stand": "stood", "sit": "sat", "hold": "held", "wear": "wore worn", "shake": "shook shaken", "spin": "spun",
    "drink": "drank",
    "break": "broke broken", "throw": "threw", "take": "took", "keep": "kept", "become": "became", "get": "got",
}  # fmt: skip
_DOUBLED = re.compile(r"(?:[^aeiou]|qu)*[aeiou][^aeiouwxy]$")


def third(verb: str) -> str:
    """The form for he, she and it: turn, turns; push, pushes; fly, flies."""
    if verb in ("be", "have"):
        return {"be": "is", "have": "has"}[verb]
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(?:s|sh|ch|x|z|o)$", verb) else "s")


def going(verb: str) -> str:
    """The form in -ing: turn, turning; drip, dripping; rise, rising."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        return verb[:-1] + "ing"
    return verb + (verb[-1] if _DOUBLED.fullmatch(verb) else "") + "ing"


def past(verb: str) -> str:
    """The regular past: turned, dripped, carried."""
    if verb.endswith("e"):
        return verb + "d"
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    return verb + (verb[-1] if _DOUBLED.fullmatch(verb) else "") + "ed"


@cache
def inflected(verb: str) -> tuple[str, ...]:
    """Every form of a verb, the base first."""
    return (verb, third(verb), going(verb), past(verb), *_IRREGULAR.get(verb, "").split())


def forms(verbs: str) -> frozenset[str]:
    """Every form of every verb of a string."""
    return frozenset(form for verb in verbs.split() for form in inflected(verb))


BASE = frozenset((VERBS + " " + STATES).split())
FINITE = frozenset(third(verb) for verb in BASE)
GOING = frozenset(going(verb) for verb in BASE) - {"lighting", "building"} | {"raining", "snowing"}
STATE_FORMS = forms(STATES)
