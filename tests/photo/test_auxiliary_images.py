"""What phones add to a picture: found in every dress, turned as the photo is, believed only where the picture agrees."""

from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from studio.nouns import Crop, Mend, Photo, replace
from studio.photo import matte
from studio.photo.auxiliaries.auxiliary_images import Auxiliary
from studio.photo.auxiliaries.auxiliary_store import GAIN_MAP_NOTE, list_auxiliaries
from studio.photo.auxiliaries.embedded_matte import find_embedded_matte, find_matte_doubt
from studio.photo.intake.image_decoder import decode_image
from studio.photo.mend import derive_photo
from studio.photo.photo_store import PhotoStore
from studio.photo.subject_mask import resolve_subject
from tests.photo import made, phone_files
from tests.photo.phone_files import Extra, apple_jpeg, apple_words, disc, eight, nearness, phone_heif, samsung_trailer, scene

DEPTH = eight(nearness())
DISC = eight(disc())
PORTRAIT = (Extra(phone_files.DEPTH_URN, DEPTH), Extra(phone_files.MATTE_URN, DISC), Extra(phone_files.SKIN_URN, DISC))
METRES = 1 / (1 / 8 + nearness() * (1 / 0.5 - 1 / 8))
FAR = (METRES - 0.5) / 7.5


def roles(data: bytes) -> list[str]:
    return sorted(one.role for one in list_auxiliaries(data))


def read(data: bytes, role: str) -> np.ndarray:
    found = [one for one in list_auxiliaries(data) if one.role == role]
    assert found, f"no {role}"
    return found[0].read()


def off(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(np.abs(found - expected).mean())


def turned_back(values: np.ndarray, quarters: int) -> np.ndarray:
    """How a file stores what `irot` turns by so many quarters anticlockwise."""
    return np.ascontiguousarray(np.rot90(values, -quarters))


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("quarters", [None, 1, 2, 3])
@pytest.mark.parametrize("marked", [True, False])
def test_depth_and_matte_of_a_heic_or_avif_lie_as_the_photo_is_shown(kind: str, quarters: int | None, marked: bool) -> None:
    urn = phone_files.MIAF_DEPTH_URN if kind == "AVIF" else phone_files.DEPTH_URN
    turn = quarters or 0
    extras = [
        Extra(name, turned_back(values, turn), irot=quarters if marked else None)
        for name, values in ((urn, DEPTH), (phone_files.MATTE_URN, DISC), (phone_files.GAIN_URN, DISC))
    ]
    data = phone_heif(turned_back(scene(), turn), extras, kind, irot=quarters)
    assert off(decode_image(data, "x").image / 255, scene() / 255) < 0.02
    assert roles(data) == ["depth", "gain map", "matte"]
    assert off(read(data, "depth"), nearness()) < 0.01
    assert off(read(data, "matte"), disc()) < 0.01


@pytest.mark.parametrize("turned", [1, 3, 6, 8])
def test_depth_and_matte_of_an_iphones_jpeg_lie_as_the_photo_is_shown(turned: int) -> None:
    pictures = [(apple_words("gain map"), DISC), (apple_words("disparity"), DEPTH), (apple_words("matte"), DISC)]
    pictures.append((apple_words("skin"), DISC))
    stored = [(words, made.TO_STORED[turned](values)) for words, values in pictures]
    data = apple_jpeg(made.TO_STORED[turned](scene()), stored, turned=turned)
    assert roles(data) == ["depth", "gain map", "matte"]
    assert off(read(data, "depth"), nearness()) < 0.02 and off(read(data, "matte"), disc()) < 0.02
    assert off(decode_image(data, "x").image / 255, scene() / 255) < 0.03


@pytest.mark.parametrize("native", ["1717855600", "hdep"])
def test_apples_metres_become_disparity(native: str) -> None:
    """1717855600 is the number of "fdep"; 0.5 m is the nearest, 8 m the farthest."""
    data = apple_jpeg(scene(), [(apple_words("depth", native), eight(FAR))])
    assert off(read(data, "depth"), nearness()) < 0.03
    packet = phone_files.xmp_packet(apple_words("depth", native))
    heic = phone_heif(scene(), [Extra(phone_files.DEPTH_URN, eight(FAR), packet)])
    assert off(read(heic, "depth"), nearness()) < 0.03


@pytest.mark.parametrize("turned", [1, 6])
@pytest.mark.parametrize("quick", [False, True])
def test_the_depth_of_a_galaxys_trailer_is_read(turned: int, quick: bool) -> None:
    stored = made.TO_STORED[turned](DEPTH)
    blocks = [
        (b"Image_UTC_Data", b"1600000000000"),
        (b"DualShot_DepthMap_1", stored.tobytes()),
        (b"DualShot_Extra_Info", b"\0" * 40),
    ]
    data = phone_files.jpeg_of(made.TO_STORED[turned](scene()), turned=turned) + samsung_trailer(blocks, quick)
    assert off(read(data, "depth"), nearness()) < 0.01
    picture = made.saved(made.Image.fromarray(np.ascontiguousarray(stored)), "JPEG", quality=95)
    data = phone_files.jpeg_of(made.TO_STORED[turned](scene()), turned=turned)
    assert off(read(data + samsung_trailer([(b"SingeShot_DepthMap_1", picture)]), "depth"), nearness()) < 0.02


@pytest.mark.parametrize("quarters", [None, 3])
def test_the_depth_of_a_galaxys_heic_is_in_a_box_of_its_own(quarters: int | None) -> None:
    stored = turned_back(DEPTH, quarters or 0)
    data = phone_heif(turned_back(scene(), quarters or 0), irot=quarters)
    trailer = samsung_trailer([(b"DualShot_DepthMap_1", stored.tobytes())])
    data += phone_files.box(b"mpvd", bytes(99)) + phone_files.box(b"sefd", trailer) + phone_files.box(b"free", bytes(8))
    assert off(read(data, "depth"), nearness()) < 0.01


def ultra_hdr() -> bytes:
    directory = (
        '<C:Directory xmlns:C="http://ns.google.com/photos/1.0/container/" xmlns:Item="http://ns.google.com/photos/1.0/container/item/">'
        '<rdf:Seq><rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li>'
        '<rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="{}"/></rdf:li>'
        "</rdf:Seq></C:Directory>"
    )
    behind = phone_files.jpeg_of(DISC, phone_files.app1_xmp(phone_files.xmp_packet(apple_words("ultra"))))
    packet = phone_files.xmp_packet('hdrgm:Version="1.0"', children=directory.format(len(behind)))
    return phone_files.jpeg_of(scene(), phone_files.app1_xmp(packet)) + behind


GAIN_MAPS = {
    "Ultra HDR": ultra_hdr,
    "ISO 21496-1 in a JPEG": lambda: phone_files.jpeg_of(scene(), b"\xe2urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"),
    "ISO 21496-1 in a HEIC": lambda: phone_heif(scene(), tmap=True),
    "ISO 21496-1 in an AVIF": lambda: phone_heif(scene(), kind="AVIF", tmap=True),
    "Apple's in a HEIC": lambda: phone_heif(scene(), [Extra(phone_files.GAIN_URN, DISC)]),
    "Apple's in a JPEG": lambda: apple_jpeg(scene(), [(apple_words("gain map"), DISC)]),
}


@pytest.mark.parametrize("name", GAIN_MAPS)
def test_a_gain_map_is_noted_and_nothing_else(name: str, settings, tmp_path: Path) -> None:
    file = tmp_path / "photo"
    file.write_bytes(GAIN_MAPS[name]())
    photo = PhotoStore(settings).take_in(file)
    assert photo.notes == (GAIN_MAP_NOTE,) and not photo.own_depth and not photo.own_matte
    assert (photo.width, photo.height) == (phone_files.W, phone_files.H)


def test_a_portraits_depth_and_matte_are_kept_used_and_said(settings, tmp_path: Path) -> None:
    store, file = PhotoStore(settings), tmp_path / "portrait.heic"
    file.write_bytes(phone_heif(scene(), PORTRAIT))
    photo = store.take_in(file)
    assert store.get(photo.id) == photo and photo.own_depth and photo.own_matte and not photo.matte_doubted
    assert [note for note in photo.notes if "its own" in note] == [
        f"its own {what} is used unless you choose otherwise" for what in ("depth map", "portrait matte")
    ]
    image = store.pixels(photo)
    crop = Crop(0.1, 0.2, 0.6, 0.7)
    own = matte.find_matte(image, marked=resolve_subject(photo, "", settings))
    assert own.standing == "marked" and "phone" in own.choice.reason and off(own.soft, disc()) < 0.01
    assert off(matte.find_alpha(image, own) / 255, disc()) < 0.005, "as fine as it came, not laid along edges again"
    part = image[round(0.2 * phone_files.H) : round(0.9 * phone_files.H), round(0.1 * phone_files.W) : round(0.7 * phone_files.W)]
    cropped = matte.find_matte(part, image, crop, resolve_subject(photo, "", settings))
    inside = disc()[
        round(0.2 * phone_files.H) : round(0.9 * phone_files.H), round(0.1 * phone_files.W) : round(0.7 * phone_files.W)
    ]
    assert cropped.standing == "marked" and off(cropped.soft, inside) < 0.02
    assert resolve_subject(photo, "builtin", settings) == "" and resolve_subject(photo, "abcd", settings) == "abcd"
    beside = matte.find_matte(image[:, 120:], image, Crop(0.67, 0, 0.33, 1), resolve_subject(photo, "", settings))
    assert beside.standing != "marked", "a crop without the person is looked at for itself"
    (settings.mattes / f"{photo.own_matte}.png").unlink()
    assert resolve_subject(photo, "", settings) == "", "a matte that is lost leaves the subject to the studio"


def test_a_matte_in_video_levels_still_goes_from_none_to_all() -> None:
    samples = np.rint(16 + disc() * 219).astype(np.uint8)
    found = find_embedded_matte(list_auxiliaries(phone_heif(scene(), [Extra(phone_files.MATTE_URN, samples)])), scene())
    assert found is not None and found.mask is not None
    assert (int(found.mask.min()), int(found.mask.max())) == (0, 255)


def test_a_matte_that_the_picture_speaks_against_waits_to_be_chosen(settings, tmp_path: Path) -> None:
    file = tmp_path / "portrait.heic"
    file.write_bytes(phone_heif(scene(), [Extra(phone_files.MATTE_URN, np.roll(DISC, phone_files.W // 2, 1))]))
    photo = PhotoStore(settings).take_in(file)
    assert photo.matte_doubted and "its own portrait matte is not used unless chosen: its outlines" in photo.notes[-1]
    assert resolve_subject(photo, "", settings) == "" and resolve_subject(photo, "photo", settings)


def test_the_background_is_blurred_behind_the_phones_matte(settings, tmp_path: Path) -> None:
    """Stripes beside the disc are no part of what the phone calls the subject."""
    stripes = scene()
    stripes[20:60, 120:170:4] = 240
    file = tmp_path / "portrait.heic"
    file.write_bytes(phone_heif(stripes, PORTRAIT))
    store = PhotoStore(settings)
    photo = store.take_in(file)
    assert photo.own_matte and not photo.matte_doubted
    before = store.pixels(photo).astype(int)
    after = store.mend(photo, (Mend("background", 0.5),)).astype(int)
    inside = cv2.erode(disc(), np.ones((9, 9))) == 1
    assert np.abs(after - before)[inside].max() <= 2
    assert after[22:58, 122:168].std() < 0.5 * before[22:58, 122:168].std()
    without = replace(photo, own_matte="")
    assert derive_photo(photo, (Mend("background"),)).id != derive_photo(without, (Mend("background"),)).id
    assert derive_photo(photo, (Mend("denoise"),)).id == derive_photo(without, (Mend("denoise"),)).id


@pytest.mark.parametrize(
    ("samples", "doubt"),
    [(np.zeros_like(DISC), "it is empty"), (np.full_like(DISC, 255), "it covers the whole photo"),
     (DISC[:, 30:150], "it has another shape than the photo")],
)  # fmt: skip
def test_a_matte_that_says_nothing_is_left_out(samples: np.ndarray, doubt: str, settings, tmp_path: Path) -> None:
    file = tmp_path / "portrait.heic"
    file.write_bytes(phone_heif(scene(), [Extra(phone_files.MATTE_URN, np.ascontiguousarray(samples))]))
    photo = PhotoStore(settings).take_in(file)
    assert not photo.own_matte and photo.notes[-1] == f"its own portrait matte is not used: {doubt}"


def test_a_matte_beside_the_face_is_doubted(samples: Path) -> None:
    portrait = np.asarray(made.Image.open(samples / "dogs.jpg").convert("RGB"))
    found = matte.find_matte(portrait)
    assert find_matte_doubt(found.soft, portrait) == ""
    assert find_matte_doubt(1 - found.soft, portrait) != ""


def test_recipes_and_photos_from_before_still_open() -> None:
    old = f'{{"id":"{"a" * 64}","width":3,"height":2,"own_depth":"{"b" * 64}","depth_doubted":true}}'
    photo = msgspec.json.decode(old, type=Photo)
    assert photo.own_matte == "" and not photo.matte_doubted


SOURCES = {
    "HEIC": lambda: phone_heif(scene(), PORTRAIT, tmap=True),
    "AVIF": lambda: phone_heif(scene(), PORTRAIT, "AVIF"),
    "JPEG": lambda: apple_jpeg(scene(), [(apple_words("disparity"), DEPTH), (apple_words("matte"), DISC)]),
    "Galaxy": lambda: phone_files.jpeg_of(scene()) + samsung_trailer([(b"DualShot_DepthMap_1", DEPTH.tobytes())], True),
    "Ultra HDR": ultra_hdr,
}


@pytest.mark.parametrize("name", SOURCES)
def test_damage_anywhere_costs_the_auxiliary_image_and_nothing_else(name: str) -> None:
    data = SOURCES[name]()
    for seed in range(12):
        for hurt in (made.damaged(data, seed), made.cut_short(data, (seed + 1) / 13)):
            for found in list_auxiliaries(hurt):
                assert isinstance(found, Auxiliary)
                try:
                    values = found.read()
                except Exception:  # whatever a decoder throws is caught where it is read
                    continue
                assert values.ndim == 2 and values.dtype == np.float32
