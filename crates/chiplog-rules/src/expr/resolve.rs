//! Checks a parsed expression against the captures of its rule.

use std::collections::BTreeMap;

use super::parse::{Literal, RawComparison, RawExpr, SpannedError};
use super::{CaptureIndex, CompanionIndex, Comparison, DistinctIndex, Expr, Limit, Measure};
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

const OF_NUMBERS: [&str; 4] = ["max", "min", "sum", "last"];

/// Gives the names and literals of the conditions of one rule their meaning.
pub(crate) struct Resolver<'a> {
    /// The captures of the rule.
    pub(crate) captures: &'a [Known<'a>],
    /// The id of the rule.
    pub(crate) own_id: &'a str,
    /// The rules of all files, and whether each is in use.
    pub(crate) rules: &'a BTreeMap<String, bool>,
    /// Whether the rule itself is in use: else it may refer to others that are not.
    pub(crate) is_enabled: bool,
    /// Whether the condition is `open`, which alone may ask for absence.
    pub(crate) is_open: bool,
    /// The captures whose texts are counted, so far.
    pub(crate) distinct: Vec<String>,
    /// The other rules that are compared with, so far.
    pub(crate) companions: Vec<String>,
}

/// The place of a name in a list, at the end if it is new.
fn place(list: &mut Vec<String>, name: &str) -> usize {
    list.iter().position(|known| known == name).unwrap_or_else(|| {
        list.push(name.to_owned());
        list.len() - 1
    })
}

impl<'a> Resolver<'a> {
    /// The checked expression, or all that is wrong appended to `errors`.
    pub(crate) fn resolve(&mut self, raw: &RawExpr, errors: &mut Vec<SpannedError>) -> Option<Expr> {
        match raw {
            RawExpr::Any(parts) => self.all(parts, errors).map(Expr::Any),
            RawExpr::All(parts) => self.all(parts, errors).map(Expr::All),
            RawExpr::Not(part) => Some(Expr::Not(Box::new(self.resolve(part, errors)?))),
            RawExpr::Compare(raw) => match self.comparison(raw) {
                Ok(comparison) => Some(Expr::Compare(comparison)),
                Err(error) => {
                    errors.push(error);
                    None
                }
            },
        }
    }

    fn all(&mut self, parts: &[RawExpr], errors: &mut Vec<SpannedError>) -> Option<Vec<Expr>> {
        // Not `collect` into an `Option` at once: that would stop at the first error.
        let parts: Vec<Option<Expr>> = parts.iter().map(|part| self.resolve(part, errors)).collect();
        parts.into_iter().collect()
    }

    fn comparison(&mut self, raw: &RawComparison) -> Result<Comparison, SpannedError> {
        let (measure, unit) = self.measure(raw)?;
        Ok(Comparison {
            measure,
            op: raw.op,
            limit: limit(raw, measure, unit)?,
            over_nanos: raw.over.as_ref().map(|over| over.0),
            text: text(raw),
        })
    }

    fn measure(&mut self, raw: &RawComparison) -> Result<(Measure, Unit), SpannedError> {
        match raw.function.text.as_str() {
            "count" => without_argument(raw, "counts hits").map(|()| (Measure::Count, Unit::Integer)),
            "rate" => without_argument(raw, "counts hits").map(|()| (Measure::Rate, Unit::Integer)),
            "lasting" => {
                without_argument(raw, "is the time of a run of hits")?;
                Ok((Measure::Lasting, Unit::Duration))
            }
            "absent" => self.absent(raw),
            "distinct" => {
                let known = self.capture(raw)?;
                let index = place(&mut self.distinct, known.name);
                Ok((Measure::Distinct(DistinctIndex(index)), Unit::Integer))
            }
            "since" => Ok((Measure::Since(self.companion(raw)?), Unit::Duration)),
            "ratio" => Ok((Measure::Ratio(self.companion(raw)?), Unit::Integer)),
            _ => self.of_numbers(raw),
        }
    }

    fn absent(&self, raw: &RawComparison) -> Result<(Measure, Unit), SpannedError> {
        without_argument(raw, "says that there was no hit")?;
        let span = raw.function.span.clone();
        // What no author wrote has no text.
        if !raw.literal_text.text.is_empty() {
            return Err(SpannedError::new(span, "`absent` is not compared with anything")
                .hint("write `absent for 10m`"));
        }
        if !self.is_open {
            return Err(SpannedError::new(span, "`absent` is for `open` alone")
                .hint("to close without hits, write `count == 0 for 10m`"));
        }
        if raw.over.is_none() {
            return Err(SpannedError::new(span, "`absent` needs a time").hint("write `absent for 10m`"));
        }
        Ok((Measure::Absent, Unit::Integer))
    }

    fn companion(&mut self, raw: &RawComparison) -> Result<CompanionIndex, SpannedError> {
        let function = &raw.function.text;
        let Some(name) = &raw.argument else {
            return Err(SpannedError::new(raw.function.span.clone(), format!("`{function}` needs a rule"))
                .hint(format!("write `{function}(id-of-another-rule)`")));
        };
        let error = |message: String| SpannedError::new(name.span.clone(), message);
        if name.text == self.own_id {
            return Err(error(format!(
                "`{function}` compares with another rule, and this is the rule itself"
            )));
        }
        match self.rules.get(&name.text) {
            Some(is_enabled) if *is_enabled || !self.is_enabled => {
                Ok(CompanionIndex(place(&mut self.companions, &name.text)))
            }
            Some(_) => Err(error(format!("rule `{}` is switched off", name.text))
                .hint("change this condition by `[tune]` as well, or leave that rule on")),
            None => {
                let error = error(format!("no rule `{}`", name.text));
                Err(match nearest(&name.text, self.rules.keys().map(String::as_str)) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error,
                })
            }
        }
    }

    /// The capture that stands in parentheses.
    fn capture(&self, raw: &RawComparison) -> Result<Known<'a>, SpannedError> {
        let function = &raw.function.text;
        let Some(name) = &raw.argument else {
            return Err(SpannedError::new(
                raw.function.span.clone(),
                format!("`{function}` needs a capture"),
            )
            .hint(format!("write `{function}(capture)`")));
        };
        self.captures.iter().find(|known| known.name == name.text).copied().ok_or_else(|| {
            let error = SpannedError::new(name.span.clone(), format!("unknown capture `{}`", name.text));
            match nearest(&name.text, self.captures.iter().map(|known| known.name)) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("captures are named in `take`"),
            }
        })
    }

    fn of_numbers(&self, raw: &RawComparison) -> Result<(Measure, Unit), SpannedError> {
        let function = raw.function.text.as_str();
        let quantile = match function.strip_prefix('p') {
            Some(share) if share.starts_with(|c: char| c.is_ascii_digit()) => {
                Some(permyriad(share).ok_or_else(|| {
                    SpannedError::new(raw.function.span.clone(), format!("`{function}` is not a quantile"))
                        .hint("quantiles are p1 to p99, p999, p9999, or with a fraction: p99.9")
                })?)
            }
            _ => None,
        };
        if quantile.is_none() && !OF_NUMBERS.contains(&function) {
            return Err(self.unknown(raw));
        }
        let found = self.capture(raw)?;
        let Some(capture) = found.index else {
            return Err(SpannedError::new(
                raw.argument.as_ref().map_or(0..0, |name| name.span.clone()),
                format!("capture `{}` is text, which has no `{function}`", found.name),
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

    fn unknown(&self, raw: &RawComparison) -> SpannedError {
        const OTHERS: [&str; 10] =
            ["count", "rate", "p50", "p90", "p99", "distinct", "lasting", "since", "ratio", "absent"];
        let function = raw.function.text.as_str();
        let error = SpannedError::new(raw.function.span.clone(), format!("unknown measure `{function}`"));
        match nearest(function, OF_NUMBERS.into_iter().chain(OTHERS)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None if self.captures.iter().any(|known| known.name == function) => error
                .hint(format!("`{function}` is a capture: write `max({function})`, `p99({function})`, ..")),
            None => error.hint(
                "measures are count, rate, max(c), min(c), sum(c), last(c), p50(c), p90(c), p99(c), \
                 distinct(c), lasting, since(rule), ratio(rule) and absent",
            ),
        }
    }
}

fn text(raw: &RawComparison) -> String {
    let mut text = raw.function.text.clone();
    if let Some(argument) = &raw.argument {
        text = format!("{text}({})", argument.text);
    }
    if !raw.literal_text.text.is_empty() {
        text = format!("{text} {} {}", raw.op.symbol(), raw.literal_text.text);
    }
    if let Some((_, over)) = &raw.over {
        text = format!("{text} for {}", over.text);
    }
    text
}

fn without_argument(raw: &RawComparison, what: &str) -> Result<(), SpannedError> {
    let Some(argument) = &raw.argument else { return Ok(()) };
    let function = &raw.function.text;
    Err(SpannedError::new(argument.span.clone(), format!("`{function}` {what} and takes no capture"))
        .hint(format!("write `{function}` alone")))
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
    let what = raw.argument.as_ref().filter(|_| measure.capture().is_some()).unwrap_or(&raw.function);
    let what = what.text.as_str();
    let error = |message: String| SpannedError::new(raw.literal_text.span.clone(), message);
    let against = |hint: &str| {
        error(format!("`{}` is compared with {}", raw.function.text, raw.literal.what())).hint(hint)
    };
    match (measure, raw.literal) {
        (Measure::Rate, Literal::Rate { count, per_nanos }) => Ok(Limit::Rate { count, per_nanos }),
        (Measure::Rate, _) => Err(against("write hits per time: `10/s`, `3/m`, `100/h`")),
        (Measure::Count | Measure::Distinct(_) | Measure::Absent, Literal::Integer(limit)) => {
            Ok(Limit::Value(limit))
        }
        (Measure::Count, _) => Err(against("write a whole number of hits: `count >= 3`")),
        (Measure::Distinct(_), _) => Err(against("write a whole number of texts: `distinct(c) >= 3`")),
        (Measure::Ratio(_), Literal::Percent { millionths } | Literal::Decimal { millionths }) => {
            Ok(Limit::Value(millionths))
        }
        (Measure::Ratio(_), Literal::Integer(whole)) => whole
            .checked_mul(1_000_000)
            .map(Limit::Value)
            .ok_or_else(|| against("write a share: `20%` or `0.2`")),
        (Measure::Ratio(_), _) => Err(against("write a share: `20%` or `0.2`")),
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
