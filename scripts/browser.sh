#!/usr/bin/env bash
# A headless Chromium for the browser tests, where apt can give one; without it those tests skip by name.
set -euo pipefail

if command -v chromedriver >/dev/null 2>&1 && { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    printf 'setup: apt-get install chromium chromium-driver\n' >&2
    if apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null; then
        exit 0
    fi
fi
printf 'setup: no Chromium with chromedriver: the browser tests will be skipped.
  Debian/Ubuntu: sudo apt-get install chromium chromium-driver
  macOS:         brew install --cask google-chrome && brew install chromedriver\n' >&2
