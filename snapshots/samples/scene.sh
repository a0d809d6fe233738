# shellcheck shell=sh
# Common functions of the scenes: namespaces, services, waiting, captures.
# Sourced by desktop.sh and server.sh; it must not depend on what they start.
#
# A scene runs real programs in isolation from the machine: it has its own processes, mounts,
# network, host name, control groups, users and files. A capture contains no private data, and
# when the first process of the scene exits, all others are killed.

fail() {
    echo "$scene: $*" >&2
    exit 1
}

# enter HOSTNAME COLLECTOR OUTPUT [SECONDS…]: runs the script again as the first process of new
# namespaces (where `inside` is true), and copies the captures out of them.
enter() {
    [ $# -ge 3 ] || fail "usage: $0 COLLECTOR OUTPUT [SECONDS…]"
    [ "$(id -u)" = 0 ] || fail "must be run as root"
    hostname=$1 collector=$2 output=$3
    shift 3
    [ -x "$collector" ] || fail "$collector: no program there"

    # The only shared folder; in the namespaces it is /run/scene.
    shared=$(mktemp -d /tmp/whotalks-scene.XXXXXX)
    trap 'leave' EXIT
    trap 'kill -KILL $first 2>/dev/null; exit 130' INT TERM HUP
    chmod 755 "$shared"
    cp "$(dirname "$0")"/*.sh "$(dirname "$0")"/*.py "$shared"
    cp "$collector" "$shared/whotalks-collect"
    # Inherited descriptors would show paths of this machine in the capture.
    status=0 first=
    unshare --fork --kill-child --pid --mount --net --uts --ipc --propagation private \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        sh -c '. "$0/scene.sh" && arrange "$0" "$@"' "$shared" "$(basename "$0")" "$hostname" "$@" \
        </dev/null >"$shared/log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
    first=$!
    wait "$first" || status=$?
    if [ "$status" -ne 0 ]; then
        cat "$shared"/*.log "$shared/log" >&2
        fail "did not come up"
    fi
    tail -n 1 "$shared/log"
    cp "$shared/$hostname.whotalks" "$output"
    again=0
    for _; do
        again=$((again + 1))
        cp "$shared/$hostname.$again.whotalks" "${output%.whotalks}.$again.whotalks"
    done
}

# Removes the shared folder and the control groups, which the namespaces do not remove. The control
# groups are empty shortly after an interrupt.
leave() {
    unshare --mount --propagation private sh -c '
        mkdir -p "$0/mount" && mount -t cgroup2 cgroup2 "$0/mount" || exit
        groups=$0/mount/${0##*/} tries=0
        while [ -d "$groups" ] && [ "$tries" -lt 50 ]; do
            find "$groups" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
            tries=$((tries + 1))
        done
        [ ! -d "$groups" ] || echo "$groups: left behind" >&2
    ' "$shared" || :
    rm -rf "$shared"
}

# arrange SHARED SCRIPT HOSTNAME [SECONDS…]: in the new namespaces, before the scene's script
# runs.
arrange() {
    set -eu
    hostname "$3"
    ip link set lo up

    # A subtree of the control groups; the control group namespace entered below begins there.
    mkdir "$1/mount"
    mount -t cgroup2 cgroup2 "$1/mount"
    mkdir "$1/mount/${1##*/}"
    echo $$ >"$1/mount/${1##*/}/cgroup.procs"
    umount "$1/mount"

    # A root file system of its own: Debian's programs, a copy of /etc, and nothing else.
    mount -t tmpfs -o mode=755 tmpfs "$1/mount"
    cd "$1/mount"
    mkdir dev etc home old opt proc root run run/lock run/scene sys tmp usr var var/cache var/lib var/log
    chmod 1777 tmp run/lock
    for name in bin sbin lib lib32 lib64 libx32; do
        [ ! -L "/$name" ] || cp -P "/$name" .
    done
    mount --bind /usr usr
    mount --bind "$1" run/scene
    cp -a /etc .
    mount -t proc -o nosuid,nodev,noexec proc proc
    mount -t sysfs -o nosuid,nodev,noexec sysfs sys
    cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty dev
    mkdir dev/pts dev/shm
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
    mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=tty devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd

    # Keeps Debian's system users, removes the others.
    awk -F: '$3 < 1000 || $3 == 65534' /etc/passwd >etc/passwd
    awk -F: '$3 < 1000 || $3 == 65534' /etc/group >etc/group
    echo "$3" >etc/hostname
    printf '127.0.0.1 localhost %s\n::1 localhost\n' "$3" >etc/hosts
    rm -f etc/machine-id
    echo "$3" | md5sum | cut -c 1-32 >etc/machine-id

    pivot_root . old
    cd /
    umount -l /old
    rmdir /old
    script=$2
    shift 3
    exec unshare --cgroup sh "/run/scene/$script" inside "$@" </dev/null >>/run/scene/log 2>&1
}

# settle_in: completes the preparations, called by the script of the scene.
settle_in() {
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
    mkdir /sys/fs/cgroup/init.scope
    echo $$ >/sys/fs/cgroup/init.scope/cgroup.procs
}

# need PROGRAM…: fails early if a program is missing.
need() {
    for program; do
        command -v "$program" >/dev/null || fail "$program is not installed; the packages are named in $0"
    done
}

# add_user NAME UID HOME
add_user() {
    printf '%s:x:%d:%d::%s:/bin/bash\n' "$1" "$2" "$2" "$3" >>/etc/passwd
    printf '%s:x:%d:\n' "$1" "$2" >>/etc/group
    install -d -o "$2" -g "$2" -m 750 "$3"
}

# start UNIT USER COMMAND…: as the service manager would start it, in a control group of that
# name, with a log of that name.
start() {
    unit=/sys/fs/cgroup/$1 log=/run/scene/$(basename "$1").log user=$2
    shift 2
    mkdir -p "$unit"
    (
        echo 0 >"$unit/cgroup.procs"
        exec setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
    ) >>"$log" 2>&1 &
}

# as USER COMMAND…: a client of the scene, in the foreground.
as() {
    user=$1
    shift
    setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
}

# await WHAT COMMAND…: until the command succeeds, a minute at most.
await() {
    what=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -le 240 ] || fail "$what did not come up within a minute"
        sleep 0.25
    done
}

# Waits until no process or Unix socket has been created or closed for three seconds.
await_quiet() {
    still=0 before= rounds=0
    while [ "$still" -lt 6 ]; do
        rounds=$((rounds + 1))
        [ "$rounds" -le 240 ] || fail "the scene did not come to rest within two minutes"
        sleep 0.5
        now="$(awk 'NR > 1 { print $7 }' /proc/net/unix | sort | md5sum) $(processes)"
        if [ "$now" = "$before" ]; then still=$((still + 1)); else still=0; fi
        before=$now
    done
}

# Prints the pids of all processes without starting one.
processes() {
    set -- /proc/[0-9]*
    echo "$#"
}

# capture inside [SECONDS…]: captures now, and again after each number of seconds.
capture() {
    /run/scene/whotalks-collect -o "/run/scene/$(hostname).whotalks"
    shift
    again=0
    for seconds; do
        sleep "$seconds"
        again=$((again + 1))
        /run/scene/whotalks-collect -o "/run/scene/$(hostname).$again.whotalks"
    done
}
