#!/usr/bin/env bash
# Set up everything this project needs inside its own folder: a JDK where none is found, .venv from the lock, the project itself
# and the Delta jars. Running it again changes nothing and takes a second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=.venv
JDK_WANTED="17 21"
JDK_PACKAGES="openjdk-17-jre-headless openjdk-21-jre-headless"
APT_UPDATED=no

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

# apt_install PACKAGE...: true when all of them could be installed.
apt_install() {
    if [ "$APT_UPDATED" = no ]; then
        DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 || return 1
        APT_UPDATED=yes
    fi
    say "apt-get install $*"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# --- Python ---------------------------------------------------------------------------------------------------------------

# The lock is made for 3.10 to 3.12; a newer one is taken where there is no other.
python_is_locked() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' >/dev/null 2>&1; }
python_works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }
python_makes_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

find_python() {
    local candidate fits
    if [ -n "${PYTHON:-}" ] && python_works "$PYTHON"; then
        echo "$PYTHON"
        return 0
    fi
    for fits in python_is_locked python_works; do
        for candidate in python3 python3.12 python3.11 python3.10; do
            if "$fits" "$candidate"; then
                echo "$candidate"
                return 0
            fi
        done
    done
    return 1
}

require_python() {
    PY=$(find_python || true)
    if { [ -z "$PY" ] || ! python_makes_venvs "$PY"; } && can_apt; then
        local version=""
        [ -z "$PY" ] || version=$("$PY" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        { [ -n "$version" ] && apt_install "$version"; } || apt_install python3 python3-venv || true
        PY=$(find_python || true)
    fi
    if [ -z "$PY" ] || ! python_makes_venvs "$PY"; then
        fail "Python 3.10 or newer with the venv module is needed.
  Debian/Ubuntu: sudo apt-get install python3 python3-venv
  macOS:         brew install python@3.12
Then run this again (PYTHON=/path/to/python3 chooses one)."
    fi
}

# --- Java -----------------------------------------------------------------------------------------------------------------

# java_home_of JAVA: prints the home of that java when its major version is wanted.
java_home_of() {
    local properties major home
    [ -x "$1" ] || return 1
    properties=$("$1" -XshowSettings:properties -version 2>&1) || return 1
    major=$(sed -n 's/^ *java\.specification\.version = //p' <<<"$properties")
    home=$(sed -n 's/^ *java\.home = //p' <<<"$properties")
    case " $JDK_WANTED " in *" $major "*) echo "$home" ;; *) return 1 ;; esac
}

find_java_home() {
    local java version
    for java in "${JAVA_HOME:-/nonexistent}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java \
        /opt/homebrew/opt/openjdk@*/bin/java /usr/local/opt/openjdk@*/bin/java; do
        java_home_of "$java" && return 0
    done
    if [ -x /usr/libexec/java_home ]; then
        for version in $JDK_WANTED; do
            java_home_of "$(/usr/libexec/java_home -v "$version" 2>/dev/null)/bin/java" && return 0
        done
    fi
    return 1
}

require_java() {
    local home package
    if [ -f "$VENV/java_home" ] && [ -x "$(cat "$VENV/java_home")/bin/java" ]; then
        JAVA_FOUND=$(cat "$VENV/java_home")
        return 0
    fi
    home=$(find_java_home || true)
    if [ -z "$home" ] && can_apt; then
        for package in $JDK_PACKAGES; do
            apt_install "$package" && break
        done
        home=$(find_java_home || true)
    fi
    [ -n "$home" ] || fail "Java 17 or 21 is needed and none was found (JAVA_HOME, PATH, /usr/lib/jvm).
  Debian/Ubuntu: sudo apt-get install openjdk-17-jre-headless   (or openjdk-21-jre-headless)
  macOS:         brew install openjdk@17
Then run this again (JAVA_HOME=/path/to/jdk chooses one)."
    JAVA_FOUND=$home
}

# --- the virtual environment ------------------------------------------------------------------------------------------------

digest() { "$1" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'; }
stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

install_lock() {
    local wanted
    wanted=$(digest "$VENV/bin/python" <requirements.lock)
    stamped "$VENV/lock.stamp" "$wanted" && return 0
    say "installing the locked dependencies (some minutes the first time)"
    # pyspark comes as a source distribution. It is built by the locked setuptools, so nothing unlocked is ever downloaded.
    awk '/^[^ #]/ { keep = /^(setuptools|wheel|packaging)==/ } keep' requirements.lock >"$VENV/build-requirements.lock"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$VENV/build-requirements.lock"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation -r requirements.lock
    echo "$wanted" >"$VENV/lock.stamp"
}

install_project() {
    local wanted
    wanted=$({ cat requirements.lock setup.py segmentation/__init__.py; ls jobs/*.py 2>/dev/null || true; } | digest "$VENV/bin/python")
    stamped "$VENV/project.stamp" "$wanted" && return 0
    say "installing the project (editable)"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    echo "$wanted" >"$VENV/project.stamp"
}

require_java
if ! python_works "$VENV/bin/python"; then
    require_python
    say "creating $VENV with $("$PY" --version)"
    "$PY" -m venv --clear "$VENV"
fi
echo "$JAVA_FOUND" >"$VENV/java_home"
install_lock
install_project
. scripts/env.sh
"$VENV/bin/python" scripts/fetch_jars.py
"$VENV/bin/python" scripts/share_classes.py
