//! Names of containers and of their users, where files of the runtimes and of the containers tell.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::{needs_namespaces, needs_root, skip};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::script::Script;
use whotalks_tests::world::export;

/// A control group, as docker makes it, in each hierarchy that there is; removed when dropped.
struct Cgroup(Vec<PathBuf>);

impl Cgroup {
    /// `None`: this user cannot make one.
    fn new(path: &str) -> Option<Self> {
        let tops = [
            "/sys/fs/cgroup",
            "/sys/fs/cgroup/unified",
            "/sys/fs/cgroup/systemd",
        ];
        let tops = tops.iter().map(PathBuf::from);
        let folders = tops
            .filter(|top| top.join("cgroup.procs").exists())
            .map(|top| top.join(path));
        let folders: Vec<PathBuf> = folders.collect();
        let made = folders
            .iter()
            .all(|folder| fs::create_dir_all(folder).is_ok());
        (made && !folders.is_empty()).then_some(Self(folders))
    }

    fn take(&self, pid: u32) {
        for folder in &self.0 {
            fs::write(folder.join("cgroup.procs"), pid.to_string()).unwrap();
        }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for folder in &self.0 {
            for _ in 0..50 {
                if fs::remove_dir(folder).is_ok() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    }
}

/// The processes of a capture whose machine has these files below `/var/lib` and `/var/log`.
fn processes(world: &World, files: &str, pids: &[u32]) -> Vec<Value> {
    let text =
        format!("mount -t tmpfs none /var/lib\nmount -t tmpfs none /var/log\n{files}\nexec \"$@\"");
    let wrapper = ["unshare", "-m", "sh", "-ec", &text, "sh"];
    // The snapshot is below /tmp, which stays.
    let file = world.snapshot_as("named.whotalks", &wrapper, &[]);
    let map = export(&file);
    let of = |pid: &u32| {
        let mut all = map["processes"].as_array().unwrap().iter();
        all.find(|process| process["pid"] == *pid).unwrap().clone()
    };
    pids.iter().map(of).collect()
}

#[test]
fn names_are_those_of_the_runtimes_files() {
    if !needs_root() {
        return;
    }
    if !needs_namespaces() {
        return;
    }
    let id = |digit: char| format!("{digit}{:063x}", std::process::id());
    let (web, shop) = (id('a'), id('b'));
    let groups = [
        Cgroup::new(&format!("docker/{web}")),
        Cgroup::new(&format!("kubepods/burstable/pod5f-6a/{shop}")),
    ];
    let [Some(docker), Some(pod)] = groups else {
        return skip("no control groups can be made");
    };
    let world = World::new();
    let scripts = [0, 1].map(|_| Script::start("ready(os.getpid())\nrest()\n"));
    let pids = [scripts[0].pids[0], scripts[1].pids[0]];
    docker.take(pids[0]);
    pod.take(pids[1]);
    let files = format!(
        r#"mkdir -p /var/lib/docker/containers/{web} /var/log/containers
        echo '{{"Config":{{"Env":["Name=x"],"Labels":{{"Name":"y"}}}},"ID":"{web}","Name":"/web-1"}}' \
            >/var/lib/docker/containers/{web}/config.v2.json
        ln -s nowhere /var/log/containers/shop-0_prod_app-{shop}.log"#
    );
    let found = processes(&world, &files, &pids);
    let names: Vec<&Value> = found
        .iter()
        .map(|process| &process["container"]["name"])
        .collect();
    assert_eq!(names, ["web-1", "prod/shop-0/app"]);
    let mut command = Command::new(&programs().analyze);
    command.args(["list", "--fds", "--format", "json", "container:web-1"]);
    let file = world.directory().join("named.whotalks");
    let list = run(command.arg(file), b"").json();
    assert_eq!(list["processes"].as_array().unwrap().len(), 1, "{list}");
    drop(scripts);
}

/// Each has its own file, as its root has it: a link in it does not lead outside.
#[test]
fn users_are_those_of_the_own_file() {
    if !needs_root() {
        return;
    }
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let start = |lines: &str| {
        let text = format!(
            "mount -t tmpfs none /mnt\n{lines}\nmount --bind /mnt/passwd /etc/passwd\nexec \"$@\""
        );
        let wrapper = ["unshare", "-m", "sh", "-ec", &text, "sh"];
        Script::start_in(&wrapper, "ready(os.getpid())\nrest()\n")
    };
    let renamed = start("echo 'captain:x:0:0::/:/bin/sh' >/mnt/passwd");
    let nameless = start("echo 'nobody-else:x:4242:0::/:/bin/sh' >/mnt/passwd");
    let same = Script::start_in(&["unshare", "-m"], "ready(os.getpid())\nrest()\n");
    let map = export(&world.snapshot());
    let user = |script: &Script| {
        let mut all = map["processes"].as_array().unwrap().iter();
        let process = all.find(|process| process["pid"] == script.pids[0]);
        process.unwrap()["user"].clone()
    };
    assert_eq!(
        [user(&renamed), user(&nameless), user(&same)],
        ["captain".into(), Value::Null, user(&same)]
    );
    assert_eq!(user(&same), "root");
}
