"""Files made to harm, cut off, or something else: an answer with a place, never a traceback, never a line lost."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import date
from io import BytesIO

import pytest

from app.bank import camt
from app.bank.camt_entry import MAX_DETAILS
from app.bank.csv_mapping import CsvMapping, read_mapping
from app.bank.formats import detect, read
from app.bank.lines import FileRefused
from tests.bank.reading import SAMPLES, parse
from tests.bank.test_camt import detail, entry, message
from tests.bank.writers import Movement, camt_pieces

FILES = sorted(path.name for path in SAMPLES.iterdir() if not path.name.endswith(".json"))
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))


def mapping_of(name: str) -> CsvMapping | None:
    path = SAMPLES / f"{name.removesuffix('.csv')}.mapping.json"
    return read_mapping(json.loads(path.read_text())) if path.exists() else None


class Endless(BytesIO):
    """A file that comes piece by piece and exists nowhere."""

    def __init__(self, pieces: Iterator[str]) -> None:
        super().__init__()
        self._pieces = pieces
        self._left = b""
        self.given = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        while len(self._left) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece.encode()
        given, self._left = self._left[:size], self._left[size:]
        self.given += len(given)
        return given


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"<!DOCTYPE Document [{LAUGHS}]>" + message(entry()).replace("R1", "&l9;"), "doctype"),
        ('<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/evil.dtd">' + message(entry()), "doctype"),
        ('<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + message(entry()).replace("R1", "&x;"), "doctype"),
        ("<!-- x -->\n<!DOCTYPE Document>" + message(entry()), "doctype"),
        (message(entry()).replace("R1", "&x;"), "xml"),
        (message(entry()).replace("<Sts>", "<Sts>" + "<a>" * 100), "depth"),
        ("<a>" * 100_000, "depth"),
        (message(entry()).replace("R1", "x" * 70_000), "size"),
        (message(entry()).replace("R1", "x" * 5_000_000), "size"),
        (message(entry(detail("<RmtInf><Ustrd>x</Ustrd></RmtInf>" * 50_000))), "size"),
        (message(entry(detail(f"<RmtInf><Ustrd>{'x' * 60_000}</Ustrd></RmtInf>" * 100))), "size"),
        (message(entry(detail(f'<RmtInf a="{"x" * 800_000}"/>' * 10))), "size"),
        (message(entry(), head="<Bal/>" * 2000), "size"),
        (f"<a b='{'x' * 3_000_000}'/>", "size"),
        (f"<!--{'x' * 3_000_000}-->" + message(entry()), "size"),
        (message(entry()) + message(entry()), "xml"),
        (message(entry()).replace("</Stmt>", "</Wrong>"), "xml"),
        ('<?xml version="1.0" encoding="klingon"?>' + message(entry()), "encoding"),
        ('<?xml version="1.0" encoding="utf-7"?>' + message(entry()), "encoding"),
        ('<?xml version="1.0" encoding="shift_jis"?>' + message(entry()), "encoding"),
        ('<?xml version="1.0"?>' + message(entry()).replace("R1", "\x01"), "xml"),
        (f'<?xml version="1.0"?><!DOCTYPE OFX [{LAUGHS}]><OFX></OFX>', "doctype"),
    ],
)
def test_case_64_hostile_xml(text: str, code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        parse(text)
    assert (refused.value.code, refused.value.sentence.startswith("line ")) == (code, True)


def test_case_64_an_endless_tag_is_not_read_to_its_end() -> None:
    source = Endless(iter(["<Document a='", *(["x" * 60_000] * 1000)]))
    with pytest.raises(FileRefused):
        list(camt.read(source))
    assert source.given < 2_000_000


def test_case_64_text_between_the_entries_is_let_go() -> None:
    text = message(entry())
    at = text.index("<Ntry>")
    tracemalloc.start()
    source = Endless(iter([text[:at], *(["x" * 60_000] * 500), text[at:]]))
    assert sum(1 for _ in camt.read(source)) == 3
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_case_64_a_batch_beyond_all_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_DETAILS == 100_000
    monkeypatch.setattr("app.bank.camt_entry.MAX_DETAILS", 5)
    with pytest.raises(FileRefused, match="more than 5 details"):
        parse(message(entry(detail(amount="1.00") * 6)))


def test_case_64_memory_does_not_grow_with_the_file() -> None:
    def peak(count: int) -> int:
        day = date(2026, 3, 31)
        source = Endless(camt_pieces(Movement(100 + n, day, day, f"Payer {n}", "text", f"R{n}") for n in range(count)))
        tracemalloc.start()
        read_lines = sum(1 for _ in camt.read(source))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert read_lines == count + 2
        return used

    small = peak(500)
    assert peak(2500) < small * 1.5


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_off_anywhere_is_never_a_shorter_file(name: str) -> None:
    data, mapping = (SAMPLES / name).read_bytes(), mapping_of(name)
    whole = parse(data, mapping)
    # Nothing in a CSV says how many rows there are: cut behind a row it is a file of its own.
    ends = {n + 1 for n, byte in enumerate(data) if byte == ord("\n")} if name.endswith(".csv") else set()
    shorter = named = 0
    for length in range(0, len(data), 5):
        try:
            parsed = parse(data[:length], mapping)
        except FileRefused as refused:
            named += refused.position.startswith("line ")
            shorter += 1
            continue
        if length in ends:
            continue
        unseen = parsed.lines == whole.lines or parsed.refused or parsed.ends[-1].last_page is False
        assert unseen, f"{len(parsed.lines)} of {len(whole.lines)} lines from {length} bytes"
    assert named == shorter > len(data) // 5 * 0.8


@pytest.mark.parametrize("name", FILES)
def test_bytes_changed_anywhere_never_bring_a_traceback(name: str) -> None:
    data, mapping = (SAMPLES / name).read_bytes(), mapping_of(name)
    places = []
    for place in range(0, len(data), 23):
        for wrong in (b"\0", b"\xff", b"<", b"9", b",", b"\n"):
            try:
                parse(data[:place] + wrong + data[place + 1 :], mapping)
            except FileRefused as refused:
                places.append(refused.position)
    assert places
    assert all(place.startswith("line ") for place in places)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith((".csv", ".xml", ".ofx"))])
def test_case_63_text_formats_in_every_encoding(name: str, codec: str) -> None:
    data = (SAMPLES / name).read_bytes()
    assert parse(data.decode("cp1252").encode(codec)).lines == parse(data).lines


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig", "iso-8859-1", "cp1252"])
def test_case_63_xml_in_the_encoding_it_names(codec: str) -> None:
    text = message(entry(detail("<RmtInf><Ustrd>Größe</Ustrd></RmtInf>")))
    named = "windows-1252" if codec == "cp1252" else codec.removesuffix("-sig")
    assert parse(f'<?xml version="1.0" encoding="{named}"?>{text}'.encode(codec)).only.reference_text == "Größe"


def test_case_63_a_zero_byte_in_a_text() -> None:
    data = (SAMPLES / "bai2.bai").read_bytes().replace(b"HUDSON", b"HUD\0ON")
    with pytest.raises(FileRefused, match="line 7: The file holds a zero byte"):
        parse(data)


def test_case_63_xml_in_another_encoding_than_it_names() -> None:
    text = message(entry(detail("<RmtInf><Ustrd>\nGröße</Ustrd></RmtInf>")))
    with pytest.raises(FileRefused) as refused:
        parse(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode("cp1252"))
    assert (refused.value.code, refused.value.position.partition(",")[0]) == ("xml", "line 3")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"PK\x03\x04rest", "format"),
        (b"\x1f\x8b\x08", "format"),
        (b"%PDF-1.7", "format"),
        (b"Date,Amount\n", "format"),
        (b"\x00\x07\x08\x09", "format"),
    ],
)
def test_what_is_no_bank_file(data: bytes, code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(BytesIO(data))
    assert (refused.value.code, refused.value.position) == (code, "line 1")


@pytest.mark.parametrize("name", FILES)
def test_the_format_is_told_by_content_alone(name: str) -> None:
    found = detect((SAMPLES / name).read_bytes())
    assert (found or "csv") == {"xml": "camt", "sta": "mt940", "940": "mt940", "bai": "bai2", "qfx": "ofx"}.get(
        name.rpartition(".")[2], name.rpartition(".")[2]
    )
