//! Directories in which a system keeps its programs: a program elsewhere may have any name.

/// Directories whose files only root, or a package manager, changes.
const SYSTEM: &str = "
    /usr/ /bin/ /sbin/ /lib/ /lib32/ /lib64/ /libx32/ /opt/ /snap/ /nix/store/ /gnu/store/ /init
    /run/current-system/ /var/lib/snapd/ /var/lib/rancher/ /var/lib/k0s/ /app/bin/
";

/// Directories in which anybody, or any program of one user, creates files.
const TEMPORARY: &str = "/tmp/ /var/tmp/ /dev/shm/ /run/user/ /dev/mqueue/ /usr/tmp/";

/// Whether an executable is where the system's own programs are, and not in memory.
pub(crate) fn is_in_system_directory(exe: &[u8]) -> bool {
    begins(exe, SYSTEM) && !is_temporary(exe)
}

/// Whether an executable is in a directory for temporary files, or in memory.
pub(crate) fn is_temporary(exe: &[u8]) -> bool {
    begins(exe, TEMPORARY) || exe.starts_with(b"/memfd:")
}

fn begins(exe: &[u8], directories: &str) -> bool {
    let mut directories = directories.split_ascii_whitespace();
    directories.any(|directory| exe.starts_with(directory.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_proves_nothing() {
        for exe in ["/usr/lib/systemd/systemd", "/usr/bin/containerd", "/init"] {
            assert!(is_in_system_directory(exe.as_bytes()), "{exe}");
        }
        for exe in [
            "/dev/shm/systemd",
            "/tmp/x/containerd",
            "/home/a/systemd",
            "/memfd:systemd",
            "/usr/tmp/systemd",
        ] {
            assert!(!is_in_system_directory(exe.as_bytes()), "{exe}");
        }
        assert!(is_temporary(b"/memfd:x") && !is_temporary(b"/home/a/x"));
    }
}
