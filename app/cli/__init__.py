"""The `reseller` command: one module per subject, all mounted here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer
from sqlalchemy.exc import DBAPIError

from app import logs
from app.cli import (
    applications,
    bank,
    bank_import,
    cases,
    certificates,
    correspondence,
    mail,
    money,
    operations,
    orders,
    people,
    policy,
    price_files,
    refunds,
    reports,
    server,
    shop,
    statements,
    taxes,
)
from app.cli.failures import machine_sentence
from app.errors import ResellerError

cli = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The reseller program. Exit codes: 0 done; 1 refused or wrong, with a sentence on standard error; 2 wrong use of the "
    "command itself. Every command that prints takes --json.",
)
COMMANDS = (
    server, shop, applications, people, policy, price_files, taxes, certificates, orders, money, refunds, bank, bank_import,
    statements, reports, cases, mail, correspondence, operations,
)  # fmt: skip
for module in COMMANDS:
    module.mount(cli)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of the command: errors of the program and of the machine become a sentence on standard error and exit code 1."""
    logs.configure()
    try:
        cli(args=arguments)
    except ResellerError as error:
        _end(error.sentence)
    except (OSError, DBAPIError) as error:
        sentence = machine_sentence(error)
        if sentence is None:
            raise
        _end(sentence)


def _end(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)  # noqa: T201 - the one place that speaks to the operator
    sys.exit(1)


__all__ = ["cli", "main"]
