"""What the watcher can be told: the section ``watch`` of ``ich.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SECRET_VARIABLE = "ICH_NOTIFY_SECRET"


class WatchSettings(BaseModel):
    """Field names are the keys of the section and, with dashes, the options of the command."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settle: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    """Seconds for which no file of a study may have changed before it is taken."""
    poll: Annotated[float, Field(gt=0, le=3600)] | None = None
    """Look every so many seconds instead of being told by the system (NFS, SMB)."""
    rewalk: Annotated[float, Field(gt=0)] = 600.0
    """Look through the folders every so many seconds for what no event told of."""
    max_files: Annotated[int, Field(ge=100)] = 200_000
    """Files kept in mind at a time; what comes beyond waits in its folder."""
    on_done: Literal["keep", "move", "delete"] = "keep"
    done_to: Path | None = None
    """Where ``on_done: move`` moves analysed studies to."""
    on_positive: str | None = None
    """Command that is run for each positive scan; told what was found on its input."""
    notify: str | None = None
    """Address that is sent a signed message for each positive scan."""
    notify_uids: bool = False
    """Send study and series UIDs as they are, not their keyed hashes."""
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    metrics_address: str = "127.0.0.1"
    metrics_file: Path | None = None
    """Prometheus text file; ``metrics.prom`` in the output folder by default."""

    @field_validator("notify")
    @classmethod
    def _http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("https://", "http://")):
            raise ValueError("an address begins with https:// or http://")
        return url

    @model_validator(mode="after")
    def _move_needs_a_place(self) -> WatchSettings:
        if self.on_done == "move" and self.done_to is None:
            raise ValueError("on_done move needs done_to, the folder to move studies to")
        return self
