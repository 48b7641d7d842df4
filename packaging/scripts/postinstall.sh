#!/bin/sh
# After an installation or an upgrade, of deb ($1 is "configure") and rpm (1, 2).
# Nothing is enabled or started: which of the services a machine is for is yours to say.
set -e

if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers /usr/lib/sysusers.d/beck.conf
elif ! getent passwd beck >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir /var/lib/beck \
        --shell /usr/sbin/nologin --comment 'beck, streams of records' beck
fi

# For "beck cert": what is made there can be read by the services.
if [ ! -d /etc/beck/http ]; then
    mkdir -p /etc/beck/http
    chown root:beck /etc/beck/http
    chmod 2750 /etc/beck/http
fi

if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart beck-tower.service beck-store.service
fi
