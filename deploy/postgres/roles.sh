#!/bin/sh
# Runs once, when the database's volume is empty: roles as docs/operations.md describes them.
set -eu
psql --no-psqlrc -v ON_ERROR_STOP=1 -U postgres \
    -v owner="$ENMUSUBI_OWNER_PASSWORD" -v web="$ENMUSUBI_WEB_PASSWORD" <<'SQL'
CREATE ROLE enmusubi_app NOLOGIN;
CREATE ROLE enmusubi_owner LOGIN PASSWORD :'owner';
CREATE ROLE enmusubi_web LOGIN PASSWORD :'web';
GRANT enmusubi_app TO enmusubi_owner, enmusubi_web;
CREATE DATABASE enmusubi OWNER enmusubi_owner TEMPLATE template0 ENCODING 'UTF8';
\connect enmusubi
CREATE EXTENSION IF NOT EXISTS vector;
SQL
