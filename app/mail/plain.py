"""The words of a mail as plain text, from its own MJML or from the HTML of a mail that came in. Pure.

Nothing of hostile HTML survives but its words and where its links lead: no markup, no script, no control characters.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from app.mail.lines import printable

MAX_HTML = 200_000
"""Characters that are read of a mail's HTML; nobody reads more, and the parser's time grows with them."""
LABEL = 20
"""Characters of the column of labels."""
BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre", "section", "table",
    "tbody", "tfoot", "thead", "tr", "ul", "mj-body", "mj-button", "mj-column", "mj-image", "mj-section", "mj-table",
    "mj-text", "mj-wrapper", "mj-group", "mj-hero", "mjml",
))  # fmt: skip
APART = frozenset((
    "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "table", "ul", "mj-button", "mj-section", "mj-table",
    "mj-text",
))  # fmt: skip
"""Blocks with an empty line before and after them."""
SILENT = frozenset((
    "applet", "audio", "canvas", "embed", "head", "mj-head", "iframe", "math", "noscript", "object", "script", "style",
    "svg", "template", "title",
))  # fmt: skip
ONLY_HTML, SIGNATURE = "only-html", "signature"
"""Classes of our own MJML: not in the text at all, and the part behind `-- `."""
_MARKED = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<[!?][^>]*(?:>|\Z)", re.DOTALL)
_NO_TAG = re.compile(r"<(?!/?[a-zA-Z][^<>]{0,2000}>)")


def plain_text(markup: str) -> str:
    """The text of MJML or HTML, paragraph by paragraph, lists with their marks, quotes behind `>`, table rows in lines."""
    reader = _Reader()
    # The parser looks for the end of a tag or comment again and again where there is none; it gets whole tags only.
    reader.feed(_NO_TAG.sub("&lt;", _MARKED.sub("", markup[:MAX_HTML])))
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line = ""
        self._gap = False
        self._silent: list[str] = []
        self._lists: list[int | None] = []
        self._quotes = 0
        self._row: list[tuple[str, bool]] | None = None
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if self._silent:
            if tag == self._silent[0]:
                self._silent.append(tag)
            return
        classes = (given.get("css-class") or "").split()
        if tag in SILENT or ONLY_HTML in classes:
            self._silent.append(tag)
            return
        if tag == "br":
            self._end_line()
        elif tag in ("td", "th"):
            self._end_line()
            if self._row is not None:
                self._row.append(("", tag == "th" and given.get("scope") == "row"))
        elif tag in BLOCKS:
            self._begin(tag)
            if SIGNATURE in classes:
                self._open_gap()
                self._lines.append("-- ")
        if tag == "img" and given.get("alt"):
            self.handle_data(f" {given['alt']} ")
        if tag in ("a", "mj-button"):
            self._links.append(((given.get("href") or "").strip(), len(self._line)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in SILENT:
            self.handle_starttag(tag, attrs)
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[0]:
                self._silent.pop()
            return
        if tag in ("a", "mj-button") and self._links:
            self._end_link()
        if tag in ("td", "th"):
            self._end_line()
        elif tag in BLOCKS:
            self._end(tag)

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        words = " ".join(data.split())
        if data[:1].isspace() and self._line and not self._line.endswith(" "):
            words = f" {words}"
        if words.strip():
            self._line += words if self._line else words.lstrip()
            if data[-1:].isspace():
                self._line += " "
        elif words and self._line:
            self._line += words

    def text(self) -> str:
        """What was read."""
        self._end_row()
        self._end_line()
        return "\n".join(self._lines).strip("\n") + "\n"

    def _begin(self, tag: str) -> None:
        # A block within a cell: the table only lays the page out, and its cells are text like any.
        self._end_row()
        self._end_line()
        self._gap |= tag in APART and not self._lists
        if tag == "blockquote":
            self._open_gap()
            self._quotes += 1
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            mark = "- "
            if self._lists and (count := self._lists[-1]) is not None:
                self._lists[-1] = count + 1
                mark = f"{count + 1}. "
            self._line = "  " * (min(len(self._lists), 9) - 1) + mark
        elif tag == "tr":
            self._row = []

    def _end(self, tag: str) -> None:
        self._end_row()
        self._end_line()
        if tag == "blockquote":
            self._quotes = max(0, self._quotes - 1)
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        self._gap |= tag in APART and not self._lists

    def _end_row(self) -> None:
        if self._row is None:
            return
        self._end_cell()
        cells, self._row = self._row, None
        if len(cells) == 2 and cells[0][1]:
            self._line = f"{(cells[0][0] + ':').ljust(LABEL)} {cells[1][0]}"
        else:
            self._line = " | ".join(words for words, _ in cells if words)

    def _end_cell(self) -> None:
        if self._row:
            words, heading = self._row[-1]
            self._row[-1] = (" ".join(f"{words} {printable(self._line)}".split()), heading)
            self._line = ""

    def _end_link(self) -> None:
        address, start = self._links.pop()
        words = self._line[min(start, len(self._line)) :].strip()
        if address.startswith(("http://", "https://", "mailto:")) and address.removeprefix("mailto:") != words:
            self._line = f"{self._line.rstrip()}{':' if words else ''} {address} " if words else f"{self._line}{address} "

    def _end_line(self) -> None:
        if self._row is not None:
            self._end_cell()
            return
        line = printable(self._line)
        self._line = ""
        if line:
            self._open_gap()
            self._lines.append("> " * min(self._quotes, 9) + line)

    def _open_gap(self) -> None:
        if self._gap and self._lines and self._lines[-1]:
            self._lines.append("")
        self._gap = False
