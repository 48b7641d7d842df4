#!/bin/sh
# Before a removal ($1 is "remove" for deb, 0 for rpm), not before an upgrade.
set -e

case "$1" in
remove | 0)
    if [ -d /run/systemd/system ]; then
        systemctl disable --now beck-tower.service beck-store.service
    fi
    ;;
esac
