//! logrus: text, terminal and JSON.
