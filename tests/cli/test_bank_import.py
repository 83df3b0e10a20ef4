"""A bank file typed into the books, and the review desk, through to the license."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from app.sandbox.seed import RESELLER
from tests.cli.conftest import Run
from tests.journeys.harness import Journey

ACCOUNT = "000123456789"
MAPPING = {
    "columns": {
        "booking_date": "date",
        "amount": "amount",
        "payer_name": "payer",
        "reference_text": "text",
        "bank_reference": "ref",
    },
    "decimal": ".",
    "date_order": "YMD",
    "currency": "USD",
}
HEAD = "date,amount,payer,text,ref\n"


async def test_a_dropped_file_pays_an_order_and_staff_decide_about_the_rest(at: Journey, run: Run, tmp_path: Path) -> None:
    numbers, shown = [], []
    for _ in range(2):
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)])
        await at.idle()
        numbers.append(order.number)
        shown.append((await run("orders", "show", order.number, "--json")).data)
    first, second = (view["reference"] for view in shown)
    total = str(shown[0]["open"]).split()[0]
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(MAPPING))
    added = await run("bank", "account", ACCOUNT, "--mapping", str(mapping), "--json")
    assert (added.code, added.data["csv"]) == (0, True), added.err
    drop = tmp_path / "drop"
    drop.mkdir()
    file = drop / "march.csv"
    text = (
        HEAD
        + f"2026-03-02,{total},Lone Star Software,{first},B1\n"
        + f"2026-03-02,{total}5,Lone Star Software,{second},B2\n".replace(f"{total}5", str(float(total) + 5))
        + "2026-03-02,7.00,Nobody,hello,B3\n"
    )
    dropped(file, text)

    tried = await run("bank", "import", str(file), "--dry-run", "--json")
    assert tried.code == 0, tried.err
    assert tried.data["lines"] == {"booked": 1, "proposal": 1, "unmatched": 1}
    assert (await run("bank", "imports", "--json")).data == []

    watched = await run("bank", "watch", str(drop), "--once", "--by", "ada", "--json")
    assert (watched.code, watched.data["lines"]) == (0, tried.data["lines"]), watched.err
    assert [path.name for path in drop.iterdir()] == ["done"]
    await at.idle()
    assert (await run("orders", "show", numbers[0], "--json")).data["state"] == "released"

    proposal, unmatched = (await run("bank", "proposals", "--json")).data
    assert (proposal["pays"][0]["number"], unmatched["outcome"]) == (numbers[1], "unmatched")
    accepted = await run("bank", "accept", proposal["id"], "--by", "anna", "--json")
    assert (accepted.code, accepted.data["outcome"]) == (0, "booked"), accepted.err
    await at.idle()
    assert (await run("orders", "show", numbers[1], "--json")).data["state"] == "released"
    rejected = await run("bank", "reject", unmatched["id"], "--reason", "a donation", "--json")
    assert (rejected.code, rejected.data["outcome"]) == (0, "ignored")
    assert (await run("bank", "proposals", "--json")).data == []
    beyond = await run("bank", "allocate", unmatched["id"], f"{numbers[0]}=1.00")
    assert (beyond.code, "are open" in beyond.err) == (1, True)
    bad = await run("bank", "allocate", unmatched["id"], "1.00")
    assert (bad.code, "like 1043=118.80" in bad.err) == (1, True)

    payers = (await run("bank", "payers", "--json")).data
    assert [(row["proposed_by"], row["counts"]) for row in payers] == [("anna", False)]
    alone = await run("bank", "payers", "--confirm", payers[0]["id"], "--by", "anna")
    assert (alone.code, "second person" in alone.err) == (1, True)
    assert (await run("bank", "payers", "--confirm", payers[0]["id"], "--by", "bob", "--json")).data[0]["counts"]
    assert not (await run("bank", "payers", "--off", payers[0]["id"], "--json")).data[0]["counts"]
    kept = await run("bank", "tolerance", RESELLER, "--wire", "5.00", "--year", "50.00", "--currency", "USD", "--json")
    assert (kept.code, kept.data["wire"]) == (0, "5.00 USD")

    (read,) = (await run("bank", "imports", "--json")).data
    undone = await run("bank", "undo", read["id"], "--file", "--by", "anna", "--json")
    assert (undone.code, undone.data["state"]) == (0, "undone"), undone.err
    tasks = (await run("orders", "tasks", "--json")).data
    assert {task["order"] for task in tasks if task["key"].startswith("returned:")} == set(numbers)
    await at.idle()


def dropped(file: Path, text: str, *, age: float = 60) -> Path:
    """A file that nobody wrote to for some seconds."""
    file.write_text(text)
    at = time.time() - age
    os.utime(file, (at, at))
    return file


HOSTILE = {
    "dtd.xml": ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>', "line 1: The file declares"),
    "html.xml": ("<html>\n</html>", "line 1: The message holds no statement"),
    "zip.xml": ("PK\x03\x04", "line 1: The file is a ZIP archive"),
    "cut.sta": (":20:A\n:25:1\n:60F:C260301USD0,\n", "line 3: The message ends without"),
    "other.sta": (":20:A\n:25:999\n:60F:C260301USD0,\n:62F:C260301USD0,\n-\n", "account 999, none of this shop"),
    "total.bai": ("01,A,B,260301,,1,,,2/\n99,5,0,2/\n", "line 2: The file's sum of amounts"),
    "date.csv": (HEAD + "03/04/26,1.00,x,y,z\n", "line 2"),
    "row.csv": (HEAD + "2026-03-04,1.00\n", "line 2, row 1: The row has 2 cells"),
    "quote.csv": (HEAD + '2026-03-04,1.00,"x,y,z\n', "line 2: The file ends inside a quoted cell"),
}


async def test_a_file_that_is_refused_is_moved_aside_with_the_reason(at: Journey, run: Run, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(MAPPING | {"date_order": None}))
    assert (await run("bank", "account", ACCOUNT, "--mapping", str(mapping))).code == 0
    drop = tmp_path / "drop"
    drop.mkdir()
    for name, (text, _) in HOSTILE.items():
        refused = await run("bank", "import", str(dropped(drop / name, text, age=3600)))
        assert (refused.code, refused.out) == (1, ""), name
    watched = await run("bank", "watch", str(drop), "--once", "--json")
    assert watched.code == 0, watched.err
    told = {row["file"]: row["refused"] for row in map(json.loads, watched.out.splitlines())}
    assert sorted(told) == sorted(HOSTILE)
    for name, (_, sentence) in HOSTILE.items():
        assert sentence in told[name]
        (reason,) = (drop / "refused").glob(f"*-{name}.txt")
        assert reason.read_text().strip() == told[name]
        assert reason.with_name(reason.name.removesuffix(".txt")).exists()
    assert [path.name for path in drop.iterdir()] == ["refused"]
    assert (await run("bank", "imports", "--json")).data == []
    missing = await run("bank", "watch", str(tmp_path / "nowhere"))
    assert (missing.code, "is no folder" in missing.err) == (1, True)
    unknown = await run("bank", "import", str(mapping), "--account", "999")
    assert (unknown.code, "bank account 999" in unknown.err) == (1, True)
