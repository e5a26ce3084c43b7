use chiplog_parse::Detector;
use serde_json::json;

use crate::forms::{self, Decoded, Decoder, Vector};

pub(crate) fn decoder(format: &str) -> Option<Decoder> {
    (format == "auto").then_some(auto as Decoder)
}

fn auto(vector: &Vector) -> Option<Decoded> {
    let mut detector = Detector::new();
    let record = detector.peel(&vector.line);
    let mut decoded = Decoded::new();
    let chain: Vec<&str> = record.layers().iter().map(|format| format.name()).collect();
    decoded.insert("chain".to_owned(), json!(chain));
    decoded.insert("severity".to_owned(), forms::severity(record.severity));
    forms::put_bytes(&mut decoded, "message", &record.message.decode());
    Some(decoded)
}
