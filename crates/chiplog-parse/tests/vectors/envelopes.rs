use crate::forms::Decoder;

pub(crate) fn decoder(format: &str) -> Option<Decoder> {
    match format {
        _ => None,
    }
}
