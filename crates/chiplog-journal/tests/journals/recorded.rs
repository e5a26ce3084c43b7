//! What journald wrote, against what journalctl printed.

use std::io::Read;

use chiplog_journal::{Cursor, Journal, Limits, State};
use flate2::read::GzDecoder;

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).expect("the file is whole");
    bytes
}

#[test]
fn the_export_is_the_one_of_journalctl() {
    let journal = unpacked(include_bytes!("../data/edge.journal.gz"));
    let wanted = unpacked(include_bytes!("../data/edge.export.gz"));
    let mut journal = Journal::open(journal, Limits::default()).unwrap();
    assert_eq!(journal.header().state, State::Archived);
    assert!(journal.header().is_compact() && journal.header().has_keyed_hash());
    let mut export = Vec::new();
    while let Some(head) = journal.next_entry().unwrap() {
        journal.write_export(&mut export).unwrap();
        let cursor = journal.cursor().unwrap();
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        assert_eq!(cursor.seqnum, head.seqnum);
    }
    assert!(journal.damage().is_none());
    assert!(export == wanted);
}
