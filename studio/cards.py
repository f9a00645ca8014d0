"""Model cards (presets/models/*.toml), the plan of a run, and how a model and the device stand on this machine.

Units: GB are 1e9 bytes, sizes are (width, height) in pixels, times are seconds.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from studio.hosted_cards import Hosted, Text
from studio.nouns import Choice, Kind, MoveName, Noun, Progress, SpeedUp

Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Dtype = Literal["bfloat16", "float16", "float32"]
Supports = Literal[
    "camera", "effects", "loop", "seed", "depth",
    "prompt", "negative_prompt", "end_frame", "end_crop", "motion_strength", "sound", "lora", "long",
]  # fmt: skip


class Component(Noun, frozen=True):
    """A component of a pipeline: the argument it is given as, its class, the library that has it, and the folder it
    lies in.

    `library` is "diffusers", "transformers", or the package of `diffusers.pipelines` a class is written in ("ltx2"); ""
    leaves it open. A repository's own model_index.json goes before `class_name` and `library`: they may be older names
    of the same.
    """

    name: Text
    class_name: str = msgspec.field(name="class", default="")
    library: str = ""
    subfolder: str = ""

    @property
    def folder(self) -> str:
        """The component's folder in its repository."""
        return self.subfolder.strip("/") or self.name

    @property
    def has_weights(self) -> bool:
        """Whether a component of this class has weights; tokenizers, processors, schedulers and guiders have none."""
        return not any(word in self.class_name for word in _WITHOUT_WEIGHTS)

    @property
    def config_file(self) -> str:
        """The file in its folder that says what it is."""
        sorts = {
            "Scheduler": "scheduler_config.json",
            "Tokenizer": "tokenizer_config.json",
            "Processor": "preprocessor_config.json",
        }
        return next((file for sort, file in sorts.items() if sort in self.class_name), "config.json")


_WITHOUT_WEIGHTS = ("Tokenizer", "Processor", "Extractor", "Scheduler", "Guidance", "Guider")


class Companion(Noun, frozen=True):
    """A file or folder from elsewhere that a checkpoint needs.

    "component": the component named `target` comes from `repo`/`subfolder` (class `kind_of` where it differs from the
    main repo's). "lora": `file` of `repo` is loaded into the denoiser `target` at `scale`. "gguf": `file` may replace
    `target`. "upscaler": a latent upscaler that may follow.
    """

    kind: Literal["component", "lora", "gguf", "upscaler"]
    repo: Text
    target: str = ""
    revision: str = "main"
    subfolder: str = ""
    file: str = ""
    kind_of: str = ""
    scale: float = 1.0


class Sizes(Noun, frozen=True):
    """Which frame sizes a model makes. `native` lists what it was trained at, the default first; sides are multiples of
    `step`.

    "free": any size on the grid with `least` to `most` pixels on the short and long side. "listed": exactly the native
    ones. "bucket": the model itself picks a size from the photo's ratio around `bucket` pixels squared (HunyuanVideo
    1.5).
    """

    native: Annotated[tuple[tuple[Count, Count], ...], msgspec.Meta(min_length=1)]
    step: Count
    rule: Literal["free", "listed", "bucket"] = "free"
    least: Count = 256
    most: Count = 1280
    bucket: Natural = 0

    def __post_init__(self) -> None:
        for pair in self.native:
            if any(side % self.step or not self.least <= side <= self.most for side in pair):
                where = f"multiples of {self.step} from {self.least} to {self.most}"
                raise ValueError(f"the size {pair[0]} x {pair[1]} is impossible: its sides have to be {where}")
        if (self.rule == "bucket") != bool(self.bucket):
            raise ValueError('`bucket` goes with the rule "bucket"')


class Lengths(Noun, frozen=True):
    """How many frames a model makes: `step` * k + `first` for whole k, `least` to `most`; `default` is what it was
    trained at.

    `ask_step` and `ask_first` are for sections (FramePack, Helios): for k sections the pipeline is asked for
    `ask_step` * k + `ask_first` frames. 0 and 0: it is asked for what it gives.
    """

    step: Count
    first: Natural
    least: Count
    most: Count
    default: Count
    ask_step: Natural = 0
    ask_first: Natural = 0

    def __post_init__(self) -> None:
        if not self.least <= self.default <= self.most:
            raise ValueError(f"the default length {self.default} is not between {self.least} and {self.most}")
        for frames in (self.least, self.default, self.most):
            if (frames - self.first) % self.step:
                raise ValueError(f"{frames} frames are impossible: it has to be {self.step} * k + {self.first}")


class Steps(Noun, frozen=True):
    """Denoising steps: what a run takes by default, at most and at least, and for a draft and for the best.

    A distilled schedule is given as `sigmas` or `timesteps`; it stands whenever the default number of steps is taken.
    """

    default: Count
    least: Count
    most: Count
    draft: Count
    best: Count
    sigmas: tuple[float, ...] = ()
    timesteps: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if any(not self.least <= count <= self.most for count in (self.default, self.draft, self.best)):
            raise ValueError(f"steps have to be between {self.least} and {self.most}")


class Guidance(Noun, frozen=True):
    """Classifier-free guidance: the default scale and its range; `second` is the low-noise denoiser's.

    `shift` is the scheduler's flow shift; 0 leaves it as it was saved.
    """

    default: float = 1.0
    least: float = 1.0
    most: float = 1.0
    second: float = 0.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        if not self.least <= self.default <= self.most:
            raise ValueError(f"the default guidance {self.default:g} is not between {self.least:g} and {self.most:g}")


class Needs(Noun, frozen=True):
    """What a checkpoint weighs in GB as it is loaded: denoisers, text encoders and the rest.

    `largest` is the heaviest single component, `activation` what a run of the default size needs on top. `vram` and
    `ram` are published or derived minima; `source` says whose, and how.
    """

    denoiser: Positive
    encoder: Annotated[float, msgspec.Meta(ge=0.0)]
    other: Annotated[float, msgspec.Meta(ge=0.0)]
    largest: Positive
    activation: Positive
    vram: Positive
    ram: Positive
    source: Text

    @property
    def weights(self) -> float:
        """All weights together, GB."""
        return self.denoiser + self.encoder + self.other


ITEM_SIZES: dict[Dtype, int] = {"bfloat16": 2, "float16": 2, "float32": 4}
"""Bytes of a number."""


class StoredPart(Noun, frozen=True):
    """What one component's weights are on the disk as published: GB, and the dtype of nearly all of them."""

    gb: Positive
    dtype: Dtype


class Stored(Noun, frozen=True):
    """A checkpoint's weights on the disk as they are published, by component ("lora": its LoRAs).

    `source` says from which file list; `derived`: from another repository's list, or computed from configurations.
    """

    parts: Annotated[dict[str, StoredPart], msgspec.Meta(min_length=1)]
    source: Text
    derived: bool = False

    @property
    def total(self) -> float:
        """All together, GB."""
        return sum(part.gb for part in self.parts.values())


class Published(Noun, frozen=True):
    """A speed somebody else has published: what was run on which device, how many seconds it took, and who says so."""

    what: Text
    device: Text
    seconds: Positive
    source: Text


class Checkpoint(Noun, frozen=True):
    """One checkpoint of a diffusers pipeline. `stored` is what its files weigh on the disk.

    `pipeline` is the concrete class. `repo` is a hub id or an absolute folder. `components` are all that the pipeline
    is put together from, those of companions too; a card without them takes what model_index.json lists of what the
    class takes. `denoisers` and `encoders` name components. `mag_ratios` are MagCache's published magnitude ratios for
    this checkpoint, when there are any. `fp8_keep` names the linear layers of the denoiser that stay as they are when
    its blocks multiply in fp8: embeddings, time, modulation, output; by their paths without a block's number. Without
    any it isn't run so. `arguments` are constant arguments of every call (`latent_window_size` and the like).
    """

    family: Text
    pipeline: Text
    repo: Text
    sizes: Sizes
    lengths: Lengths
    steps: Steps
    needs: Needs
    stored: Stored | None = None
    guidance: Guidance = Guidance()
    revision: str = "main"
    variant: str = ""
    dtype: Dtype = "bfloat16"
    dtypes: dict[str, Dtype] = msgspec.field(default_factory=dict)
    denoisers: tuple[str, ...] = ("transformer",)
    encoders: tuple[str, ...] = ("text_encoder",)
    components: tuple[Component, ...] = ()
    gated: bool = False
    text_tokens: Natural = 0
    speedups: tuple[SpeedUp, ...] = ()
    mag_ratios: tuple[float, ...] = ()
    fp8_keep: tuple[str, ...] = ()
    companions: tuple[Companion, ...] = ()
    published: tuple[Published, ...] = ()
    arguments: dict[str, str | int | float | bool] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {one.name for one in self.components} | {"lora"}
        if self.components and self.stored and (strange := set(self.stored.parts) - known):
            raise ValueError(f"`stored` names {', '.join(sorted(strange))}, which `components` lacks")
        if self.components and (lacking := {*self.denoisers, *self.encoders} - {one.name for one in self.components}):
            raise ValueError(f"`components` lacks {', '.join(sorted(lacking))}")

    @property
    def disk(self) -> float:
        """GB on the disk as published; without a list of files, what the weights are in memory."""
        return self.stored.total if self.stored else self.needs.weights

    def choose_dtype(self, component: str) -> Dtype:
        """What a component computes in on a GPU."""
        return self.dtypes.get(component, self.dtype)

    @property
    def convertible(self) -> tuple[str, ...]:
        """The components published wider than they run: converted, they take half the disk and are read faster."""
        parts = self.stored.parts if self.stored else {}
        return tuple(
            name for name, part in parts.items() if ITEM_SIZES[part.dtype] > ITEM_SIZES[self.choose_dtype(name)]
        )

    @property
    def disk_converted(self) -> float:
        """GB on the disk once those are converted."""
        parts = self.stored.parts if self.stored else {}
        spared = {
            name: ITEM_SIZES[self.choose_dtype(name)] / ITEM_SIZES[parts[name].dtype] for name in self.convertible
        }
        return self.disk - sum(parts[name].gb * (1 - share) for name, share in spared.items())


class ModelCard(Noun, frozen=True):
    """One entry of the model picker (presets/models/*.toml, and the user's own). `checkpoint` is there for engine
    "diffusion", `hosted` for engine "hosted", whose `fps` is 0 to 0 where nobody says it.

    `suits` lists the kinds of photo it is good with, the best first, and `faces` says how well a face stays itself:
    both are the studio's judgement of what its makers and users say, not measured. `dialect` is how it wants to be told
    things ("auto": as its family does), `cameras` its own enumerated camera controls: our move to its value.
    """

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9.-]{0,63}$")]
    title: Text
    engine: Text
    where: Literal["built in", "local", "hosted"]
    summary: Text
    good_at: tuple[str, ...]
    licence: Text
    supports: tuple[Supports, ...]
    fps: tuple[int, int]
    seconds: tuple[float, float]
    speed: Text
    licence_limits: str = ""
    commercial: Literal["yes", "limits", "no", "unknown"] = "yes"
    suits: tuple[Kind, ...] = ()
    faces: Literal["steady", "fair", "drifts", "unknown"] = "unknown"
    dialect: Literal["auto", "plain", "wan", "ltx", "kling"] = "auto"
    cameras: dict[MoveName, str] = msgspec.field(default_factory=dict)
    checkpoint: Checkpoint | None = None
    hosted: Hosted | None = None

    @property
    def is_built_in(self) -> bool:
        """Whether Stir draws it by itself: neither a checkpoint on this computer nor a hosted model."""
        return self.checkpoint is None and self.hosted is None

    def __post_init__(self) -> None:
        if (self.engine == "hosted", self.where == "hosted") != (self.hosted is not None,) * 2:
            raise ValueError('[hosted] goes with the engine "hosted" and where = "hosted"')
        if (self.engine == "diffusion") != (self.checkpoint is not None):
            raise ValueError('a [checkpoint] goes with the engine "diffusion"')
        if self.checkpoint is None:
            return
        lengths = self.checkpoint.lengths
        shortest, longest = max(1.0, lengths.least / self.fps[1]), min(60.0, lengths.most / self.fps[0])
        if abs(self.seconds[0] - shortest) > 0.05 or abs(self.seconds[1] - longest) > 0.05:
            raise ValueError(f"`seconds` has to be {shortest:.2f} to {longest:.2f}, as the frames and the rate say")


class Plan(Noun, frozen=True):
    """What a run of a shot will really be: decided by the card's rules before anything runs, each decision with its
    reason.

    `box` is what is shown, in pixels of the whole photo (left, top, right, bottom): the shot's crop, cut further to the
    frame's ratio so that nothing is ever stretched. `upscale` over 1: it is enlarged to fill the frame. `size`,
    `length` (or rate) and `pace` (steps) say why they are what they are; None where there was nothing to decide.
    `still`: nothing in it moves. `unsure`: what of it a hosted model decides itself: its
    figures are only likely.
    """

    box: tuple[int, int, int, int]
    width: int
    height: int
    num_frames: int
    fps: int
    upscale: float = 1.0
    steps: int = 0
    guidance: float = 0.0
    size: Choice | None = None
    length: Choice | None = None
    pace: Choice | None = None
    still: bool = False
    unsure: tuple[Literal["size", "length", "rate"], ...] = ()

    @property
    def choices(self) -> tuple[Choice, ...]:
        """All that was decided, for people."""
        return tuple(choice for choice in (self.size, self.length, self.pace) if choice)

    @property
    def seconds(self) -> float:
        """How long the clip is."""
        return self.num_frames / self.fps


class Outcome(Noun, frozen=True):
    """What a finished file is: width and height in pixels, frames, frames a second, seconds. A still picture has one
    frame, and neither a rate nor a length: both are 0."""

    width: int
    height: int
    num_frames: int
    fps: float
    seconds: float


class Device(Noun, frozen=True):
    """A GPU: its memory in bytes, `used` by all programs together, of `total`."""

    name: str
    used: int
    total: int


class Kernel(Noun, frozen=True):
    """What came of trying an attention kernel, or a product in fp8, on this device.

    `name` is as preferences have it, `title` as people do.

    `ms` is the median time of a call, `error` the worst relative error against exact arithmetic: both 0 where it never
    ran. `ok`: it may be chosen; `why` says how near it is, or what stands in its way.
    """

    name: str
    ok: bool
    ms: float
    error: float
    title: str
    why: str


class Gauge(Noun, frozen=True):
    """The GPUs of this machine, the attention kernels and the fp8 products tried on them, and the device and its limits
    as choices, for people.
    """

    devices: tuple[Device, ...] = ()
    kernels: tuple[Kernel, ...] = ()
    choices: tuple[Choice, ...] = ()
    products: tuple[Kernel, ...] = ()

    @property
    def rows(self) -> tuple[Choice, ...]:
        """All of it for people: the choices, then each kernel and product with its time."""
        tried = (
            Choice(one.title, f"{one.ms:.2f} ms" if one.ok else "off", one.why)
            for one in (*self.kernels, *self.products)
        )
        return (*self.choices, *tried)


class Quote(Noun, frozen=True):
    """What a download would take: asked of the hub, and only because the user asked. Bytes. `refused` says why it can't
    begin.
    """

    files: int
    total: int
    missing: int
    free: int
    licence: str
    gated: bool
    refused: str = ""
    remedy: str = ""


class ModelState(Noun, frozen=True):
    """How a model stands on this machine right now. `held` is what it holds in memory, `on_disk` on the disk, in bytes.
    A hosted model's `disk` is "elsewhere"; `lacks` is what the user has to add before it can be used.

    `expected` is how long a draft-free default clip takes here in seconds, `basis` where that is known from.
    `progress` is a download or a load under way; `problem` and `remedy` what went wrong with the last one.
    `unable` names the kinds of weights that it can't have here, each with the reason. `spared` are the bytes that
    converting weights published wider than they run would free, `converting` says that this is under way.
    """

    id: str
    disk: Literal["built in", "here", "partly", "missing", "elsewhere"]
    memory: Literal["out", "loading", "ram", "gpu"]
    fits: Literal["yes", "slowly", "no"]
    reason: str
    remedy: str = ""
    on_disk: int = 0
    download: int = 0
    held: int = 0
    expected: float | None = None
    basis: str = ""
    progress: Progress | None = None
    downloading: bool = False
    problem: str = ""
    folder: str = ""
    choices: tuple[Choice, ...] = ()
    unable: tuple[Choice, ...] = ()
    lacks: Literal["", "token"] = ""
    spared: int = 0
    converting: bool = False


class Forecast(Noun, frozen=True):
    """What a run will take on this machine. `seconds` without loading, `load` for that, 0 where it is in memory
    already; None while it isn't known. `memory` in bytes, of the GPU where there is one (`on_gpu`), else the system's.
    """

    seconds: float | None
    load: float | None
    memory: int
    on_gpu: bool = False


msgspec.json.Decoder(tuple[ModelCard, Plan, ModelState])  # built before threads read them: see the end of nouns.py
