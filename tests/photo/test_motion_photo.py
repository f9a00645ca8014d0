"""Motion Photos: the picture opens, the video is said and not kept, and what else stands behind the picture is read."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.config import Settings
from studio.photo.intake.image_decoder import decode_image
from studio.photo.intake.motion_photo import VIDEO_NOTE, find_video
from studio.photo.photo_store import PhotoStore
from tests.photo import made
from tests.photo.made_heif import box

VIDEO = box(b"ftyp", b"mp42", bytes(4), b"isom") + box(b"moov", bytes(200)) + box(b"mdat", bytes(range(256)) * 40)
TRAILER = b"\0\0\x30\x0aSEFH" + bytes(20) + struct.pack("<I", 28) + b"SEFT"


def jpeg() -> bytes:
    return made.saved(Image.fromarray(made.picture(320, 240)), "JPEG", quality=90)


def heic() -> bytes:
    return made.saved(Image.fromarray(made.picture(320, 240)), "HEIF", quality=90)


FILES: dict[str, tuple[made.Builder, made.Builder, bytes]] = {
    # the picture alone, the file, what is kept of it
    "google": (jpeg, lambda: jpeg() + VIDEO, b""),
    "samsung": (jpeg, lambda: jpeg() + b"MotionPhoto_Data" + VIDEO + TRAILER, b"MotionPhoto_Data" + TRAILER),
    "with a gain map before it": (jpeg, lambda: jpeg() + jpeg() + VIDEO, jpeg()),
    "heic": (heic, lambda: heic() + box(b"mpvd", VIDEO), b""),
}


@pytest.mark.parametrize("case", FILES)
def test_the_picture_opens_and_the_video_is_not_kept(case: str, settings: Settings, tmp_path: Path) -> None:
    alone, build, rest = FILES[case]
    file = tmp_path / "PXL_2026.MP"
    file.write_bytes(build())
    store = PhotoStore(settings)
    photo = store.take_in(file, "PXL_2026.MP.jpg")
    assert photo.id == decode_image(alone(), "a").photo.id and photo.notes == (VIDEO_NOTE,)
    kept = next(settings.photos.glob(f"{photo.id}.[jh]*[gc]"))
    assert kept.read_bytes() == alone() + rest
    assert np.array_equal(PhotoStore(settings).pixels(photo), decode_image(alone(), "a").image)


@pytest.mark.parametrize("behind", [b"", b"ftyp", b"\0\0\0\x18ftypmp42" + bytes(40), jpeg() + b"ftypftypftyp"])
def test_no_video_is_seen_where_there_is_none(behind: bytes) -> None:
    assert find_video(jpeg() + behind, "JPG") is None
    assert decode_image(jpeg() + behind, "a").photo.notes == ()
