"""Pictures go to nobody who cannot prove who he is."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ich_cli.errors import UsageError
from ich_cli.mllm.providers.http import make_client
from ich_cli.mllm.second_reader import read
from tests.mllm.conftest import IPH, PROVIDERS, WIRE, Ask, MakeReader, say
from tests.mllm.scans import head, prediction
from tests.mllm.servers import Script, Server, chat

NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)

Serve = Callable[[Script], Server]


def certificate(folder: Path, host: str, until: datetime) -> Path:
    """A certificate that is signed by itself, with its key, as one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 9 * DAY)
        .not_valid_after(until)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind, secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = folder / "server.pem"
    path.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, kind, secret))
    return path


def over_tls(server: Server, pem: Path) -> str:
    """Make a running server speak HTTPS; its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    return server.url.replace("http:", "https:")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_unknown_authority_is_told_and_not_tried_again(
    provider: str, serve: Serve, make_reader: MakeReader, tmp_path: Path
) -> None:
    server = serve([WIRE[provider](say())])
    url = over_tls(server, certificate(tmp_path, "127.0.0.1", NOW + DAY))
    reader, _ = make_reader(provider, [], url=url, model="m", backoff_s=30.0)
    opinion = read(head(), prediction(), IPH, reader)
    assert opinion.reason == "certificate: self-signed certificate"
    assert server.sent == []


@pytest.mark.parametrize(
    ("host", "until", "why"),
    [
        ("127.0.0.1", NOW - DAY, "certificate has expired"),
        ("192.0.2.1", NOW + DAY, "IP address mismatch"),
    ],
)
def test_certificate_must_be_of_the_host_and_of_today(
    host: str,
    until: datetime,
    why: str,
    serve: Serve,
    ask: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve([chat(say())])
    pem = certificate(tmp_path, host, until)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    opinion, _ = ask([], url=over_tls(server, pem))
    assert opinion.reason.startswith(f"certificate: {why}")
    assert server.sent == []


def test_authority_of_the_site_is_trusted_once_named(
    serve: Serve, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([chat(say())])
    pem = certificate(tmp_path, "127.0.0.1", NOW + DAY)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    opinion, _ = ask([], url=over_tls(server, pem))
    assert opinion.any is True, opinion.reason
    assert len(server.sent) == 1


@pytest.mark.parametrize("content", [None, "junk"])
def test_file_of_certificates_that_is_none(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_text(content, "utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        make_client("https://llm.example/v1", 1.0)
