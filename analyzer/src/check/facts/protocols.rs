//! What is spoken at well-known names.

/// Parts of names whose protocols are for everybody: they check who calls, or tell nothing.
pub(in crate::check) const FOR_ALL: [&str; 56] = [
    "/.X11-unix/",
    "/.ICE-unix/",
    "/dbus/",
    "/dbus-",
    "/bus",
    "/at-spi",
    "/systemd/",
    "/dev/log",
    "/udev/",
    "/uuidd/",
    "/nscd/",
    "/nslcd/",
    "/lib/sss/",
    "/winbindd",
    "/samba/",
    "/avahi-daemon/",
    "/acpid",
    "/cups/",
    "/pcscd/",
    "/rpcbind",
    "/gssproxy",
    "/snapd",
    "/tailscale",
    "/.s.PGSQL.",
    "/mysqld",
    "/mysql.sock",
    "/mariadb",
    "/pulse/",
    "/pipewire",
    "/wayland-",
    "/NetworkManager/",
    "/munge/",
    "/opendkim",
    "/chrony/",
    "/krb5kdc/",
    "/varlink",
    "/postfix/public/",
    "/spool/postfix/",
    "/libvirt/",
    "/dovecot/",
    "/devlxd/",
    "/guestapi/",
    "/dev/lxd/",
    "/dev/incus/",
    "/dhcpcd/unpriv",
    "/lirc/",
    "/ldapi",
    "/nvidia-",
    "/spice-vdagentd/",
    "/usbmuxd",
    "/gpsd",
    "/BrlAPI/",
    "/WSL/",
    "/vmware/",
    "/abrt/",
    "/setroubleshoot",
];

/// Parts of names whose protocols hand out control over the machine or its programs.
pub(in crate::check) const CONTROL: [&str; 13] = [
    "php",
    "fpm",
    "docker",
    "containerd",
    "crio",
    "podman",
    "buildkit",
    "lxd",
    "incus",
    "supervisor",
    "uwsgi",
    "kubelet",
    "salt",
];

/// Whether everybody is meant to connect there, and the server looks who it is.
pub(crate) fn is_for_all(name: &str) -> bool {
    FOR_ALL.iter().any(|part| name.contains(part))
}

/// Whether whoever connects there commands something.
pub(crate) fn is_of_control(name: &str) -> bool {
    CONTROL.iter().any(|part| name.contains(part))
}
