//! Builds sets and maps with little code: the program is small because it is copied to other
//! machines.

/// Inserts the items one after the other. `collect` into a set or map sorts the items first, and
/// instantiates a stable sort of about 5 kB for each type.
pub(crate) fn insert_each<C: Default + Extend<T>, T>(items: impl Iterator<Item = T>) -> C {
    let mut all = C::default();
    for item in items {
        all.extend(Some(item));
    }
    all
}
