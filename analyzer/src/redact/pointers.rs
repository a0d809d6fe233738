//! Removes memory addresses: with one of them an attacker knows where a running process has its code,
//! stack or heap.

use crate::load::syscall::{CallKind, Syscall, call};

/// The value that stands for a removed argument. As a descriptor or pid it is none that exists, as a
/// timeout it is one.
pub(super) fn removed(argument: usize) -> u64 {
    0x7fff_fff0 + argument as u64
}

/// Smaller numbers are no addresses: the lowest mapping (`vm.mmap_min_addr`).
const FIRST_ADDRESS: u64 = 0x1_0000;
/// A stack of a 64-bit program and one of a 32-bit program.
const STACK: [u64; 2] = [0x7fff_0000_0000, 0xffff_0000];

/// The text of `/proc/PID/task/TID/syscall` without addresses.
pub(super) fn without_addresses(syscall: &Syscall, arch: &[u8]) -> Vec<u8> {
    let (number, mut arguments, stack) = match *syscall {
        Syscall::Running => return b"running".to_vec(),
        Syscall::NoCall => return format!("-1 {:#x} 0x0", STACK[0]).into_bytes(),
        Syscall::Call {
            number,
            arguments,
            stack,
        } => (number, arguments, stack),
    };
    let known = call(arch, number, stack);
    let integers = known.map_or(&[][..], |(name, kind)| integers(name, kind));
    for (index, argument) in arguments.iter_mut().enumerate() {
        // -1, as an int and as a long.
        let is_small = *argument < FIRST_ADDRESS || matches!(*argument, 0xffff_ffff | u64::MAX);
        if integers.contains(&index) {
            *argument &= 0xffff_ffff;
        } else if !is_small {
            *argument = removed(index);
        }
    }
    let arguments = arguments.map(|argument| format!("{argument:#x}")).join(" ");
    let stack = STACK[usize::from(stack <= u64::from(u32::MAX))];
    format!("{number} {arguments} {stack:#x} 0x0").into_bytes()
}

/// The arguments of a call that are descriptors or pids, which the kernel takes as 32-bit numbers.
fn integers(name: &str, kind: CallKind) -> &'static [usize] {
    use CallKind::{Accept, Child, Connect, Epoll, Lock, Read, Splice, Write};
    match kind {
        _ if name == "waitid" => &[0, 1],
        Read | Write | Connect | Accept | Epoll | Lock => &[0],
        Child if name == "wait4" => &[0],
        Splice => &[0, 2],
        _ => &[],
    }
}

/// The fields after the name in `stat` that are addresses, by their index in proc_pid_stat(5): `startcode`,
/// `endcode`, `startstack`, `kstkesp`, `kstkeip`, `wchan`, `start_data`, `end_data`, `start_brk`,
/// `arg_start`, `arg_end`, `env_start`, `env_end`.
const STAT_ADDRESSES: [usize; 13] = [26, 27, 28, 29, 30, 35, 45, 46, 47, 48, 49, 50, 51];

/// The fields of `stat` from the third on, with 0 for each address.
pub(super) fn stat_without_addresses(fields: &[u8]) -> Vec<u8> {
    let is_address = |index: usize| STAT_ADDRESSES.contains(&(index + 3));
    // The text begins with the space before the third field.
    let words = fields.strip_prefix(b" ").unwrap_or(fields);
    let mut out = Vec::with_capacity(fields.len());
    for (index, word) in words.split(|byte| *byte == b' ').enumerate() {
        out.push(b' ');
        match is_address(index) {
            true => out.push(b'0'),
            false => out.extend_from_slice(word),
        }
    }
    out
}

/// A line of the fdinfo of an epoll without the program's own data, mostly the address of a structure.
pub(super) fn without_epoll_data(mut line: Vec<u8>) -> Vec<u8> {
    const KEY: &[u8] = b"data: ";
    let found = line.windows(KEY.len()).position(|part| part == KEY);
    if let Some(start) = found.filter(|_| line.starts_with(b"tfd:")) {
        let start = start + KEY.len();
        let word = line[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit());
        let end = start + word.count();
        line.splice(start..end, [b'0']);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let check = |text: &str| {
            let call = crate::load::syscall::syscall(text.as_bytes()).expect("it is understood");
            String::from_utf8_lossy(&without_addresses(&call, b"x86_64")).into_owned()
        };
        assert_eq!(
            check(
                "0 0x12345 0x55d0aa001000 0x400 0x0 0x22 0x7ffc1000 0x7ffc12345678 0x7f3312345678"
            ),
            "0 0x12345 0x7ffffff1 0x400 0x0 0x22 0x7ffffff5 0x7fff00000000 0x0"
        );
        // poll(array, 3, -1), and a timeout of two minutes.
        assert_eq!(
            check("7 0x7ffc0000aaaa 0x3 0xffffffff 0x0 0x0 0x0 0x7ffc12345678 0x7f3312345678"),
            "7 0x7ffffff0 0x3 0xffffffff 0x0 0x0 0x0 0x7fff00000000 0x0"
        );
        // wait4: a pid, and the address of the status.
        assert_eq!(
            check("61 0x3d0900 0x3d0900 0x0 0x0 0x0 0x0 0x7ffc12345678 0x7f3312345678"),
            "61 0x3d0900 0x7ffffff1 0x0 0x0 0x0 0x0 0x7fff00000000 0x0"
        );
        // Of another architecture, or of a 32-bit program, no argument is known to be a number.
        assert_eq!(
            check("3 0x56001000 0x4 0x0 0x0 0x0 0x0 0xffd01000 0xf7f01000"),
            "3 0x7ffffff0 0x4 0x0 0x0 0x0 0x0 0xffff0000 0x0"
        );
        assert_eq!(
            check("-1 0x7ffc12345678 0x7f3312345678"),
            "-1 0x7fff00000000 0x0"
        );
        assert_eq!(check("running"), "running");
    }

    #[test]
    fn fields_of_stat() {
        let fields: Vec<String> = (3..=52).map(|index| format!("{}", index * 1000)).collect();
        let text = format!(" {}\n", fields.join(" "));
        let redacted = stat_without_addresses(text.as_bytes());
        let redacted = String::from_utf8_lossy(&redacted).into_owned();
        for (index, (before, after)) in fields.iter().zip(redacted.trim().split(' ')).enumerate() {
            let expected = match STAT_ADDRESSES.contains(&(index + 3)) {
                true => "0",
                false => before,
            };
            assert_eq!(after, expected, "field {}", index + 3);
        }
        assert!(redacted.starts_with(" 3000") && redacted.ends_with("52000\n"));
    }
}
