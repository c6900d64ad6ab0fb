"""Read rows from a damaged SQLite file page by page, where SQLite itself would give up.

To SQLite, a damaged page hides all pages below it in the tree. Here every leaf page of the file and
of its write-ahead log is read separately, and every intact record in it is returned.

Source: "Database File Format", https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

Value = int | float | str | bytes | None

HEADER_BYTES = 100
LEAF_OF_A_TABLE = 0x0D
USUAL_PAGE_BYTES = 4096
MAX_COLUMNS = 100

# Sizes in the write-ahead log.
LOG_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24


def records(content: bytes, log: bytes = b"") -> Iterator[tuple[int, list[Value]]]:
    """Yield the row number and values of each readable record.

    Text that is not valid UTF-8 is returned as ``bytes``. A record may occur twice if the tree was
    being modified; records from the log, which are newer, come last.

    Args:
        content: Content of the database file.
        log: Content of its write-ahead log, if there is one.
    """
    size = _page_bytes(content)
    pages = {
        number: content[start : start + size]
        for number, start in enumerate(range(0, len(content), size), 1)
    }
    newer = _logged(log, size)
    pages |= newer
    for number in sorted(pages, key=lambda number: (number in newer, number)):
        yield from _records_of(pages, number, size)


def _page_bytes(content: bytes) -> int:
    size = int.from_bytes(content[16:18], "big")
    size = 65536 if size == 1 else size
    plausible = 512 <= size <= 65536 and size & (size - 1) == 0
    return size if plausible and content[:16] == b"SQLite format 3\0" else USUAL_PAGE_BYTES


def _logged(log: bytes, size: int) -> dict[int, bytes]:
    """Return the latest committed version of each page in the log."""
    salts, committed, pending = log[16:24], dict[int, bytes](), dict[int, bytes]()
    for start in range(LOG_HEADER_BYTES, len(log), FRAME_HEADER_BYTES + size):
        head = log[start : start + FRAME_HEADER_BYTES]
        page = log[start + FRAME_HEADER_BYTES : start + FRAME_HEADER_BYTES + size]
        # Frames left from an earlier round of the log have different salts.
        if len(page) < size or head[8:16] != salts:
            break
        number, last_of_commit = struct.unpack(">II", head[:8])
        pending[number] = page
        if last_of_commit:
            committed |= pending
            pending = {}
    return committed


def _records_of(
    pages: Mapping[int, bytes], number: int, size: int
) -> Iterator[tuple[int, list[Value]]]:
    page, start = pages[number], HEADER_BYTES if number == 1 else 0
    if len(page) < start + 8 or page[start] != LEAF_OF_A_TABLE:
        return
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    for index in range(min(count, size // 6)):
        pointer = start + 8 + 2 * index
        place = int.from_bytes(page[pointer : pointer + 2], "big")
        try:
            yield _cell(pages, page, place, size)
        except (IndexError, ValueError, struct.error):
            continue  # this record is damaged, but the next may be intact


def _cell(
    pages: Mapping[int, bytes], page: bytes, place: int, size: int
) -> tuple[int, list[Value]]:
    length, place = _varint(page, place)
    row, place = _varint(page, place)
    most = size - 35
    if length <= most:
        held = length
    else:
        least = (size - 12) * 32 // 255 - 23
        held = least + (length - least) % (size - 4)
        held = least if held > most else held
    payload = page[place : place + held]
    if held < length:
        payload += _overflow(pages, page[place + held : place + held + 4], length - held, size)
    if len(payload) != length:
        raise ValueError("a record is cut off")
    return row, _values(payload)


def _overflow(pages: Mapping[int, bytes], pointer: bytes, missing: int, size: int) -> bytes:
    parts, seen = [], set[int]()
    while missing > 0:
        number = int.from_bytes(pointer, "big")
        if number in seen or number not in pages:
            raise ValueError("a record's other pages are missing")
        seen.add(number)
        part = pages[number][4 : 4 + min(missing, size - 4)]
        parts.append(part)
        missing -= len(part) or missing + 1
        pointer = pages[number][:4]
    return b"".join(parts)


def _values(payload: bytes) -> list[Value]:
    end, place = _varint(payload, 0)
    kinds = []
    while place < end:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    if place != end or len(kinds) > MAX_COLUMNS:
        raise ValueError("a record's header is damaged")
    values = []
    for kind in kinds:
        value, place = _value(payload, place, kind)
        values.append(value)
    if place != len(payload):
        raise ValueError("a record's length is wrong")
    return values


def _value(payload: bytes, place: int, kind: int) -> tuple[Value, int]:
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind], place
    if kind in (10, 11):
        raise ValueError("a kind of value that SQLite does not store")
    length = (kind - 12) // 2 if kind >= 12 else {5: 6, 6: 8, 7: 8}.get(kind, kind)
    part = payload[place : place + length]
    if len(part) < length:
        raise ValueError("a value is cut off")
    place += length
    if kind < 7:
        return int.from_bytes(part, "big", signed=True), place
    if kind == 7:
        return struct.unpack(">d", part)[0], place
    if kind % 2:
        try:
            return part.decode(), place
        except UnicodeDecodeError:
            pass
    return part, place


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(9):
        byte = data[place]
        place += 1
        if count == 8:
            value = value << 8 | byte
            break
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value - (1 << 64) if value >= 1 << 63 else value, place
