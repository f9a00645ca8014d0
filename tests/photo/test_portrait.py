"""Depth inside a photo's file: found in each dress, turned as the photo is, held against the picture, never a crash."""

from __future__ import annotations

import base64
import struct

import msgspec
import numpy as np
import piexif
import pytest
from PIL import Image

from studio.nouns import Photo
from studio.photo.auxiliaries import embedded_depth, heif_auxiliaries
from studio.photo.auxiliaries.auxiliary_store import list_auxiliaries
from studio.photo.photo_store import PhotoStore
from tests.photo import made
from tests.photo.phone_files import H, W, nearness, scene, xmp_packet

GDEPTH = 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"'
CONTAINER = 'xmlns:C="http://ns.google.com/photos/1.0/container/" xmlns:Item="http://ns.google.com/photos/1.0/container/item/"'


def grey(values: np.ndarray, kind: str = "PNG") -> bytes:
    """A map of 0..1 as a file: 16 bits as PNG, 8 as JPEG."""
    deep = kind == "PNG"
    return made.saved(Image.fromarray(np.rint(values * (65535 if deep else 255)).astype(np.uint16 if deep else np.uint8)), kind)


def packet(inside: str, spaces: str = GDEPTH, children: str = "") -> bytes:
    """An XMP packet, of GDepth unless another namespace is named."""
    return xmp_packet(inside, spaces, children)


def jpeg(*segments: bytes, turned: int = 1) -> bytes:
    """The photo as a JPEG, stored turned, with segments put before its picture."""
    stored = Image.fromarray(np.ascontiguousarray(made.TO_STORED[turned](scene())))
    data = made.saved(stored, "JPEG", quality=95, exif=piexif.dump({"0th": {274: turned}}))
    parts = b"".join(b"\xff\xe1" + struct.pack(">H", len(one) + 2) + one for one in segments)
    return data[:2] + parts + data[2:]


def xmp(inside: bytes) -> bytes:
    return b"http://ns.adobe.com/xap/1.0/\0" + inside


def gdepth(values: np.ndarray, about: str = 'GDepth:Format="RangeInverse"', kind: str = "PNG", turned: int = 1) -> bytes:
    """A JPEG as Google's camera writes it: the map in an extended packet, in parts."""
    mark = "0123456789ABCDEF" * 2
    named = f'xmlns:N="http://ns.adobe.com/xmp/note/" N:HasExtendedXMP="{mark}" {about}'
    whole = packet(f'GDepth:Data="{base64.b64encode(grey(values, kind)).decode()}"')
    head = b"http://ns.adobe.com/xmp/extension/\0" + mark.encode()
    parts = [(at, whole[at : at + 900]) for at in range(0, len(whole), 900)]
    assert len(parts) > 1 or kind == "JPEG"
    extended = [head + struct.pack(">II", len(whole), at) + body for at, body in parts]
    return jpeg(xmp(packet(named)), *extended[::-1], turned=turned)  # in any order


def contained(values: np.ndarray, claimed: int = 0, padding: int = 0) -> bytes:
    """A JPEG with a directory: the photo, another picture, the map behind it, and a film."""
    depth, other, film = grey(values, "JPEG"), made.plain("JPEG"), bytes(500)
    rows = (
        ("Primary", 0, padding),
        ("GainMap", len(other), 0),
        ("Depth", claimed or len(depth), 0),
        ("MotionPhoto", len(film), 0),
    )
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><C:Item Item:Mime="image/jpeg" Item:Semantic="{name}" Item:Length="{size}"'
        f' Item:Padding="{pad}"/></rdf:li>'
        for name, size, pad in rows
    )
    directory = packet("", CONTAINER, f"<C:Directory><rdf:Seq>{items}</rdf:Seq></C:Directory>")
    return jpeg(xmp(directory)) + bytes(padding) + other + depth + film


def find_depth(data: bytes, image: np.ndarray) -> embedded_depth.EmbeddedDepth | None:
    return embedded_depth.find_embedded_depth(list_auxiliaries(data), image)


def stretched(values: np.ndarray) -> np.ndarray:
    return (values - values.min()) / (values.max() - values.min())


def off(found: embedded_depth.EmbeddedDepth | None, expected: np.ndarray) -> float:
    """The mean difference between a map that was found and the one that was put in."""
    assert found is not None and found.map is not None, found
    return float(np.abs(found.map / 65535 - stretched(expected)).mean())


@pytest.mark.parametrize("turned", [1, 3, 6, 8])
def test_gdepth_is_found_and_turned_with_its_photo(turned: int) -> None:
    stored = np.ascontiguousarray(made.TO_STORED[turned](1 - nearness()))
    found = find_depth(gdepth(stored, turned=turned), scene())
    assert off(found, nearness()) < 0.01 and found is not None and not found.doubt


def test_the_range_says_how_values_become_disparity() -> None:
    near, far = 0.5, 8.0
    distance = 1 / (1 / far + nearness() * (1 / near - 1 / far))
    linear = gdepth((distance - near) / (far - near), f'GDepth:Format="RangeLinear" GDepth:Near="{near}" GDepth:Far="{far}"')
    assert off(find_depth(linear, scene()), nearness()) < 0.01
    endless = gdepth(1 - nearness(), 'GDepth:Format="RangeLinear" GDepth:Near="0" GDepth:Far="nan"')
    assert off(find_depth(endless, scene()), nearness()) < 0.01, "without its ends, near stays near"


@pytest.mark.parametrize("padding", [0, 64])
def test_a_map_behind_the_jpeg_is_counted_from_the_files_end(padding: int) -> None:
    assert off(find_depth(contained(1 - nearness(), padding=padding), scene()), nearness()) < 0.02


def test_heif_samples_are_read_as_their_file_says() -> None:
    """What pillow-heif hands over stands in for a HEIC file here: it writes none that carries depth."""
    samples = np.rint(nearness() * 255).astype(np.uint8)
    for kind in (0, 1, 3):
        assert np.allclose(heif_auxiliaries.read_heif_samples(samples, {"representation_type": kind}), nearness(), atol=0.01)
    distance = 1 / (1 / 8 + nearness() * (2 - 1 / 8))
    uniform = np.rint((distance - 0.5) / 7.5 * 65535).astype(np.uint16)
    about = {"representation_type": 2, "z_near": 0.5, "z_far": 8.0}
    assert np.allclose(heif_auxiliaries.read_heif_samples(uniform, about), nearness(), atol=0.01)


def bomb() -> bytes:
    """A map whose header claims 900 megapixels."""
    return made.png(30_000, 30_000, 8, 0, bytes(1000))


def entities() -> bytes:
    return b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + packet('GDepth:Data="&b;"')


BROKEN = {
    "no base64": lambda: jpeg(xmp(packet('GDepth:Data="!"'))),
    "no picture": lambda: jpeg(xmp(packet('GDepth:Data="AAAA"'))),
    "a bomb": lambda: jpeg(xmp(packet(f'GDepth:Data="{base64.b64encode(bomb()).decode()}"'))),
    "entities": lambda: jpeg(xmp(entities())),
    "no XML": lambda: jpeg(xmp(b"<x:xmpmeta GDepth")),
    "no numbers": lambda: contained(nearness()).replace(b'Item:Length="500"', b'Item:Length="5 0"'),
    "longer than the file": lambda: contained(nearness(), claimed=99_999_999),
    "before its start": lambda: contained(nearness(), claimed=-5),
    "an extension that isn't there": lambda: gdepth(nearness()).replace(b"xmp/extension/", b"xmp/elsewhere/"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_told_and_costs_nothing_else(name: str, settings, tmp_path) -> None:
    file = tmp_path / "phone.jpg"
    file.write_bytes(BROKEN[name]())
    photo = PhotoStore(settings).take_in(file)
    assert photo.own_depth == "" and any("its own depth map is not used: it can't be read" in note for note in photo.notes)
    assert not list(settings.depths.iterdir())


def test_damage_anywhere_is_never_a_crash() -> None:
    for seed in range(30):
        for data in (gdepth(1 - nearness(), kind="JPEG"), contained(1 - nearness())):
            find_depth(made.damaged(data, seed), scene())
            find_depth(made.cut_short(data, seed / 30), scene())


def test_maps_that_say_nothing_are_left_out() -> None:
    flat = find_depth(gdepth(np.random.default_rng(2).uniform(0.5, 0.505, (H, W))), scene())
    assert flat == embedded_depth.EmbeddedDepth(None, "it is flat")
    square = find_depth(gdepth(1 - nearness()[:, 30:150]), scene())
    assert square == embedded_depth.EmbeddedDepth(None, "it has another shape than the photo")
    assert find_depth(jpeg(), scene()) is None and find_depth(made.plain("PNG"), scene()) is None


def test_a_map_that_the_picture_speaks_against_is_doubted() -> None:
    assert embedded_depth.find_doubt(nearness(), scene()) == ""
    assert "outlines" in embedded_depth.find_doubt(np.roll(nearness(), W // 2, 1), scene())
    assert "steps" in embedded_depth.find_doubt((nearness() > 0.5).astype(np.float32), scene())
    ramp = np.ones((H, 1), np.float32) * np.linspace(0, 1, W, dtype=np.float32)
    assert embedded_depth.find_doubt(ramp, scene()) == "", "a ramp has no outline that could lie elsewhere"


def test_it_is_kept_with_the_photo(settings, tmp_path) -> None:
    store, file = PhotoStore(settings), tmp_path / "phone.jpg"
    file.write_bytes(gdepth(1 - nearness()))
    photo = store.take_in(file)
    with Image.open(settings.depths / f"{photo.own_depth}.png") as kept:
        assert kept.size == (W, H) and kept.mode.startswith("I")
    assert not photo.depth_doubted and any("depth map is used" in note for note in photo.notes) and store.get(photo.id) == photo
    file.write_bytes(jpeg())  # the same picture, saved without it
    assert store.take_in(file).own_depth == photo.own_depth
    file.write_bytes(gdepth(1 - np.roll(nearness(), W // 2, 1)))
    doubted = store.take_in(file)
    assert doubted.own_depth != photo.own_depth and doubted.depth_doubted and "not used unless chosen" in doubted.notes[-1]


def test_photos_from_before_still_open() -> None:
    old = f'{{"id":"{"a" * 64}","width":3,"height":2,"name":"x","notes":["turned upright"]}}'
    assert msgspec.json.decode(old, type=Photo).own_depth == ""
