"""What leaves the machine, and to whom: told before the first picture does."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from ich_cli.mllm.address import is_this_machine, proxy_of
from ich_cli.mllm.config import state_folder
from ich_cli.mllm.settings import Reader


def notice(reader: Reader) -> str:
    """The notice for a person: what, how much, to whom, and what stays."""
    plan = reader.prompt.images
    settings = reader.settings
    windows = ", ".join(f"{w.name} W{w.width:g}/L{w.level:g}" for w in plan.windows)
    asked = "every scan"
    if settings.only_uncertain is not None:
        low, high = settings.only_uncertain
        asked = f"scans with a probability of {low:g} to {high:g}"
    lines = [
        f"--mllm: for {asked}, up to {plan.slices} slices ({windows}) leave this machine",
        f"  to    {reader.host} ({reader.company}), model {reader.model}",
        f"  with  the questions of prompt {reader.prompt.id} v{reader.prompt.version} "
        f"(sha256 {reader.prompt.sha256[:12]}), asked {settings.repeat}×",
        "  not   names, dates, identifiers, tags, or the network's result; everything outside "
        "the head is blanked",
        "  Text burned into single slices on the head itself cannot be found: look at a "
        "--mllm-dry-run first.",
    ]
    url = reader.endpoint.base_url
    proxy = proxy_of(url)
    if proxy is not None:
        lines.insert(2, f"  via   the proxy {proxy} of this environment, unless NO_PROXY says not")
    if url.startswith("http:") and not is_this_machine(url):
        lines.append(
            "  The connection is not encrypted: whoever is on the way can see the pictures."
        )
    if settings.budget_usd is not None and not reader.budget.holds_dollars:
        lines.append(
            f"  No price is known for {reader.model}: the budget of {settings.budget_usd:g} USD "
            "cannot be kept, tokens are counted instead (add the price to mllm.yaml)."
        )
    if settings.dry_run is not None:
        lines = [f"--mllm-dry-run: nothing is sent; requests are written to {settings.dry_run}"]
    return "\n".join(lines)


def notice_if_new(reader: Reader) -> str | None:
    """The notice, the first time for this destination, model, prompt and picture plan."""
    text = notice(reader)
    seen = _seen_file()
    mark = hashlib.sha256(text.encode()).hexdigest()
    known: set[str] = set()
    with suppress(OSError, UnicodeDecodeError):
        known = set(seen.read_text("utf-8").split())
    if mark in known:
        return None
    with suppress(OSError):
        seen.parent.mkdir(parents=True, exist_ok=True)
        with seen.open("a", encoding="utf-8") as out:
            out.write(mark + "\n")
    return text


def _seen_file() -> Path:
    return state_folder() / "mllm_notices"
