//! Numbers labels in the order of their first use.

use std::collections::BTreeMap;

/// Labels by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels {
    texts: Vec<String>,
    numbers: BTreeMap<String, u32>,
}

impl Labels {
    /// The number of a label; a new one if it has none yet.
    pub(super) fn number(&mut self, text: String) -> u32 {
        let next = self.texts.len() as u32;
        *self.numbers.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            next
        })
    }

    /// The label of a number.
    pub(super) fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }

    /// The number of labels.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}
