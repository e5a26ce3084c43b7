//! Lines that sources say are missing, added up.

use chiplog_source::Loss;

use super::state_file::Lost;

/// Streams and reasons that are told apart; what is more adds to one that has no name.
const AT_MOST: usize = 1_000;

/// By stream and reason, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Losses(Vec<Lost>);

impl Losses {
    pub(super) fn new(saved: Vec<Lost>) -> Self {
        Self(saved)
    }

    pub(super) fn list(&self) -> &[Lost] {
        &self.0
    }

    pub(super) fn add(&mut self, stream: &str, loss: &Loss) {
        let reason = loss.reason.name();
        let find = |losses: &[Lost], stream: &str| {
            losses.iter().position(|lost| lost.stream == stream && lost.reason == reason)
        };
        let index = find(&self.0, stream).unwrap_or_else(|| {
            let stream = if self.0.len() < AT_MOST { stream } else { "" };
            find(&self.0, stream).unwrap_or_else(|| {
                let (stream, reason) = (stream.to_owned(), reason.to_owned());
                self.0.push(Lost { stream, reason, times: 0, lines: 0, bytes: 0 });
                self.0.len() - 1
            })
        });
        if let Some(lost) = self.0.get_mut(index) {
            lost.times = lost.times.saturating_add(1);
            lost.lines = lost.lines.saturating_add(loss.lines.unwrap_or(0));
            lost.bytes = lost.bytes.saturating_add(loss.bytes.unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use chiplog_source::LossReason;

    use super::*;

    #[test]
    fn losses_add_up_and_their_number_is_bounded() {
        let mut losses = Losses::default();
        let loss = |lines| Loss { reason: LossReason::Removed, lines, bytes: Some(10) };
        losses.add("a", &loss(Some(2)));
        losses.add("a", &loss(None));
        let (stream, reason) = ("a".to_owned(), "removed".to_owned());
        assert_eq!(losses.list(), [Lost { stream, reason, times: 2, lines: 2, bytes: 20 }]);
        for stream in 0..2 * AT_MOST {
            losses.add(&stream.to_string(), &loss(Some(1)));
        }
        assert_eq!(losses.list().len(), AT_MOST + 1);
        assert_eq!(losses.list().iter().map(|lost| lost.lines).sum::<u64>(), 2 + 2 * AT_MOST as u64);
    }
}
