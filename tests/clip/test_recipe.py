"""The recipe in a clip: comes back exactly, can be taken out, and a hostile file gets a refusal quickly."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace as change
from pathlib import Path

import av
import pytest
from PIL import Image

from studio.clip import recipe
from studio.clip.encode import encode
from studio.config import ROOT
from studio.nouns import Camera, Crop, Effect, Format, Motion, Move, Refusal, Shot, replace
from tests.fakes.gradients import SHOT, frames, tone

FORMATS: tuple[Format, ...] = ("mp4", "webm", "gif", "webp")

WORDS = "".join(
    (
        "\"quoted\" 'single' ; = # \\ \\n \\\\ [section] <b>&amp;</b> </stir:shot> ]]> %d $HOME `x` ",
        "\n;FFMETADATA1\ncomment=no\r\t\x01\x7f\u2028 ",
        "日本語 한국어 العربية עברית Ελληνικά Ж é e\u0301 \u200f \ufeff \U0001d11e",
    )
)


def rich(kind: Format) -> Shot:
    """A shot with every kind of value, awkward words, and a painted region of 60 kB."""
    brush = "iVBORw0KGgo" + "A/+z" * 15_000 + "A="
    effects = (Effect("ripple", 0.3, "brush", 12.5, brush), Effect("wind", 0.1, "brush", 0.0, brush[::-1].lstrip("=") + "="))
    camera = Camera((Move("dolly_in", 0.7), Move("orbit_left", 0.1 + 0.2)), "ease_in", True)
    photo = replace(SHOT.photo, name=WORDS, notes=("a", WORDS))
    crop = Crop(1 / 3, 0.1, 0.5, 0.7, "4:5")
    return Shot(photo, crop, Motion(WORDS, WORDS, camera, effects), "parallax", "720p", 3.7, 30, 2**32 - 1, "builtin", kind)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[Format, Path]:
    """One clip of each format with the rich recipe in it."""
    folder = tmp_path_factory.mktemp("clips")
    return {kind: encode(frames(8), folder / f"clip.{kind}", rich(kind), lambda _: None).file for kind in FORMATS}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_setting_comes_back_from_the_clip(clips: dict[Format, Path], kind: Format) -> None:
    assert recipe.read_recipe(clips[kind]) == rich(kind)


def test_every_setting_comes_back_from_the_file_beside_it(tmp_path: Path) -> None:
    made = encode(frames(4), tmp_path / "clip.mp4", rich("mp4"), lambda _: None)
    assert recipe.read_recipe(made.file.with_suffix(".json")) == rich("mp4")


@pytest.mark.parametrize("kind", FORMATS)
def test_the_name_of_a_clip_does_not_matter(clips: dict[Format, Path], tmp_path: Path, kind: Format) -> None:
    renamed = tmp_path / "download (1)"
    renamed.write_bytes(clips[kind].read_bytes())
    assert recipe.read_recipe(renamed) == rich(kind)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_clip_with_a_recipe_is_still_a_clip(clips: dict[Format, Path], kind: Format) -> None:
    if kind in ("mp4", "webm"):
        with av.open(str(clips[kind])) as video:
            assert sum(1 for _ in video.decode(video=0)) == 8
    else:
        with Image.open(clips[kind]) as picture:
            assert picture.n_frames == 4


@pytest.mark.parametrize("kind", FORMATS)
def test_strip_takes_the_recipe_out_and_leaves_the_pictures(clips: dict[Format, Path], tmp_path: Path, kind: Format) -> None:
    plain = recipe.strip_recipe(clips[kind], tmp_path / f"{'plain' * 50}.{kind}")  # as long as names may be
    data = plain.read_bytes()
    for trace in (b"quoted", "日本語".encode(), b"\\u65e5", b"parallax", b"dolly_in", SHOT.photo.id.encode(), b"A/+zA/+z"):
        assert trace not in data
    with pytest.raises(Refusal, match="no recipe"):
        recipe.read_recipe(plain)
    assert sorted(path.name for path in tmp_path.iterdir()) == [plain.name]
    assert pictures(plain) == pictures(clips[kind])


def held(clip: Path) -> list[object]:
    """All of a film but its words: what each track says of itself and every packet of it, with its times."""
    found: list[object] = []
    with av.open(str(clip), format="mov" if clip.suffix == ".mp4" else "matroska") as film:
        found.append((film.start_time, len(film.streams), film.duration if clip.suffix == ".mp4" else None))
        for track in film.streams:
            codec = track.codec_context
            found.append(
                (track.type, codec.name, codec.extradata, track.time_base, track.duration, track.frames, track.start_time)
            )
            if track.type == "video":
                found.append((codec.width, codec.height, codec.pix_fmt, track.average_rate))
                found.append((codec.color_range, codec.color_primaries, codec.color_trc, codec.colorspace))
        for packet in sorted(film.demux(), key=lambda one: one.stream.index):  # how tracks are interleaved is the muxer's
            found.append((packet.stream.index, packet.pts, packet.dts, packet.duration, packet.is_keyframe, bytes(packet)))
    return found


@pytest.mark.parametrize("loud", [True, False], ids=["sound", "silent"])
@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_strip_leaves_every_packet_its_times_and_its_colours(tmp_path: Path, kind: Format, loud: bool) -> None:
    shown = change(frames(8), sound=tone(8 / 24) if loud else None)
    clip = encode(shown, tmp_path / f"clip.{kind}", rich(kind), lambda _: None).file
    plain = recipe.strip_recipe(clip, tmp_path / f"plain.{kind}")
    before = held(clip)
    assert held(plain) == before
    with av.open(str(clip)) as one, av.open(str(plain)) as other:
        assert abs((one.duration or 0) - (other.duration or 0)) <= 1000  # a WebM's own is written in whole milliseconds
    assert sum(1 for part in before if isinstance(part, tuple) and part[0] == "audio") == loud
    if kind == "mp4":
        for film in (clip, plain):
            data = film.read_bytes()
            assert data.index(b"moov") < data.index(b"mdat")


def pictures(clip: Path) -> list[bytes]:
    if clip.suffix in (".mp4", ".webm"):
        with av.open(str(clip)) as video:
            assert not video.metadata.get("comment") or clip.parent.name.startswith("clips")
            return [frame.to_ndarray().tobytes() for frame in video.decode(video=0)]
    with Image.open(clip) as picture:
        assert picture.info["loop"] == 0
        shown = []
        for index in range(picture.n_frames):
            picture.seek(index)
            shown.append(picture.convert("RGB").tobytes())
        return shown


def test_strip_takes_out_what_others_wrote_too(tmp_path: Path) -> None:
    webp, gif = tmp_path / "other.webp", tmp_path / "other.gif"
    first, second = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    first.save(webp, save_all=True, append_images=[second], exif=exif, xmp=b"<x>SecretPlace</x>", icc_profile=b"SecretProfile")
    first.save(gif, save_all=True, append_images=[second], comment=b"SecretComment", loop=0)
    for file in (webp, gif):
        plain = recipe.strip_recipe(file, tmp_path / f"plain{file.suffix}")
        assert b"Secret" not in plain.read_bytes()
        with Image.open(plain) as picture:
            assert picture.n_frames == 2


def test_strip_refuses_what_is_not_a_clip(tmp_path: Path) -> None:
    playlist = tmp_path / "list.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n")
    with pytest.raises(Refusal):
        recipe.strip_recipe(playlist, tmp_path / "plain.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.mp4"]
    short = tmp_path / "short.gif"
    short.write_bytes(GIF + b"!\xfe\x05abc")
    with pytest.raises(Refusal, match="cut short"):
        recipe.strip_recipe(short, tmp_path / "plain.gif")


def box(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I", len(body) + 8 if size is None else size) + name + body


def in_mp4(comment: bytes, size: int | None = None, track: bytes = b"") -> bytes:
    data = box(b"data", bytes(8) + comment, size)
    kind = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    meta = box(b"meta", bytes(4) + kind + box(b"ilst", box(b"\xa9cmt", data)))
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", track + box(b"udta", meta))


def full(name: bytes, *numbers: int, rest: bytes = b"") -> bytes:
    return box(name, bytes(4) + struct.pack(f">{len(numbers)}I", *numbers) + rest)


def track_of(samples: int) -> bytes:
    """The boxes of a track that claims so many pictures, of one byte each, in its one chunk (ISO/IEC 14496-12, 8.3 to 8.7)."""
    picture = box(b"avc1", bytes(7) + b"\1" + bytes(16) + struct.pack(">HH", 64, 64) + bytes(50))
    table = full(b"stsd", 1, rest=picture) + full(b"stts", 1, samples, 1) + full(b"stsc", 1, 1, samples, 1)
    table += full(b"stsz", 1, samples) + full(b"stco", 1, 100)
    about = full(b"mdhd", 0, 0, 1000, 1000, 0) + full(b"hdlr", 0, rest=b"vide" + bytes(13))
    return box(b"trak", full(b"tkhd", *[0] * 20) + box(b"mdia", about + box(b"minf", full(b"vmhd", 0, 0) + box(b"stbl", table))))


def element(name: int, body: bytes, size: bytes | None = None) -> bytes:
    length = (len(body) | 1 << 56).to_bytes(8) if size is None else size
    return name.to_bytes((name.bit_length() + 7) // 8) + length + body


def in_webm(tags: bytes) -> bytes:
    head = element(0x1A45DFA3, element(0x4282, b"webm"))
    track = element(0xAE, element(0xD7, b"\1") + element(0x73C5, b"\1") + element(0x83, b"\1") + element(0x86, b"V_VP9"))
    return head + element(0x18538067, element(0x1549A966, b"") + element(0x1654AE6B, track) + tags + element(0x1F43B675, b""))


def nested(name: int, times: int) -> bytes:
    """Elements of one kind, each in the one before."""
    inside = b""
    for _ in range(times):
        inside = element(name, inside)
    return inside


def bomb(picture: bytes) -> bytes:
    """Matroska's CodecPrivate of 4 MB of zeros, in a few kilobytes of zlib (RFC 9559, 5.1.4.1.31)."""
    encodings = element(0x6D80, element(0x6240, element(0x5032, b"\2") + element(0x5034, element(0x4254, b"\0"))))
    track = element(
        0xAE, element(0xD7, b"\1") + element(0x83, b"\1") + element(0x86, b"V_VP9") + encodings + element(0x63A2, picture)
    )
    head = element(0x1A45DFA3, element(0x4282, b"webm"))
    return head + element(0x18538067, element(0x1549A966, b"") + element(0x1654AE6B, track))


def vp8x(side: int) -> bytes:
    """A WebP whose header promises a square canvas (RFC 9649, 2.7)."""
    return b"VP8X" + (10).to_bytes(4, "little") + b"\4" + bytes(3) + 2 * (side - 1).to_bytes(3, "little")


def in_webp(chunks: bytes) -> bytes:
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks


GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00"
BOMB = b"[" * 200_000
XMP = b"<!DOCTYPE x [<!ENTITY a '" + b"A" * 1000 + b"'>]><stir:shot>" + b"&a;" * 1000 + b"</stir:shot>"

HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing at all": lambda: b"",
    "one byte": lambda: b"\x1a",
    "text": lambda: b"hello, this is not a clip at all",
    "json of something else": lambda: b'{"name": "someone", "password": "1234"}',
    "json nested too deep": lambda: b'{"photo":' + BOMB,
    "json without an end": lambda: b'{"photo":{"id":"' + b"0" * 3_000_000,
    "json that is not utf-8": lambda: b'{"photo":"\xff\xfe\xc0"}',
    "a box longer than the file": lambda: box(b"ftyp", b"isom") + box(b"moov", b"", 2**31),
    "a box of size zero inside": lambda: box(b"ftyp", b"isom") + box(b"moov", box(b"udta", b"", 0)),
    "boxes of size one without end": lambda: box(b"ftyp", b"isom") + (struct.pack(">I", 1) + b"moov" + bytes(8)) * 1000,
    "a million empty boxes": lambda: box(b"ftyp", b"isom") + box(b"free", b"") * 1_000_000,
    "a comment that claims 4 GB": lambda: in_mp4(b"{}", 2**32 - 1),
    "a comment shorter than its own head": lambda: in_mp4(b"", 8),
    "a comment of nested brackets": lambda: in_mp4(b'{"photo":' + BOMB),
    "a recipe from the future": lambda: in_mp4(SHOT.to_json().replace('"fps"', '"warp":9,"fps"').encode()),
    "a recipe out of range": lambda: in_mp4(SHOT.to_json().replace('"fps":24', '"fps":100000').encode()),
    "a playlist": lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "an element of unknown size in itself": lambda: in_webm(element(0x1254C367, element(0x7373, b"", b"\xff") * 5000, b"\xff")),
    "an element longer than the file": lambda: element(0x1A45DFA3, b"") + element(0x18538067, b"", b"\x01" + b"\xfe" * 7),
    "elements without end": lambda: in_webm(element(0x1254C367, element(0x7373, element(0x67C8, b"")) * 60_000)),
    "an element id of zero": lambda: element(0x1A45DFA3, b"") + bytes(500_000),
    "tags in tags in tags": lambda: in_webm(element(0x1254C367, element(0x7373, nested(0x67C8, 5000)))),
    "a codec that unpacks to 4 MB": lambda: bomb(zlib.compress(bytes(4_000_000))),
    "a million pictures in a kilobyte": lambda: in_mp4(b"", track=track_of(1_000_000)),
    "boxes in boxes in boxes": lambda: (
        box(b"ftyp", b"isom" + bytes(4)) + b"".join(box(b"moov", b"", 8 * n) for n in range(9000, 0, -1))
    ),
    "a picture renamed": lambda: b"\xff\xd8\xff\xe0" + bytes(1000),
    "a gif of four gigapixels": lambda: b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0;",
    "a webp canvas of a gigabyte": lambda: in_webp(vp8x(16_384) + b"XMP " + len(XMP).to_bytes(4, "little") + XMP),
    "a gif that never ends a block": lambda: GIF + b"!\xfe" + (b"\xff" + b"{" * 255) * 20_000,
    "a gif of a million extensions": lambda: GIF + b"!\x01\x00" * 1_000_000 + b";",
    "a gif of tiny blocks": lambda: GIF + (b"!\xfe" + b"\x01{" * 100_000 + b"\0") * 30,
    "a gif whose comment is too long": lambda: GIF + b"!\xfe" + (b"\xff" + b"{" * 255) * 12_000 + b"\0;",
    "a webp chunk longer than the file": lambda: in_webp(b"XMP " + (2**32 - 1).to_bytes(4, "little") + b"<stir:shot>{}"),
    "a webp of empty chunks": lambda: in_webp((b"JUNK" + bytes(4)) * 500_000),
    "xml that wants to expand": lambda: in_webp(b"XMP " + len(XMP).to_bytes(4, "little") + XMP),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_little_time_and_memory(tmp_path: Path, name: str) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(HOSTILE[name]())
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(Refusal) as caught:
            recipe.read_recipe(file)
        spent, most = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.remedy
    assert str(tmp_path) not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert most < 8 * recipe.MAX_BYTES
    assert spent < 5  # of the processor's time, under a tracer that makes it several times slower


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_what_reads_a_file_is_held_to_its_memory() -> None:
    code = (
        "import resource\nfrom studio.clip import metadata\nmetadata._bound_process()\n"
        "print(resource.getrlimit(resource.RLIMIT_CPU)[0] == metadata.CPU_SECONDS)\n"
        "try:\n    bytearray(metadata.MEMORY_BYTES)\nexcept MemoryError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "refused"]


def test_a_track_of_ordinary_length_is_read_past(tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(in_mp4(SHOT.to_json().encode(), track=track_of(100_000)))
    assert recipe.read_recipe(file) == SHOT


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.mp4", tmp_path):
        with pytest.raises(Refusal, match="can't be opened"):
            recipe.read_recipe(path)


def test_our_own_samples_of_containers_are_readable_when_honest(tmp_path: Path) -> None:
    """The boxes the hostile files are made of do carry a recipe when nothing is wrong with them."""
    simple = element(0x67C8, element(0x45A3, b"COMMENT") + element(0x4487, SHOT.to_json().encode()))
    honest = (in_mp4(SHOT.to_json().encode()), in_webm(element(0x1254C367, element(0x7373, simple))))
    for index, data in enumerate(honest):
        file = tmp_path / str(index)
        file.write_bytes(data)
        assert recipe.read_recipe(file) == SHOT
