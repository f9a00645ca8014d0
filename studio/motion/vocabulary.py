"""Word lists of a prompt: verbs in all their forms, directions, paces, amounts, what moves in a photo, moods.

All in lower case and without hyphens. The lists are the studio's own, gathered from the makers' prompt guides (see `compose`) and
from how people write prompts.
"""

from __future__ import annotations

import re
from functools import cache

from studio.motion.ambient_effects import EFFECTS
from studio.nouns import EffectName

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


def words(text: str) -> frozenset[str]:
    """The words of a string, as a set."""
    return frozenset(text.split())


# How quickly, how far, where to -----------------------------------------------------------------------------------------

SLOW = words(
    "slow slowly slower slowest gradual gradually leisurely unhurried unhurriedly lazily lazy languid languidly creeping creeps"
    " creep inching inches inch"
)
FAST = words(
    "fast faster quick quickly rapid rapidly swift swiftly brisk briskly sudden suddenly whip whips whipping snap snappy crash"
    " speedy speedily rush rushes rushing race races racing hurried hurriedly energetic energetically abrupt abruptly"
)
LITTLE = words(
    "slight slightly subtle subtly gentle gently little bit tiny small barely minimal minimally minor micro faint faintly soft"
    " softly delicate delicately touch modest modestly short hint light lightly mild mildly short"
)
FAR = words(
    "far way wide dramatic dramatically big large extreme extremely deep deeply strong strongly full fully sweeping huge long"
    " widely completely massive bold boldly pronounced intense intensely exaggerated heavy heavily"
)
STRONG = words(
    "strong strongly wild wildly heavy heavily violent violently powerful powerfully fierce fiercely vigorous vigorously dramatic"
    " dramatically intense intensely big huge crash crashes crashing rage rages raging storm stormy furious furiously hard rough"
    " turbulent thick dense billow billows billowing forcefully whip whips whipping racing races race gale rushing rushes"
)
SMOOTH = words(
    "smooth smoothly fluid fluidly even evenly steady steadily stable stabilised stabilized seamless seamlessly continuous"
    " continuously constant constantly natural naturally simple nice clean controlled"
)
"""Said of a camera these ask for what it does anyway."""

LEFT, RIGHT = words("left leftward leftwards"), words("right rightward rightwards")
UP, DOWN = words("up upward upwards skyward skywards"), words("down downward downwards downhill")

# What holds a sentence together -----------------------------------------------------------------------------------------

DETERMINERS = words(
    "a an the this that these those her his its their our my your some all each every both several many few another any one two"
    " three four five no"
)
PRONOUNS = words("she he it they we i you everyone everything someone something nothing nobody everybody")
PREPOSITIONS = words(
    "in on at to of from with into onto over above under beneath below behind across through along around round past by for near"
    " against towards toward between among amid beside inside outside within off about after before during like without via upon"
    " beyond alongside throughout underneath"
)
CONJUNCTIONS = words(
    "and or but then while whilst as when until yet so plus whereas though although nor & with because if that which who"
)
AUXILIARIES = words(
    "is are be was were been being am has have had do does did will would can could should may might must start starts begin"
    " begins continue continues starting beginning continuing keep keeps try tries s t"
)
ADVERBS = words(
    "very quite just only also too really rather almost more most less even still ever always again together forth away back out"
    " off here there now once twice not ahead apart aside forward forwards backward backwards overhead nearby upstream downstream"
    " so slow fast quick up down left right in"
)
ADJECTIVES = words(
    "wet dry red blue green white black golden warm cold dark bright old young small big long tall empty soft rough"
    " shiny wooden red grey gray brown yellow orange purple pink silver gold deep shallow thin thick heavy fresh hot cool"
    " calm quiet busy clear misty foggy rainy snowy sunny cloudy stormy modern vintage rustic ancient"
)
NEGATIONS = words(
    "no not without avoid never don't dont doesn't doesnt isn't isnt aren't arent won't wont can't cannot cant zero exclude none"
    " don’t doesn’t isn’t aren’t won’t can’t shouldn't shouldn’t"
)
FUNCTION = (
    DETERMINERS | PRONOUNS | PREPOSITIONS | CONJUNCTIONS | AUXILIARIES | NEGATIONS
    | words(
        "him them us me it's its he's she's there here let please i'd i'm i'll i've we'd you're let's we're they're just only"
        " very also too really then finally first lastly next"
    )
)  # fmt: skip
"""Words that carry no content of their own: they alone may be left out."""

# The camera -------------------------------------------------------------------------------------------------------------

CAMERA = words("camera cam camera's cameraman camerawork cinematography")
VIEW = words(
    "shot aerial frame framing view viewpoint perspective pov lens drone gimbal steadicam we viewer image picture footage video"
    " scene"
)
"""What may stand for the camera, when what follows is something that only a camera does."""

CAMERA_FILLER = CAMERA | VIEW | SMOOTH | words(
    "movement movements motion motions move moves moving shot shots subject object effect feel style look angle animation"
    " technique degree degrees ° composition tripod rig dolly track slider feeling vibe kind type lens use using make apply add"
    " give include want have has get create let please feeling itself end start beginning time energy super ultra extra"
)  # fmt: skip
MODIFIERS = SLOW | FAST | LITTLE | FAR | SMOOTH | words(
    "cinematic epic elegant graceful gracefully beautiful dynamic majestic hypnotic dreamy floating creamy ultra super extra"
    " classic filmic moody intimate lateral lingering measured tasteful understated pleasant calm tense careful carefully perfect"
    " quiet"
)  # fmt: skip
"""What may stand before the name of a camera move."""

# What moves by itself ---------------------------------------------------------------------------------------------------

WATER = words(
    "water waters wave waves wavelet wavelets lake pond sea ocean surf ripple ripples puddle puddles pool tide swell harbour"
    " harbor shoreline whitecaps"
)
STREAM = words(
    "river rivers stream streams waterfall waterfalls brook creek cascade cascades current currents rapids fountain fountains"
    " falls lava canal"
)
FOLIAGE = words(
    "leaf leaves foliage grass grasses tree trees treetops branch branches twigs flower flowers petal petals plant plants fern"
    " ferns reed reeds wheat barley field fields bush bushes shrub shrubs palm palms ivy vine vines crops meadow meadows blossom"
    " blossoms willow willows pines pine canopy hedge hedges greenery herbs lavender bamboo fronds stalks heather tulips poppies"
    " sunflowers roses rose daisies forest woods garden vegetation pampas canopies undergrowth seaweed kelp moss cattails"
)
AIR = words("wind winds breeze breezes gust gusts gale draught breezy windy")
CLOTH = words(
    "hair strands strand locks curls curl ponytail braid braids fringe beard fur mane feathers feather plumage fabric fabrics"
    " cloth clothes clothing dress skirt scarf scarves veil cape coat jacket shirt sleeve sleeves curtain curtains flag flags"
    " banner banners ribbon ribbons silk sail sails cloak gown linen robe robes sari shawl hem drapes tassels kimono awning"
    " pennant pennants laundry hairs bangs tablecloth chiffon tulle hijab textile bedsheets wisps wisp"
)
CLOUD = words("cloud clouds sky skies cloudscape")
FOG = words("fog mist haze mists")
STEAM = words("steam smoke vapour vapor incense fumes steaming vapours")
LIGHT = words(
    "moon light lights lighting sunlight moonlight daylight candlelight firelight lamplight sunbeam sunbeams beam beams ray rays"
    " shadow shadows glow glint glints reflection reflections highlight highlights shimmer sun sunshine neon exposure brightness"
    " spotlight spotlights lightning sunset sunrise dusk dawn glimmer flare flares headlight headlights streetlight streetlights"
    " backlight flashlight torchlight starlight aurora sparkle sparkles caustics illumination lamp lamps lanterns lantern shade"
    " gleam"
)
FOCUS = words("focus bokeh blur")
RAIN = words("rain rains raindrops raindrop drizzle rainfall downpour")
SNOW = words("snow snows snowflakes snowflake snowfall flurries flurry snowstorm blizzard")
DUST = words("dust motes mote specks particles pollen")
EMBERS = words("ember embers spark sparks")
SHADE = words("shadow shadows")
GRAIN = words("grain grainy")
OTHER = RAIN | SNOW | DUST | EMBERS | words(
    "hail bubble bubbles fire flame flames candle candles thunder traffic background foreground condensation droplets droplet"
    " drops drop spray splash splashes sand fireflies confetti surroundings environment crowds passersby pedestrians"
    " birds gulls seagulls cars people foam surf everything ash glitter dew crema liquid lightning seeds bees butterflies"
    " insects pigeons"
)  # fmt: skip
BARE = words(
    "ripple ripples wave waves wavelets wind breeze gust gusts fog mist haze steam smoke vapour vapor rain snow snowfall"
    " snowflakes drizzle raindrops embers sparks splash splashes surf fireflies confetti bubbles swell raining snowing steaming"
)
"""What is motion by its mere name: "light breeze", "gentle ripples"."""

NATURE = WATER | STREAM | FOLIAGE | AIR | CLOTH | CLOUD | FOG | STEAM | OTHER
LOOSE = words(
    "people cars birds gulls seagulls pedestrians passersby traffic crowds bees butterflies insects pigeons everything drop drops"
    " rose pool plant tree"
)
"""Things around only when nobody else is the subject: said alone they are the subject."""

MOVING: dict[EffectName, frozenset[str]] = {row.name: forms(row.verbs) for row in EFFECTS.values()}
"""What an effect's things do when they move by themselves."""

MOTION_NOUNS = words(
    "movement movements motion motions sway swaying flutter animation drift shift shifts shimmer flicker rustle rustling dance"
    " breathing pull flow moving animated animate stir ripple ripples ripping"
)
"""Motion as a thing: "subtle hair movement", "a slow light shift"."""

# What stays still -------------------------------------------------------------------------------------------------------

STILL = words(
    "still static fixed unchanged motionless frozen stationary unmoving immobile steady put stable rigid unmoved locked place"
)
"""What something that stays still is said to be; "sharp", "readable" and the like are said in one's own words."""

KEPT = STILL | words(
    "sharp same constant intact readable legible crisp untouched focus consistent unaltered perfect solid clear recognisable"
    " recognizable undistorted upright identical visible unaffected shape clean empty white black true accurate natural centered"
    " centred undisturbed unharmed undamaged"
)
STAY = forms("stay remain keep hold stand be") | words("is are")
REST = words("everything else rest nothing anything")

NEGATIVE = words(
    "text blur blurry blurring watermark watermarks distortion distortions flicker flickering morphing warping artefacts"
    " artifacts deformed deformation logo logos jitter jittery shake shaking cuts cut people captions subtitles ghosting noise"
    " grain distorted mutated overexposed underexposed extra fingers limbs glitch glitches ugly low quality bad anatomy hands"
    " duplicate cartoon transitions talking lettering letters words text flashing disfigured faces zoom zooming panning cgi"
)
"""What people do not want; one after another, after a "no"."""

LOOP = words("loop loops looping looped boomerang")
PURE_STYLE = words("slow motion 4k 8k hdr uhd hd fps seconds second realistic photorealistic masterpiece hyperrealistic")


MOODS = MODIFIERS | words(
    "make makes making move moves moving movement movements motion motions animate animates animated animation life alive"
    " lively come bring brings photo photograph picture image video clip film movie scene shot turn into do something anything"
    " stuff thing things cool nice great good better best amazing awesome stunning beautiful gorgeous perfect wow magic"
    " magical epic dramatic viral trendy pop popping catchy vibe vibes vibey mood moody atmosphere atmospheric aesthetic"
    " dreamy dynamic cinematic cinema realistic realism real natural naturally organic way style stylish look looks like feel"
    " feeling high quality hd uhd 4k 8k hdr ultra masterpiece professional pro smooth effect effects creative fun interesting"
    " engaging eye catching pic pics vid reel reels story tiktok instagram add some more please product brand whatever random"
    " surprise it's masterful hollywood blockbuster vintage retro 3d 2d parallax depth action energetic energy powerful subtle"
    " slight gentle camera everything here want need give put made loop looping gif live wonderful lovely pretty intense"
    " emotional emotion ambient ambience minimal"
)
"""Words of mood, praise and bare motion: a sentence of these alone names nothing that could move."""
