//! System calls without a safe wrapper in rustix. The only file of the collector with unsafe code.
//!
//! No function keeps a pointer after its call.

#![allow(
    unsafe_code,
    reason = "kcmp(2), semctl(2), requests to sockets and namespaces, signal masks and sysconf(3) have no safe wrapper in \
              rustix; symbols of the C library are given other definitions"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// `KCMP_FILES` of `linux/kcmp.h`.
const KCMP_FILES: libc::c_int = 2;
/// `SIOCGSKNS` of `linux/sockios.h`: the network namespace of a socket, as a descriptor.
const SIOCGSKNS: libc::c_ulong = 0x894C;
/// `NS_GET_NSTYPE` of `linux/nsfs.h`: the flag of clone(2) for namespaces of this type.
const NS_GET_NSTYPE: libc::c_ulong = 0xB703;

/// Whether two threads share a descriptor table, by kcmp(2).
pub(crate) fn same_descriptor_table(one: u32, other: u32) -> io::Result<bool> {
    let (one, other) = (libc::c_long::from(one), libc::c_long::from(other));
    // SAFETY: five integers go in, none of them a pointer.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, one, other, KCMP_FILES, 0_usize, 0_usize) };
    if order < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(order == 0)
    }
}

/// Returns the process that used a semaphore of a System V set last, by semctl(2) `GETPID`; 0: none in
/// this pid namespace.
pub(crate) fn semaphore_pid(set: u32, index: u32) -> io::Result<u32> {
    // SAFETY: three integers go in, none of them a pointer; GETPID has no fourth argument.
    let pid = unsafe { libc::semctl(set.cast_signed(), index.cast_signed(), libc::GETPID) };
    u32::try_from(pid).map_err(|_| io::Error::last_os_error())
}

/// Returns `SO_NETNS_COOKIE` (Linux 5.14) of a socket's network namespace.
pub(crate) fn netns_cookie(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut cookie = 0_u64;
    let mut length = size_of::<u64>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes to `cookie`, which has that many.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    };
    if done == 0 {
        Ok(cookie)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Opens the network namespace of a socket with `SIOCGSKNS`. It need not be in any
/// `/proc/PID/ns/net`.
pub(crate) fn socket_netns(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: the request takes no argument; the kernel returns a new descriptor or -1.
    let raw = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSKNS as _) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `raw` was just created by the kernel and has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Returns the type of a namespace, as in the links of `/proc/PID/ns`.
pub(crate) fn namespace_type(namespace: BorrowedFd<'_>) -> io::Result<&'static str> {
    // SAFETY: the request takes no argument; the kernel returns a flag or -1.
    let flag = unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_NSTYPE as _) };
    Ok(match flag {
        libc::CLONE_NEWCGROUP => "cgroup",
        libc::CLONE_NEWIPC => "ipc",
        libc::CLONE_NEWNET => "net",
        libc::CLONE_NEWNS => "mnt",
        libc::CLONE_NEWPID => "pid",
        libc::CLONE_NEWUSER => "user",
        libc::CLONE_NEWUTS => "uts",
        -1 => return Err(io::Error::last_os_error()),
        _ => "ns",
    })
}

fn termination_signals() -> libc::sigset_t {
    // SAFETY: sigemptyset initialises all of the set before sigaddset reads it.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

/// Blocks SIGINT, SIGTERM and SIGHUP in this thread and the threads it starts.
///
/// A signal that was ignored at the start (`nohup`) stays ignored: the kernel discards it.
pub(crate) fn block_termination_signals() {
    let set = termination_signals();
    // SAFETY: `set` is initialised; the old mask is not requested.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
}

/// Waits for one of the blocked signals. Returns its number.
pub(crate) fn wait_for_termination_signal() -> i32 {
    let set = termination_signals();
    let mut signal = 0;
    // SAFETY: `set` is initialised, `signal` receives the result. It fails only for an invalid set.
    unsafe { libc::sigwait(&raw const set, &raw mut signal) };
    signal
}

/// Makes all threads use one malloc arena. Threads allocate little, and each arena would keep its
/// peak size.
pub(crate) fn use_one_malloc_arena() {
    #[cfg(target_env = "gnu")]
    // SAFETY: two integers go in; called before any other thread is started.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

fn sysconf(name: libc::c_int) -> u32 {
    // SAFETY: an integer goes in, an integer comes out.
    let value = unsafe { libc::sysconf(name) };
    u32::try_from(value).unwrap_or(0)
}

/// Returns the page size in bytes.
pub(crate) fn page_bytes() -> u32 {
    sysconf(libc::_SC_PAGESIZE)
}

/// Returns the ticks per second of the times in `/proc/PID/stat`.
pub(crate) fn ticks_per_second() -> u32 {
    sysconf(libc::_SC_CLK_TCK)
}

/// Replaces functions of glibc that this program does not need, but that glibc and `std` refer to in
/// every static program. Without these stubs the program is 243 kB (17 %) larger: collector/README.md has the
/// figures.
///
/// The linker takes these definitions because it searches the C library last.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
mod glibc_stubs {
    use std::ffi::{c_char, c_int};

    /// Only `std` calls it, to report a stack overflow by name; the program ends either way.
    /// glibc's function parses `/proc/self/maps` with scanf(3). Saves 137 kB.
    #[unsafe(no_mangle)]
    extern "C" fn pthread_getattr_np(_: libc::pthread_t, _: *mut libc::pthread_attr_t) -> c_int {
        libc::ENOSYS
    }

    /// Translates messages. Without a locale messages are not translated. Saves 46 kB.
    #[unsafe(no_mangle)]
    extern "C" fn __dcgettext(_: *const c_char, text: *const c_char, _: c_int) -> *const c_char {
        text
    }

    /// The same under its public name, gettext(3).
    #[unsafe(no_mangle)]
    extern "C" fn dcgettext(_: *const c_char, text: *const c_char, _: c_int) -> *const c_char {
        text
    }

    /// Initialises the DNS resolver of a thread. The program resolves no names. Saves 86 kB.
    #[unsafe(no_mangle)]
    extern "C" fn __res_vinit() {
        std::process::abort()
    }

    /// Frees the resolver's state.
    #[unsafe(no_mangle)]
    extern "C" fn __res_iclose() {
        std::process::abort()
    }

    /// Reports a failed assertion in glibc: this one aborts without a message. Saves 30 kB with the
    /// next two.
    #[unsafe(no_mangle)]
    extern "C" fn __assert_fail() {
        std::process::abort()
    }

    /// Prints a fatal error in glibc.
    #[unsafe(no_mangle)]
    extern "C" fn __fxprintf() -> c_int {
        0
    }

    /// Prints a fatal error in glibc, without a cancellation point.
    #[unsafe(no_mangle)]
    extern "C" fn __fxprintf_nocancel() -> c_int {
        0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn system_calls_succeed() {
        assert!(page_bytes() >= 4096);
        assert!(ticks_per_second() > 0);
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let cookie = netns_cookie(one.as_fd()).unwrap();
        assert_ne!(cookie, 0);
        let own = std::process::id();
        assert!(same_descriptor_table(own, own).unwrap());
        assert!(socket_netns(std::io::stdin().as_fd()).is_err());
        let namespace = std::fs::File::open("/proc/self/ns/net").unwrap();
        assert_eq!(namespace_type(namespace.as_fd()).unwrap(), "net");
        assert!(namespace_type(std::io::stdin().as_fd()).is_err());
    }
}
