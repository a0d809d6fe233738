//! Well-known socket names, by what their protocols are for.

/// Parts of names whose protocols are meant for all users: they check credentials, or reveal nothing.
pub(crate) const PUBLIC: &str = "
    /.X11-unix/ /.ICE-unix/ /dbus/ /dbus- /bus /at-spi /systemd/ /dev/log /udev/ /uuidd/ /nscd/
    /nslcd/ /lib/sss/ /winbindd /samba/ /avahi-daemon/ /acpid /cups/ /pcscd/ /rpcbind /gssproxy
    /snapd /tailscale /.s.PGSQL. /mysqld /mysql.sock /mariadb /pulse/ /pipewire /wayland-
    /NetworkManager/ /munge/ /opendkim /chrony/ /krb5kdc/ /varlink /postfix/public/
    /spool/postfix/ /libvirt/ /dovecot/ /devlxd/ /guestapi/ /dev/lxd/ /dev/incus/ /dhcpcd/unpriv
    /lirc/ /ldapi /nvidia- /spice-vdagentd/ /usbmuxd /gpsd /BrlAPI/ /WSL/ /vmware/ /abrt/
    /setroubleshoot
";

/// Parts of names whose protocols give control over the machine or its programs.
pub(crate) const CONTROL: &str = "
    php fpm docker containerd crio podman buildkit lxd incus supervisor uwsgi kubelet salt
";

/// Whether all users are meant to connect there, and the server checks their credentials.
pub(crate) fn is_public(name: &str) -> bool {
    let mut parts = PUBLIC.split_ascii_whitespace();
    parts.any(|part| name.contains(part))
}

/// Whether a connection there gives control over something.
pub(crate) fn gives_control(name: &str) -> bool {
    let mut parts = CONTROL.split_ascii_whitespace();
    parts.any(|part| name.contains(part))
}
