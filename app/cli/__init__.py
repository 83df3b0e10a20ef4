"""The `reseller` command: one module per subject, all mounted here."""

from __future__ import annotations

import sys

import typer

from app.cli import applications, orders, people, policy, prices, server, shop, taxes
from app.errors import ResellerError

cli = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The reseller program. Exit codes: 0 done; 1 refused or wrong, with a sentence on standard error; 2 wrong use of the "
    "command itself. Every command that prints takes --json.",
)
for module in (server, shop, applications, people, policy, prices, taxes, orders):
    module.mount(cli)


def main() -> None:
    """Entry of the command: errors of the program become a sentence on standard error and exit code 1."""
    try:
        cli()
    except ResellerError as error:
        print(error.sentence, file=sys.stderr)  # noqa: T201 - the one place that speaks to the operator
        sys.exit(1)


__all__ = ["cli", "main"]
