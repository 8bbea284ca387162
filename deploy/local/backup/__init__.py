"""One encrypted file with all that an installation cannot make again, and the way back from it.

The file is a tar in an age file (https://age-encryption.org/v1), so that `age` and `tar` open it where Ictus is not.
In it, in this order: the secrets and keys, what waits in the spool, a `pg_dump` of each database, every object, and
last a manifest by which a restored installation is compared. Redis is not in it: it holds nothing that PostgreSQL
does not know.
"""

from local.backup.contents import Manifest
from local.backup.place import installation
from local.backup.restoring import restore
from local.backup.sealed import BackupError, new_identity, recipient_of
from local.backup.writing import back_up

__all__ = ["BackupError", "Manifest", "back_up", "installation", "new_identity", "recipient_of", "restore"]
