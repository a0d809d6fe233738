//! What a booted machine with systemd and real services is told to be: the sample `guest.whotalks`.

use serde_json::Value;
use whotalks_tests::programs::run;

use crate::{sample, whotalks};

fn answer(arguments: &[&str]) -> Value {
    run(
        whotalks(arguments)
            .args(["--format", "json"])
            .arg(sample("guest")),
        b"",
    )
    .json()
}

fn links(answer: &Value) -> &[Value] {
    answer["links"].as_array().unwrap()
}

/// Services talk to each other; the manager that keeps their sockets and the logger are not among them.
#[test]
fn the_list_is_of_services() {
    let all = answer(&["list"]);
    assert!(links(&all).len() <= 60, "{} rows", links(&all).len());
    for link in links(&all) {
        let via = link["via"].as_str().unwrap_or_default();
        assert!(!via.starts_with("/run/systemd/journal/"), "{link}");
        // What the manager serves itself.
        let by_manager = link["servers"]
            .as_array()
            .unwrap()
            .contains(&"h0/p1".into());
        assert!(!by_manager || via == "/run/systemd/notify", "{link}");
    }
    let has = |client: &str, server: &str, via: &str| {
        let is_it = |link: &Value| {
            link["client"] == client && link["server"] == server && link["via"] == via
        };
        assert!(links(&all).iter().any(is_it), "{client} → {server}");
    };
    has(
        "app/gunicorn",
        "postgresql",
        "/var/run/postgresql/.s.PGSQL.5432",
    );
    has("app/gunicorn", "redis-server", "127.0.0.1:6379");
    has("haproxy", "nginx", "127.0.0.1:8080");
    has("telemetry/mosquitto_sub", "mosquitto", "127.0.0.1:1883");
    has("cups", "dbus-broker", "/run/dbus/system_bus_socket");
    assert!(all["hidden"]["log"].as_u64().unwrap() > 20);
    let with_logs = answer(&["list", "--logs"]);
    let to_journal = |link: &&Value| link["server"] == "systemd-journald";
    let logs: Vec<_> = links(&with_logs).iter().filter(to_journal).collect();
    assert!(logs.len() > 20);
    assert_eq!(with_logs["hidden"]["log"], 0);
}

/// The manager keeps the socket of a service; its own conversations are not the service's.
#[test]
fn a_service_has_its_own_conversations_only() {
    let cups = answer(&["list", "cups"]);
    for link in links(&cups) {
        assert!(
            [&link["client"], &link["server"]].contains(&&"cups".into()),
            "{link}"
        );
    }
    let shown = run(
        whotalks(&["list", "--sockets", "socket:/run/cups/cups.sock"]).arg(sample("guest")),
        b"",
    );
    assert!(shown.text().contains("systemd [1] fd"), "{}", shown.text());
    assert!(shown.text().contains(" keeps"), "{}", shown.text());
}

/// A selector shows a logger's conversations where it means the logger, not where it means everything.
#[test]
fn a_selector_of_everything_names_no_logger() {
    let everything = answer(&["list", "user:*"]);
    for link in links(&everything) {
        // Of a client that is not known, only the logger can match.
        let is_to_journal = link["server"] == "systemd-journald";
        assert!(!is_to_journal || link["client"] == "(unknown)", "{link}");
    }
    assert!(everything["hidden"]["log"].as_u64().unwrap() > 20);
    let journal = answer(&["list", "unit:systemd-journald.service"]);
    assert_eq!(journal["hidden"]["log"], 0);
    assert!(links(&journal).len() > 20);
}

/// Two services that only log have nothing to do with each other.
#[test]
fn no_path_leads_through_the_logger() {
    let path = |options: &[&str]| {
        let mut command = whotalks(&["path", "mosquitto_sub", "cron"]);
        let ran = run(command.args(options).arg(sample("guest")), b"");
        ran.status.code()
    };
    assert_eq!(path(&[]), Some(1));
    assert_eq!(path(&["--logs"]), Some(0));
}

/// What services share, not what starts them.
#[test]
fn the_hubs_are_servers() {
    let hubs = answer(&["hubs"]);
    let first = hubs["hubs"].as_array().unwrap().iter().take(6);
    for hub in first {
        let comm = hub["comm"].as_str().unwrap();
        assert!(!comm.starts_with("systemd"), "{hub}");
    }
}

/// The name of a conversation does not depend on the filter that leaves it.
#[test]
fn a_name_is_the_same_under_any_filter() {
    let via = |arguments: &[&str]| {
        let answer = answer(arguments);
        let link = links(&answer)
            .iter()
            .find(|link| link["client"] == "tunnel/ssh")
            .unwrap();
        link["via"].clone()
    };
    let whole = via(&["list"]);
    assert_eq!(via(&["list", "comm:ssh"]), whole);
    assert_eq!(via(&["list", "--hide", "pid:289"]), whole);
}

/// A socket that was bound under a temporary name and renamed.
#[test]
fn a_renamed_socket_goes_by_its_new_name() {
    let hubs = answer(&["hubs"]);
    let all = hubs["hubs"].to_string();
    assert!(all.contains("/run/haproxy/admin.sock\""), "{all}");
    assert!(!all.contains("admin.sock.76.tmp"), "{all}");
}
