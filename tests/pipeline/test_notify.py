from __future__ import annotations

import hashlib
import hmac
import json
import os
import socketserver
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ich_cli.pipeline.notify import (
    SIGNATURE_HEADER,
    Command,
    DeliveryError,
    Webhook,
    event_of,
)
from ich_cli.pipeline.notify_outbox import OUTBOX_FILE, Outbox

from .series import make_key, make_record

SECRET = b"between us"


class Receiver:
    """A real web server that answers as it is told and keeps what it was sent."""

    def __init__(self, answers: list[int]) -> None:
        self.got: list[tuple[Message, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.headers, body))
                code = answers.pop(0) if answers else 200
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@contextmanager
def receiving(*answers: int) -> Iterator[Receiver]:
    receiver = Receiver(list(answers))
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A real server that says ``answer`` whatever it is asked; gives its address."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook"
        finally:
            server.shutdown()


def rename_table(out: Path, old: str, new: str) -> None:
    """Take the outbox's table away, or bring it back, from a connection of our own."""
    db = sqlite3.connect(out / OUTBOX_FILE)
    db.execute(f"ALTER TABLE {old} RENAME TO {new}")
    db.close()


def event(identity: str = "e1") -> dict[str, Any]:
    return {"event": "scan.positive", "id": identity, "study": "ab12", "subtypes": ["SDH", "SAH"]}


def until(condition: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def test_an_event_carries_results_and_nothing_of_the_patient(tmp_path: Path) -> None:
    key = make_key(tmp_path, "1.2.3.4", "1.2.3.4.5")
    record = make_record(key, "positive", side="left", total_ml={"value": 31.5})
    made = event_of(record, "id", lambda uid: f"<{len(uid)}>")
    assert made["event"] == "scan.positive"
    assert made["subtypes"] == ["EDH", "IPH", "IVH", "SAH", "SDH"]
    assert (made["any_prob"], made["total_ml"], made["side"]) == (0.25, 31.5, "left")
    text = json.dumps(made)
    for secret in ("1.2.3.4", record["patient_id"], record["study_date"], "HEAD"):
        assert secret not in text
    assert event_of(record, "id", None)["study"] == "1.2.3.4"


def test_the_receiver_can_verify_who_sent_it_and_when() -> None:
    with receiving() as receiver:
        Webhook(receiver.url, SECRET)(event())
    headers, body = receiver.got[0]
    timestamp, digest = (part.split("=")[1] for part in headers[SIGNATURE_HEADER].split(","))
    expected = hmac.new(SECRET, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(digest, expected)
    assert abs(int(timestamp) - time.time()) < 60
    assert json.loads(body) == event()


@pytest.mark.parametrize("code", [302, 400, 500, 503])
def test_an_answer_other_than_success_is_no_delivery(code: int) -> None:
    with receiving(code) as receiver, pytest.raises(DeliveryError, match=str(code)):
        Webhook(receiver.url, SECRET)(event())
    assert len(receiver.got) == 1, "a redirect is not followed"


def test_a_receiver_that_is_not_there_is_no_delivery() -> None:
    with receiving() as receiver:
        url = receiver.url
    with pytest.raises(DeliveryError, match="cannot be reached"):
        Webhook(url, SECRET)(event())


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example.org ESMTP DOE\r\n",
        b"",
        b"HTTP/1.1 2oo DOE\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nDOE\r\n",
    ],
    ids=["another protocol", "nothing", "no number", "torn"],
)
def test_an_answer_that_is_not_http_is_no_delivery(answer: bytes) -> None:
    with answering(answer) as url, pytest.raises(DeliveryError) as caught:
        Webhook(url, SECRET)(event())
    assert "DOE" not in str(caught.value), "what others send is not repeated"


def test_a_message_outlives_answers_that_are_not_http(tmp_path: Path) -> None:
    with answering(b"SSH-2.0-OpenSSH_9.6\r\n") as url:
        box = Outbox(tmp_path, {"webhook": Webhook(url, SECRET)}, first_pause_s=0.01)
        box.start()
        box.add(event())
        until(lambda: box._not_before)
        with receiving() as receiver:
            box.use({"webhook": Webhook(receiver.url, SECRET)})
            until(lambda: box.count() == 0)
        box.close()
    assert len(receiver.got) == 1


def test_a_command_gets_the_event_on_its_input_and_runs_without_a_shell(tmp_path: Path) -> None:
    script = (
        "import os,sys; open(sys.argv[1],'w').write(sys.stdin.read()+os.environ['ICH_SUBTYPES'])"
    )
    target = tmp_path / "$(touch never) ; got"
    Command((sys.executable, "-c", script, str(target)), dict(os.environ))(event())
    assert target.read_text() == json.dumps(event()) + "SDH,SAH"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("/no/such/command",), "cannot be started"),
        ((sys.executable, "NUL\0"), "cannot be started"),
        ((sys.executable, "-c", "raise SystemExit(3)"), "exit code 3"),
    ],
)
def test_a_command_that_fails_is_no_delivery(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        Command(arguments, dict(os.environ))(event())


def test_a_command_that_hangs_is_ended() -> None:
    hang = (sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(DeliveryError, match="more than"):
        Command(hang, dict(os.environ), timeout_s=0.5)(event())


def test_a_message_is_sent_again_until_it_is_taken(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    with receiving(500, 503) as receiver:
        box = Outbox(
            tmp_path,
            {"webhook": Webhook(receiver.url, SECRET)},
            lambda channel, outcome, _: told.append((channel, outcome)),
            first_pause_s=0.01,
        )
        box.start()
        box.add(event())
        until(lambda: box.count() == 0)
        box.close()
    assert len(receiver.got) == 3
    assert told == [("webhook", "retried")] * 2 + [("webhook", "delivered")]


def test_a_message_outlives_a_restart(tmp_path: Path) -> None:
    def refuse(_: dict[str, Any]) -> None:
        raise DeliveryError("not now")

    box = Outbox(tmp_path, {"webhook": refuse}, first_pause_s=1000)
    box.start()
    box.add(event("e1"))
    until(lambda: box._not_before)
    box.close()
    got: list[str] = []
    box = Outbox(tmp_path, {"webhook": lambda e: got.append(e["id"])})
    box.start()
    until(lambda: box.count() == 0)
    box.close()
    assert got == ["e1"]


def test_the_same_message_is_kept_once(tmp_path: Path) -> None:
    box = Outbox(tmp_path, {"webhook": lambda _: None, "command": lambda _: None})
    box.add(event("e1"))
    box.add(event("e1"))
    assert box.count() == 2, "once for each channel"
    box.close()


def test_one_channel_that_fails_does_not_hold_up_the_other(tmp_path: Path) -> None:
    def refuse(_: dict[str, Any]) -> None:
        raise DeliveryError("not now")

    got: list[str] = []
    box = Outbox(
        tmp_path,
        {"a": refuse, "b": lambda e: got.append(e["id"])},
        first_pause_s=1000,
    )
    box.start()
    for number in range(5):
        box.add(event(f"e{number}"))
    until(lambda: len(got) == 5)
    assert box.count() == 5
    box.close()


def test_an_outbox_that_cannot_be_read_is_read_again(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    got: list[str] = []
    box = Outbox(
        tmp_path,
        {"a": lambda e: got.append(e["id"])},
        lambda channel, outcome, _: told.append((channel, outcome)),
        first_pause_s=0.01,
    )
    box.add(event())
    rename_table(tmp_path, "outbox", "away")
    box.start()
    until(lambda: told)
    rename_table(tmp_path, "away", "outbox")
    until(lambda: box.count() == 0)
    box.close()
    assert got == ["e1"]
    assert set(told[:-1]) == {("outbox", "retried")}
    assert told[-1] == ("a", "delivered")


def test_an_outbox_that_cannot_be_read_has_no_count(tmp_path: Path) -> None:
    box = Outbox(tmp_path, {"a": lambda _: None})
    box.add(event())
    rename_table(tmp_path, "outbox", "away")
    assert box.count() is None
    box.close()


def test_a_damaged_outbox_is_kept_aside_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / OUTBOX_FILE).write_bytes(b"rubbish" * 1000)
    told: list[tuple[str, str, str]] = []
    box = Outbox(tmp_path, {"a": lambda _: None}, lambda *what: told.append(what))
    assert box.count() == 0
    box.close()
    (aside,) = tmp_path.glob(f"{OUTBOX_FILE}.damaged-*")
    assert aside.read_bytes() == b"rubbish" * 1000
    assert told == [("outbox", "dropped", f"it was damaged and is kept as {aside.name}")]


def test_what_was_delivered_but_could_not_be_taken_off_is_not_sent_again(tmp_path: Path) -> None:
    told: list[str] = []
    got: list[str] = []

    def send(message: dict[str, Any]) -> None:
        got.append(message["id"])
        rename_table(tmp_path, "outbox", "away")

    box = Outbox(
        tmp_path, {"a": send}, lambda _, outcome, __: told.append(outcome), first_pause_s=0.01
    )
    box.add(event())
    box.start()
    until(lambda: told)
    rename_table(tmp_path, "away", "outbox")
    until(lambda: box.count() == 0)
    box.close()
    assert got == ["e1"]
    assert told[-1] == "delivered"
