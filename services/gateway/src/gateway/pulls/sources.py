"""Which archive a source is."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.identity import IdentityCipher
from gateway.pulls.archive import Archive, Patience
from gateway.pulls.models import Source, SourceKind
from gateway.pulls.query_retrieve import QueryRetrieve
from gateway.pulls.wado import DicomWebArchive

ARCHIVES: Final[Mapping[SourceKind, Callable[[Source, str | None, Patience], Archive]]] = {
    SourceKind.DIMSE: QueryRetrieve,
    SourceKind.DICOMWEB: DicomWebArchive,
}


def archive_of(source: Source, cipher: IdentityCipher, patience: Patience) -> Archive:
    """The archive behind a source; ``cipher`` opens its secret."""
    secret = None if source.secret is None else cipher.decrypt(source.secret)
    return ARCHIVES[source.kind](source, secret, patience)
