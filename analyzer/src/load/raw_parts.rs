//! Assembles raw sources from their parts.

use std::collections::BTreeMap;

use whotalks_snapshot::records::RawHeader;
use whotalks_snapshot::wire::take_record;

use super::block_records::BadRecords;
use super::capture::RawSource;

/// Identifies a raw source within a capture: its parts agree in all of these header fields.
type SourceKey = (Vec<u8>, u64, u64, u32, u8, u64, u8);

/// Sources whose last part has not been read, by capture number.
#[derive(Default)]
pub(super) struct RawParts(BTreeMap<(u32, SourceKey), RawSource>);

impl RawParts {
    /// Adds a part; a source is appended to `complete` with its last part.
    pub(super) fn add(
        &mut self,
        payload: &[u8],
        capture: u32,
        complete: &mut Vec<RawSource>,
    ) -> BadRecords {
        let mut rest = payload;
        let header: RawHeader = match take_record(&mut rest) {
            Ok(header) => header,
            Err(error) => return Some((1, error)),
        };
        let key = (
            header.source.clone(),
            header.netns,
            header.mntns,
            header.pid,
            header.pass,
            header.key,
            header.attempt,
        );
        let known = self.0.remove(&(capture, key.clone()));
        let expected = known.as_ref().map_or(0, |source| source.header.part + 1);
        let mut source = known.unwrap_or_default();
        source.gaps |= header.part != expected;
        source.bytes.extend_from_slice(rest);
        let is_last = header.last;
        source.header = header;
        if is_last {
            complete.push(source);
        } else {
            self.0.insert((capture, key), source);
        }
        None
    }

    /// Takes out the sources of a capture whose last part is missing.
    pub(super) fn take_incomplete(&mut self, capture: u32) -> Vec<RawSource> {
        let all = std::mem::take(&mut self.0);
        let (own, others): (BTreeMap<_, _>, _) =
            all.into_iter().partition(|((of, _), _)| *of == capture);
        self.0 = others;
        Self(own)
            .into_incomplete()
            .map(|(_, source)| source)
            .collect()
    }

    /// The sources whose last part is missing, with their capture numbers.
    pub(super) fn into_incomplete(self) -> impl Iterator<Item = (u32, RawSource)> {
        self.0.into_iter().map(|((capture, _), mut source)| {
            source.gaps = true;
            (capture, source)
        })
    }
}
