"""Certificates that no authority has signed, for what reads only who they are of."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding


def write_certificate(path: Path, name: str) -> Path:
    """Write a self-signed one of this name as PEM, and return where it is."""
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    unsigned = x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
    valid = unsigned.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    path.write_bytes(valid.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return path
