"""Users of a reseller, typed as staff type them."""

from __future__ import annotations

from app.orders.obligations import set_listings
from app.reasons import because
from app.resellers.service import find
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


async def test_what_a_reseller_owes_beside_money_is_shown(at: Journey, run: Run) -> None:
    shown = (await run("resellers", "obligations", RESELLER, "--json")).data
    assert (shown["listings"], shown["mailbox_reachable"], shown["price_changes"]) == ([], True, [])
    async with at.services.database.tenant(at.tenant_id) as session:
        reseller = await find(session, RESELLER)
        (row,) = await set_listings(session, at.services, reseller, ["https://partner.example/"], by="anna")
        row.problem = because("page_status", url=row.url, status=404).as_dict()
    (listing,) = (await run("resellers", "obligations", RESELLER, "--json")).data["listings"]
    assert (listing["url"], listing["problem"]) == (
        "https://partner.example/",
        "https://partner.example/ answers with status 404.",
    )
