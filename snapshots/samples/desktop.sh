#!/bin/sh
# Captures an Xfce desktop under a virtual X server: desktop.sh COLLECTOR OUTPUT [SECONDS…] (as root).
# It resembles the desktop in Thomas Leonard's "Who's talking to whom?".
#
# Debian 12 packages: at-spi2-core dbus iproute2 procps thunar util-linux x11-utils xfce4-panel
# xfce4-session xfce4-settings xfdesktop4 xfwm4 xterm xvfb
set -eu
scene=desktop
. "$(dirname "$0")/scene.sh"
[ "${1-}" = inside ] || { enter desk "$@"; exit; }
settle_in
need Xvfb dbus-daemon xdpyinfo xwininfo startxfce4 xfwm4 xfce4-panel xfdesktop xfsettingsd Thunar xterm pgrep

display=:7
session=user.slice/user-1000.slice/session-1.scope
add_user alice 1000 /home/alice
install -d -o alice -g alice -m 700 /run/user/1000
install -d -m 1777 /tmp/.X11-unix /tmp/.ICE-unix

# Only services of this script are on the system bus: no polkit, no power manager.
mount -t tmpfs -o mode=755 tmpfs /usr/share/dbus-1/system-services
mkdir /run/dbus
start system.slice/dbus.service root dbus-daemon --system --nofork --nopidfile
await "the system bus" test -S /run/dbus/system_bus_socket

start $session alice Xvfb $display -screen 0 1280x800x24 -nolisten tcp
await "the X server" xdpyinfo -display $display

start user.slice/user-1000.slice/user@1000.service alice \
    dbus-daemon --session --address=unix:path=/run/user/1000/bus --nofork --nopidfile
await "the session bus" test -S /run/user/1000/bus

# Programs of the user alice, started by the session manager like the others.
autostart=/home/alice/.config/autostart
as alice mkdir -p $autostart
open() { # open NAME COMMAND
    printf '[Desktop Entry]\nType=Application\nName=%s\nExec=%s\n' "$1" "$2" | as alice tee "$autostart/$1.desktop" >/dev/null
}
open shell "xterm -title shell"
open system "xterm -title system -e top -d 10"
open errors "xterm -title errors -e tail -f /home/alice/.xsession-errors"
open mail "xterm -title mail -e sh -c 'sleep infinity | cat'"
open files "thunar /home/alice"
open settings "xfce4-settings-manager"

start $session alice env -i HOME=/home/alice USER=alice LOGNAME=alice SHELL=/bin/bash \
    PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 DISPLAY=$display XDG_RUNTIME_DIR=/run/user/1000 \
    XDG_SESSION_TYPE=x11 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus \
    sh -c 'cd; exec startxfce4 >.xsession-errors 2>&1'

window() { # window NAME: mapped, as the window manager knows it
    xwininfo -display $display -name "$1" | grep -q 'Map State: IsViewable'
}
for name in Desktop xfce4-panel shell system errors mail; do
    await "the window $name" window $name
done
await "the file manager's window" window "alice - Thunar"
await "the settings' window" window Settings
await "the accessibility registry" pgrep -x at-spi2-registr
await_quiet

capture "$@"
echo "desk: $(processes) processes, $(grep -c . /proc/net/unix) Unix sockets, $(pgrep -c -x -u alice xterm) terminals; X, D-Bus, Xfce up"
