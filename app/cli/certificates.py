"""Exemption certificates: entering, reading and deciding about them, and whether a reseller will be taxed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select

from app.cli.common import By, Json, ShopUrl, a_date, run_in_shop, show, who, write_new
from app.errors import InvalidInput
from app.files.service import Upload, content
from app.files.service import get as stored_file
from app.orders import certificates as use_cases
from app.orders.services import Services
from app.reasons import sentence
from app.resellers.service import find
from app.resellers.tables import Reseller
from app.saleor.shops import Shop
from app.tax.answer import will_be_taxed
from app.tax.certificates import get_certificate, list_certificates
from app.tax.rules import CertificateState
from app.tax.tables import CertificateRow

certificates = typer.Typer(no_args_is_help=True, help="Exemption certificates.")

Which = Annotated[str, typer.Argument(help="The certificate's id, as `certificates list` prints it.")]
Told = Annotated[str, typer.Option("--reason", help="What the reseller is told; it is mailed.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(certificates, name="certificates")


@certificates.command()
def add(
    email: Annotated[str, typer.Argument(help="E-mail of the reseller.")],
    number: Annotated[str, typer.Option(help="The certificate's number.")],
    states: Annotated[str, typer.Option("--state", "--states", help="US states it is for, separated by commas, like TX,OK.")],
    valid_from: Annotated[str, typer.Option(help="First valid day.")],
    valid_to: Annotated[str, typer.Option(help="Last valid day; without one it is open-ended.")] = "",
    signed_on: Annotated[str, typer.Option(help="Day it was signed; the first valid day by default.")] = "",
    form: Annotated[str, typer.Option(help="The form, like 01-339.")] = "",
    file: Annotated[Path | None, typer.Option(help="Its document: PDF, JPEG or PNG.")] = None,
    replaces: Annotated[str, typer.Option(help="Id of the certificate that it renews.")] = "",
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve at once; otherwise it is pending and has no effect.")
    ] = False,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Enter a reseller's certificate."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        first = a_date(valid_from, "--valid-from")
        given = use_cases.HandedIn(
            number=number,
            states=tuple(state for state in states.split(",") if state.strip()),
            signed_on=a_date(signed_on, "--signed-on") if signed_on else first,
            valid_from=first,
            valid_to=a_date(valid_to, "--valid-to") if valid_to else None,
            form=form,
            replaces=replaces,
        )
        document = _document(file, services.settings.max_upload_bytes) if file is not None else None
        async with services.database.tenant_reading(shop.tenant_id) as session:
            reseller_id = (await find(session, email)).id
        row = await use_cases.hand_in(services, shop, reseller_id, given, document, by=who(by))
        return _shown(await _decided(services, shop, row.id, CertificateState.APPROVED, by) if approve else row)

    show(run_in_shop(shop, work), as_json=as_json)


@certificates.command("list")
def list_(
    email: Annotated[str, typer.Argument(help="E-mail of a reseller; all by default.")] = "",
    state: Annotated[CertificateState | None, typer.Option(help="Only those in this state.")] = None,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Certificates with their states and dates."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            reseller_id = (await find(session, email)).id if email else None
            found = await list_certificates(session, reseller_id)
            return [_shown(row) for row in found if state is None or row.state == state]

    show(run_in_shop(shop, work), as_json=as_json)


@certificates.command("show")
def show_one(
    certificate: Which,
    save: Annotated[Path | None, typer.Option(help="Write its document to this file.")] = None,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """One certificate with all that is known of it."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            row = await get_certificate(session, certificate)
            reseller = (await session.scalars(select(Reseller).where(Reseller.id == row.reseller_id))).one()
            file = await stored_file(session, row.file_id) if row.file_id else None
        if save is not None:
            if file is None:
                raise InvalidInput("--save: it was entered from paper; it has no document here.", code="no_file")
            write_new(save, await content(services.files, file), "--save")
        return {
            **_shown(row),
            "reseller": reseller.email,
            "look_at": [sentence(reason) for reason in use_cases.findings(row, reseller)],
            "form": row.form,
            "signed_on": row.signed_on,
            "replaces": row.replaces_id,
            "entered_at": row.created_at,
            "entered_by": row.created_by,
            "decided_at": row.decided_at,
            "reason": row.reason,
            "review_on": row.review_on,
            "document": {"name": file.name, "type": file.media_type, "bytes": file.size, "sha256": file.sha256} if file else None,
        }

    show(run_in_shop(shop, work), as_json=as_json)


@certificates.command()
def approve(certificate: Which, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Approve a certificate: orders of its days in its states are not taxed from now on."""
    _decide(certificate, CertificateState.APPROVED, by, "", shop, as_json)


@certificates.command()
def reject(certificate: Which, reason: Told, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Reject a certificate; the reason is mailed."""
    _decide(certificate, CertificateState.REJECTED, by, reason, shop, as_json)


@certificates.command()
def revoke(certificate: Which, reason: Told, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Revoke a certificate that was approved; orders placed before keep their evidence and are flagged."""
    _decide(certificate, CertificateState.REVOKED, by, reason, shop, as_json)


@certificates.command()
def taxed(
    email: Annotated[str, typer.Argument(help="E-mail of the reseller.")],
    date: Annotated[str, typer.Option(help="Day of the order; today by default.")] = "",
    state: Annotated[str, typer.Option(help="Another US state than that of the approved business address.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Say whether a reseller's orders are taxed on a day, and why."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        day = a_date(date, "--date") if date else None
        async with services.database.tenant_reading(shop.tenant_id) as session:
            reseller = await find(session, email)
            today = use_cases.vendor_day(services, shop)
            answer = await will_be_taxed(session, reseller, at=services.clock(), day=day, state=state, today=today)
        return {
            "state": answer.us_state,
            "day": answer.day,
            "taxed": answer.taxed,
            "rate": f"{answer.decision.rate} %",
            "certificate": answer.decision.certificate_id,
            "because": [sentence(reason) for reason in answer.reasons],
        }

    show(run_in_shop(shop, work), as_json=as_json)


def _decide(certificate: str, state: CertificateState, by: str, reason: str, shop: str, as_json: bool) -> None:
    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        return _shown(await _decided(services, shop, certificate, state, by, reason))

    show(run_in_shop(shop, work), as_json=as_json)


async def _decided(
    services: Services, shop: Shop, certificate_id: str, state: CertificateState, by: str, reason: str = ""
) -> CertificateRow:
    async with services.database.tenant(shop.tenant_id) as session:
        return await use_cases.decide(session, services, shop, certificate_id, state, by=who(by), reason=reason)


def _document(file: Path, limit: int) -> Upload:
    """The file of an option. One that is too large is not read further than to know it."""
    try:
        with file.open("rb") as source:
            return Upload(source.read(limit + 1), file.name)
    except OSError as error:
        raise InvalidInput(f"--file: {file} cannot be read: {error.strerror}.", code="file") from error


def _shown(row: CertificateRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "states": ", ".join(row.states),
        "state": row.state,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "decided_by": row.decided_by,
    }
