"""``python -m ich_cli`` is ``ich``."""

from ich_cli.cli import main

main()
