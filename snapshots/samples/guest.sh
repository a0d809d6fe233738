#!/bin/sh
# A booted Debian with systemd and real services, captured from inside: guest.sh COLLECTOR OUTPUT (as root).
# HAProxy → nginx → Gunicorn and PHP-FPM; Gunicorn → PostgreSQL and Redis; a Mosquitto subscriber, a worker
# under supervisord, an SSH session, and what a Debian server runs anyway: journald, rsyslog, D-Bus, logind,
# resolved, cron, Postfix, Dovecot, CUPS by socket activation.
#
# The tree is made with debootstrap once and kept in $GUEST_TREE (/var/cache/whotalks-guest); every boot works
# on an overlay over it that goes away. Later runs take half a minute.
#
# Debian 12 packages: debootstrap iproute2 procps systemd-container util-linux
set -eu

name=guest1
tree=${GUEST_TREE:-/var/cache/whotalks-guest}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
packages="dbus-broker cron rsyslog postfix dovecot-imapd nginx php-fpm gunicorn postgresql redis-server haproxy
cups openssh-server openssh-client mosquitto mosquitto-clients supervisor python3-psycopg2 python3-redis
systemd-resolved procps iproute2 lsof util-linux"

fail() {
    echo "guest: $*" >&2
    exit 1
}

[ $# = 2 ] || fail "usage: $0 COLLECTOR OUTPUT"
[ "$(id -u)" = 0 ] || fail "must be run as root"
collector=$1 output=$2
[ -x "$collector" ] || fail "$collector: no program there"
for program in debootstrap systemd-nspawn nsenter pgrep; do
    command -v "$program" >/dev/null || fail "$program is not installed; the packages are named in $0"
done

# Installs the packages into a new tree, and starts nothing meanwhile.
make_tree() {
    rm -rf "$tree.new"
    mkdir -p "$tree.new"
    debootstrap --variant=minbase --include=systemd-sysv,dbus,libpam-systemd,login bookworm "$tree.new" "$mirror"
    printf '#!/bin/sh\nexit 101\n' >"$tree.new/usr/sbin/policy-rc.d"
    chmod +x "$tree.new/usr/sbin/policy-rc.d"
    cp -L /etc/resolv.conf "$tree.new/etc/resolv.conf"
    chroot "$tree.new" sh -euc '
        export DEBIAN_FRONTEND=noninteractive
        echo "postfix postfix/mailname string $1" | debconf-set-selections
        echo "postfix postfix/main_mailer_type string Local only" | debconf-set-selections
        apt-get update -q
        # shellcheck disable=SC2086
        apt-get install -q -y --no-install-recommends $2
        apt-get clean
    ' sh "$name" "$packages"
    rm "$tree.new/usr/sbin/policy-rc.d" "$tree.new/etc/resolv.conf"
    rm -f "$tree.new"/etc/ssh/ssh_host_*
    configure "$tree.new"
    mv "$tree.new" "$tree"
}

# unit TREE NAME AFTER USER COMMAND: a service that is started at boot.
unit() {
    cat >"$1/etc/systemd/system/$2.service" <<UNIT
[Unit]
After=$3
[Service]
User=$4
ExecStart=$5
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
UNIT
    chroot "$1" systemctl enable "$2" >/dev/null 2>&1
}

configure() { # configure TREE
    echo "$name" >"$1/etc/hostname"
    printf '127.0.0.1 localhost %s\n::1 localhost\n' "$name" >"$1/etc/hosts"
    : >"$1/etc/machine-id"

    mkdir -p "$1/srv/app"
    cat >"$1/srv/app/app.py" <<'PYTHON'
"""Answers every request from PostgreSQL and Redis, over connections that stay open."""
import psycopg2
import redis

database = psycopg2.connect("host=/run/postgresql dbname=postgres user=postgres")
database.autocommit = True
cache = redis.Redis(host="127.0.0.1")
cache.ping()


def app(environ, start):
    with database.cursor() as cursor:
        cursor.execute("select 1")
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"%d\n" % cache.incr("hits")]
PYTHON
    unit "$1" app "postgresql.service redis-server.service" postgres \
        "/usr/bin/gunicorn -w 3 -b unix:/run/app/app.sock --chdir /srv/app app:app"
    mkdir -p "$1/etc/systemd/system/app.service.d"
    printf '[Service]\nRuntimeDirectory=app\n' >"$1/etc/systemd/system/app.service.d/runtime.conf"
    unit "$1" telemetry mosquitto.service nobody "/usr/bin/mosquitto_sub -h 127.0.0.1 -t sensors/#"

    mkdir -p "$1/root/.ssh"
    chroot "$1" ssh-keygen -q -t ed25519 -N '' -C guest -f /root/.ssh/id_ed25519
    cp "$1/root/.ssh/id_ed25519.pub" "$1/root/.ssh/authorized_keys"
    unit "$1" ssh-host-keys "local-fs.target" root "/usr/bin/ssh-keygen -A"
    printf '[Unit]\nBefore=ssh.service\n[Service]\nType=oneshot\nRestart=no\nRemainAfterExit=yes\n' |
        install -D -m 644 /dev/stdin "$1/etc/systemd/system/ssh-host-keys.service.d/once.conf"
    unit "$1" tunnel ssh.service root \
        "/usr/bin/ssh -o StrictHostKeyChecking=no -tt 127.0.0.1 sleep infinity"

    cat >"$1/etc/nginx/sites-available/default" <<'NGINX'
upstream app { server unix:/run/app/app.sock; keepalive 4; }
server {
    listen 127.0.0.1:8080;
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location ~ \.php$ { fastcgi_pass unix:/run/php/php8.2-fpm.sock; include fastcgi_params; }
}
NGINX
    cat >>"$1/etc/haproxy/haproxy.cfg" <<'HAPROXY'
frontend web
    mode http
    bind :80
    default_backend nginx
backend nginx
    mode http
    server local 127.0.0.1:8080
HAPROXY
    cat >"$1/etc/supervisor/conf.d/worker.conf" <<'SUPERVISOR'
[program:worker]
command=/usr/bin/python3 -c "import redis, time; r = redis.Redis(host='127.0.0.1'); r.ping(); time.sleep(1e6)"
SUPERVISOR
    # The units of this name must not wait for what no guest has.
    chroot "$1" systemctl mask e2scrub_reap.service getty@.service console-getty.service >/dev/null 2>&1
    chroot "$1" systemctl disable apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer >/dev/null 2>&1
}

# The control group that the guest is started in, as machined would make it, in each hierarchy that there is.
scope=machine.slice/machine-$name.scope
hierarchies() {
    for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
        [ ! -e "$hierarchy/cgroup.procs" ] || echo "$hierarchy"
    done
}

leave() {
    [ -z "$nspawn" ] || kill -TERM "$nspawn" 2>/dev/null || :
    [ -z "$nspawn" ] || wait "$nspawn" 2>/dev/null || :
    for hierarchy in $(hierarchies); do
        find "$hierarchy/$scope" -depth -type d -exec rmdir {} + 2>/dev/null || :
    done
    rm -f "$log"
}

inside() {
    nsenter --target "$init" --all -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

await() { # await WHAT COMMAND…: until the command succeeds, two minutes at most
    what=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -le 480 ] || { tail -n 30 "$log" >&2; fail "$what did not come up within two minutes"; }
        sleep 0.25
    done
}

[ -d "$tree" ] || make_tree
nspawn='' log=$(mktemp)
trap leave EXIT
trap 'exit 130' INT TERM HUP
for hierarchy in $(hierarchies); do
    mkdir -p "$hierarchy/$scope"
done
(
    for hierarchy in $(hierarchies); do
        sh -c 'echo $PPID' >"$hierarchy/$scope/cgroup.procs"
    done
    export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
    exec systemd-nspawn --machine="$name" --directory="$tree" --volatile=overlay --boot --register=no --keep-unit \
        --network-veth --console=pipe --capability=all
) <"/dev/null" >"$log" 2>&1 &
nspawn=$!

first_child() { init=$(pgrep -P "$nspawn" -x systemd); }
settled() { inside systemctl is-system-running | grep -qE '^(running|degraded)$'; }
await "systemd" first_child
await "the boot" settled
for service in app telemetry tunnel supervisor haproxy dovecot postfix cups; do
    await "$service" inside systemctl is-active --quiet "$service"
done
await "the worker of supervisord" inside supervisorctl status worker
inside python3 - <<'PYTHON' || fail "HAProxy gives no answer"
import time, urllib.request
for attempt in range(40):
    try:
        print("answer", urllib.request.urlopen("http://127.0.0.1/").read())
        break
    except OSError as error:
        print(error)
        time.sleep(0.5)
else:
    raise SystemExit(1)
PYTHON
await "the session over SSH" inside pgrep -x sleep
# Until no process has come or gone for three seconds; no process is started to look.
inside sh -c '
    before= tries=0
    while set -- /proc/[0-9]* && [ "$*" != "$before" ] && [ $((tries += 1)) -le 40 ]; do
        before=$*
        sleep 3
    done'

cp "$collector" "/proc/$init/root/run/whotalks-collect"
inside /run/whotalks-collect --force -o "/run/$name.whotalks"
cp "/proc/$init/root/run/$name.whotalks" "$output"
chmod 644 "$output"
