//! Incidents: what belongs together, what probably started it, and what cannot be known.

mod json;
mod lanes;
mod text;

pub(crate) use json::IncidentJson;
pub use json::write_incident_json;
pub(crate) use text::write_incidents;
