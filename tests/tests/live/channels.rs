//! Ways to talk other than sockets and pipes, and file locks.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::{needs_namespaces, needs_root, skip, works};
use whotalks_tests::programs::run;
use whotalks_tests::script::Script;
use whotalks_tests::world::export;

/// The channels of a kind with one of these processes at an end, as `NAME: ROLE N FD, …`: the name, and
/// of each end the role, the position of its process in `pids` and its descriptor.
fn channels(world: &World, kind: &str, pids: &[u32]) -> Vec<String> {
    let document = export(&world.snapshot());
    let end = |end: &Value| {
        let id = end["process"].as_str().unwrap();
        let own = pids.iter().position(|pid| id == format!("h0/p{pid}"));
        let own = own.map_or("?".to_owned(), |own| own.to_string());
        let role = end["role"].as_str().unwrap();
        let keeps = if end["keeps"] == true { "keeper " } else { "" };
        match end["fd"].as_u64() {
            Some(fd) => format!("{keeps}{role} {own} {fd}"),
            None => format!("{keeps}{role} {own}"),
        }
    };
    let is_ours = |channel: &&Value| {
        let ends = channel["ends"].as_array().unwrap();
        let mut own = ends.iter().flat_map(|end| {
            let id = end["process"].as_str().unwrap();
            pids.iter().filter(move |pid| id == format!("h0/p{pid}"))
        });
        channel["kind"] == kind && own.next().is_some()
    };
    let all = document["channels"].as_array().unwrap();
    let mut found: Vec<String> = all
        .iter()
        .filter(is_ours)
        .map(|channel| {
            let ends: Vec<String> = channel["ends"]
                .as_array()
                .unwrap()
                .iter()
                .map(end)
                .collect();
            format!("{}: {}", channel["name"].as_str().unwrap(), ends.join(", "))
        })
        .collect();
    found.sort();
    found
}

/// Locks of all calls, each with what waits for it; a request for other bytes waits for nobody.
#[test]
fn locks_and_who_waits_for_them() {
    let world = World::new();
    let directory = world.directory().display();
    let script = Script::start(&format!(
        "
import fcntl
F_OFD_SETLK = 37
def file(name): return os.open('{directory}/' + name, os.O_RDWR | os.O_CREAT)
flock, posix, ofd = file('flock'), file('posix'), file('ofd')
fcntl.flock(flock, fcntl.LOCK_EX)
fcntl.lockf(posix, fcntl.LOCK_EX, 10, 5)
fcntl.fcntl(ofd, F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
def waiter(run):
    pid = fork(lambda: (os.closerange(3, 64), run()))
    time.sleep(0.1)
    return pid
def again(name, how): fcntl.flock(file(name), how)
first = waiter(lambda: again('flock', fcntl.LOCK_EX))
second = waiter(lambda: again('flock', fcntl.LOCK_SH))
third = waiter(lambda: fcntl.lockf(file('posix'), fcntl.LOCK_EX))
fourth = waiter(lambda: fcntl.lockf(file('ofd'), fcntl.LOCK_EX))
def elsewhere():
    fcntl.lockf(file('posix'), fcntl.LOCK_EX, 1, 100)
    rest()
fifth = waiter(elsewhere)
ready(os.getpid(), first, second, third, fourth, fifth)
rest()
"
    ));
    let name = |file: &str| world.directory().join(file).display().to_string();
    let mut expected = [
        format!("{}: holder 0 3, waiter 1, waiter 2", name("flock")),
        format!("{}: holder 0 4, waiter 3", name("posix")),
        format!("{}: holder 5 3, waiter 3", name("posix")),
        format!("{}: holder 0 5, waiter 4", name("ofd")),
    ];
    expected.sort();
    assert_eq!(channels(&world, "lock", &script.pids), expected);
}

/// A child holds the lock of its parent, too, and alone when the parent has ended.
#[test]
fn locks_of_an_open_file_that_is_inherited() {
    let world = World::new();
    let directory = world.directory().display();
    let script = Script::start(&format!(
        "
import fcntl
def locked(name):
    fd = os.open('{directory}/' + name, os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd
locked('shared')
child = fork(rest)
read, write = os.pipe()
def parent():
    locked('orphan')
    os.write(write, str(fork(rest)).encode())
    os._exit(0)
os.waitpid(fork(parent), 0)
ready(os.getpid(), child, int(os.read(read, 20)))
rest()
"
    ));
    let name = |file: &str| world.directory().join(file).display().to_string();
    let found = channels(&world, "lock", &script.pids);
    let expected = [
        format!("{}: holder 2 7", name("orphan")),
        format!(
            "{}: holder 0 3, keeper holder 1 3, keeper holder 2 3",
            name("shared")
        ),
    ];
    assert_eq!(found, expected);
}

/// What the scenes of terminals begin with. `terminal(master, slave, leader)` is a child that leads a
/// session on the slave, with it as its descriptors 0 to 2 and nothing else.
const TERMINALS: &str = "
import ctypes, fcntl, pty, termios
signal.alarm(120)
def die_with_parent(): ctypes.CDLL(None).prctl(1, signal.SIGKILL)
def lead(slave, run):
    def child():
        die_with_parent(); os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3): os.dup2(slave, fd)
        os.closerange(3, 64)
        run()
    pid = os.fork()
    if pid == 0:
        child(); os._exit(1)
    return pid
def told(count):
    text = b''
    while text.count(b' ') < count: text += os.read(told_read, 100)
    return [int(word) for word in text.split()]
def end_told(): os.close(told_read); os.close(60)
told_read, told_write = os.pipe()
os.dup2(told_write, 60); os.close(told_write)
def tell(pid): os.write(60, b'%d ' % pid)
";

/// The links of a list that go over one of these names.
fn links_over(world: &World, arguments: &[&str], pids: &[u32], names: &[&str]) -> Vec<String> {
    let mut answer = whotalks_tests::script::list(world, arguments);
    let rows = answer["links"].as_array_mut().unwrap();
    rows.retain(|row| names.contains(&row["via"].as_str().unwrap_or("")));
    whotalks_tests::script::links(&answer, pids)
}

/// A terminal emulator, a shell, and two jobs of the shell that have inherited its terminal.
#[test]
fn a_terminal_and_the_session_in_it() {
    let world = World::new();
    let script = Script::start(&format!(
        "{TERMINALS}
master, slave = pty.openpty()
number = int(os.ttyname(slave).rsplit('/')[-1])
def shell():
    for job in range(2):
        pid = os.fork()
        if pid == 0:
            die_with_parent(); os.setpgid(0, 0)
            if job: os.execvp('sleep', ['sleep', '1000'])
            # A pager: the terminal is its /dev/tty only.
            fd = os.open('/dev/tty', os.O_RDWR)
            null = os.open('/dev/null', os.O_RDWR)
            for old in range(3): os.dup2(null, old)
            rest()
        tell(pid)
    rest()
def child():
    die_with_parent(); os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3): os.dup2(slave, fd)
    os.closerange(3, 60)
    shell()
shell_pid = os.fork()
if shell_pid == 0:
    child()
jobs = told(2)
os.close(slave); end_told()
ready(os.getpid(), shell_pid, jobs[0], jobs[1], number)
rest()
"
    ));
    let [terminal, shell, pager, job, number] = script.pids[..] else {
        panic!("{:?}", script.pids);
    };
    let pids = [terminal, shell, pager, job];
    let name = format!("pts/{number}");
    let [found] = &channels(&world, "pty", &pids)[..] else {
        panic!("more than one terminal");
    };
    assert!(found.starts_with(&format!("{name}: master 0 ")), "{found}");
    for end in [
        "slave 1 0",
        "slave 1 1",
        "slave 1 2",
        "keeper slave 3 0",
        "keeper slave 2 3",
    ] {
        assert!(found.contains(end), "{end} of {found}");
    }
    assert_eq!(links_over(&world, &[], &pids, &[&name]), ["0 → 1"]);
    // By its number, and as part of a path.
    let by_number = whotalks_tests::script::list(&world, &[&format!("pty:{number}")]);
    assert_eq!(whotalks_tests::script::links(&by_number, &pids), ["0 → 1"]);
    assert_eq!(by_number["links"][0]["kind"], "pty");
    let file = world.snapshot();
    let whotalks = |arguments: &[&str]| {
        let program = &whotalks_tests::programs::programs().analyze;
        let mut command = std::process::Command::new(program);
        let ran = whotalks_tests::programs::run(command.args(arguments).arg(&file), b"");
        ran.succeeds().text().to_owned()
    };
    let path = whotalks(&["path", &format!("pid:{terminal}"), &format!("pid:{shell}")]);
    assert!(path.contains(&format!("→ {name} →")), "{path}");
    let page = whotalks(&["show", &format!("pty:{number}")]);
    assert!(
        page.starts_with("pty h0/y") && page.contains(&format!("[{job}]")),
        "{page}"
    );
    let page = whotalks(&["show", &format!("pid:{shell}")]);
    assert!(
        page.contains("pty   slave") && page.contains(&name),
        "{page}"
    );
}

/// A program that has kept the slave of the terminal that it opened, and a child with the master.
#[test]
fn descriptors_of_a_terminal_that_are_only_kept() {
    let world = World::new();
    let script = Script::start(&format!(
        "{TERMINALS}
master, slave = pty.openpty()
number = int(os.ttyname(slave).rsplit('/')[-1])
def child():
    die_with_parent(); os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    rest()
pid = os.fork()
if pid == 0: child()
ready(os.getpid(), pid, number)
rest()
"
    ));
    let [terminal, shell, number] = script.pids[..] else {
        panic!("{:?}", script.pids);
    };
    let name = format!("pts/{number}");
    let found = channels(&world, "pty", &[terminal, shell]);
    let [found] = &found[..] else {
        panic!("{found:?}");
    };
    for end in ["keeper master 1", "keeper slave 0", ", slave 1"] {
        assert!(found.contains(end), "{end} of {found}");
    }
    assert_eq!(
        links_over(&world, &[], &[terminal, shell], &[&name]),
        ["0 → 1"]
    );
}

/// Terminals of one number in three devpts file systems; the master of the third is a device file
/// elsewhere, as in many containers.
#[test]
fn terminals_of_one_number_in_several_file_systems() {
    if !needs_root() {
        return;
    }
    let world = World::new();
    let directory = world.directory().display();
    let script = Script::start_in(
        &["unshare", "-m"],
        &format!(
            "{TERMINALS}
import stat
def mount(*words): assert os.system('mount ' + ' '.join(words)) == 0
def open_pty(ptmx, pts):
    master = os.open(ptmx, os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(master, 0x40045431, b'\\0' * 4)
    return master, os.open(pts + '/0', os.O_RDWR | os.O_NOCTTY)
shells, masters = [], []
options = '-t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts'
for name in ['a', 'b', 'c']:
    dev = '{directory}/' + name
    os.mkdir(dev)
    if name == 'c': mount('-t tmpfs tmpfs', dev)
    os.mkdir(dev + '/pts')
    mount(options, dev + '/pts')
    ptmx = dev + '/pts/ptmx'
    if name == 'c':
        ptmx = dev + '/ptmx'
        os.mknod(ptmx, 0o666 | stat.S_IFCHR, os.makedev(5, 2))
    def emulator():
        os.closerange(3, 60)
        master, slave = open_pty(ptmx, dev + '/pts')
        tell(os.getpid()); tell(lead(slave, rest))
        os.close(slave)
        rest()
    fork(emulator)
    masters += told(2)
ready(*masters)
rest()
"
        ),
    );
    let [a, a_shell, b, b_shell, c, c_shell] = script.pids[..] else {
        panic!("{:?}", script.pids);
    };
    for (one, other) in [(a, a_shell), (b, b_shell), (c, c_shell)] {
        let found = channels(&world, "pty", &[one, other]);
        let [found] = &found[..] else {
            panic!("{found:?}");
        };
        assert!(
            found.starts_with("pts/0: master 0 ") && found.contains("slave 1 0"),
            "{found}"
        );
        assert!(
            !found.contains('?'),
            "a process of another terminal: {found}"
        );
    }
    let links = links_over(&world, &[], &script.pids, &["pts/0"]);
    assert_eq!(links, ["0 → 1", "2 → 3", "4 → 5"]);
}

/// What the scenes of queues and System V objects begin with.
const C: &str = "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    result = getattr(libc, name)(*arguments)
    if result == -1: raise OSError(ctypes.get_errno(), name)
    return result
read, write = os.pipe()
def wait(): os.read(read, 1)
def go(): os.write(write, b'x')
";

/// In the first IPC namespace, and in one whose queues are not mounted anywhere.
#[test]
fn message_queues_by_access_mode() {
    if !needs_namespaces() {
        return;
    }
    for wrapper in [&["env"][..], &["unshare", "-i"]] {
        let world = World::new();
        let name = format!("/{}", world.directory().file_name().unwrap().display());
        let script = Script::start_in(
            wrapper,
            &format!(
                "{C}
queue = call('mq_open', b'{name}', os.O_RDONLY | os.O_CREAT, 0o600, None)
def writer():
    os.close(queue)
    call('mq_open', b'{name}', os.O_WRONLY)
    rest()
pid = fork(writer)
def both():
    os.close(queue)
    call('mq_open', b'{name}', os.O_RDWR)
    rest()
other = fork(both)
time.sleep(0.2)
call('mq_unlink', b'{name}')
ready(os.getpid(), pid, other, queue)
rest()
"
            ),
        );
        let fd = script.pids[3];
        let pids = &script.pids[..3];
        let found = channels(&world, "mqueue", pids);
        let expected =
            format!("{name} (deleted): writer 1 {fd}, writer 2 {fd}, reader 0 {fd}, reader 2 {fd}");
        assert_eq!(found, [expected]);
        let over = format!("{name} (deleted)");
        assert_eq!(
            links_over(&world, &[], pids, &[&over]),
            [""; 0],
            "not by default"
        );
        let links = links_over(&world, &["--all"], pids, &[&over]);
        assert_eq!(links, ["1 → 0", "1 → 2", "2 → 0", "2 → 2"]);
    }
}

/// A queue is selected by its path.
#[test]
fn a_queue_and_a_fifo_by_path() {
    let world = World::new();
    let name = format!("/{}", world.directory().file_name().unwrap().display());
    let fifo = world.directory().join("fifo");
    let script = Script::start(&format!(
        "{C}
queue = call('mq_open', b'{name}', os.O_RDONLY | os.O_CREAT, 0o600, None)
def writer():
    os.close(queue)
    call('mq_open', b'{name}', os.O_WRONLY)
    os.open('{fifo}', os.O_WRONLY)
    rest()
os.mkfifo('{fifo}')
pid = fork(writer)
os.open('{fifo}', os.O_RDONLY)
os.rename('{fifo}', '{fifo}.moved')
ready(os.getpid(), pid)
call('mq_unlink', b'{name}') if False else rest()
",
        fifo = fifo.display()
    ));
    let list = |word: &str| {
        let answer = whotalks_tests::script::list(&world, &[word]);
        whotalks_tests::script::links(&answer, &script.pids)
    };
    assert_eq!(list(&name), ["1 → 0"]);
    let fifo = fifo.display();
    assert_eq!(list(&format!("path:{fifo}.moved")), ["1 → 0"]);
    // A path that is neither a file nor in the map is an error.
    let file = world.snapshot();
    let mut command = std::process::Command::new(&whotalks_tests::programs::programs().analyze);
    let ran = whotalks_tests::programs::run(command.args(["list", "/no/such"]).arg(&file), b"");
    ran.exits(2);
    let _ = std::fs::remove_file(format!("/dev/mqueue{name}"));
}

/// The creator of shared memory and the last process to attach, the last sender and receiver of a queue,
/// the last users of semaphores; of the first IPC namespace and of another one.
#[test]
fn system_v_objects_of_two_namespaces() {
    if !needs_namespaces() {
        return;
    }
    for wrapper in [&["env"][..], &["unshare", "-i"]] {
        let world = World::new();
        let script = Script::start_in(
            wrapper,
            &format!(
                "{C}
IPC_PRIVATE, IPC_CREAT = 0, 0o1000
memory = call('shmget', IPC_PRIVATE, 4096, IPC_CREAT | 0o600)
queue = call('msgget', IPC_PRIVATE, IPC_CREAT | 0o600)
semaphores = call('semget', IPC_PRIVATE, 2, IPC_CREAT | 0o600)
message = ctypes.create_string_buffer(struct.pack('l4s', 1, b'text'))
call('msgsnd', queue, message, 4, 0)
def up(index):
    call('semop', semaphores, ctypes.create_string_buffer(struct.pack('HhH', index, 1, 0)), 1)
up(0)
def user():
    libc.shmat.restype = ctypes.c_void_p
    libc.shmat(memory, None, 0)
    call('msgrcv', queue, message, 4, 0, 0)
    up(1)
    rest()
pid = fork(user)
ready(os.getpid(), pid, memory, queue, semaphores)
try: signal.pause()
finally: pass
"
            ),
        );
        let pids = &script.pids[..2];
        let [memory, queue, semaphores] = script.pids[2..] else {
            panic!("{:?}", script.pids);
        };
        let of_kind = |kind: &str| channels(&world, kind, pids);
        assert_eq!(
            of_kind("sysv-shm"),
            [format!("sysv-shm {memory}: creator 0, user 1")]
        );
        assert_eq!(
            of_kind("sysv-msg"),
            [format!("sysv-msg {queue}: writer 0, reader 1")]
        );
        assert_eq!(
            of_kind("sysv-sem"),
            [format!("sysv-sem {semaphores}: user 0, user 1")]
        );
        let mut all = whotalks_tests::script::list(&world, &["--all", &format!("pid:{}", pids[1])]);
        let rows = all["links"].as_array_mut().unwrap();
        rows.retain(|row| row["kind"].as_str().unwrap().starts_with("sysv"));
        let all = whotalks_tests::script::links(&all, pids);
        assert_eq!(all, ["0 → 1", "0 → 1", "0 ↔ 1"]);
        if wrapper[0] == "env" {
            for (kind, id) in [("-m", memory), ("-q", queue), ("-s", semaphores)] {
                let removed = std::process::Command::new("ipcrm")
                    .args([kind, &id.to_string()])
                    .status();
                assert!(removed.unwrap().success());
            }
        }
    }
}

/// By fork, over a socket, and by opening one file; two of one name are two.
#[test]
fn shared_memory_by_descriptor() {
    let world = World::new();
    let name = format!("{}", world.directory().file_name().unwrap().display());
    let script = Script::start(&format!(
        "
one = os.memfd_create('{name}')
near, far = S.socketpair()
def heir():
    near.close(); far.close()
    os.open('/dev/shm/{name}', os.O_RDWR)
    rest()
file = os.open('/dev/shm/{name}', os.O_RDWR | os.O_CREAT)
os.set_inheritable(file, False)
child = fork(lambda: (os.close(file), heir()))
def receiver():
    os.close(one); os.close(file)
    near.close()
    kept = S.recv_fds(far, 1, 1)
    rest()
other = fork(receiver)
far.close()
two = os.memfd_create('{name}')
S.send_fds(near, [b'x'], [two])
alone = os.memfd_create('alone')
ready(os.getpid(), child, other)
rest()
"
    ));
    let found = channels(&world, "shm", &script.pids);
    let _ = std::fs::remove_file(format!("/dev/shm/{name}"));
    let shape = |text: &String| -> String {
        let (path, ends) = text.split_once(": ").unwrap();
        let ends = ends.split(", ").map(|end| end.rsplit_once(' ').unwrap().0);
        format!("{path}: {}", ends.collect::<Vec<_>>().join(", "))
    };
    let found: Vec<String> = found.iter().map(shape).collect();
    let expected = [
        format!("/dev/shm/{name}: user 0, user 1"),
        format!("/memfd:{name} (deleted): user 0, user 1"),
        format!("/memfd:{name} (deleted): user 0, user 2"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn eventfds_of_two_processes() {
    let world = World::new();
    let script = Script::start(
        "
shared = os.eventfd(0)
child = fork(rest)
own = os.eventfd(0)
ready(os.getpid(), child, shared)
rest()
",
    );
    let [_, _, fd] = script.pids[..] else {
        panic!("{:?}", script.pids);
    };
    let pids = &script.pids[..2];
    let found = channels(&world, "eventfd", pids);
    let [found] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(
        found.ends_with(&format!(": user 0 {fd}, user 1 {fd}")),
        "{found}"
    );
    let all = whotalks_tests::script::list(&world, &["--all", &format!("pid:{}", pids[0])]);
    assert_eq!(whotalks_tests::script::links(&all, pids), ["0 ↔ 1"]);
    assert_eq!(all["links"][0]["kind"], "eventfd");
}

/// What `lsof +E` says of the other ends of terminals, message queues and eventfds is in the map.
#[test]
fn lsof_knows_no_end_that_the_map_does_not() {
    if !needs_root() {
        return;
    }
    if !works(&["sh", "-c", "command -v lsof"]) {
        return skip("lsof is not installed");
    }
    let world = World::new();
    let name = format!("/{}", world.directory().file_name().unwrap().display());
    let script = Script::start(&format!(
        "
import pty
{C}
queue = call('mq_open', b'{name}', os.O_RDWR | os.O_CREAT, 0o600, None)
event = os.eventfd(0)
master, slave = pty.openpty()
def child():
    os.close(master)
    rest()
pid = fork(child)
os.close(slave)
call('mq_unlink', b'{name}')
ready(os.getpid(), pid)
rest()
"
    ));
    let pids = &script.pids[..];
    let document = export(&world.snapshot());
    let joined = |kind: &str, one: (u32, u64), other: (u32, u64)| {
        let has = |channel: &Value, (pid, fd): (u32, u64)| {
            let id = format!("h0/p{pid}");
            let mut ends = channel["ends"].as_array().unwrap().iter();
            ends.any(|end| end["process"] == id.as_str() && end["fd"] == fd)
        };
        let mut channels = document["channels"].as_array().unwrap().iter();
        channels.any(|channel| channel["kind"] == kind && has(channel, one) && has(channel, other))
    };
    let list: Vec<String> = pids.iter().map(u32::to_string).collect();
    // It knows queues by their mount alone, and exits with 1 if any requested file is missing.
    let mut lsof = Command::new("unshare");
    lsof.args(["-m", "sh", "-c"]).args([
        "mount -t mqueue none /mnt && exec lsof -nP +E -p \"$0\"",
        &list.join(","),
    ]);
    let text = run(&mut lsof, b"").stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut seen = BTreeMap::new();
    for line in text.lines() {
        let kind = match line {
            line if line.contains("/dev/pts/") || line.contains("/dev/ptmx") => "pty",
            line if line.contains("[eventfd:") => "eventfd",
            line if line.contains(&*name) => "mqueue",
            _ => continue,
        };
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let number = |text: &str| text.trim_end_matches(|c: char| !c.is_ascii_digit()).parse();
        let (Ok(pid), Ok(fd)) = (fields[1].parse(), number(fields[3])) else {
            continue;
        };
        // 812,bash,3u
        for end in fields
            .iter()
            .filter(|field| field.matches(',').count() == 2)
        {
            let parts: Vec<&str> = end.split(',').collect();
            let (Ok(other), Ok(its)) = (parts[0].parse(), number(parts[2])) else {
                continue;
            };
            if pids.contains(&pid) && pids.contains(&other) {
                assert!(joined(kind, (pid, fd), (other, its)), "{line}");
                *seen.entry(kind).or_insert(0) += 1;
            }
        }
    }
    let kinds: Vec<&str> = seen.into_keys().collect();
    assert_eq!(kinds, ["eventfd", "mqueue", "pty"], "{text}");
}
