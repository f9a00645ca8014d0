"""The recipe in a clip's metadata: written, read back, and taken out again.

MP4 keeps it in moov/udta/meta/ilst, WebM in Tags, GIF in a comment, WebP in XMP. A file is not trusted: metadata.py
reads it.
"""

from __future__ import annotations

import json
from pathlib import Path

from studio.atomic_write import replace_whole
from studio.clip import ffmpeg, formats, gif_webp, metadata
from studio.nouns import Refusal, Shot
from studio.system_errors import explain_system_error, is_disk_full, raise_known

MAX_BYTES = 2 << 20
"""The longest recipe that is read: a shot with a painted region for every effect stays well below."""

_SIGNATURES: tuple[tuple[int, bytes, metadata.Container], ...] = (
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (4, b"ftyp", "mov"),
    (0, b"GIF8", "gif"),
    (8, b"WEBP", "webp"),
)


def format_ffmetadata(shot: Shot) -> str:
    """The recipe as an ffmetadata file for MP4 and WebM: one comment tag, escaped as ffmpeg's documentation asks."""
    text = shot.to_json()
    for special in "\\=;#\n":
        text = text.replace(special, "\\" + special)
    return f";FFMETADATA1\ncomment={text}\n"


def embed_recipe(file: Path, shot: Shot) -> None:
    """Write the recipe into a finished GIF or WebP in place; MP4 and WebM got theirs from ffmpeg. Raises `OSError`."""
    if shot.format == "gif":
        gif_webp.add_gif_comment(
            file, json.dumps(json.loads(shot.to_json())).encode("ascii")
        )  # GIF89a comments are ASCII
    elif shot.format == "webp":
        gif_webp.add_webp_recipe(file, shot.to_json())


def read_recipe(file: Path) -> Shot:
    """The shot a clip (MP4, WebM, GIF, WebP) or a .json beside one was made from. Raises `Refusal` when there is none.

    Time and memory are bounded whatever the file says of itself (metadata.py).
    """
    try:
        with file.open("rb") as source:
            head = source.read(16)
            if head.lstrip()[:1] == b"{":
                source.seek(0)
                text = source.read(MAX_BYTES + 1)
            else:
                text = _read_container(file, head)
    except OSError as error:
        raise_known(error)
        why = error.strerror or type(error).__name__
        raise Refusal(
            f"{file.name} can't be opened ({why}).", "Check the name of the file and that you may read it."
        ) from None
    if not text or len(text) > MAX_BYTES or text.lstrip()[:1] != b"{":
        raise Refusal(
            "There is no recipe in this file.", "Use a clip made by Stir with its recipe kept, or the .json beside it."
        )
    return Shot.from_json(text)


def _read_container(file: Path, head: bytes) -> bytes:
    """The words in the metadata of a clip that begins with `head`; b"" for what is no clip."""
    container = next((name for at, mark, name in _SIGNATURES if head[at : at + len(mark)] == mark), None)
    if container is None:
        return b""
    text = metadata.read_comment(file, container, 2 * MAX_BYTES)
    return gif_webp.find_webp_recipe(text) if container == "webp" else text


def strip_recipe(file: Path, dest: Path) -> Path:
    """Copy a clip to `dest` without the recipe or any other words about itself; the pictures are the same bytes.

    Raises `Refusal` when the file isn't a clip, can't be read, or `dest` can't be written. Leaves nothing half-written.
    """
    try:
        with file.open("rb") as source:
            head = source.read(16)
        with replace_whole(dest) as part:
            if head[:4] == b"GIF8":
                gif_webp.strip_gif(file, part)
            elif head[8:12] == b"WEBP":
                gif_webp.strip_webp(file, part)
            else:
                _copy(file, part, webm=head[:4] == b"\x1a\x45\xdf\xa3")
    except OSError as error:
        if is_disk_full(error):
            raise ffmpeg.refuse_full_disk() from None
        why = error.strerror or type(error).__name__
        raise explain_system_error(error) or Refusal(
            f"{dest.name} can't be written ({why}).", "Choose another folder, or allow writing to it."
        ) from None
    return dest


def _copy(file: Path, part: Path, webm: bool) -> None:
    # The format is named and only local files are allowed, so that a playlist in disguise can't make ffmpeg fetch
    # anything.
    source = ["-protocol_whitelist", "file", "-f", "matroska" if webm else "mov", "-i", f"file:{file}"]
    bare = [
        "-map",
        "0:v",
        "-map",
        "0:a?",
        "-c",
        "copy",
        "-map_metadata",
        "-1",
        "-map_chapters",
        "-1",
        "-fflags",
        "+bitexact",
    ]
    kind = formats.WEBM_MUXER if webm else formats.MP4_MUXER
    ffmpeg.run_ffmpeg([*source, *bare, *kind, "-y", f"file:{part}"], seconds=120)
