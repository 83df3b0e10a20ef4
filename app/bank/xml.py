"""XML from strangers, read as it comes: no document type, no entities, no network, and bounds on depth, text and size.

The standard library's expat is enough: it reads a stream in constant memory, tells the line of every element, and its handler
refuses a document type before anything in it is read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import BinaryIO
from xml.parsers import expat

from app.bank.lines import FileRefused

_CHUNK = 64 * 1024
MAX_DEPTH = 64
MAX_TEXT = 64 * 1024
MAX_TOKEN = 1024 * 1024
MAX_NODES = 20_000
MAX_PART = 4 * 1024 * 1024
"""Elements, and characters with attributes, of one captured subtree."""

_TRUNCATED = frozenset(
    {
        expat.errors.codes[text]
        for text in (
            expat.errors.XML_ERROR_NO_ELEMENTS,
            expat.errors.XML_ERROR_UNCLOSED_TOKEN,
            expat.errors.XML_ERROR_PARTIAL_CHAR,
            expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        )
    }
)


class Node:
    """One element with everything below it; names without their namespace."""

    __slots__ = ("attributes", "children", "text")

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes
        self.children: dict[str, list[Node]] = {}
        self.text: str | None = None

    def all(self, *path: str) -> list[Node]:
        """All elements of that path of names, in the file's order."""
        found = [self]
        for name in path:
            found = [child for node in found for child in node.children.get(name, ())]
        return found

    def first(self, *path: str) -> Node | None:
        """The first element of that path, taking the first at each step."""
        node = self
        for name in path:
            below = node.children.get(name)
            if below is None:
                return None
            node = below[0]
        return node

    def value(self, *path: str) -> str | None:
        """The text of the first element of that path, without the blanks around it; None where it is absent or empty."""
        node = self.first(*path)
        return node.text if node else None


@dataclass(slots=True)
class Event:
    """A container opens or closes, or an element in a container is complete (`node`). `line` is where the element began."""

    name: str
    parent: str
    line: int
    node: Node | None = None
    closes: bool = False


def events(source: BinaryIO, containers: Set[str]) -> Iterator[Event]:
    """Read a document: elements named in `containers` (and those around the first of them) open and close, all else comes whole.

    Raises FileRefused with the line for what is not well-formed, cut off, too deep or too large, or declares a document type.
    """
    reading = _Reading(containers)
    parser = reading.parser
    fed = 0
    while True:
        chunk = source.read(_CHUNK)
        try:
            parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise _refusal(error, reading) from error
        except (LookupError, ValueError) as error:  # an encoding that Python does not know, or that is not of single bytes
            raise FileRefused(reading.place(), f"The encoding cannot be read: {error}.", code="encoding") from error
        fed += len(chunk)
        yield from reading.drain()
        if not chunk:
            return
        if fed - parser.CurrentByteIndex > MAX_TOKEN:
            raise reading.refused("A single tag is larger than any bank's.", "size")


class _Reading:
    def __init__(self, containers: Set[str]) -> None:
        self._containers = containers
        self._inside = False
        self._events: deque[Event] = deque()
        self._open: list[tuple[str, int]] = []
        self._captured: list[Node] = []
        self._names: list[str] = []
        self._began = 0
        self._nodes = 0
        self._weight = 0
        self._text: list[str] = []
        self._length = 0
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype

    def drain(self) -> Iterator[Event]:
        while self._events:
            yield self._events.popleft()

    def place(self) -> str:
        return f"line {self.parser.CurrentLineNumber}"

    def refused(self, sentence: str, code: str) -> FileRefused:
        return FileRefused(self.place(), sentence, code=code)

    def _doctype(self, *_: object) -> None:
        raise self.refused("The file declares a document type (DTD); no bank's statement has one, so it is not read.", "doctype")

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        name = qualified.rpartition(":")[2]
        if len(self._open) + len(self._captured) >= MAX_DEPTH:
            raise self.refused(f"Elements are nested deeper than {MAX_DEPTH}.", "depth")
        self._text.clear()
        self._length = 0
        if not self._captured:
            self._inside = self._inside or name in self._containers
            if not self._inside or name in self._containers:
                self._events.append(Event(name, self._open[-1][0] if self._open else "", self.parser.CurrentLineNumber))
                self._open.append((name, self.parser.CurrentLineNumber))
                return
            self._began, self._nodes, self._weight = self.parser.CurrentLineNumber, 0, 0
        self._nodes += 1
        self._weight += sum(map(len, attributes.values())) if attributes else 0
        if self._nodes > MAX_NODES or self._weight > MAX_PART:
            raise self.refused("One part of an entry is larger than any bank's.", "size")
        self._captured.append(Node(attributes))
        self._names.append(name)

    def _characters(self, text: str) -> None:
        if self._captured:
            self._length += len(text)
            self._weight += len(text)
            if self._length > MAX_TEXT:
                raise self.refused(f"A text is longer than {MAX_TEXT} characters.", "size")
            self._text.append(text)

    def _end(self, _: str) -> None:
        if not self._captured:
            name, line = self._open.pop()
            self._events.append(Event(name, self._open[-1][0] if self._open else "", line, closes=True))
            return
        node, name = self._captured.pop(), self._names.pop()
        if self._text:
            node.text = "".join(self._text).strip() or None
            self._text.clear()
            self._length = 0
        if self._captured:
            self._captured[-1].children.setdefault(name, []).append(node)
        else:
            self._events.append(Event(name, self._open[-1][0] if self._open else "", self._began, node))


def _refusal(error: expat.ExpatError, reading: _Reading) -> FileRefused:
    place = f"line {error.lineno}, column {error.offset + 1}"
    if error.code in _TRUNCATED:
        return FileRefused(place, "The file ends in the middle; fetch it from the bank again.", code="truncated")
    if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING]:
        return FileRefused(place, "The file names an encoding that cannot be read.", code="encoding")
    what = expat.ErrorString(error.code)
    return FileRefused(place, f"The file is not well-formed XML, or not in the encoding it names: {what}.", code="xml")
