#!/usr/bin/env bash
# Restores the newest dump into a database of its own and asks the books: run it monthly.
#   deploy/restore-drill.sh reseller.dump postgresql://user:password@host/postgres
# It dumps nothing and touches no other database; RESELLER_SECRET_KEYS has to be the installation's, so that the drill also
# proves that the keys kept apart open what was restored.
set -euo pipefail
dump=$1 server=$2
name="restore_drill_$(date +%s)"
psql --quiet "$server" --command "CREATE DATABASE $name"
trap 'psql --quiet "$server" --command "DROP DATABASE $name WITH (FORCE)"' EXIT
pg_restore --dbname="${server%/*}/$name" --no-owner --exit-on-error "$dump"
export RESELLER_DATABASE_URL="${server/postgresql:/postgresql+psycopg:}"
RESELLER_DATABASE_URL="${RESELLER_DATABASE_URL%/*}/$name"
reseller schema
reseller secrets rotate --dry-run
reseller check
echo "Restored, opened with the keys, and the books agree."
