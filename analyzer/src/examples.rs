//! The examples at the end of each `--help`.

/// `whotalks`.
pub(crate) const WHOTALKS: &str = "\
Examples:
  whotalks hubs                                 this machine, captured now
  whotalks list web1.whotalks                   who talks to whom in a snapshot
  ssh host sudo whotalks-collect -o - | whotalks draw - -o map.svg
  whotalks export --format json web1.whotalks | jq '.connections | length'

Selectors: pid:812 comm:dbus* exe:/usr/bin/* cmd:*worker* unit:nginx.service container:ID-or-name
  user:www-data socket:/run/docker.sock socket:@name addr:10.0.0.0/8 port:1521 proto:tcp
  state:listening inode:1452 netns:4026531833 host:web1, or a bare word: part of a name.
  Of different kinds they combine with and, of one kind with or.

Without a SNAPSHOT the collector, found beside this program or in PATH, captures this machine first.
A SNAPSHOT of - is standard input.";

/// `info`.
pub(crate) const INFO: &str = "\
Examples:
  whotalks info web1.whotalks                   host, time, what was read and what was not
  whotalks info --verify web1.whotalks          every block; exit code 1 on damage
  whotalks info --format json web1.whotalks | jq '.files[].complete'";

/// `list`.
pub(crate) const LIST: &str = "\
Examples:
  whotalks list                                 this machine, captured now
  whotalks list --by process web1.whotalks      one row for each process, not each role
  whotalks list unit:nginx.service web1.whotalks
  whotalks list --focus redis --hops 2 web1.whotalks
  whotalks list --format csv web1.whotalks > web1.csv";

/// `show`.
pub(crate) const SHOW: &str = "\
Selectors of sockets (socket:, inode:, port:, …) show sockets; unit: or container: alone show that as
one; all others show processes. Of several matches the first three have pages.

Examples:
  whotalks show pid:812 web1.whotalks           who it is, whom it talks to, what it waits for
  whotalks show unit:nginx.service web1.whotalks
  whotalks show socket:/run/docker.sock         who holds it, who has come, who waits
  whotalks show --format json inode:1452 web1.whotalks | jq '.pages[0].connections'";

/// `hubs`.
pub(crate) const HUBS: &str = "\
Examples:
  whotalks hubs                                 this machine, captured now
  whotalks hubs web1.whotalks | head
  whotalks hubs --format json web1.whotalks | jq -r '.hubs[0].comm'";

/// `path`.
pub(crate) const PATH: &str = "\
A and B are selectors. Of several ways the shortest is shown, whoever began each conversation: the
arrows point from client to server, from writer to reader.

Examples:
  whotalks path nginx postgres web1.whotalks    how the one reaches the other, hop by hop
  whotalks path pid:812 'comm:redis*'           this machine, captured now
  whotalks path firefox Xorg desk.whotalks && echo connected";

/// `waits`.
pub(crate) const WAITS: &str = "\
A row is a thread that was asleep in a system call. It is followed to the socket or pipe of the call,
to the processes at the other end, to what those wait for, and so on to the end: a process that can
go on, an address outside, what is not known, or a cycle. What poll and select wait on is only in
their memory. SELECTORS: threads of what matches, and those that wait for it.

Examples:
  whotalks waits                                this machine, captured now
  whotalks waits postgres web1.whotalks         what it waits for, and who waits for it
  whotalks waits --all web1.whotalks            those that wait as usual too
  whotalks waits --format json web1.whotalks | jq '.cycles'";

/// `check`.
pub(crate) const CHECK: &str = "\
Given a series or two snapshots of one boot, the rules over time run too; given one capture they are
unknown where --rule asks for them by name. Exit code 1: something was found that is as bad as
--fail-on.

Examples:
  whotalks check                                this machine, captured now
  whotalks check web1.whotalks --min-severity medium
  whotalks check --rule WT101 --fail-on unknown desk.whotalks
  whotalks check unit:nginx.service old.whotalks new.whotalks
  whotalks check --format json web1.whotalks | jq -r '.findings[].title'
  whotalks check --format sarif web1.whotalks > web1.sarif
  whotalks check --baseline monday.whotalks tuesday.whotalks
  whotalks check --policy policy.toml web1.whotalks

An ignore file has entries like this; without a selector all findings of the code are meant, and
title may narrow it down with * and ?:
  [[ignore]]
  code = \"WT301\"
  selector = \"socket:/run/app.sock\"
  reason = \"it checks who calls\"
  expires = 2027-01-31";

/// `learn`.
pub(crate) const LEARN: &str = "\
Every capture of every file counts: what was in all of them is expected. Somebody who could not be
read is left out.

Examples:
  whotalks learn web1.whotalks -o policy.toml   from one snapshot, or a series
  whotalks learn mon.whotalks tue.whotalks wed.whotalks -o policy.toml
  whotalks check --policy policy.toml           this machine, captured now";

/// `explain`.
pub(crate) const EXPLAIN: &str = "\
Examples:
  whotalks explain                              all rules
  whotalks explain WT101                        one: what, why, an example, what to do";

/// `raw`.
pub(crate) const RAW: &str = "\
A block that is named by its source is put together from all its parts. One argument alone is the
SNAPSHOT when it is - or a file, or ends in .whotalks.

Examples:
  whotalks raw web1.whotalks                    the blocks: number, source, size, damage
  whotalks raw net/unix web1.whotalks           /proc/net/unix as it was there
  whotalks raw diag/unix web1.whotalks | xxd    the answer of sock_diag(7)
  whotalks raw 12 web1.whotalks > block.bin";

/// `diff`.
pub(crate) const DIFF: &str = "\
OLD and NEW are snapshots of one machine at two times, before and after a restart, or of two machines
that should be alike. Of series the latest captures are meant, or those of --at; --since says another
one for OLD. With OLD alone: a series is compared from its first capture to its latest, anything else
with this machine now. Selectors choose in both: what matches in one of them is shown in the other
too, so that what only moved out of sight is not said to be gone.

Within one boot a process is its pid and start time and a socket its cookie. Beyond that processes are
matched by role: unit or container, program, and command line without numbers, hashes and temporary
names (--why). What was not captured in one of the two is said first, and nothing that only this
explains is a difference. Exit code 1: something changed; 0: nothing.

Examples:
  whotalks diff monday.whotalks tuesday.whotalks
  whotalks diff web1.whotalks                   since then, on this machine
  whotalks diff web1.whotalks web2.whotalks     are they alike?
  whotalks diff --since 17:00 --at 17:10 series.whotalks
  whotalks diff --by process --why --only nginx old.whotalks new.whotalks
  whotalks diff --format json old.whotalks new.whotalks | jq '.listeners.added'";

/// `trend`.
pub(crate) const TREND: &str = "\
Several files of one boot form a series, and so do the captures of one file (whotalks-collect
--count 10 --interval 1m), of which --since and --at pick a part. Rows that do not move are hidden
without --all. What matches a selector in one capture is counted in all. A capture that is damaged
counts nothing: it is a gap.

Examples:
  whotalks trend series.whotalks                what grew, the most first
  whotalks trend --since 17:00 --at 17:30 series.whotalks
  whotalks trend --by process 9am.whotalks 10am.whotalks 11am.whotalks
  whotalks trend --format json series.whotalks | jq '.rows[] | select(.growth > 100)'";

/// `redact`.
pub(crate) const REDACT: &str = "\
Host names, users, processes' names and arguments, paths, names of sockets and addresses are replaced
by pseudonyms: the same for the same name, and of no use without the key, which is thrown away
unless --map keeps it. Addresses stay of their kind (private, public, loopback). Kept are what the
kernel counts (pids, inodes, ports, user ids, times), and words that every machine has, such as /usr/bin.
What is not understood is left out.

Examples:
  whotalks redact web1.whotalks -o shared.whotalks
  whotalks redact --keep comm,exe --map web1.key web1.whotalks -o shared.whotalks";

/// `draw`.
pub(crate) const DRAW: &str = "\
Examples:
  whotalks draw web1.whotalks -o web1.svg
  whotalks draw --diff monday.whotalks tuesday.whotalks -o changes.svg
  whotalks draw --layout layered --theme light web1.whotalks -o web1.svg
  ssh web1 sudo whotalks-collect -o - | whotalks draw - -o web1.svg";

/// `export`.
pub(crate) const EXPORT: &str = "\
json is the whole map. dot and graphml have who talks to whom: nodes are processes (or what --by
says), listeners and addresses outside, edges are conversations. csv has one row for each connection
or pipe.

Examples:
  whotalks export web1.whotalks | jq '.connections | length'
  whotalks export --format dot web1.whotalks | dot -Tsvg > web1.svg
  whotalks export --format graphml --by unit web1.whotalks -o web1.graphml
  whotalks export --format csv web1.whotalks -o web1.csv";
