//! What is handed over of one stream.

use crate::{Block, Delivery, Limits, Loss, Stream};

/// Hands over lines of one stream, and counts its bytes.
pub(super) struct Hand<'a> {
    pub(super) stream: &'a Stream,
    /// Where the next line of the stream stands.
    pub(super) offset: &'a mut u64,
    pub(super) limits: Limits,
    /// Bytes that may still be read in this poll.
    pub(super) budget: usize,
    pub(super) sink: &'a mut dyn FnMut(Delivery<'_>),
}

impl Hand<'_> {
    /// Lines, of the last of which `cut_bytes` were left out.
    pub(super) fn lines(&mut self, bytes: Vec<u8>, cut_bytes: u64) {
        if bytes.is_empty() {
            return self.pass_over(cut_bytes);
        }
        let block = Block { offset: *self.offset, bytes, cut_bytes, ..Block::default() };
        *self.offset = block.end_offset();
        (self.sink)(Delivery::Lines { stream: self.stream, block });
    }

    /// Bytes that are no part of a line, or of one that was handed over before.
    pub(super) fn pass_over(&mut self, bytes: u64) {
        *self.offset += bytes;
    }

    pub(super) fn lose(&mut self, loss: Loss) {
        (self.sink)(Delivery::Lost { stream: self.stream, loss });
    }

    pub(super) fn end(&mut self) {
        (self.sink)(Delivery::Ended { stream: self.stream });
    }

    pub(super) fn warn(&mut self, text: String) {
        (self.sink)(Delivery::Warning(text));
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes);
    }
}
