//! Small sets and maps that cost the program little: it is put on other people's machines.

/// What `collect` would make. For sets and maps that one sorts first, with a stable sort of its own
/// for each type: 5 kB of program each.
pub(crate) fn insert_each<C: Default + Extend<T>, T>(items: impl Iterator<Item = T>) -> C {
    let mut all = C::default();
    for item in items {
        all.extend(Some(item));
    }
    all
}
