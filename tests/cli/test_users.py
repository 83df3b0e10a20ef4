"""Users of a reseller, typed as staff type them."""

from __future__ import annotations

from app.sandbox.seed import BUYER, RESELLER
from tests.cli.conftest import Run
from tests.journeys.harness import Journey

USERS = ("resellers", "users")


async def test_users_are_listed_invited_and_changed(at: Journey, run: Run) -> None:
    listed = (await run(*USERS, "list", RESELLER, "--json")).data
    assert (listed["users"], listed["invitations"]) == ([{"email": RESELLER, "role": "owner"}], [])
    invited = await run(*USERS, "invite", RESELLER, BUYER, "Accounts", "--by", "anna", "--json")
    assert (invited.code, invited.data["invited"], invited.data["role"]) == (0, BUYER, "accounts")
    (waiting,) = (await run(*USERS, "list", RESELLER, "--json")).data["invitations"]
    assert (waiting["email"], waiting["invited_by"], waiting["expired"]) == (BUYER, "anna", False)
    assert (await run(*USERS, "remove", RESELLER, BUYER, "--json")).data == {"withdrawn": BUYER}
    for arguments, word in (
        (("invite", RESELLER, BUYER, "boss"), "not one of owner, buyer, accounts, viewer"),
        (("role", RESELLER, RESELLER, "buyer"), "last owner"),
        (("remove", RESELLER, RESELLER), "last owner"),
        (("remove", RESELLER, BUYER), "is no user of"),
        (("list", "nobody@nowhere.example"), "no reseller with the e-mail"),
    ):
        refused = await run(*USERS, *arguments)
        assert (refused.code, word in refused.err) == (1, True), refused.err
    assert (await run(*USERS, "role", RESELLER, RESELLER, "owner", "--json")).data == {"email": RESELLER, "role": "owner"}
