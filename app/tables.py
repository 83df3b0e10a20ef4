"""Every mapped table of the program, so that the schema is complete wherever this is imported."""

from app.bank import tables as bank
from app.cases import tables as cases
from app.db import tenants, workers
from app.documents import tables as documents
from app.files import tables as files
from app.ledger import tables as ledger
from app.licenses import tables as licenses
from app.mail import tables as mail
from app.orders import tables as orders
from app.pricing import tables as pricing
from app.reports import tables as reports
from app.resellers import tables as resellers
from app.statements import tables as statements
from app.tax import tables as tax

__all__ = [
    "bank",
    "cases",
    "documents",
    "files",
    "ledger",
    "licenses",
    "mail",
    "orders",
    "pricing",
    "reports",
    "resellers",
    "statements",
    "tax",
    "tenants",
    "workers",
]
