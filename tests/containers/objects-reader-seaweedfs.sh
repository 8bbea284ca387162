#!/bin/sh
# What deploy/docker/objects-reader.sh does with MinIO, done with SeaweedFS: an account that reads the scans' bucket alone.
set -eu
: "${READER_ACCESS_KEY:?is missing}" "${READER_SECRET_KEY:?is missing}"
weed shell -master=127.0.0.1:9333 >/tmp/made 2>/dev/null <<SHELL
s3.configure -user reader -access_key $READER_ACCESS_KEY -secret_key $READER_SECRET_KEY -actions Read,List -buckets ictus -apply
SHELL
# it ends with 0 whatever it was told
grep -q '"Read:ictus"' /tmp/made || { echo "The reading account was not made." >&2; exit 1; }
