//! Ids: indices into the map's tables, as distinct types.

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The index into the map's table.
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The id of an index. The reader's limits keep every table below 2^32 rows.
            pub fn new(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }
        }
    )*};
}

ids! {
    /// Index into `Map::hosts`.
    HostId
    /// Index into `Map::processes`.
    ProcessId
    /// Index into `Map::sockets`.
    SocketId
    /// Index into `Map::pipes`.
    PipeId
    /// Index into `Map::channels`.
    ChannelId
}
