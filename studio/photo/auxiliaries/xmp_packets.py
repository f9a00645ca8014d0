"""XMP packets: a JPEG's segments, the packets in them, and the values that stand in one, by namespace.

XMP specification, part 3 (https://developer.adobe.com/xmp/docs/). The bytes are hostile: counts and sizes are bounded,
and declarations, in which entities could grow, are refused with ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

MOST_PACKET = 32_000_000  # bytes of an extended packet
MOST_SEGMENTS = 2_000  # of a JPEG, before its picture: 32 MB of XMP are 500

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_HAS_EXTENDED = "{http://ns.adobe.com/xmp/note/}HasExtendedXMP"

APP1, APP2 = 0xE1, 0xE2


def list_segments(data: bytes, start: int = 0) -> Iterator[tuple[int, bytes, int]]:
    """Marker, content and the content's place in `data` of the segments before the picture of a JPEG at `start`."""
    place = start + 2
    for _ in range(MOST_SEGMENTS):
        if place + 4 > len(data) or data[place] != 0xFF or data[place + 1] in (0xD9, 0xDA):
            return
        length = int.from_bytes(data[place + 2 : place + 4])
        if data[place + 1] in (APP1, APP2):
            yield data[place + 1], data[place + 4 : place + 2 + length], place + 4
        place += 2 + max(length, 2)


def read_packets(data: bytes, start: int = 0) -> Iterator[ElementTree.Element]:
    """The XMP of the JPEG at `start`, and the extended packet that it names (XMP specification, part 3, 1.1.3.1)."""
    segments = [body for marker, body, _ in list_segments(data, start) if marker == APP1]
    main = next((body[len(_XMP) :] for body in segments if body.startswith(_XMP)), None)
    if main is None:
        return
    root = parse_packet(main)
    yield root
    named = (word for one in root.iter() for word in (one.get(_HAS_EXTENDED), one.tag == _HAS_EXTENDED and one.text))
    mark = next((word for word in named if word), None)
    if mark:
        head = _EXTENSION + mark.strip().encode()
        yield parse_packet(_join([body[len(head) :] for body in segments if body.startswith(head)]))


def _join(parts: list[bytes]) -> bytes:
    """The extended packet from its parts, each behind the whole's length and its own offset, four bytes each."""
    whole = int.from_bytes(parts[0][:4]) if parts else 0
    if not 0 < whole <= MOST_PACKET or sum(len(part) - 8 for part in parts) != whole:
        raise ValueError("parts are missing")
    packet = bytearray(whole)
    for part in parts:
        offset, body = int.from_bytes(part[4:8]), part[8:]
        packet[offset : offset + len(body)] = body
    if len(packet) != whole:
        raise ValueError("parts lie outside")
    return bytes(packet)


def parse_packet(packet: bytes) -> ElementTree.Element:
    """A packet's XML. Raises ValueError for one that declares anything: XMP never does, and entities can grow without
    end.
    """
    text = packet.strip(b"\0 \r\n\t").decode("utf-8-sig")
    if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
        raise ValueError("declarations")
    try:
        return ElementTree.fromstring(text)  # noqa: S314  # without declarations there are no entities to grow
    except ElementTree.ParseError as error:
        raise ValueError("no XML") from error


def list_values(roots: list[ElementTree.Element], space: str) -> dict[str, str]:
    """The values of a namespace, by their names, of all attributes and elements; the last of a name counts.

    `space` is the namespace's address, or the end of it from a slash on, where versions differ in its beginning.
    """
    found: dict[str, str] = {}
    for root in roots:
        for one in root.iter():
            for name, words in (*one.attrib.items(), (one.tag, (one.text or "").strip())):
                address, _, plain = name.rpartition("}")
                if words and address.endswith(space) and (space.startswith("/") or address[1:] == space):
                    found[plain] = words
    return found
