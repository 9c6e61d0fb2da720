"""One Typer file a command: parse, call, print, exit code."""
