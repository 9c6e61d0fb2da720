"""Answers on disk, so that nothing is paid for twice.

A file's name is the hash of everything that shapes the answer: where it was asked, the
model, the texts, the pictures, the schema, the sampling. Its content is the model's text
and token counts; no picture, no name. Only the user may read it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ich_cli.mllm.wire import Ask, Finish, Reply


def cache_key(base_url: str, ask: Ask, repeat: int) -> str:
    """The hash of a request; ``repeat`` tells apart the samples of self-consistency."""
    parts = {
        "url": base_url,
        "model": ask.model,
        "system": ask.system,
        "schema": ask.schema,
        "sampling": [ask.temperature, ask.seed, ask.max_output_tokens, repeat],
        "turns": [
            [turn.role, turn.text, [hashlib.sha256(png).hexdigest() for png in turn.images]]
            for turn in ask.turns
        ],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class AnswerCache:
    """A folder of answers. A broken or unwritable folder costs only the saving."""

    def __init__(self, folder: Path):
        self._folder = folder

    def get(self, key: str) -> Reply | None:
        """The stored answer, or ``None`` when there is none that can be read."""
        try:
            data = json.loads(self._path(key).read_text("utf-8"))
            return Reply(
                text=str(data["text"]),
                finish=Finish(data["finish"]),
                model=data["model"],
                tokens_in=data["tokens_in"],
                tokens_out=data["tokens_out"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, reply: Reply) -> None:
        """Store an answer: whole or not at all, readable by its owner only."""
        path = self._path(key)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as out:
                    json.dump(asdict(reply) | {"finish": reply.finish.value}, out)
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"
