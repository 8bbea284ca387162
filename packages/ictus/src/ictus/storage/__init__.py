"""Objects in S3: de-identified sources, canonical volumes, result pictures. Keys are server-made UUIDs."""

from ictus.storage.object_store import ObjectMissingError, ObjectStore, StorageRefusedError

__all__ = ["ObjectMissingError", "ObjectStore", "StorageRefusedError"]
