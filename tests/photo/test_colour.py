"""Colour, wherever a file says it: the numbers that come out are the standards' arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from studio.nouns import Refusal
from studio.photo.colour_conversion import GROUND, Raster, convert_raster
from studio.photo.colour_tags import read_cicp
from tests.photo import made


def test_codes_name_a_colorimetry() -> None:
    assert read_cicp(9, 16)[::2] == ("BT.2020", "pq") and read_cicp(2, 2) == read_cicp(1, 13) == read_cicp(77, 255)


def test_a_raster_of_any_depth_is_the_same_picture() -> None:
    picture = made.picture()
    for samples in (picture, picture * np.uint16(257), picture / np.float32(255)):
        notes: list[str] = []
        assert np.array_equal(convert_raster(Raster(samples, "rgb"), notes), picture) and notes == []
    assert np.array_equal(convert_raster(Raster(np.uint16([[0, 128, 129, 65535]]), "grey"), [])[0, :, 1], [0, 0, 1, 255])


def test_a_raster_of_inks_and_of_lab() -> None:
    inks = np.zeros((2, 2, 4), np.uint16)
    inks[0, 0] = (65535, 0, 0, 0)
    assert convert_raster(Raster(inks, "cmyk"), [])[0].tolist() == [[0, 255, 255], [255, 255, 255]]
    lab = np.float32([[[54.29, 80.81, 69.89], [50, 0, 0], [100, 0, 0]]])  # sRGB's red, adapted to D50, by Lindbloom's calculator
    got = convert_raster(Raster(lab, "lab"), []).astype(int)[0]
    assert np.abs(got - [[255, 0, 0], [119, 119, 119], [255, 255, 255]]).max() <= 1


def test_a_rasters_transparency_is_laid_over_the_ground() -> None:
    samples = np.full((4, 4, 4), 65535, np.uint16)
    samples[0, 0, 3] = 0
    notes: list[str] = []
    image = convert_raster(Raster(samples, "rgb", alpha=True), notes)
    assert (
        tuple(image[0, 0]) == GROUND
        and image[1, 1].tolist() == [255, 255, 255]
        and notes == ["transparency laid over light grey"]
    )
    with pytest.raises(Refusal):
        convert_raster(Raster(samples * np.uint16(0), "rgb", alpha=True), [])
