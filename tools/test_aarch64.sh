#!/usr/bin/env bash
# Builds fastnn for aarch64 with a cross compiler and runs tests of it under qemu: on an x86-64 machine, the NEON kernels.
#
#     tools/test_aarch64.sh [pytest arguments]        by default: the ops, the pool, the launcher
#
# Needs Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user, the network at the first run, and an
# interpreter (PYTHON, by default python3) with pip, setuptools, cython and numpy.  An aarch64 CPython comes from Debian,
# NumPy and pytest from PyPI; all of it lies in WORK, by default the user's cache folder, and nothing else is changed.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
work=${WORK:-${XDG_CACHE_HOME:-$HOME/.cache}/fastnn-aarch64}
suite=bookworm version=3.11        # Debian 12 and its Python: elsewhere set DEBIAN_MIRROR, as http://HOST/debian
root=$work/root packages=$work/packages tree=$work/tree
mkdir -p "$work"

for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v $tool >/dev/null || {
        echo "$tool is missing. Debian, Ubuntu: apt install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2
        exit 1
    }
done

# apt with lists and a cache of its own, for arm64 alone, from where this machine has its packages (or from DEBIAN_MIRROR).
fetch_interpreter() {
    local apt=$work/apt
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,debs} "$root"
    : >"$apt/status"
    local options=(-q -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache"
        -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=)
    if [ -n "${DEBIAN_MIRROR:-}" ]; then
        mkdir -p "$apt"/etc/{apt.conf.d,preferences.d}
        echo "deb [arch=arm64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $DEBIAN_MIRROR $suite main" >"$apt/etc/sources.list"
        options+=(-o Dir::Etc="$apt/etc" -o Dir::Etc::sourceparts=-)
    fi
    apt-get "${options[@]}" update
    (cd "$apt/debs" && apt-get "${options[@]}" download libc6 libgcc-s1 zlib1g libexpat1 libffi8 libssl3 libbz2-1.0 liblzma5 \
        libstdc++6 libsqlite3-0 libuuid1 "python$version-minimal" "libpython$version-minimal" \
        "libpython$version-stdlib" "libpython$version-dev")
    for deb in "$apt"/debs/*.deb; do dpkg-deb --extract "$deb" "$root"; done
}

[ -e "$root/usr/bin/python$version" ] || fetch_interpreter
# How the interpreter was built: what extensions for it are called, how they are linked.
mkdir -p "$work/config"
cp "$root/usr/lib/python$version/_sysconfigdata__aarch64-linux-gnu.py" "$work/config"

# The guest starts its children through this: the kernel of the host cannot run aarch64 programs.
cat >"$work/python" <<END
#!/bin/sh
exec qemu-aarch64 -L "$root" "$root/usr/bin/python$version" "\$@"
END
chmod +x "$work/python"

if [ ! -e "$packages/sitecustomize.py" ]; then
    "$python" -m pip install --quiet --target "$packages" --python-version "$version" --only-binary=:all: \
        --platform manylinux2014_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux_2_28_aarch64 numpy pytest threadpoolctl
    echo "import sys; sys.executable = '$work/python'" >"$packages/sitecustomize.py"
fi

# A copy of the tree, so that the build of every day stays; what did not change keeps its time, and is not compiled again.
mkdir -p "$tree" && rm -rf "$tree"/csrc "$tree"/tests        # files that are gone must not be compiled
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [ -e "$file" ] && printf '%s\0' "$file"; done |
    tar --create --null --files-from=- | tar --extract --directory="$tree"
cd "$tree"
_PYTHON_HOST_PLATFORM=linux-aarch64 _PYTHON_SYSCONFIGDATA_NAME=_sysconfigdata__aarch64-linux-gnu PYTHONPATH=$work/config \
    CC="aarch64-linux-gnu-gcc" LDSHARED="aarch64-linux-gnu-gcc -shared" \
    CFLAGS="-I$root/usr/include/python$version -I$root/usr/include" \
    "$python" setup.py --quiet build_ext --inplace

# qemu-user itself fails where the child of a fork makes threads (plugins/core.c: assertion failed).
[ $# -gt 0 ] || set -- tests/_core tests/ops -k "not fork"
PYTHONPATH=$packages PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1 "$work/python" -m pytest -p no:cacheprovider "$@"
