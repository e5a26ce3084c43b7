//! Checks a parsed expression against the captures of its rule.

use super::parse::{Literal, RawComparison, RawExpr, SpannedError};
use super::{CaptureIndex, Comparison, Expr, Limit, Measure};
use crate::diagnostic::nearest;
use crate::rule::Unit;

/// A capture of the rule, as expressions see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) name: &'a str,
    pub(crate) unit: Unit,
    /// `None` for text.
    pub(crate) index: Option<CaptureIndex>,
}

const FUNCTIONS: [&str; 4] = ["max", "min", "sum", "last"];

/// Gives every name and literal its meaning, or appends all that is wrong to `errors`.
pub(crate) fn resolve(raw: &RawExpr, known: &[Known<'_>], errors: &mut Vec<SpannedError>) -> Option<Expr> {
    let all = |parts: &[RawExpr], errors: &mut Vec<SpannedError>| {
        // Not `collect` into an `Option` at once: that would stop at the first error.
        let parts: Vec<Option<Expr>> = parts.iter().map(|part| resolve(part, known, errors)).collect();
        parts.into_iter().collect::<Option<Vec<Expr>>>()
    };
    match raw {
        RawExpr::Any(parts) => all(parts, errors).map(Expr::Any),
        RawExpr::All(parts) => all(parts, errors).map(Expr::All),
        RawExpr::Not(part) => Some(Expr::Not(Box::new(resolve(part, known, errors)?))),
        RawExpr::Compare(raw) => match comparison(raw, known) {
            Ok(comparison) => Some(Expr::Compare(comparison)),
            Err(error) => {
                errors.push(error);
                None
            }
        },
    }
}

fn comparison(raw: &RawComparison, known: &[Known<'_>]) -> Result<Comparison, SpannedError> {
    let (measure, unit) = measure(raw, known)?;
    Ok(Comparison {
        measure,
        op: raw.op,
        limit: limit(raw, measure, unit)?,
        over_nanos: raw.over.as_ref().map(|over| over.0),
        text: text(raw),
    })
}

fn text(raw: &RawComparison) -> String {
    let mut text = raw.function.text.clone();
    if let Some(capture) = &raw.capture {
        text = format!("{text}({})", capture.text);
    }
    text = format!("{text} {} {}", raw.op.symbol(), raw.literal_text.text);
    if let Some((_, over)) = &raw.over {
        text = format!("{text} for {}", over.text);
    }
    text
}

fn measure(raw: &RawComparison, known: &[Known<'_>]) -> Result<(Measure, Unit), SpannedError> {
    let function = raw.function.text.as_str();
    let span = || raw.function.span.clone();
    if let "count" | "rate" = function {
        if let Some(capture) = &raw.capture {
            return Err(SpannedError::new(
                capture.span.clone(),
                format!("`{function}` counts hits and takes no capture"),
            )
            .hint(format!("write `{function} {} ..`", raw.op.symbol())));
        }
        let measure = if function == "count" { Measure::Count } else { Measure::Rate };
        return Ok((measure, Unit::Integer));
    }
    if function == "distinct" {
        return Err(SpannedError::new(span(), "`distinct` is not supported yet")
            .hint("count hits, or give each value its own window by naming the capture in `window.by`"));
    }
    let quantile = match function.strip_prefix('p') {
        Some(share) if share.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(permyriad(share).ok_or_else(|| {
                SpannedError::new(span(), format!("`{function}` is not a quantile"))
                    .hint("quantiles are p1 to p99, p999, p9999, or with a fraction: p99.9")
            })?)
        }
        _ => None,
    };
    if quantile.is_none() && !FUNCTIONS.contains(&function) {
        let error = SpannedError::new(span(), format!("unknown measure `{function}`"));
        return Err(
            match nearest(function, FUNCTIONS.into_iter().chain(["count", "rate", "p50", "p90", "p99"])) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None if known.iter().any(|known| known.name == function) => error.hint(format!(
                    "`{function}` is a capture: write `max({function})`, `p99({function})`, .."
                )),
                None => error.hint(
                    "measures are count, rate, max(c), min(c), sum(c), last(c) and p50(c), p90(c), p99(c)",
                ),
            },
        );
    }
    let Some(name) = &raw.capture else {
        return Err(SpannedError::new(span(), format!("`{function}` needs a capture"))
            .hint(format!("write `{function}(capture)`")));
    };
    let Some(found) = known.iter().find(|known| known.name == name.text) else {
        let error = SpannedError::new(name.span.clone(), format!("unknown capture `{}`", name.text));
        return Err(match nearest(&name.text, known.iter().map(|known| known.name)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("captures are named in `take`"),
        });
    };
    let Some(capture) = found.index else {
        return Err(SpannedError::new(
            name.span.clone(),
            format!("capture `{}` is text, which has no `{function}`", name.text),
        )
        .hint("give it a type in `take`: `type = \"duration\"`, \"bytes\" or \"integer\""));
    };
    let measure = match (function, quantile) {
        (_, Some(permyriad)) => Measure::Quantile { capture, permyriad },
        ("max", _) => Measure::Max(capture),
        ("min", _) => Measure::Min(capture),
        ("sum", _) => Measure::Sum(capture),
        _ => Measure::Last(capture),
    };
    Ok((measure, found.unit))
}

/// `99`, `99.9`, `999`: two digits are percent, more are a decimal fraction, as is customary.
fn permyriad(share: &str) -> Option<u16> {
    let (whole, fraction) = share.split_once('.').unwrap_or((share, ""));
    if fraction.len() > 2 || (share.contains('.') && fraction.is_empty()) {
        return None;
    }
    let digits = match whole.len() {
        1 | 2 => format!("{whole}{fraction:0<2}"),
        3 | 4 if fraction.is_empty() && whole.starts_with("99") => format!("{whole:0<4}"),
        _ => return None,
    };
    digits.parse().ok().filter(|permyriad| (1..10_000).contains(permyriad))
}

fn limit(raw: &RawComparison, measure: Measure, unit: Unit) -> Result<Limit, SpannedError> {
    let what = raw.capture.as_ref().map_or(raw.function.text.as_str(), |capture| &capture.text);
    let error = |message: String| SpannedError::new(raw.literal_text.span.clone(), message);
    match (measure, raw.literal) {
        (Measure::Rate, Literal::Rate { count, per_nanos }) => Ok(Limit::Rate { count, per_nanos }),
        (Measure::Rate, _) => Err(error(format!("`rate` is compared with {}", raw.literal.what()))
            .hint("write hits per time: `10/s`, `3/m`, `100/h`")),
        (Measure::Count, Literal::Integer(limit)) => Ok(Limit::Value(limit)),
        (Measure::Count, _) => Err(error(format!("`count` is compared with {}", raw.literal.what()))
            .hint("write a whole number of hits: `count >= 3`")),
        _ => match (unit, raw.literal) {
            (Unit::Integer, Literal::Integer(limit))
            | (Unit::Duration, Literal::Duration(limit) | Literal::Integer(limit @ 0))
            | (Unit::Bytes, Literal::Bytes(limit) | Literal::Integer(limit)) => Ok(Limit::Value(limit)),
            (Unit::Duration, Literal::Integer(number)) => {
                Err(error(format!("`{what}` is a duration, and `{number}` has no unit"))
                    .hint(format!("write `{number}ms`, `{number}s` or `{number}m`")))
            }
            (unit, literal) => {
                Err(error(format!("`{what}` is {}, compared with {}", unit.what(), literal.what()))
                    .hint(format!("write {}", unit.example())))
            }
        },
    }
}
