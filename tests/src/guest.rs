//! A booted guest with systemd and a handful of services, over this machine's own tree.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::World;
use crate::environment::works;
use crate::programs::{Ran, programs, run};

/// How long it may take to boot or to end.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Mounts an overlay of the machine's tree, of which no file changes, and boots from it. `$1` is a folder,
/// `$2` the name of the machine.
const BOOT: &str = r#"
mount -t tmpfs guest "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cp -r "$1.etc/." "$1/root/etc/"
sed 's/^redis:/cacheuser:/' /etc/passwd >"$1/root/etc/passwd"
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    scope=$hierarchy/machine.slice/machine-$2.scope
    [ ! -e "$hierarchy/cgroup.procs" ] || { mkdir -p "$scope"; echo $$ >"$scope/cgroup.procs"; }
done
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --machine="$2" --directory="$1/root" --boot --register=no --keep-unit --network-veth \
    --console=pipe --capability=all
"#;

/// A service: its name, its user, and its command.
pub type Unit<'a> = (&'a str, &'a str, &'a str);

/// A booted guest; ended when dropped.
#[derive(Debug)]
pub struct Guest {
    nspawn: Child,
    /// Its service manager, as this machine sees it.
    pub init: u32,
    /// Its name.
    pub name: String,
    log: File,
}

impl Guest {
    /// Boots a guest with these services, and files below `/etc`. `Err`: why this machine cannot.
    ///
    /// # Panics
    /// If it does not boot.
    pub fn boot(
        world: &World,
        units: &[Unit<'_>],
        files: &[(&str, &str)],
    ) -> Result<Self, &'static str> {
        for program in ["systemd-nspawn", "nsenter", "/lib/systemd/systemd"] {
            if !works(&["sh", "-c", &format!("command -v {program}")]) {
                return Err("no systemd-container");
            }
        }
        let folder = world.directory().join("guest");
        fs::create_dir(&folder).expect("the folder is new");
        // A name of its own: tests run at the same time.
        let name = format!("whotalks-{}", std::process::id());
        write_files(&folder.with_extension("etc"), &name, units, files);
        let log = File::create(folder.with_extension("log")).expect("a file");
        let mut command = Command::new("unshare");
        command
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-euc",
                BOOT,
                "sh",
            ])
            .args([&folder, Path::new(&name)])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a descriptor"))
            .stderr(log.try_clone().expect("a descriptor"));
        let nspawn = command.spawn().expect("unshare starts");
        let log = File::open(folder.with_extension("log")).expect("it was made");
        let mut guest = Self {
            nspawn,
            init: 0,
            name,
            log,
        };
        let begun = Instant::now();
        while guest.init == 0 {
            guest.init = child(guest.nspawn.id()).unwrap_or(0);
            let ended = guest.nspawn.try_wait().is_ok_and(|status| status.is_some());
            assert!(
                !ended && begun.elapsed() < TIMEOUT,
                "no guest: {}",
                guest.messages()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(guest)
    }

    /// What it printed.
    pub fn messages(&self) -> String {
        let mut text = String::new();
        let mut log = &self.log;
        let read = log.rewind().and_then(|()| log.read_to_string(&mut text));
        read.map_or_else(|error| error.to_string(), |_| text)
    }

    /// Runs a command inside.
    pub fn run(&self, words: &[&str]) -> Ran {
        let init = self.init.to_string();
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &init, "--all", "--", "env", "-i"])
            .args(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"])
            .args(words);
        run(&mut command, b"")
    }

    /// Captures the guest from inside.
    ///
    /// # Panics
    /// If that fails.
    pub fn snapshot(&self, to: PathBuf) -> PathBuf {
        let inside = |name: &str| PathBuf::from(format!("/proc/{}/root/run/{name}", self.init));
        fs::copy(&programs().collect, inside("whotalks-collect")).expect("it is copied");
        let words = [
            "/run/whotalks-collect",
            "-q",
            "--force",
            "-o",
            "/run/guest.whotalks",
        ];
        self.run(&words).succeeds();
        fs::copy(inside("guest.whotalks"), &to).expect("it is copied");
        to
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let ended = kill_process(Pid::from_child(&self.nspawn), Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < TIMEOUT && ended.is_ok() {
            if matches!(self.nspawn.try_wait(), Ok(Some(_))) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // Where it did not end by itself; and its control groups.
        let _ = self.nspawn.kill();
        let _ = self.nspawn.wait();
        let scope = format!("machine.slice/machine-{}.scope", self.name);
        let remove = format!(
            "for top in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
                find $top/{scope} -depth -type d -exec rmdir {{}} + || :
            done"
        );
        works(&["sh", "-c", &remove]);
    }
}

/// The files of the guest's `/etc` that differ from the machine's.
fn write_files(etc: &Path, name: &str, units: &[Unit<'_>], files: &[(&str, &str)]) {
    let system = etc.join("systemd/system");
    fs::create_dir_all(&system).expect("the folder is new");
    let write = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().expect("below /etc")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write(etc.join("hostname"), name);
    write(etc.join("machine-id"), "");
    let mut wants = String::from("dbus.service systemd-logind.service");
    for (unit, user, command) in units {
        // Others are started by their sockets.
        let socket = format!("systemd/system/{unit}.socket");
        if !files.iter().any(|(path, _)| *path == socket) {
            let _ = write!(wants, " {unit}.service");
        }
        let text = format!(
            "[Service]\nUser={user}\nRuntimeDirectory={unit}\nExecStart={command}\nRestart=always\nRestartSec=1\n\
             TimeoutStartSec=60\nKillMode=mixed\nTimeoutStopSec=2\n"
        );
        write(system.join(format!("{unit}.service")), &text);
    }
    for (path, text) in files {
        write(etc.join(path), text);
        if let Some(socket) = path
            .strip_prefix("systemd/system/")
            .filter(|path| path.ends_with(".socket"))
        {
            let _ = write!(wants, " {socket}");
        }
    }
    let target = format!(
        "[Unit]\nRequires=basic.target\nAfter=basic.target\nWants={wants}\nAllowIsolate=yes\n"
    );
    write(system.join("default.target"), &target);
}

/// A child of a process.
fn child(pid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let mut children = children
        .split_whitespace()
        .filter_map(|child| child.parse().ok());
    children.find(|child: &u32| {
        let comm = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
        comm.trim() == "systemd"
    })
}
