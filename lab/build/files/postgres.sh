#!/bin/sh
# The example's PostgreSQL: makes a database on the first start, as the variables POSTGRES_USER, POSTGRES_PASSWORD and
# POSTGRES_DB say, runs the SQL files of /docker-entrypoint-initdb.d in it, and serves. The names are those that the
# images of the PostgreSQL project's community use, so that the example runs with either.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    echo "$POSTGRES_PASSWORD" > /tmp/password
    initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile=/tmp/password --encoding=UTF8 --locale=C --auth=trust
    rm /tmp/password
    # Without a password only within the pod.
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
    for file in /docker-entrypoint-initdb.d/*.sql; do
        if [ -e "$file" ]; then
            # -j: a statement ends with a semicolon and an empty line.
            postgres --single -j -D "$PGDATA" "$POSTGRES_DB" < "$file"
        fi
    done
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=''
