"""Self-made certificates: one the client is told to trust, and several kinds of wrong ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """PEM files; each server file holds the key and the chain."""

    trusted_authority: Path
    good: Path
    other_host: Path
    expired: Path
    unknown_authority: Path


def make(directory: Path) -> Certificates:
    """Write the certificates below a directory."""
    authority, stranger = trustme.CA(), trustme.CA()
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    made = {
        "good": authority.issue_cert("127.0.0.1", "localhost"),
        "other_host": authority.issue_cert("somebody.example.com"),
        "expired": authority.issue_cert("127.0.0.1", not_after=yesterday),
        "unknown_authority": stranger.issue_cert("127.0.0.1"),
    }
    for name, certificate in made.items():
        certificate.private_key_and_cert_chain_pem.write_to_path(str(directory / f"{name}.pem"))
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    return Certificates(directory / "authority.pem", *(directory / f"{name}.pem" for name in made))
