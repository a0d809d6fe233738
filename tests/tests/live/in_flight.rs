//! Sockets whose descriptor was sent and not received yet are in the queue of the receiver.

use std::time::Duration;

use whotalks_tests::World;
use whotalks_tests::environment::needs_namespaces;
use whotalks_tests::script::{Script, links, list};

/// A broker that does not read, and a client of a listener that its maker has sent there. The listener's
/// family and the type of the broker's socket come first.
const SCENE: &str = "
import array
one, two = S.socketpair(S.AF_UNIX, KIND)
def broker():
    one.close(); rest()
receiver = fork(broker)
two.close()
l = S.socket(FAMILY)
l.bind({S.AF_UNIX: '\\0in-flight-%d' % os.getpid(), S.AF_INET: ('127.0.0.1', 0), S.AF_INET6: ('::1', 0)}[FAMILY])
l.listen(4)
address = l.getsockname()
one.sendmsg([b'x'], [(S.SOL_SOCKET, S.SCM_RIGHTS, array.array('i', [l.fileno()]))])
l.close()
def client():
    one.close(); c = S.socket(FAMILY); c.connect(address); rest()
ready(fork(client), receiver)
rest()
";

/// The links of the client, in a network namespace of its own. Where descriptors wait at another socket,
/// too, it is not known which are where: then the capture is repeated.
fn links_of(family: &str, kind: &str) -> Vec<String> {
    let text =
        format!("os.system('ip link set lo up')\nFAMILY, KIND = S.{family}, S.{kind}\n{SCENE}");
    let script = Script::start_in(&["unshare", "-n"], &text);
    let world = World::new();
    let client = format!("pid:{}", script.pids[0]);
    let mut found = Vec::new();
    for _ in 0..20 {
        found = links(&list(&world, &[&client]), &script.pids);
        if found != ["0 → (in flight)"] {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    found
}

#[test]
fn a_listener_is_in_the_queue_of_its_receiver() {
    if !needs_namespaces() {
        return;
    }
    for (family, kind) in [
        ("AF_UNIX", "SOCK_STREAM"),
        ("AF_UNIX", "SOCK_DGRAM"),
        ("AF_INET", "SOCK_SEQPACKET"),
        ("AF_INET6", "SOCK_STREAM"),
    ] {
        let found = links_of(family, kind);
        assert_eq!(found, ["0 → (in the queue of python3)"], "{family} {kind}");
    }
}
