#!/usr/bin/env bash
# A PostgreSQL server for the tests of JDBC sources, where apt can give one; without it those tests skip by name.
set -euo pipefail

if command -v postgres >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    printf 'setup: apt-get install postgresql\n' >&2
    if apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends postgresql >/dev/null; then
        exit 0
    fi
fi
printf 'setup: no PostgreSQL: the tests of JDBC sources will be skipped.
  Debian/Ubuntu: sudo apt-get install postgresql
  macOS:         brew install postgresql\n' >&2
