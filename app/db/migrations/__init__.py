"""Alembic's scripts. Written by `reseller schema --new MESSAGE`, run by `reseller migrate`."""
