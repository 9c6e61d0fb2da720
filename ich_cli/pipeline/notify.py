"""Tells others about positive scans: a signed webhook, a command; both retried, both without PHI.

A message is kept in the output folder from before the result is stored until it has been
delivered: a restart loses none, and the receiver knows repeats by their ``id``.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any

from ich_cli.notice import NOTICE

SIGNATURE_HEADER = "X-ICH-Signature"
TIMEOUT_S = 20.0
COMMAND_TIMEOUT_S = 120.0

Event = dict[str, Any]
Rename = Callable[[str], str]


class DeliveryError(Exception):
    """A message could not be delivered now; the text carries nothing of the message."""


def event_of(record: Mapping[str, Any], identity: str, rename: Rename | None) -> Event:
    """What is told of a positive scan: results, no patient, no dates, no descriptions.

    Args:
        record: As stored in the ledger.
        identity: The same for the same content; lets the receiver know repeats.
        rename: Makes a keyed hash of a UID; ``None`` sends UIDs as they are.
    """
    uid: Rename = rename or (lambda value: value)
    total = record.get("total_ml") or {}
    calls = record.get("calls") or {}
    return {
        "event": "scan." + str(record["status"]),
        "id": identity,
        "study": uid(str(record["study_uid"])),
        "series": uid(str(record["series_uid"])),
        "any_prob": (record.get("probs") or {}).get("any"),
        "subtypes": [name for name, call in calls.items() if call and name != "any"],
        "total_ml": total.get("value"),
        "side": record.get("side"),
        "tier": (record.get("second_reader") or {}).get("tier"),
        "model": (record.get("model") or {}).get("name"),
        "notice": NOTICE,
    }


def sign(body: bytes, secret: bytes, timestamp: int) -> str:
    """The signature header: ``t=<seconds>,v1=<HMAC-SHA256 of "<seconds>." + body>``."""
    digest = hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={digest.hexdigest()}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts events as JSON to one address."""

    url: str
    secret: bytes
    timeout_s: float = TIMEOUT_S

    def __call__(self, event: Event) -> None:
        """Post one event.

        Raises:
            DeliveryError: No answer, or none of success. Redirects are no success: they
                would carry the message to a place nobody has named.
        """
        body = json.dumps(event, separators=(",", ":"), sort_keys=True).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "ich",
            SIGNATURE_HEADER: sign(body, self.secret, int(time.time())),
        }
        request = urllib.request.Request(self.url, body, headers, method="POST")
        opener = urllib.request.build_opener(_NoRedirects)
        try:
            with opener.open(request, timeout=self.timeout_s) as answer:
                answer.read(1024)
        except urllib.error.HTTPError as err:
            err.close()
            raise DeliveryError(f"the webhook answered {err.code}") from None
        except (OSError, ValueError) as err:
            cause = getattr(err, "reason", None) or type(err).__name__
            raise DeliveryError(f"the webhook cannot be reached: {cause}") from None
        except http.client.HTTPException as err:
            # The text of such an error is what the other side sent.
            name = type(err).__name__
            raise DeliveryError(f"the webhook does not answer in HTTP: {name}") from None


@dataclass(frozen=True, slots=True)
class Command:
    """Runs a command for an event: JSON on its input, the main facts in its environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    timeout_s: float = COMMAND_TIMEOUT_S

    def __call__(self, event: Event) -> None:
        """Run the command, without a shell.

        Raises:
            DeliveryError: It cannot be started, takes too long, or ends with an error.
        """
        facts = {
            "ICH_EVENT": str(event["event"]),
            "ICH_STUDY": str(event["study"]),
            "ICH_SUBTYPES": ",".join(event["subtypes"]),
        }
        try:
            done = subprocess.run(
                self.arguments,
                input=json.dumps(event).encode(),
                env={**self.environment, **facts},
                timeout=self.timeout_s,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DeliveryError(f"the command took more than {self.timeout_s:g} s") from None
        except OSError as err:
            raise DeliveryError(f"the command cannot be started: {err.strerror}") from None
        except ValueError as err:
            # An argument or a variable that no program can be given, such as one with a NUL.
            raise DeliveryError(f"the command cannot be started: {err}") from None
        if done.returncode != 0:
            raise DeliveryError(f"the command ended with exit code {done.returncode}")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        """Follow nothing; the answer then counts as an error."""
