"""Files to blocks of UTF-8, hashed and counted on the way, and the forms that records take from there on."""

import bz2
import codecs
import gzip
import hashlib
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import zstandard

from .model import Outline, outlines

BLOCK = 1 << 20

_WINDOW = 1 << 27  # the most memory that one packed stream may ask for

_GZIP, _ZIP, _DIRECTORY, _END = b"\x1f\x8b", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"

_OFFICE = ("[Content_Types].xml", "META-INF/manifest.xml", "Index/Document.iwa")
"""What stands in the archive that a spreadsheet or document is: of Office, OpenDocument, iWork."""

OLE = b"\xd0\xcf\x11\xe0"  # as older programs write them

_OTHERS = (_ZIP, _END, b"PAR1", b"7z\xbc\xaf", b"Rar!", b"%PDF", OLE, b"Obj\x01", b"SQLite f")

BROKEN = (EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError)

_UNREADABLE = (*BROKEN, ValueError, KeyError, RuntimeError, struct.error)  # what a wrong directory leads to


class Member(NamedTuple):
    """A file in a zip archive: the archive, its size and hash, and the entry in its directory, None if unreadable."""

    archive: Path | bytes
    entry: zipfile.ZipInfo | None
    size: int
    sha256: str


class Part(NamedTuple):
    """A part, by its first and last offset, of what has one event on each line; of what is packed, the part itself."""

    whole: Path | bytes
    start: int
    end: int


Origin = Path | bytes | Member | Part


class _PartOfFile(io.FileIO):
    """A file that begins and ends somewhere in the middle."""

    def __init__(self, part: Part) -> None:
        super().__init__(part.whole)
        self._left = part.end - self.seek(part.start)

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(min(size or 0, self._left)) or b""
        self._left -= len(block)
        return block


class _Garbage(OSError):
    """Something follows a packed stream that is none."""


class _Archive(zipfile.ZipFile):
    """A zip archive whose directory is known already: it is not read again for every member.

    The method is the standard library's own; where it is called otherwise, the directory is read again.
    """

    def _RealGetContents(self) -> None:
        pass


class _Zstandard:
    """A zstandard stream with the methods of those in the standard library; fed little, so that little comes out."""

    needs_input = True

    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, _: int) -> bytes:
        return self._stream.decompress(data)


_PACKED: dict[bytes, tuple[Callable[[], Any], int]] = {
    b"BZh": (bz2.BZ2Decompressor, BLOCK),
    b"\xfd7zXZ\x00": (lambda: lzma.LZMADecompressor(memlimit=_WINDOW), BLOCK),
    b"\x28\xb5\x2f\xfd": (_Zstandard, 512),  # 4 bytes may stand for 128 KiB
}


def is_unsupported(head: bytes) -> bool:
    """Return whether a file that begins with `head` is packed or built in a way that is not read here.

    >>> is_unsupported(b"PAR1"), is_unsupported(b'{"uuid"')
    (True, False)
    """
    return head.startswith(_OTHERS)


def is_packed(head: bytes) -> bool:
    """Return whether what begins with `head` has to be unpacked."""
    return head.startswith((_GZIP, _ZIP, *_PACKED))


def open_origin(origin: Origin) -> BinaryIO:
    """Return the bytes of an origin as a file; in place of a member that cannot be read the end of an archive."""
    if isinstance(origin, bytes):
        return io.BytesIO(origin)
    if isinstance(origin, Part):
        return io.BytesIO(origin.whole) if isinstance(origin.whole, bytes) else _PartOfFile(origin)
    if isinstance(origin, Path):
        return origin.open("rb", buffering=0)
    archive = io.BytesIO(origin.archive) if isinstance(origin.archive, bytes) else origin.archive
    if origin.entry is None:
        return io.BytesIO(_END)
    packed = _Archive(archive)
    try:
        member: Any = packed.open(origin.entry)  # closing the member closes the archive, too
    except _UNREADABLE:
        packed.close()
        return io.BytesIO(_END)
    return member  # type: ignore[no-any-return]  # it reads like any file


def members(origin: Path | bytes) -> list[tuple[str, Member, set[str]]]:
    """Return the files of a zip archive with their names and flags, and nothing where `origin` is none.

    A spreadsheet is one file without a name.
    """
    with open_origin(origin) as file:
        if file.read(4) != _ZIP:
            return []
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file will do
        try:
            infos = zipfile.ZipFile(file).infolist()
        except _UNREADABLE:
            return []
    if any(info.filename in _OFFICE for info in infos):
        return [("", Member(origin, None, size, sha256), {"spreadsheet"})]
    files = sorted((info for info in infos if not info.is_dir()), key=lambda info: info.filename)
    shown = [info for info in files if not _is_hidden(info)]
    hidden = {"hidden_members"} if len(shown) < len(files) else set[str]()
    found = list[tuple[str, Member, set[str]]]()
    for info in shown:
        locked = {"locked_zip"} if info.flag_bits & 1 else set[str]()
        entry = info if info.compress_type in _METHODS and not locked else None
        found.append((info.filename, Member(origin, entry, size, sha256), hidden | locked))
    return found


_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def _is_hidden(info: zipfile.ZipInfo) -> bool:
    """Return whether file managers hide this file."""
    parts = info.filename.split("/")
    return any(part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in parts)


def inflate(raw: io.BufferedReader, flags: set[str]) -> Iterator[bytes]:
    """Yield decompressed blocks of bounded size; what is damaged gives all that can be had, and a flag."""
    try:
        yield from _inflated(raw)
    except BROKEN as error:
        flags.add(damage(error))


def damage(error: Exception) -> str:
    """Return the flag for what stopped a container from being read.

    >>> damage(EOFError()), damage(zlib.error())
    ('truncated_gzip', 'gzip_crc')
    """
    if isinstance(error, EOFError):
        return "truncated_gzip"
    garbage = isinstance(error, _Garbage) or "Not a gzipped file" in str(error)
    return "trailing_garbage" if garbage else "gzip_crc"


def _inflated(raw: io.BufferedReader) -> Iterator[bytes]:
    head = raw.peek(8)[:8]
    start, step = next((how for magic, how in _PACKED.items() if head.startswith(magic)), (None, 0))
    if start:
        yield from _streams(raw, start, step)
        return
    if head.startswith(_ZIP) and _is_plain(raw.peek(64)):
        yield from _zipped(raw)
        return
    plain: Any = gzip.GzipFile(fileobj=raw) if head.startswith(_GZIP) else raw
    while block := plain.read1(BLOCK):
        yield block


def _streams(raw: io.BufferedReader, start: Callable[[], Any], step: int) -> Iterator[bytes]:
    """Yield what is in one packed stream after the other. Raises EOFError where the last one is cut off."""
    rest = yield from _stream(start(), raw.read(step), raw, step)
    while data := rest or raw.read(step):
        machine = start()
        try:
            block = machine.decompress(data, BLOCK)
        except BROKEN as error:
            raise _Garbage from error
        yield from filter(None, [block])
        rest = yield from _stream(machine, b"", raw, step)


def _stream(machine: Any, data: bytes, raw: io.BufferedReader, step: int) -> Generator[bytes, None, bytes]:
    """Yield what is in one packed stream, and return what was read beyond it."""
    while not machine.eof:
        if not data and machine.needs_input and not (data := raw.read(step)):
            raise EOFError
        if block := machine.decompress(data, BLOCK):
            yield block
        data = b""
    return bytes(machine.unused_data)


def _is_plain(head: bytes) -> bool:
    """Return whether the first member of an archive can be read without its directory."""
    return len(head) > 30 and not head[6] & 1 and head[8:10] in (b"\0\0", b"\x08\0")


def _zipped(raw: io.BufferedReader) -> Iterator[bytes]:
    """Yield the members of an archive without a directory (cut off, or itself packed) one after the other."""
    while (head := raw.read(30)).startswith(_ZIP) and len(head) == 30:
        bits, method = struct.unpack_from("<HH", head, 6)
        size, name, more = struct.unpack_from("<I4xHH", head, 18)
        raw.read(name + more)
        if method == zipfile.ZIP_DEFLATED:
            yield from _deflated(raw)
        elif method == zipfile.ZIP_STORED and not bits & 8:
            yield from (raw.read(min(size - at, BLOCK)) for at in range(0, size, BLOCK))
        else:
            raise zipfile.BadZipFile
        if bits & 8:  # sizes and checksum follow the member
            raw.read(16 if raw.peek(4).startswith(b"PK\x07\x08") else 12)
        yield b"\n"
    if not (head.startswith(_DIRECTORY) and _holds(raw, _END)):
        raise EOFError


def _holds(raw: io.BufferedReader, mark: bytes) -> bool:
    """Return whether a mark is somewhere in what is left."""
    last = b""
    while block := raw.read(BLOCK):
        if mark in last + block:
            return True
        last = block[-len(mark) :]
    return False


def _deflated(raw: io.BufferedReader) -> Iterator[bytes]:
    machine = zlib.decompressobj(-15)
    while not machine.eof:
        if not (data := raw.peek(BLOCK)[:BLOCK]):
            raise EOFError
        block = machine.decompress(data, BLOCK)
        raw.read(len(data) - len(machine.unused_data) - len(machine.unconsumed_tail))
        yield from filter(None, [block])


MAX_RECORD = 16 << 20

MAX_DOCUMENT = 64 << 20
"""The largest page that is held in memory at once: the records in it may have `MAX_RECORD` each."""

_AHEAD = 4
"""How many blocks are read before they are used."""

UTF8_BOM = codecs.BOM_UTF8

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_UTF16 = {
    "utf-16": re.compile(rb"\xff\xfe(?:[^\0]\0|$)|\xfe\xff(?:\0[^\0]|$)", re.DOTALL),
    "utf-16-le": re.compile(rb"[\[{]\0[^\0]\0"),  # JSON without a mark
    "utf-16-be": re.compile(rb"\0[\[{]\0[^\0]"),
}


class Document(NamedTuple):
    """One piece of a file that stands for itself: an event, an envelope around some, or a text that is neither.

    `number` is its line or row, 0 where only the order counts. `outline` is there if the text looks like an event as
    documented. A row of a table comes as the `value` that its cells give, and is `textual`: all its values were text.
    """

    number: int
    raw: bytes
    outline: Outline | None = None
    reason: str = ""
    value: Any = None
    textual: bool = False


class Lines(Sequence[bytes]):
    """The lines of a block, cut out when they are asked for; `ends` says where their newlines are."""

    def __init__(self, block: bytes, ends: list[int]) -> None:
        """Take a block."""
        self.block, self.ends = block, ends

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self.ends)

    def __getitem__(self, at: Any) -> Any:
        """Return one line without its newline."""
        return self.block[self.ends[at - 1] + 1 if at else 0 : self.ends[at]]

    def cut(self, start: int, stop: int) -> "Lines":
        """Return some of them."""
        first = self.ends[start - 1] + 1 if start else 0
        block = self.block if stop - start == len(self) else self.block[first : self.ends[stop - 1] + 1]
        return Lines(block, [end - first for end in self.ends[start:stop]])

    def outlines(self) -> list[Outline]:
        """Return the outlines of lines of which each is one event as documented, otherwise nothing."""
        with suppress(ValueError, RecursionError):
            if len(self) and len(events := outlines(self.block)) == len(self):
                return events
        return []


class Batch(NamedTuple):
    """Texts that look like one event each, as documented, with their numbers and outlines.

    `passed` says how many other events were passed over, because none of the wanted texts is in them.
    """

    numbers: Sequence[int] = ()
    raws: Sequence[bytes] = ()
    outlines: list[Outline] = []  # noqa: RUF012  # never changed: the same empty one for all
    passed: int = 0


class Line(NamedTuple):
    """One line, or a part of a long one, which neither begins nor ends it, or only one of both."""

    number: int
    raw: bytes
    begins: bool = True
    ends: bool = True


@dataclass
class Source:
    """One input while it is read: where it is, and what was learned about it on the way."""

    name: str
    origin: Origin
    size: int = 0
    sha256: str = ""
    sha256_content: str = ""
    shape: str = ""
    encoding: str = "utf-8"
    flags: set[str] = field(default_factory=set)
    sift: Callable[[Lines], list[int]] | None = None
    """What finds the lines of a block that may be wanted; where there is nothing, every event is wanted."""
    hashed: bool = True
    lines: int = 0
    settled: bool = False
    """Whether nothing was open at its end, so that what follows can be read by itself."""


class _Hashed(io.RawIOBase):
    """A file that a thread of its own reads ahead and hashes, if that is wanted; counted as it is used."""

    def __init__(self, file: BinaryIO, flags: set[str], wanted: bool) -> None:
        self.file, self.flags, self.wanted, self.size = file, flags, wanted, 0
        self._hash, self._worker = hashlib.sha256(), ThreadPoolExecutor(1)
        self._ahead, self._rest, self._ended = deque[Future[bytes]](), b"", False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self.take(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def take(self, size: int) -> bytes:
        """Return what comes next, not more than so much."""
        # Reading and hashing give up the interpreter: done ahead by a thread, they cost no time on a second core.
        while len(self._ahead) < _AHEAD:
            self._ahead.append(self._worker.submit(self._read))
        block = self._rest or self._ahead.popleft().result()
        block, self._rest = block[:size], block[size:]
        self.size += len(block)
        return block

    def _read(self) -> bytes:
        try:
            block = b"" if self._ended else self.file.read(BLOCK)
        except BROKEN as error:  # a damaged member of an archive ends here
            self.flags.add(damage(error))
            block = b""
        self._ended = not block
        if self.wanted:
            self._hash.update(block)
        return block

    def close(self) -> None:
        self._worker.shutdown()
        super().close()

    def hexdigest(self) -> str:
        """Return the hash, once everything is read."""
        self._worker.shutdown()
        return self._hash.hexdigest()


class _Peeked(io.BufferedReader):
    """A file of which the beginning was looked at; what is read in one go behind it is not copied."""

    def __init__(self, file: _Hashed) -> None:
        super().__init__(file, max(BLOCK, 1 << 16))
        self._file, self._fresh = file, True

    def read1(self, size: int = -1, /) -> bytes:
        fresh, self._fresh = self._fresh, False
        return super().read1(size) if fresh else self._file.take(size)


def blocks(source: Source) -> Iterator[bytes]:
    """Yield what `source` holds, decompressed and as UTF-8, and note its sizes, hashes and flags."""
    with open_origin(source.origin) as file, _Hashed(file, source.flags, source.hashed) as raw:
        reader = _Peeked(raw)
        content = hashlib.sha256() if source.hashed and is_packed(reader.peek(8)) else None
        parts = _gather(inflate(reader, source.flags))
        if content:
            parts = (content.update(part) or part for part in parts)  # type: ignore[func-returns-value]
        for part in _as_utf8(parts, source):
            source.size = raw.size
            yield part
        while raw.read(BLOCK):  # what is behind the damage counts for the hash alone
            pass
    stored = source.origin if isinstance(source.origin, Member) else Member(b"", None, raw.size, raw.hexdigest())
    source.size, source.sha256 = stored.size, stored.sha256
    source.sha256_content = (content or raw).hexdigest()


def _gather(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks of at least `BLOCK` bytes: unpacking gives small ones, of which each would cost as much."""
    held, size = list[bytes](), 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= BLOCK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _as_utf8(parts: Iterator[bytes], source: Source) -> Iterator[bytes]:
    first = next(parts, b"").removeprefix(UTF8_BOM)
    encoding = next((encoding for encoding, start in _UTF16.items() if start.match(first)), "")
    if not encoding:
        mark = next((mark for mark in _MARKS[1:] if first.startswith(mark)), b"")
        source.flags |= {"wrong_byte_mark"} if mark else set()
        yield first.removeprefix(mark)
        yield from parts
        return
    source.encoding = "utf-16"
    source.flags.add("encoding_utf16")
    decoder = codecs.getincrementaldecoder(encoding)(errors="surrogatepass")  # half a character harms its record only
    for part in chain([first], parts):
        yield decoder.decode(part).encode(errors="surrogatepass")


def lines(parts: Iterator[bytes]) -> Iterator[Line]:
    """Yield the lines of a stream of blocks, without their newline; a line longer than a block comes in parts."""
    number, tail, begins = 1, b"", True
    for part in parts:
        *whole, tail = (tail + part).split(b"\n")
        for raw in whole:
            yield Line(number, raw, begins)
            number, begins = number + 1, True
        if len(tail) >= BLOCK:
            yield Line(number, tail, begins, False)
            tail, begins = b"", False
    yield Line(number, tail, begins)
