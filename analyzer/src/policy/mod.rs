//! Policies: which roles may communicate over what. Learned from maps, written as TOML, compared with
//! another map.
//!
//! Roles survive restarts (`diff::role`) and names have their random parts
//! masked (`diff::shape`), so that a policy holds
//! after a reboot and on machines set up alike.
//!
//! Each file imports only files above it in this list: `conversations`, `allow`, `file`, `learn`.

mod allow;
mod conversations;
mod file;
mod learn;

pub use allow::{Policy, PolicyEntry};
pub use conversations::{ConversationEvidence, RoleConversation, role_conversations};
pub use file::{PolicyError, toml_error};
pub use learn::{Learned, write};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::model::Map;
    use crate::query::LinkKind;

    #[test]
    fn what_was_learned_is_allowed_after_a_restart() {
        let map = |pid: u32| {
            let mut map = Map::with_host();
            let app = map.add_process(pid, b"app");
            let db = map.add_process(pid + 1, b"db");
            let name = format!("\0db-{}", pid + 1);
            let listener = map.add_listener(&[db], name.as_bytes());
            map.add_connection(&[app], &[db], Some(listener));
            map
        };
        let mut learned = Learned::default();
        learned.add(&map(812));
        let mut text = Vec::new();
        write(&mut text, &learned, &["a.whotalks".to_owned()]).unwrap();
        let text = String::from_utf8(text).unwrap();
        let policy: Policy = text.parse().unwrap();
        assert_eq!(policy.entries.len(), 1, "{text}");
        assert!(policy.entries[0].expected);
        let after = role_conversations(&map(990));
        assert_eq!(after.len(), 1);
        assert!(after.keys().all(|one| policy.allows(one)), "{text}");
    }

    #[test]
    fn files_are_read_strictly() {
        let check = |text: &str, expected: &str| {
            let error = text.parse::<Policy>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(
            "\nschema = \"whotalks-policy/2\"",
            "line 2: schema is \"whotalks-policy/2\", expected \"whotalks-policy/1\"",
        );
        check(
            "[[allow]]\nclient = \"a\"\nserver = \"b\"",
            "schema is missing",
        );
        let schema = "schema = \"whotalks-policy/1\"\n";
        let in_entry = |lines: &str, expected: &str| {
            check(
                &format!("{schema}[[allow]]\nclient = \"a\"\n{lines}"),
                expected,
            );
        };
        in_entry("", "line 2: missing field `server`");
        in_entry("server = \"b\"\nvai = \"c\"", "line 5: unknown field `vai`");
        in_entry("server = \"b\"\nkind = \"tcp\"", "line 5: kind is \"tcp\"");
        check(&format!("{schema}allow = [\n{{ client = \"a\""), "line 3: ");
        check(&format!("{schema}[[allow]\nclient = \"a\""), "line 2: ");
        let policy: Policy = format!("{schema}[[allow]]\nclient = \"*\"\nserver = \"db\"")
            .parse()
            .unwrap();
        let conversation = RoleConversation {
            client: "x".to_owned(),
            server: "db".to_owned(),
            via: "/run/db".to_owned(),
            kind: LinkKind::Unix,
        };
        assert!(policy.allows(&conversation));
        let other = RoleConversation {
            server: "web".to_owned(),
            ..conversation
        };
        assert!(!policy.allows(&other));
    }
}
