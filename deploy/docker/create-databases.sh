#!/usr/bin/env bash
# First start of an empty database: a role and a schema for each service, MLflow's own database, nothing public.
set -euo pipefail

sql() { # DATABASE OPTION…; statements on standard input
    psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "$@"
}
password() { cat "/run/secrets/$1_password"; }
for role in mlflow gateway feedback; do
    [ -s "/run/secrets/${role}_password" ] && continue
    echo "The databases cannot be made: /run/secrets/${role}_password is missing. Make it, and remove the volume." >&2
    exit 1
done
if [ "$(sql postgres --tuples-only --no-align <<<'SHOW server_encoding')" != UTF8 ]; then
    echo "The databases must be UTF8, or a name is refused. Set LANG=C.UTF-8, and remove the volume." >&2
    exit 1
fi

sql postgres <<SQL
CREATE ROLE mlflow LOGIN PASSWORD '$(password mlflow)';
CREATE DATABASE mlflow OWNER mlflow;
REVOKE ALL ON DATABASE mlflow, ictus FROM PUBLIC;
SQL
sql ictus <<<'REVOKE ALL ON SCHEMA public FROM PUBLIC;'
for service in gateway feedback; do
    sql ictus <<SQL
CREATE ROLE $service LOGIN PASSWORD '$(password $service)';
GRANT CONNECT ON DATABASE ictus TO $service;
CREATE SCHEMA $service AUTHORIZATION $service;
ALTER ROLE $service SET search_path = $service;
SQL
done
sql ictus <<SQL
CREATE SCHEMA vector;
CREATE EXTENSION vector SCHEMA vector;
GRANT USAGE ON SCHEMA vector TO feedback;
SQL
