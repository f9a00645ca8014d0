"""The rule of orientation is what browsers do: Chromium is asked of each mark, and the decoder with it."""

from __future__ import annotations

import base64

from PIL import Image, PngImagePlugin
from playwright.sync_api import Browser

from studio.photo.intake.image_decoder import decode_image
from tests.photo import made

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
    b' rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)
SHOWN_SIZE = """async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  return [image.naturalWidth, image.naturalHeight];
}"""


def mark() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def text_profile() -> PngImagePlugin.PngInfo:
    """EXIF as ImageMagick writes it into a text chunk."""
    info, data = PngImagePlugin.PngInfo(), mark().hex()
    info.add_text("Raw profile type exif", f"\nexif\n{len(data) // 2:8}\n{data}\n", zip=True)
    return info


def xmp_text() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return info


def behind_the_pixels() -> bytes:
    """A PNG whose eXIf chunk comes last."""
    plain = made.plain("PNG")
    at = plain.index(b"IEND") - 4
    return plain[:at] + made.chunk(b"eXIf", mark()[6:]) + plain[at:]


def without_irot() -> bytes:
    """An AVIF whose turn stands in its EXIF alone."""
    data = bytearray(made.plain("AVIF", exif=mark()))
    data[data.index(b"irot") + 4] = 0
    return bytes(data)


CASES = {
    "jpeg: EXIF": lambda: made.plain("JPEG", exif=mark()),
    "jpeg: XMP": lambda: made.plain("JPEG", xmp=XMP),
    "png: eXIf": lambda: made.plain("PNG", exif=mark()),
    "png: text profile": lambda: made.plain("PNG", pnginfo=text_profile()),
    "png: XMP": lambda: made.plain("PNG", pnginfo=xmp_text()),
    "png: eXIf behind the pixels": behind_the_pixels,
    "webp: XMP": lambda: made.plain("WEBP", xmp=XMP),
    "avif: irot": lambda: made.plain("AVIF", exif=mark()),
    "avif: EXIF": without_irot,
    "avif: XMP": lambda: made.plain("AVIF", xmp=XMP),
}


def test_the_marks_that_count_are_those_that_a_browser_honours(browser: Browser) -> None:
    """WebP's EXIF is the one exception, and stands in orientation.py's table as such: Safari turns it, Chromium doesn't."""
    page = browser.new_page()
    try:
        for name, build in CASES.items():
            data = build()
            source = f"data:image/{name.split(':')[0]};base64,{base64.b64encode(data).decode()}"
            photo = decode_image(data, name).photo
            assert page.evaluate(SHOWN_SIZE, source) == [photo.width, photo.height], name
            assert photo.width < photo.height if name in ("jpeg: EXIF", "png: eXIf", "avif: irot") else photo.width > photo.height
    finally:
        page.close()
