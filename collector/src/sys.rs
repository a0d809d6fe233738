//! The system calls that rustix lacks; the only file of the collector with unsafe code.
//!
//! Nothing here keeps a pointer beyond its call, and nothing here decides anything.

#![allow(
    unsafe_code,
    reason = "kcmp(2), two socket requests, signal masks and sysconf(3) have no safe wrapper in \
              rustix; symbols of the C library are given other definitions"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// `KCMP_FILES` of `linux/kcmp.h`.
const KCMP_FILES: libc::c_int = 2;
/// `SIOCGSKNS` of `linux/sockios.h`: the network namespace of a socket, as a descriptor.
const SIOCGSKNS: libc::c_ulong = 0x894C;

/// Whether two threads share one descriptor table: kcmp(2).
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

/// `SO_NETNS_COOKIE` (Linux 5.14) of a socket's network namespace.
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

/// The network namespace that a socket lives in, which may be in no process's `ns/net`.
pub(crate) fn socket_netns(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: the request takes no argument; the kernel gives a new descriptor or -1.
    let raw = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSKNS as _) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `raw` was just made for us and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
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

/// Holds SIGINT, SIGTERM and SIGHUP back from this thread and those it will start.
///
/// One that was ignored at the start (`nohup`) stays ignored: the kernel drops it.
pub(crate) fn block_termination_signals() {
    let set = termination_signals();
    // SAFETY: `set` is initialised; the old mask is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
}

/// Waits for one of the signals that are held back; its number.
pub(crate) fn wait_for_termination_signal() -> i32 {
    let set = termination_signals();
    let mut signal = 0;
    // SAFETY: `set` is initialised, `signal` takes the answer. It fails only for an invalid set.
    unsafe { libc::sigwait(&raw const set, &raw mut signal) };
    signal
}

/// Makes the threads share one heap: they allocate little, and each heap of its own would keep what
/// its thread once needed.
pub(crate) fn use_one_malloc_arena() {
    #[cfg(target_env = "gnu")]
    // SAFETY: two integers go in; called before any other thread is there.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

fn sysconf(name: libc::c_int) -> u32 {
    // SAFETY: an integer goes in, an integer comes out.
    let value = unsafe { libc::sysconf(name) };
    u32::try_from(value).unwrap_or(0)
}

/// Bytes of a page.
pub(crate) fn page_bytes() -> u32 {
    sysconf(libc::_SC_PAGESIZE)
}

/// Ticks a second of the times in `/proc/PID/stat`.
pub(crate) fn ticks_per_second() -> u32 {
    sysconf(libc::_SC_CLK_TCK)
}

/// What the C library of a static program would bring along and nothing here ever calls: a fifth of
/// the whole program. The linker takes these instead of the library's own.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
mod unneeded {
    use std::ffi::{c_char, c_int};

    /// Where a thread's stack ends: only `std` asks, to name an overflow that ends the program either
    /// way. The library would read `/proc/self/maps` for it, with all of scanf(3).
    #[unsafe(no_mangle)]
    extern "C" fn pthread_getattr_np(_: libc::pthread_t, _: *mut libc::pthread_attr_t) -> c_int {
        libc::ENOSYS
    }

    /// Translated messages: there are none, as for everybody who sets no locale.
    #[unsafe(no_mangle)]
    extern "C" fn __dcgettext(_: *const c_char, text: *const c_char, _: c_int) -> *const c_char {
        text
    }

    /// The same under its public name: gettext(3).
    #[unsafe(no_mangle)]
    extern "C" fn dcgettext(_: *const c_char, text: *const c_char, _: c_int) -> *const c_char {
        text
    }

    /// Names of hosts, which every program with threads is ready to look up; this one never does.
    #[unsafe(no_mangle)]
    extern "C" fn __res_vinit() {
        std::process::abort()
    }

    /// The end of such a search.
    #[unsafe(no_mangle)]
    extern "C" fn __res_iclose() {
        std::process::abort()
    }

    /// An assertion of the library's own has failed: it aborts, here without words.
    #[unsafe(no_mangle)]
    extern "C" fn __assert_fail() {
        std::process::abort()
    }

    /// The library's last words.
    #[unsafe(no_mangle)]
    extern "C" fn __fxprintf() -> c_int {
        0
    }

    /// The same.
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
    fn the_kernel_answers() {
        assert!(page_bytes() >= 4096);
        assert!(ticks_per_second() > 0);
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let cookie = netns_cookie(one.as_fd()).unwrap();
        assert_ne!(cookie, 0);
        let own = std::process::id();
        assert!(same_descriptor_table(own, own).unwrap());
        assert!(socket_netns(std::io::stdin().as_fd()).is_err());
    }
}
