"""`reseller bank parse`: it needs no database and no settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bank.reading import SAMPLES
from tests.cli.conftest import Run

FIELDS = [
    "account",
    "booking_date",
    "value_date",
    "amount",
    "currency",
    "payer_name",
    "payer_account",
    "reference_structured",
    "reference_text",
    "bank_reference",
    "status",
    "reversal",
    "batch",
    "position",
]


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


async def test_lines_as_json(run: Run) -> None:
    ended = await run("bank", "parse", str(SAMPLES / "camt053_v02.xml"), "--json")
    assert (ended.code, ended.err, len(ended.data)) == (0, "", 4)
    first = ended.data[0]
    assert list(first) == FIELDS
    assert first == {
        "account": "DE89370400440532013000",
        "booking_date": "2026-03-31",
        "value_date": "2026-04-01",
        "amount": "118.80",
        "currency": "EUR",
        "payer_name": "Müller & Söhne GmbH",
        "payer_account": "AT611904300234573201",
        "reference_structured": "RF18539007547034",
        "reference_text": None,
        "bank_reference": "2026033100001",
        "status": "booked",
        "reversal": False,
        "batch": None,
        "position": "line 17, statement 1, entry 1",
    }


async def test_statements_as_json(run: Run) -> None:
    ended = await run("bank", "statements", str(SAMPLES / "camt053_v02.xml"), "--json")
    assert (ended.code, ended.err, ended.data["format"], ended.data["refused"]) == (0, "", "camt", [])
    (statement,) = ended.data["statements"]
    assert statement["opening"] == {"amount": "1000.00", "currency": "EUR", "date": "2026-03-30", "intermediate": False}
    assert (statement["closing"]["amount"], statement["lines"], statement["difference"]) == ("1063.80", 4, "0.00")


async def test_lines_for_people(run: Run) -> None:
    ended = await run("bank", "parse", str(SAMPLES / "mt940_german.sta"))
    assert (ended.code, ended.err) == (0, "")
    assert "  2025-12-31 -50.00 EUR booked reversal: Kurz KG RUECKGABE AC04 KONTO AUF GELOEST\n" in ended.out


async def test_a_text_does_not_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "escape.sta"
    file.write_text(":20:X\n:25:1\n:60F:C260330EUR0,\n:61:260331C5,NTRFNONREF\n:86:a\x1b]0;b\x07c\n:62F:C260331EUR5,\n")
    assert (await run("bank", "parse", str(file))).out.endswith("booked: a ]0;b c\n")


async def test_a_csv_needs_its_mapping(run: Run) -> None:
    file, mapping = str(SAMPLES / "csv_german.csv"), SAMPLES / "csv_german.mapping.json"
    ended = await run("bank", "parse", file, "--mapping", str(mapping), "--json")
    assert [line["amount"] for line in ended.data] == ["1234.56", "-5.00", "7.00"]
    without = await run("bank", "parse", file, "--json")
    assert (without.code, without.data["error"]["code"], "a CSV needs a mapping" in without.err) == (1, "format", True)


async def test_the_mapping_to_begin_with_is_one(run: Run, tmp_path: Path) -> None:
    printed = await run("bank", "mapping")
    assert (await run("bank", "mapping", "--json")).data == printed.data
    mapping, file = tmp_path / "mapping.json", tmp_path / "file.csv"
    mapping.write_text(printed.out)
    file.write_text("Buchungstag;Valuta;Betrag;Auftraggeber;IBAN;Verwendungszweck;Kundenreferenz;Info\n31.3.2026;;1,5;A;;B;C;\n")
    ended = await run("bank", "parse", str(file), "--mapping", str(mapping), "--json")
    (line,) = ended.data
    assert (line["amount"], line["reference_text"], line["status"]) == ("1.50", "B\nC", "booked")


async def test_a_refused_file_names_the_line_and_prints_no_line_of_it(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "cut.xml"
    file.write_bytes((SAMPLES / "camt053_v02.xml").read_bytes()[:-300])
    ended = await run("bank", "parse", str(file), "--json")
    sentence = "The file ends in the middle; fetch it from the bank again."
    position = ended.data["error"]["position"]
    assert ended.data == {"error": {"code": "truncated", "sentence": f"{position}: {sentence}", "position": position}}
    assert (ended.code, ended.err) == (1, f"{position}: {sentence}\n")
    assert position.startswith("line 7")
    plain = await run("bank", "parse", str(file))
    assert (plain.code, plain.out, plain.err) == (1, "", ended.err)


async def test_case_55_a_refused_line_is_named_beside_the_others(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "some.xml"
    text = (SAMPLES / "camt053_v02.xml").read_text()
    file.write_text(text.replace(">50.00<", ">fifty<"))
    ended = await run("bank", "parse", str(file), "--json")
    assert (ended.code, len(ended.data)) == (1, 3)
    assert (await run("bank", "statements", str(file), "--json")).data["refused"] == [
        {"position": "line 38, statement 1, entry 2", "code": "amount", "sentence": "'fifty' is not an amount."}
    ]
    assert ended.err == "line 38, statement 1, entry 2: 'fifty' is not an amount.\n"
    # An entry of 0.00 is refused too, but nothing is wrong with the file.
    file.write_text(text.replace(">50.00<", ">0.00<"))
    zero = await run("bank", "parse", str(file), "--json")
    assert (zero.code, len(zero.data)) == (0, 3)
    assert (await run("bank", "statements", str(file), "--json")).data["refused"][0]["code"] == "zero_amount"


@pytest.mark.parametrize(("content", "named"), [("{", "is not JSON"), ("[]", "is not a JSON object"), ("{}", "The CSV mapping")])
async def test_a_mapping_that_cannot_be_read(run: Run, tmp_path: Path, content: str, named: str) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(content)
    ended = await run("bank", "parse", str(SAMPLES / "csv_us.csv"), "--mapping", str(mapping), "--json")
    assert (ended.code, ended.data["error"]["code"], ended.data["error"]["position"], named in ended.err) == (
        1,
        "mapping",
        None,
        True,
    )


async def test_a_file_that_is_not_there(run: Run) -> None:
    ended = await run("bank", "parse", "nothing.xml")
    assert (ended.code, ended.err) == (1, "nothing.xml: No such file or directory.\n")
