#!/bin/sh
# Make .venv, or mend it, with all that the project needs. Where nothing has changed it does nothing.
# The first Python that fits is taken; the environment variable PYTHON names another one.
set -eu
cd "$(dirname "$0")/.."

here=$(pwd -P)
stamp=.venv/.installed # holds the folder's path once all is installed, "unfinished" before

say() {
    printf '%s\n' "$*" >&2
}

# Nothing for a pyenv shim, which exists and fails.
version_of() {
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null
}

fits() {
    case $1 in
    3.11.* | 3.12.* | 3.13.*) true ;;
    *) false ;;
    esac
}

stamped() {
    cat "$stamp" 2>/dev/null || true
}

# An existing .venv runs, and is no other Python than the one that was asked for.
venv_fits() {
    venv_version=$(version_of .venv/bin/python) && fits "$venv_version" || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$venv_version" ]
}

is_current() {
    [ "$(stamped)" = "$here" ] && [ -z "$(find pyproject.toml constraints.txt -newer "$stamp")" ] && venv_fits
}

# One that was interrupted or moved is not mended: pip takes half a package for a whole one.
is_reusable() {
    case $(stamped) in
    "" | "$here") venv_fits && .venv/bin/python -m pip --version >/dev/null 2>&1 ;;
    *) false ;;
    esac
}

# Sets python, or says in one sentence what is missing.
find_python() {
    python= others= incomplete=
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3.13 python3.12 python3.11 python3 python; fi
    for name; do
        version=$(version_of "$name") || continue
        if ! fits "$version"; then
            others="$others${others:+, }$name $version"
        elif "$name" -c 'import ensurepip, venv' 2>/dev/null; then
            python=$name
            return
        else
            incomplete=${incomplete:-$name $version}
        fi
    done
    if [ -n "$incomplete" ]; then
        minor=$(printf %s "${incomplete##* }" | cut -d. -f1,2)
        say "$incomplete has no venv module: on Debian and Ubuntu, apt install python$minor-venv brings it."
    else
        say "gradient-diff needs Python 3.11, 3.12 or 3.13, since TensorFlow has no wheels for others, and found" \
            "${others:-none}: install one of them, or name it as in: make run PYTHON=/path/to/python3.12"
    fi
    exit 1
}

is_current && exit
if ! is_reusable; then
    find_python
    say "Making .venv with Python $version ($python)."
    "$python" -m venv --clear .venv
fi
say "Installing into .venv. TensorFlow, where it is not there yet, is a download of about 600 MB."
echo unfinished >"$stamp"
.venv/bin/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[tensorflow,dev,experiments,docs]'
echo "$here" >"$stamp"
