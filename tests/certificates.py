"""Certificates of an authority of the tests' own, as a hospital has one."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """An authority, and a certificate of it for the loopback address, as PEM files of a folder.

    Attributes:
        root: what those trust who trust the authority.
        certificate: of the loopback address, for a server or a client.
        key: its private key.
    """

    root: Path
    certificate: Path
    key: Path

    @classmethod
    def into(cls, folder: Path) -> "Authority":
        """Make one; its files go into a folder that is there."""
        made = trustme.CA()
        issued = made.issue_cert("127.0.0.1")
        authority = cls(folder / "root.pem", folder / "certificate.pem", folder / "key.pem")
        made.cert_pem.write_to_path(str(authority.root))
        issued.private_key_pem.write_to_path(str(authority.key))
        for number, part in enumerate(issued.cert_chain_pems):
            part.write_to_path(str(authority.certificate), append=number > 0)
        return authority

    def server(self) -> ssl.SSLContext:
        """What a server speaks TLS with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client(self, *, certified: bool = False) -> ssl.SSLContext:
        """What a client speaks TLS with that trusts the authority; ``certified``: and shows its certificate."""
        context = ssl.create_default_context(cafile=str(self.root))
        if certified:
            context.load_cert_chain(self.certificate, self.key)
        return context
