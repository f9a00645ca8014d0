"""HEIC files with dozens of auxiliary images: more properties than libheif takes, and the same picture."""

from __future__ import annotations

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from studio.photo.intake.heif_properties import MOST_PROPERTIES, trim_properties
from studio.photo.intake.image_decoder import decode_image
from tests.photo import made, made_heif

PICTURE = Image.fromarray(made.picture(320, 240))


@pytest.mark.parametrize("count", [0, 12, 24, 60, 300])
def test_a_heic_opens_however_many_auxiliary_images_it_has(count: int) -> None:
    alone = decode_image(made_heif.with_auxiliaries(PICTURE, 0), "a.heic")
    data = made_heif.with_auxiliaries(PICTURE, count)
    got = decode_image(data, "a.heic")
    assert np.array_equal(got.image, alone.image) and got.photo.id == alone.photo.id
    assert len(trim_properties(data)) == len(data)
    assert (trim_properties(data) is data) == (count <= 12)


def test_libheif_still_has_the_limit_that_this_is_for() -> None:
    with pytest.raises(RuntimeError, match=f"child boxes \\({MOST_PROPERTIES}\\) in 'ipco'"):
        pillow_heif.open_heif(io.BytesIO(made_heif.with_auxiliaries(PICTURE, 60)))


def test_what_is_read_keeps_its_properties() -> None:
    """Of 150 images all are hidden but the depth map, whose name and bytes stay."""
    data = made_heif.with_auxiliaries(PICTURE, 150, last=b"urn:mpeg:hevc:2015:auxid:2")
    found = pillow_heif.open_heif(io.BytesIO(trim_properties(data)))
    assert len(found.info["depth_images"]) == 1 and not found.info["aux"]


def test_no_change_of_a_byte_brings_it_down() -> None:
    data = made_heif.with_auxiliaries(PICTURE, 30)
    start = data.index(b"meta") - 4
    for at in range(start, data.index(b"mdat"), 3):
        for value in (0, 255):
            assert len(trim_properties(data[:at] + bytes([value]) + data[at + 1 :])) == len(data)
