"""The ``ich`` program: finds the commands, runs one, turns errors into exit codes."""

from __future__ import annotations

import ast
import functools
import importlib
import io
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import ich_cli
from ich_cli import commands
from ich_cli.errors import ExitCode, IchError
from ich_cli.notice import NOTICE


def command_names() -> tuple[str, ...]:
    """The commands there are: the modules of :mod:`ich_cli.commands`."""
    found = (module.name for module in pkgutil.iter_modules(commands.__path__))
    return tuple(sorted(name.rstrip("_") for name in found if not name.startswith("_")))


def build_app(only: str | None = None) -> typer.Typer:
    """The Typer program.

    Args:
        only: Import this command and no other. Without it all commands are listed, and none
            is imported.
    """
    app = typer.Typer(
        # Drawing the plain list with rich would double the time it takes to appear.
        rich_markup_mode="rich" if only else None,
        help="Screen head CT for intracranial haemorrhage. " + NOTICE,
        epilog="Exit codes: 0 all analysed, 1 stopped, 2 usage, 3 some could not be analysed, "
        "4 no head CT found, 5 output folder locked, 6 device missing.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_root)
    if only is not None:
        _add(app, only)
        return app
    for name in command_names():
        app.command(name, help=_first_words(name))(_only_listed)
    return app


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the console script; ends the process with an :class:`ExitCode`."""
    args = list(sys.argv[1:] if argv is None else argv)
    if "" in args:
        # A path of no letters would be the working folder.
        typer.echo("ich: error: an argument is empty; was a variable not set?", err=True)
        raise SystemExit(int(ExitCode.USAGE))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that has no letter for a dash must not end a run.
        sys.stdout.reconfigure(errors="replace")
    known = command_names()
    try:
        build_app(args[0] if args and args[0] in known else None)(args, prog_name="ich")
    except KeyboardInterrupt:
        typer.echo("ich: stopped", err=True)
        raise SystemExit(int(ExitCode.UNEXPECTED)) from None


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ich {ich_cli.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_version,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Nothing happens before the command."""


def _only_listed() -> None:
    """Stands in the list of commands; a command that is named is imported instead."""


def _first_words(name: str) -> str:
    """What the command does: its module's docstring, read without importing the module."""
    source = Path(commands.__path__[0], f"{name}.py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    words = text.split("\n\n")[0].partition(": ")[2].replace("``", "")
    return words[:1].upper() + words[1:]


def _module(name: str) -> Any:
    package = commands.__name__
    try:
        return importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as err:
        if err.name != f"{package}.{name}":
            raise
        return importlib.import_module(f"{package}.{name}_")


def _add(app: typer.Typer, name: str) -> None:
    module = _module(name)
    group = getattr(module, "app", None)
    if isinstance(group, typer.Typer):
        for command in group.registered_commands:
            if command.callback is not None:
                command.callback = one_line_errors(command.callback)
        app.add_typer(group, name=name)
        return
    function = getattr(module, name, None) or getattr(module, f"{name}_")
    app.command(name, epilog=NOTICE)(one_line_errors(function))


def one_line_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a command so that errors become one line on stderr and an exit code.

    The traceback of an unexpected error is shown with ``--verbose`` or ``ICH_VERBOSE=1``.
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except IchError as err:
            typer.echo(f"ich: error: {_one_line(err)}", err=True)
            raise typer.Exit(int(err.exit_code)) from None
        except (typer.Exit, typer.Abort, KeyboardInterrupt, BrokenPipeError):
            # A pipe is broken by a reader that has seen enough, such as ``head``.
            raise
        except Exception as err:
            if _is_usage(err):
                raise
            if kwargs.get("verbose") or os.environ.get("ICH_VERBOSE"):
                typer.echo(traceback.format_exc(), err=True)
                hint = ""
            else:
                hint = " (run again with ICH_VERBOSE=1 for the traceback)"
            kind = type(err).__name__
            typer.echo(f"ich: unexpected error: {kind}: {_one_line(err)}{hint}", err=True)
            raise typer.Exit(int(ExitCode.UNEXPECTED)) from None

    return run


def _is_usage(err: Exception) -> bool:
    """Typer's own complaints about an argument, which it prints itself with exit code 2."""
    return hasattr(err, "exit_code") and hasattr(err, "format_message")


def _one_line(err: Exception) -> str:
    return " ".join(str(err).split())
