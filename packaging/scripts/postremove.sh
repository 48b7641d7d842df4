#!/bin/sh
# After a removal. Records in /var/lib/beck, and the user who owns them, always stay.
# Certificates and tokens go with the configuration: when deb purges.
set -e

if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
if [ "$1" = purge ]; then
    rm -rf /etc/beck/http
    rmdir --ignore-fail-on-non-empty /etc/beck 2>/dev/null || true
    if [ -d /var/lib/beck ]; then
        echo "beck: the records in /var/lib/beck were left"
    fi
fi
