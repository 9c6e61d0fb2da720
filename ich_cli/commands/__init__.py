"""One Typer file a command: parse, call, print, exit code; no logic.

A module ``<name>.py`` here is the command ``ich <name>``. It holds either a function of its
own name (a plain command) or a ``typer.Typer`` called ``app`` (a command with sub-commands).
It imports nothing heavy at its top: logic is imported inside the function, so that
``ich --help`` stays instant. Errors are raised, not printed: ``ich_cli.cli`` turns an
``IchError`` into one line and its exit code.
"""
