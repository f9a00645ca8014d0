"""The examples that --help shows, command by command."""

from __future__ import annotations

TOP_HELP = """\
Stir turns photographs into video, on this computer.

  python -m studio animate photo.jpg                     a 5 second dolly in, kept in your library
  python -m studio animate photo.jpg --move "orbit left" --aspect 9:16 -o clip.mp4
  python -m studio compare photo.jpg --axis amount=0.3,0.6,0.9      the same shot three ways, side by side
  python -m studio look photo.jpg --for reels            what is fine in the photo, what will hurt and what to do
  python -m studio check "camera pans left and right"    what is wrong with a prompt, and how to fix it
  python -m studio recommend photo.jpg --sound           which model, and why
  python -m studio models                                every model: what it needs, and whether it fits here
  python -m studio recipe clip.mp4                       every setting a clip was made with
  python -m studio machine                               what this computer can do, and why

`python -m studio animate --help` lists every move and effect. The page is `python app.py`."""

ANIMATE_HELP = """\
examples:
  python -m studio animate harbour.jpg
      a 5 second dolly in at the photo's own shape; it is kept in the library and its place is printed
  python -m studio animate harbour.jpg --move "dolly in" --move "orbit left" --amount 0.4 -o harbour.mp4
      two moves at once, gently, and a copy as harbour.mp4
  python -m studio animate tower.jpg --move "dolly in" --speed fast --then "slow orbit left"
      one after the other, eased through the joint
  python -m studio animate portrait.jpg --for reels --effect hair
      cropped around the face, sized and timed for that place
  python -m studio animate lake.jpg --move static --effect ripple --brush water.png --loop --format webp
      the camera stands still; what is white in water.png ripples, and the loop has no seam
  python -m studio animate *.jpg -o clips/ --json
      one clip for each photo, and their facts for a script
  python -m studio animate dusk.jpg --model wan22-ti2v-5b --prompt "gulls cross the sky" --quality draft --seed 3
      on a model that denoises: what moves is said in words; `python -m studio models` lists them
  python -m studio animate dusk.jpg --prompt "camera slowly pans left, clouds drift to the right" --mend denoise
      the words set the camera and the effects, and the photo's noise is taken out first

moves (--move):
{moves}

effects (--effect NAME or NAME:REGION; regions: {regions}):
{effects}

places (--for): {places}
models (--model): {models}
mends (--mend NAME or NAME:AMOUNT): {mends}
speed-ups (--speedup), which trade likeness for time or memory: {speedups}

-o never overwrites: if the name is taken, a number is added and the new name printed. A photo that can't be used,
a setting out of range or a folder that can't be written stops everything before any work begins (exit 2)."""

EXPORT_HELP = """\
examples:
  python -m studio export 3f9a2c71 --platform reels,shorts -o posts/
      a file for each place: its shape, size, rate, codec, loudness, silent track; each is probed once it is written
  python -m studio export 3f9a2c71 --platform product --as avif --under 500KB
      the best loop that is no larger than that
  python -m studio export 3f9a2c71 --platform square --fit blur --json
      shown whole on a blurred copy of itself, with every check for a script

places (--platform):
{places}

What a place can't take stops everything before work begins and names the change (exit 2). Nothing is overwritten."""

COMPARE_HELP = """\
examples:
  python -m studio compare harbour.jpg --axis move="dolly in,orbit left,truck right"
      three clips that differ in the camera move alone; each one's place is printed as soon as it is made
  python -m studio compare harbour.jpg --axis amount=0.3,0.6,0.9 --axis move="dolly in + tilt up,orbit left" --baseline
      a grid of six, and the shot as it is beside them
  python -m studio compare dusk.jpg --models parallax,wan22-ti2v-5b --axis seed=1-3 --prompt "gulls cross the sky"
      each model is loaded once; one that can't run here says why, and the others go on
  python -m studio compare dusk.jpg --axis prompt="gulls cross the sky|waves roll in" --axis seed=1,2 --pair
      first with first; values that hold commas are parted by |
  python -m studio compare dusk.jpg --axis seed=1-6 --estimate --json
      what it would take: clips, time, disk and memory
  python -m studio compare dusk.jpg --axis amount=0.3,0.9 --grid grid.mp4 --sheet sheet.png
      both clips as one labelled film, and as a contact sheet; --wipe for a wipe across two. They never overwrite
  python -m studio compare --list harbour        comparisons made before
  python -m studio compare --show 3f9a2c71       how each clip of one stands (the first letters of its id are enough)
  python -m studio compare --show 3f9a2c71 --grid grid.mp4       one made before, as a film
  python -m studio compare --retry 3f9a2c71      make what failed in it again

axes (--axis NAME=A,B):
{axes}
Moves, effects and speed-ups are added up by +, moves follow each other by then, and none is no effect or speed-up.
One axis has up to six values, a grid up to {most} clips. With --pair a shorter axis repeats its last value.

Every other flag shapes the shot as it does for `animate`. Exit status 1: a clip failed; the others are there."""

BATCH_HELP = """\
examples:
  python -m studio batch Lisbon/ --prompt "slow dolly in, {subject} in {light}" --for reels,shorts,square -o posts/
      every photo in the folder and those inside it, cropped for each place around faces and subject
  python -m studio batch photos.zip --choose --seconds 6 --dry-run
      a motion that fits each photo; only looks at them, and says what it would take
  python -m studio batch *.jpg --prompts prompts.csv --variations 2 --plan "three a week to reels from monday, 18:00"
      photo n with prompt n (or by name: columns photo and prompt); when to post as CSV and for calendars
  python -m studio batch --resume 3f9a2c71       go on after Ctrl+C, a crash or a failure: nothing is made twice
  python -m studio batch --show 3f9a2c71 --json
  python -m studio batch --list

In the words of --prompt and of prompts {name} is the photo's name, {subject}, {light} and {place} what it shows.
A photo that would hurt its clips is left out and says why; --mend-all mends those, --take-doubtful takes them anyway.
The folder -o NAME holds a folder for each place, manifest.csv, manifest.json, contact-sheet.png and the posting plan.
Every other flag shapes the shots as it does for `animate`. Exit status 1: a clip failed; the others are there."""

LOOK_HELP = """\
examples:
  python -m studio look dusk.jpg                          what will hurt first, then what is fine
  python -m studio look dusk.jpg --for 9:16 --size 1080p --json

The photo is only read: nothing of it is kept. The remedies are flags of `animate`: --mend, --aspect, --size."""

CHECK_HELP = """\
examples:
  python -m studio check "make it move"
  python -m studio check "she turns, waves, sits down and pours tea" --seconds 5 --model wan22-ti2v-5b --json

Each finding names its words, says why, and gives the whole prompt as it reads once fixed. Then comes what the \
model will show
of it and what it won't; without --model that is Parallax."""

READ_HELP = """\
examples:
  python -m studio read "camera slowly pushes in, leaves rustle, light stays constant" --json"""

COMPOSE_HELP = """\
examples:
  python -m studio compose --subject "the woman" --action "turns her head" --move "push in" --speed slow \
--model wan22-ti2v-5b
  python -m studio compose --motion portrait-slow-push --model ltx-2 --json
  python -m studio compose "slow pan left, waves roll in" --still "the pier"

Without --model it is written in plain words, as the page does."""

RECOMMEND_HELP = """\
examples:
  python -m studio recommend portrait.jpg --prompt "she turns and smiles" --faces
  python -m studio recommend shoe.jpg --use product --commercial --seconds 8 --json"""

MOTIONS_HELP = """\
examples:
  python -m studio motions                       every motion to start from
  python -m studio motions harbour.jpg           those that fit the photo first
  python -m studio animate harbour.jpg --motion ID"""

RECIPE_HELP = """\
examples:
  python -m studio recipe clip.mp4               in words
  python -m studio recipe clip.webp --json       the recipe itself, as JSON

Reads MP4, WebM, GIF and WebP made by Stir, and the .json beside a clip. Nothing is rendered or changed."""

WORKER_HELP = """\
examples:
  python -m studio worker --address 192.168.1.10:6379
      this machine makes clips for the studio that runs there with: python app.py --ray 192.168.1.10
  python -m studio worker --address 192.168.1.10:6379 --cores 8 --gpus 1
      with so much of it

Copy ~/.ray/auth_token from that machine first: whoever has it may run anything on every machine of the cluster. Ray has
no other sign-in, and its traffic is not encrypted: use it in a private network."""

AGAIN_HELP = """\
examples:
  python -m studio again clip.mp4 -o same.mp4    make a clip again from the recipe inside it
  python -m studio again 3f9a2c71                 or by its id in the library (its first letters are enough)

The photo has to be in the library still; the result is the same picture for picture."""

MACHINE_HELP = """\
examples:
  python -m studio machine
  python -m studio machine --json | grep encoder"""

SCORE_HELP = """\
examples:
  python -m studio score clip.mp4                in words: the number, why, and every measure
  python -m studio score 3f9a2c71 *.mp4 --json   a clip of the library by its id, and files

A clip with its recipe inside is held against its photo, if that is in the library, and against what was asked; any \
other
MP4, WebM, GIF or WebP gets the measures that need neither. Exit status 0 whatever the score."""

BACKUP_HELP = """\
examples:
  python -m studio backup /media/stick                 stir-20260131-180000.db on the stick
  python -m studio backup stir.db --home ~/Stir

The copy is checked, and is there whole or not at all. Clips, photos and attachments are files of the home folder, \
each whole at any moment: copy its folders with any program. To go back, stop Stir and put the copy in the \
place of stir.db. Clips that were made since then are found again; jobs that waited then to be sent to a hosted \
service are interrupted, as they may have been paid for since."""

LIBRARY_HELP = """\
examples:
  python -m studio library                       the newest clips
  python -m studio library list --limit 200 --json
  python -m studio library find dolly harbour    clips that have both words in photo, moves, effects or title
  python -m studio library find dolly --stars 4 --sort longest
  python -m studio library list --trash"""

FINISH_HELP = """\
examples:
  python -m studio finish 3f2a --loop --music song.mp3 --platform reels
      a loop with its music, as loud as Reels plays it; 3f2a is the beginning of the clip's id (see: library)
  python -m studio finish 3f2a --speed 1,0.25 --fps 60 --grain
      slower and slower, at 60 frames a second; what lies between its frames is interpolated, and said to be
  python -m studio finish 3f2a --trim 0.5-4 --title "Harbour at six" --place Bergen --date "28 November" --logo mark.png
  python -m studio finish 9c1e 77d0 --like 3f2a -o month/
      what was done to one clip, done to others

The original stays as it is; what was done is part of the new clip's recipe, so that `again` does it again."""

REEL_HELP = """\
examples:
  python -m studio reel 3f2a 9c1e 77d0 --music song.mp3 --platform reels
      three clips cut on the beat of the song, as loud as Reels plays it
  python -m studio reel holiday/*.jpg --music song.mp3 --cut beat --platform reels -o reel.mp4
      photos: each is animated first, for --seconds, and stays in the library as a clip of its own
  python -m studio reel 3f2a 9c1e --cut dissolve --dissolve 1 --aspect 1:1 --ambience water:0.3 --title "Bergen" --json

Clips of another shape are cropped round what they show, or stand whole upon a blurred ground where that would cut
too much. A cut on the beat shows each clip for as many beats as it lasts, from bar to bar where it can."""

HOSTED_HELP = """
Hosted models run on somebody else's machines, with your own token, for money. Nothing is sent before you have
agreed to where it goes, and no clip is made before --pay covers its price. A token is read from the environment
(REPLICATE_API_TOKEN, FAL_KEY) or the keyring.

  python -m studio hosted                          tokens, what was spent, and what may have been billed
  python -m studio hosted agree kling-v3           what leaves this computer for a model, and that it may
  python -m studio animate photo.jpg --model kling-v3 --pay 0.90
  python -m studio hosted budget 5                 at most five dollars a day; 0 for no limit
  python -m studio models check kling-v3           whether its services still take what its card says
""".strip()

MODELS_HELP = """\
examples:
  python -m studio models                        every model: licence, what it needs, whether it fits here and why
  python -m studio models --json --cards mine/   for scripts, with your own model cards as well
  python -m studio models check kling-v3         what its services take now, beside its card; needs your token
  python -m studio models quote wan22-ti2v-5b    what a download would take; asks the hub, fetches nothing
  python -m studio models download wan22-ti2v-5b
      fetch it; Ctrl+C stops, and the same command goes on from there
  python -m studio models adopt wan22-ti2v-5b /disk/Wan2.2-TI2V-5B-Diffusers
      use a folder that holds the files already; nothing is copied or fetched
  python -m studio models convert wan22-ti2v-5b
      keep weights that are published in float32 in the dtype they run in: less disk, quicker to load, the same clips
  python -m studio models delete wan22-ti2v-5b   delete its files (never an adopted folder's)

A model card is a TOML file; your own are read from the folder cards/ of the home folder and wherever --cards says."""

HOSTED_DEMO_HELP = """\
examples:
  python -m studio hosted-demo --open            an imitation of Replicate and fal, and the page that uses it
  python -m studio hosted-demo --faults 20 --seed 3
      a fifth of the calls fail: lost answers, busy services, broken films
  python -m studio hosted-demo --bare            the imitation alone, for other commands: it prints their environment

It makes real clips of your photo, marked as a stand-in, in a home folder of its own. Nothing is sent or paid."""
