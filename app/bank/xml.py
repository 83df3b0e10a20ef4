"""XML from strangers, read as it comes: no document type, no entities, no network, and bounds on depth, text and size.

The standard library's expat is enough: it reads a stream in constant memory, tells the line of every element, and its handler
refuses a document type before anything in it is read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any, BinaryIO
from xml.parsers import expat

from app.bank.lines import FileRefused

_CHUNK = 64 * 1024
MAX_DEPTH = 64
MAX_TEXT = 64 * 1024
MAX_PART = 1024 * 1024
"""Bytes of one element that comes whole: one detail of an entry, say."""

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


Node = dict[str, Any]
"""An element: by the names (without namespace) of what is in it, each a list in the file's order; `@` its attributes; `#` its
text. One that has neither attributes nor elements is its text alone: a bank file is mostly those."""
Element = Node | str


def every(node: Element, *path: str) -> list[Element]:
    """All elements of that path of names, in the file's order."""
    found = [node]
    for name in path:
        found = [child for element in found if isinstance(element, dict) for child in element.get(name, ())]
    return found


def first(node: Element | None, *path: str) -> Element | None:
    """The first element of that path, taking the first at each step."""
    for name in path:
        if not isinstance(node, dict):
            return None
        below = node.get(name)
        if below is None:
            return None
        node = below[0]
    return node


def value(node: Element | None, *path: str) -> str | None:
    """The text of the first element of that path, without the blanks around it; None where it is absent or empty."""
    found = first(node, *path)
    if isinstance(found, dict):
        found = found.get("#")
    return found or None


def attribute(node: Element | None, name: str) -> str | None:
    """An attribute of an element."""
    return node.get("@", {}).get(name) if isinstance(node, dict) else None


@dataclass(slots=True)
class Event:
    """A container opens or closes, or an element in a container is complete (`node`). `line` is where the element began."""

    name: str
    parent: str
    line: int
    node: Element | None = None
    closes: bool = False


def events(source: BinaryIO, containers: Set[str]) -> Iterator[Event]:
    """Read a document: elements named in `containers` (and those around the first of them) open and close, all else comes whole.

    Raises FileRefused with the line for what is not well-formed, cut off, too deep or too large, or declares a document type.
    """
    reading = _Reading(containers)
    parser, ready = reading.parser, reading.ready
    fed = 0
    while True:
        chunk = source.read(_CHUNK)
        try:
            parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise _refusal(error) from error
        except (LookupError, ValueError) as error:  # an encoding that Python does not know, or that is not of single bytes
            raise _refused(parser, f"The encoding cannot be read: {error}.", "encoding") from error
        fed += len(chunk)
        while ready:
            yield ready.popleft()
        if not chunk:
            return
        if not reading.nodes:
            reading.text.clear()  # text between the parts is no part of any
        if fed - (reading.began if reading.nodes else parser.CurrentByteIndex) > MAX_PART:
            raise _refused(parser, "One part of the file is larger than any bank's.", "size")


class _Reading:
    """A parser that puts what it has read into `ready`. Its handlers run for every tag of the file, so they do little."""

    def __init__(self, containers: Set[str]) -> None:
        self.ready: deque[Event] = deque()
        # The element that is captured and those in it that are open: what is known of each, and its name.
        self.nodes: list[Node | None] = []
        self.text: list[str] = []
        self.began = 0
        self.parser = self._connect(containers)

    def _connect(self, containers: Set[str]) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        ready, nodes, text = self.ready, self.nodes, self.text
        opened: list[tuple[str, int]] = []
        names: list[str] = []
        inside = False
        line = 0

        def doctype(*_: object) -> None:
            raise _refused(
                parser, "The file declares a document type (DTD); no bank's statement does, so it is not read.", "doctype"
            )

        def start(qualified: str, attributes: dict[str, str]) -> None:
            nonlocal inside, line
            name = qualified[qualified.rfind(":") + 1 :]
            text.clear()
            if not nodes:
                line = parser.CurrentLineNumber
                if name in containers or not inside:
                    inside = inside or name in containers
                    ready.append(Event(name, opened[-1][0] if opened else "", line))
                    opened.append((name, line))
                    if len(opened) > MAX_DEPTH:
                        raise _refused(parser, f"Elements are nested deeper than {MAX_DEPTH}.", "depth")
                    return
                self.began = parser.CurrentByteIndex
            elif len(nodes) > MAX_DEPTH:
                raise _refused(parser, f"Elements are nested deeper than {MAX_DEPTH}.", "depth")
            nodes.append({"@": attributes} if attributes else None)
            names.append(name)

        def end(_: str) -> None:
            if not nodes:
                name, began = opened.pop()
                ready.append(Event(name, opened[-1][0] if opened else "", began, closes=True))
                return
            node, name = nodes.pop(), names.pop()
            content = "".join(text).strip() if text else ""
            text.clear()
            if len(content) > MAX_TEXT:
                raise _refused(parser, f"A text is longer than {MAX_TEXT} characters.", "size")
            if node is not None and content:
                node["#"] = content
            element: Element = content if node is None else node
            if not nodes:
                ready.append(Event(name, opened[-1][0] if opened else "", line, element))
                return
            parent = nodes[-1]
            if parent is None:
                nodes[-1] = {name: [element]}
            elif name in parent:
                parent[name].append(element)
            else:
                parent[name] = [element]

        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text.append
        parser.StartDoctypeDeclHandler = doctype
        return parser


def _refused(parser: expat.XMLParserType, sentence: str, code: str) -> FileRefused:
    return FileRefused(f"line {parser.CurrentLineNumber}", sentence, code=code)


def _refusal(error: expat.ExpatError) -> FileRefused:
    place = f"line {error.lineno}, column {error.offset + 1}"
    if error.code in _TRUNCATED:
        return FileRefused(place, "The file ends in the middle; fetch it from the bank again.", code="truncated")
    if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING]:
        return FileRefused(place, "The file names an encoding that cannot be read.", code="encoding")
    what = expat.ErrorString(error.code)
    return FileRefused(place, f"The file is not well-formed XML, or not in the encoding it names: {what}.", code="xml")
