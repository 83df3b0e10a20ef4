"""Every mapped table of the program, so that the schema is complete wherever this is imported."""

from app.db import tenants
from app.ledger import tables as ledger

__all__ = ["ledger", "tenants"]
