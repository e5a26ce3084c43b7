//! zap, JSON and console.
