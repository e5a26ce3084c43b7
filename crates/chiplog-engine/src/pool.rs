//! Blocks dealt to workers, results taken back in the order of the source.
//!
//! Each worker owns its scanner and hands finished work back by ownership: nothing is shared on
//! the line path, no lock is taken there and no atomic written. The channels park threads between
//! blocks, so they are not called lock-free.

use std::collections::VecDeque;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::{Block, BlockSource};

/// Blocks that each worker has at most: one at work, one waiting.
const BLOCKS_PER_WORKER: usize = 2;

/// Runs every block of a source through `work` on `workers` threads and passes the results to
/// `absorb` in order, on this thread, which also reads. Small sources and one worker need no
/// thread.
///
/// # Errors
///
/// The source's error, after everything that was read before it has been absorbed.
pub(crate) fn run<S, W, T>(
    source: &mut S,
    workers: usize,
    make_worker: impl Fn() -> W + Sync,
    mut absorb: impl FnMut(&Block, T),
) -> Result<(), S::Error>
where
    S: BlockSource,
    W: FnMut(&Block) -> T,
    T: Send,
{
    let Some(first) = source.next_block()? else { return Ok(()) };
    let second = if workers > 1 { source.next_block() } else { Ok(None) };
    let more = workers == 1 || matches!(second, Ok(Some(_)));
    if workers <= 1 || !more {
        let mut work = make_worker();
        let mut pass = |source: &mut S, block: Block| {
            let result = work(&block);
            absorb(&block, result);
            source.recycle(block);
        };
        pass(source, first);
        second?;
        if workers <= 1 {
            while let Some(block) = source.next_block()? {
                pass(source, block);
            }
        }
        return Ok(());
    }
    thread::scope(|scope| {
        let lanes: Vec<Lane<T>> = (0..workers).map(|_| Lane::start(scope, &make_worker)).collect();
        let mut busy: VecDeque<usize> = VecDeque::with_capacity(workers * BLOCKS_PER_WORKER);
        let mut next_lane = (0..workers).cycle();
        let mut waiting: VecDeque<Block> =
            [Some(first), second.ok().flatten()].into_iter().flatten().collect();
        let mut outcome = Ok(());
        let mut at_end = false;
        loop {
            while !at_end && busy.len() < workers * BLOCKS_PER_WORKER {
                let block = match waiting.pop_front() {
                    Some(block) => Some(block),
                    None => source.next_block().unwrap_or_else(|error| {
                        outcome = Err(error);
                        None
                    }),
                };
                let (Some(block), Some(lane)) = (block, next_lane.next()) else {
                    at_end = true;
                    break;
                };
                if lanes[lane].blocks.send(block).is_err() {
                    // The worker has panicked; the scope passes that on.
                    at_end = true;
                    break;
                }
                busy.push_back(lane);
            }
            let Some(lane) = busy.pop_front() else { break };
            let Ok((block, result)) = lanes[lane].results.recv() else { break };
            absorb(&block, result);
            source.recycle(block);
        }
        outcome
    })
}

/// The two ends of one worker.
struct Lane<T> {
    blocks: Sender<Block>,
    results: Receiver<(Block, T)>,
}

impl<T: Send> Lane<T> {
    fn start<'scope, 'env, W: FnMut(&Block) -> T>(
        scope: &'scope thread::Scope<'scope, 'env>,
        make_worker: &'env (impl Fn() -> W + Sync),
    ) -> Self
    where
        T: 'scope,
    {
        let (blocks, taken) = bounded::<Block>(BLOCKS_PER_WORKER);
        let (given, results) = bounded(BLOCKS_PER_WORKER);
        scope.spawn(move || {
            let mut work = make_worker();
            for block in taken {
                let result = work(&block);
                if given.send((block, result)).is_err() {
                    break;
                }
            }
        });
        Self { blocks, results }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u64) -> Block {
        Block { offset: number, bytes: vec![b'x'], ..Block::default() }
    }

    /// A source of `blocks` blocks, then an error if there is one, then nothing.
    struct Source {
        next: u64,
        blocks: u64,
        error: Option<&'static str>,
        recycled: u64,
    }

    impl BlockSource for Source {
        type Error = &'static str;

        fn next_block(&mut self) -> Result<Option<Block>, &'static str> {
            if self.next < self.blocks {
                self.next += 1;
                return Ok(Some(block(self.next - 1)));
            }
            self.error.take().map_or(Ok(None), Err)
        }

        fn recycle(&mut self, _: Block) {
            self.recycled += 1;
        }
    }

    #[test]
    fn every_block_is_absorbed_in_order_whatever_ends_the_source() {
        for workers in 0..=9 {
            for blocks in (0..30).chain([500]) {
                for error in [None, Some("unreadable")] {
                    let mut source = Source { next: 0, blocks, error, recycled: 0 };
                    let mut seen = Vec::new();
                    let work = || |block: &Block| block.offset * 2;
                    let outcome = run(&mut source, workers, work, |block, result| {
                        assert_eq!(result, block.offset * 2);
                        seen.push(block.offset);
                    });
                    assert_eq!(outcome.err(), error, "{workers} workers, {blocks} blocks");
                    assert_eq!(seen, (0..blocks).collect::<Vec<_>>(), "{workers} workers, {blocks} blocks");
                    assert_eq!(source.recycled, blocks);
                }
            }
        }
    }

    #[test]
    fn a_panic_of_a_worker_or_of_the_reader_is_passed_on_and_hangs_nothing() {
        for workers in 1..=4 {
            for at in [0, 1, 7, 39] {
                for in_worker in [true, false] {
                    let attempt = std::panic::catch_unwind(|| {
                        let mut source = Source { next: 0, blocks: 40, error: None, recycled: 0 };
                        let check =
                            |block: &Block, here: bool| assert!(!here || block.offset != at, "on purpose");
                        let work = || |block: &Block| check(block, in_worker);
                        run(&mut source, workers, work, |block, ()| check(block, !in_worker))
                    });
                    assert!(attempt.is_err());
                }
            }
        }
    }
}
