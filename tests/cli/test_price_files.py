"""Price lists as files, versions and planned changes, typed as staff type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.pricing.rules import Scope
from app.sandbox.seed import RESELLER
from tests.cli.conftest import Run
from tests.journeys.harness import Journey
from tests.pricing.strategies import id_of

V1, P1 = f"variant,{id_of(Scope.VARIANT, 1)}", f"product,{id_of(Scope.PRODUCT, 1)}"
HEADER = "scope,target,label,rate,fixed,currency,minimum_quantity,valid_from,valid_to\n"


def a_file(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "gold.csv"
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
    return str(path)


def text_of(path: str) -> str:
    return Path(path).read_bytes().decode("utf-8-sig")


def mails_to_reseller(at: Journey, word: bytes) -> int:
    mails = [path.read_bytes() for path in Path(at.settings.mail_directory).glob("*/*.eml")]
    return sum(word in mail and RESELLER.encode() in mail for mail in mails)


async def test_a_list_is_imported_shown_and_exported_again(at: Journey, run: Run, tmp_path: Path) -> None:
    file = a_file(tmp_path, "list,,,7.5,,,,,", f"{V1},=SUM(A1),5,,,,,", f"{P1},Grid,,91.50,USD,10,2026-04-01,")
    unknown = await run("prices", "import", file, "--list", "gold")
    assert (unknown.code, unknown.err) == (1, "There is no price list 'gold'; there are: default. --create makes it, at once.\n")
    dry = await run("prices", "import", file, "--list", "gold", "--create", "--dry-run", "--json")
    assert (dry.data["added"], dry.data["rate"], dry.data["entries"][0]["new"]) == (2, ["10 %", "7.5 %"], "91.50 USD (Grid)")
    assert (await run("prices", "list", "--list", "gold")).code == 1, "a dry run makes nothing"
    done = await run("prices", "import", file, "--list", "gold", "--create", "--by", "anna", "--why", "spring", "--json")
    assert (done.code, done.data["version"], done.data["added"], done.data["rate"]) == (0, 2, 2, "7.5")

    exported = str(tmp_path / "out.csv")
    assert (await run("prices", "export", exported, "--list", "gold")).code == 0
    assert "'=SUM(A1)" in text_of(exported)
    again = await run("prices", "import", exported, "--list", "gold", "--dry-run", "--json")
    assert (again.data["entries"], again.data["rate"], again.data["unchanged"]) == ([], None, 2)
    assert (await run("prices", "export", "--list", "gold")).out == text_of(exported)

    less = a_file(tmp_path, f"{V1},=SUM(A1),6,,,,,")
    shown = (await run("prices", "import", less, "--list", "gold", "--dry-run", "--json")).data["entries"]
    assert [(row["kind"], row["old"], row["new"]) for row in shown] == [
        ("removed", "91.50 USD (Grid)", None),
        ("changed", "5 % (=SUM(A1))", "6 % (=SUM(A1))"),
    ]
    assert (await run("prices", "import", less, "--list", "gold", "--by", "berta")).code == 0
    history = (await run("prices", "history", "--list", "gold", "--json")).data
    assert [(row["version"], row["by"], row["why"]) for row in history] == [(3, "berta", ""), (2, "anna", "spring")]
    second = (await run("prices", "history", "--list", "gold", "--version", "2", "--json")).data
    assert (second["rate"], len(second["entries"])) == (["10 %", "7.5 %"], 2)
    assert (await run("prices", "export", "--list", "gold", "--version", "2")).out.count("\n") == 4
    assert (await run("prices", "export", "--list", "gold", "--version", "9")).code == 1


@pytest.mark.parametrize(
    ("lines", "options", "says"),
    [
        ([f"{V1},,1O,,,,,"], [], "line 2: rate '1O' is not a number like 7.5."),
        ([f"{V1},,15,,,,,"], [], "line 2: rate: 15 % is above the cap of 10 %. Give an exception of at least 15 %"),
        ([f"{V1},,15,,,,,"], ["--exception-reason", "launch"], "--exception-reason and --exception-expires go together"),
        (
            [f"{V1},,,9,USD,,,"],
            ["--exception-reason", "a", "--exception-expires", "2126-01-01"],
            "nothing here has a rate that needs an exception",
        ),
        ([f"{V1},,5,,,,,"], ["--short-notice"], "--short-notice goes with --on"),
        ([f"{V1},,5,,,,,"], ["--on", "2126-01-01"], "why: a planned change needs a reason"),
    ],
)
async def test_a_file_that_is_refused_changes_nothing(
    at: Journey, run: Run, tmp_path: Path, lines: list[str], options: list[str], says: str
) -> None:
    ended = await run("prices", "import", a_file(tmp_path, *lines), *options)
    assert (ended.code, ended.out) == (1, "")
    assert says in ended.err
    assert (await run("prices", "list", "--json")).data["entries"] == []


async def test_files_that_are_not_there_or_no_text(at: Journey, run: Run, tmp_path: Path) -> None:
    missing = await run("prices", "import", str(tmp_path / "none.csv"))
    assert (missing.code, "No such file" in missing.err) == (1, True)
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + f"{V1},Grün,5,,,,,\n".encode("cp1252"))
    latin = await run("prices", "import", str(tmp_path / "latin.csv"))
    assert (latin.code, f"line 2: byte {len(V1) + 4} is not UTF-8" in latin.err) == (1, True)


async def test_variants_are_found_by_their_sku(at: Journey, run: Run, tmp_path: Path) -> None:
    wrong = await run("prices", "import", a_file(tmp_path, "variant,,GRID-DEV,5,,,,,", "variant,,GIRD-DEV,5,,,,,"))
    assert wrong.err.splitlines()[1:] == ["line 3: target: the store has no variant with the SKU 'GIRD-DEV'."]
    assert (await run("prices", "list", "--json")).data["entries"] == []
    assert (await run("prices", "import", a_file(tmp_path, "variant,,GRID-DEV,5,,,,,"))).code == 0
    assert (await run("prices", "preview", RESELLER, "GRID-DEV", "--json")).data[0]["partner_price"] == "95.00 USD"


async def test_exceptions_from_the_cap_are_given_and_ended(at: Journey, run: Run, tmp_path: Path) -> None:
    expires = str(datetime.now(UTC).date() + timedelta(90))
    file = a_file(tmp_path, f"{V1},,15,,,,,")
    done = await run("prices", "import", file, "--exception-reason", "launch", "--exception-expires", expires, "--by", "anna")
    assert done.code == 0, done.err
    shown = (await run("prices", "list", "--json")).data
    assert shown["exception"] == f"up to 15 % through {expires} by anna: launch"
    assert (await run("prices", "except", "--rate", "20", "--reason", "more", "--expires", expires, "--by", "anna")).code == 0
    assert (await run("prices", "set", "--rate", "18")).code == 0
    assert (await run("prices", "except", "--lift")).code == 0
    assert "exception" not in (await run("prices", "list", "--json")).data
    refused = await run("prices", "set", "--rate", "19")
    assert (refused.code, "above the cap" in refused.err) == (1, True)
    for wrong in (["--lift", "--rate", "20"], [], ["--rate", "20", "--reason", "x"], ["--rate", "2O", "--expires", expires]):
        assert (await run("prices", "except", *wrong)).code == 1
    assert (await run("prices", "except", "--lift", "--list", "glod")).code == 1


async def test_a_list_is_assigned(at: Journey, run: Run) -> None:
    assert (await run("prices", "assign", RESELLER, "--list", "gold")).code == 1
    assert (await run("prices", "set", "--rate", "7", "--list", "gold")).code == 0
    first = (await run("prices", "assign", RESELLER, "--list", "gold", "--why", "volume", "--json")).data
    again = (await run("prices", "assign", RESELLER, "--list", "gold", "--json")).data
    assert (first["list"], first["new"], again["new"]) == ("gold", True, False)
    assert (await run("prices", "preview", RESELLER, "GRID-DEV", "--json")).data[0]["partner_price"] == "93.00 USD"
    assert (await run("prices", "assign", RESELLER, "--json")).data["list"] == "default"
    assert (await run("prices", "preview", RESELLER, "GRID-DEV", "--json")).data[0]["partner_price"] == "90.00 USD"


async def test_a_change_is_planned_announced_previewed_and_canceled(at: Journey, run: Run, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    soon, later = str(today + timedelta(5)), str(today + timedelta(30))
    refused = await run("prices", "set", "--rate", "8", "--on", soon, "--why", "costs")
    assert (refused.code, "first day possible" in refused.err) == (1, True)
    dry = await run("prices", "import", a_file(tmp_path, f"{V1},,6,,,,,"), "--on", later, "--dry-run", "--json")
    assert (dry.data["added"], dry.data["dry_run"]) == (1, True)
    made = await run("prices", "set", "--rate", "8", "--on", later, "--why", "costs", "--json")
    assert (made.code, made.data["rate"], made.data["announced_on"]) == (0, ["10 %", "8 %"], str(today))
    await at.idle(60)
    assert mails_to_reseller(at, b"price") == 1

    preview = (await run("prices", "preview", RESELLER, "GRID-DEV", "--on", later, "--json")).data[0]
    assert (preview["partner_price"], preview["retail"]) == ("92.00 USD", "100.00 USD")
    assert (await run("prices", "preview", RESELLER, "GRID-DEV", "--json")).data[0]["partner_price"] == "90.00 USD"
    (row,) = (await run("prices", "planned", "--json")).data
    assert (row["list"], row["state"], row["announced_at"] is not None) == ("default", "planned", True)
    assert (await run("prices", "planned", row["id"], "--json")).data["rate"] == ["10 %", "8 %"]
    canceled = await run("prices", "cancel", row["id"], "--reason", "a mistake", "--by", "berta", "--json")
    assert (canceled.code, canceled.data["state"]) == (0, "canceled")
    await at.idle(60)
    assert mails_to_reseller(at, b"canceled") == 1
    assert (await run("prices", "cancel", row["id"], "--reason", "again")).code == 1
    assert (await run("prices", "planned", "--list", "gold", "--json")).data == []


async def test_an_entry_is_removed_on_a_day(at: Journey, run: Run) -> None:
    assert (await run("prices", "set", "--sku", "GRID-DEV", "--rate", "5")).code == 0
    (entry,) = (await run("prices", "list", "--json")).data["entries"]
    on = str(datetime.now(UTC).date() + timedelta(40))
    made = await run("prices", "remove", entry["id"], "--on", on, "--why", "ends", "--json")
    assert (made.code, made.data["removed"], made.data["entries"][0]["old"]) == (0, 1, "5 % (GRID-DEV)")
    assert len((await run("prices", "list", "--json")).data["entries"]) == 1
