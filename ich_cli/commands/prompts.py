"""``ich prompts``: the questions that the second reader is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List, show and check the prompts of the second reader.")

PromptName = Annotated[
    str, typer.Argument(help="Id of a prompt that ships, or the path of a YAML file.")
]


@app.command("list")
def list_() -> None:
    """List the prompts that ship, with the hash that reports carry."""
    from rich.console import Console

    from ich_cli.commands._table import plain_table
    from ich_cli.mllm.prompts import shipped_prompts

    table = plain_table("id", "version", "language", "asks a", "slices", "sha256")
    for prompt in shipped_prompts():
        table.add_row(
            prompt.id,
            str(prompt.version),
            prompt.language,
            prompt.unit,
            str(prompt.images.slices),
            prompt.sha256[:12],
        )
    Console().print(table)


@app.command()
def show(name: PromptName) -> None:
    """Print the whole conversation of a prompt: texts, pictures, and answer schemas."""
    import json

    from ich_cli.mllm.answer import json_schema
    from ich_cli.mllm.prompts import find_prompt

    prompt = find_prompt(name)
    plan = prompt.images
    windows = ", ".join(f"{w.name} W{w.width:g}/L{w.level:g}" for w in plan.windows)
    typer.echo(f"{prompt.id} version {prompt.version} ({prompt.language})")
    typer.echo(f"sha256 {prompt.sha256}")
    if prompt.description:
        typer.echo(prompt.description.strip())
    typer.echo(f"one conversation a {prompt.unit}; up to {plan.slices} slices as {plan.layout}")
    typer.echo(f"windows: {windows}; panels of {plan.panel_px} px")
    typer.echo(f"\n[system]\n{prompt.system.strip()}")
    for number, step in enumerate(prompt.steps, 1):
        when = " (only where haemorrhage was answered yes)" if step.only_if_present else ""
        typer.echo(f"\n[step {number}: {step.answer}]{when}")
        typer.echo(step.text(plan, plan.slices))
        typer.echo(json.dumps(json_schema(step.answer)))


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Prompt files to validate.")],
) -> None:
    """Validate prompt files; the first fault is named and ends with exit code 2."""
    from ich_cli.mllm.prompts import load_prompt

    for path in files:
        prompt = load_prompt(path)
        typer.echo(f"{path}: valid; {prompt.id} version {prompt.version}, sha256 {prompt.sha256}")
