"""The certificate by which the page's server is known: a given one, or one of its own that is made once."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plctl.common.base.errors import UserError
from plctl.common.base.private_file import locked, write_private

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

#: Where its own are, below the folder of keys.
CERTIFICATE_NAME, KEY_NAME = "web-certificate.pem", "web-key.pem"
#: As long as browsers take a certificate; it is made anew before the last weeks of that.
_DAYS = 397
_LEAST_DAYS = 30


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What proves to a browser whom it speaks to."""

    certificate: Path  #: PEM, with those of its issuers behind it
    key: Path
    fingerprint: str  #: SHA-256 of the first, as browsers show it


def given_certificate(certificate: Path, key: Path) -> ServerCertificate:
    """A certificate of the user's.

    :raises UserError: the two cannot be read or do not belong together.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
        return ServerCertificate(certificate, key, _fingerprint(certificate))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        what = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
        raise UserError(f"cannot use {certificate} with {key} for TLS: {what}") from None


def own_certificate(folder: Path, host: str) -> ServerCertificate:
    """A self-signed certificate for this machine's names and for `host`; made if need be.

    :raises KernelError: it cannot be written.
    """
    names = _names(host)
    certificate, key = folder / CERTIFICATE_NAME, folder / KEY_NAME
    with locked(folder):
        if not (key.is_file() and _is_good(certificate, names)):
            text, private = _make(names)
            write_private(key, private)
            write_private(certificate, text)
    return given_certificate(certificate, key)


def _no_password() -> str:
    """Refuses: OpenSSL would ask for the password of the key on a terminal, which a daemon does not have."""
    raise ValueError("the key has a password, which nobody could type")


def _fingerprint(certificate: Path) -> str:
    text = certificate.read_text(encoding="ascii")
    first = text[text.index(ssl.PEM_HEADER) :].partition(ssl.PEM_FOOTER)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[0] + first[1])).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _names(host: str) -> list[str]:
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname(), host}
    with suppress(ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            names.discard(host)
    return sorted(name for name in names if name)


def _is_good(certificate: Path, names: list[str]) -> bool:
    """Whether the one in the file has these names, and holds for some time yet."""
    from cryptography import x509  # noqa: PLC0415  # comes with asyncssh, and takes a tenth of a second

    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    known = {str(each.value) for each in alternatives}
    left = found.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return known.issuperset(names) and left > datetime.timedelta(days=_LEAST_DAYS)


def _make(names: list[str]) -> tuple[str, str]:
    """A certificate and its key, as PEM."""
    from cryptography import x509  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"plctl on {socket.gethostname()}"[:64])])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return built.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def _general(name: str) -> GeneralName:
    from cryptography import x509  # noqa: PLC0415  # as above

    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)
