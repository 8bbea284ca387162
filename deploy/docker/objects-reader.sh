#!/bin/sh
# Make the accounts that may only read. The feedback service reads embeddings: the scans' bucket and nothing else. The
# trainer reads de-identified volumes, for fine-tuning: no report, no picture, no source file.
set -eu
: "${READER_ACCESS_KEY:?is missing}" "${READER_SECRET_KEY:?is missing}"
: "${SCANS_ACCESS_KEY:?is missing}" "${SCANS_SECRET_KEY:?is missing}"
MC_HOST_objects="http://${MINIO_ROOT_USER:?is missing}:${MINIO_ROOT_PASSWORD:?is missing}@minio:9000"
export MC_HOST_objects
cat >/tmp/read-objects.json <<'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::ictus/*"]},
    {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::ictus"]}
  ]
}
JSON
cat >/tmp/read-scans.json <<'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::ictus/studies/*/volume.safetensors"]}
  ]
}
JSON
reader() { # policy, access key, secret key
    mc admin policy create objects "$1" "/tmp/$1.json"
    printf '%s\n%s\n' "$2" "$3" | mc admin user add objects
    # attaching twice is an error, so it is looked at first
    mc admin user info objects "$2" | grep -q "$1" || mc admin policy attach objects "$1" --user "$2"
}
reader read-objects "$READER_ACCESS_KEY" "$READER_SECRET_KEY"
reader read-scans "$SCANS_ACCESS_KEY" "$SCANS_SECRET_KEY"
