//! Text to a tree of comparisons, names and literals not yet checked against the rule.

use std::ops::Range;

use super::Op;
use crate::units::{Decimal, parse_bytes, parse_duration};

/// How deep parentheses and `not` may nest, so that no text can exhaust the stack.
const MAX_DEPTH: usize = 64;

/// What is wrong with an expression, and where in its text.
#[derive(Debug)]
pub(crate) struct SpannedError {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl SpannedError {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[derive(Debug)]
pub(crate) enum RawExpr {
    Any(Vec<RawExpr>),
    All(Vec<RawExpr>),
    Not(Box<RawExpr>),
    Compare(RawComparison),
}

#[derive(Debug)]
pub(crate) struct RawComparison {
    pub(crate) function: Name,
    /// What stands in parentheses: a capture or a rule.
    pub(crate) argument: Option<Name>,
    pub(crate) op: Op,
    pub(crate) literal: Literal,
    pub(crate) literal_text: Name,
    pub(crate) over: Option<(i64, Name)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Integer(i64),
    Decimal { millionths: i64 },
    Percent { millionths: i64 },
    Duration(i64),
    Bytes(i64),
    Rate { count: i64, per_nanos: i64 },
}

impl Literal {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((count, unit)) = text.split_once('/') {
            let (number, rest) = Decimal::split(count.as_bytes())?;
            let (count, denominator) = number.ratio()?;
            let per = if unit.starts_with(|first: char| first.is_ascii_digit()) {
                parse_duration(unit.as_bytes())?
            } else {
                parse_duration(format!("1{unit}").as_bytes())?
            };
            let per_nanos = per.checked_mul(denominator)?;
            return (rest.is_empty() && per_nanos > 0).then_some(Self::Rate { count, per_nanos });
        }
        if let Some(percent) = text.strip_suffix('%') {
            let (number, rest) = Decimal::split(percent.as_bytes())?;
            let millionths = i64::try_from(number.times(10_000)?).ok()?;
            return rest.is_empty().then_some(Self::Percent { millionths });
        }
        if let Ok(integer) = text.parse() {
            return Some(Self::Integer(integer));
        }
        if let Some(nanos) = parse_duration(text.as_bytes()) {
            return Some(Self::Duration(nanos));
        }
        match Decimal::split(text.as_bytes())? {
            (number, []) => Some(Self::Decimal { millionths: i64::try_from(number.times(1_000_000)?).ok()? }),
            _ => parse_bytes(text.as_bytes()).map(Self::Bytes),
        }
    }

    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Integer(_) => "a plain number",
            Self::Decimal { .. } => "a decimal number",
            Self::Percent { .. } => "a share in percent",
            Self::Duration(_) => "a duration",
            Self::Bytes(_) => "a size in bytes",
            Self::Rate { .. } => "a rate",
        }
    }
}

impl RawComparison {
    /// The capture that is measured, as it is named.
    pub(crate) fn capture(&self) -> Option<&str> {
        let is_rule = matches!(self.function.text.as_str(), "since" | "ratio");
        self.argument.as_ref().filter(|_| !is_rule).map(|name| name.text.as_str())
    }

    /// Whether it counts the texts of its capture, and does not compare its numbers.
    pub(crate) fn is_distinct(&self) -> bool {
        self.function.text == "distinct"
    }
}

impl RawExpr {
    /// Whether a comparison uses this measure.
    pub(crate) fn uses(&self, function: &str) -> bool {
        let mut uses = false;
        self.for_each(&mut |comparison| uses |= comparison.function.text == function);
        uses
    }

    pub(crate) fn for_each<'a>(&'a self, visit: &mut impl FnMut(&'a RawComparison)) {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                for part in parts {
                    part.for_each(visit);
                }
            }
            Self::Not(part) => part.for_each(visit),
            Self::Compare(comparison) => visit(comparison),
        }
    }

    fn set_over(&mut self, over: &(i64, Name)) {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                for part in parts {
                    part.set_over(over);
                }
            }
            Self::Not(part) => part.set_over(over),
            // The innermost `for` is the one that was meant.
            Self::Compare(comparison) => {
                comparison.over.get_or_insert_with(|| over.clone());
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Word,
    Number,
    Op(Op),
    Open,
    Close,
    End,
    Unknown,
}

struct Parser<'a> {
    text: &'a str,
    token: Token,
    span: Range<usize>,
}

/// Parses an expression; the first thing that is wrong ends it.
pub(crate) fn parse(text: &str) -> Result<RawExpr, SpannedError> {
    let mut parser = Parser { text, token: Token::End, span: 0..0 };
    parser.advance();
    let expr = parser.any(0)?;
    match parser.token {
        Token::End => Ok(expr),
        _ => Err(parser.expected("`and`, `or`, `for` or the end")),
    }
}

impl<'a> Parser<'a> {
    fn slice(&self) -> &'a str {
        self.text.get(self.span.clone()).unwrap_or("")
    }

    fn name(&self) -> Name {
        Name { text: self.slice().to_owned(), span: self.span.clone() }
    }

    fn is_word(&self, word: &str) -> bool {
        self.token == Token::Word && self.slice() == word
    }

    fn expected(&self, what: &str) -> SpannedError {
        let found = match self.token {
            Token::End => "the end".to_owned(),
            _ => format!("`{}`", self.slice()),
        };
        let error = SpannedError::new(self.span.clone(), format!("expected {what}, found {found}"));
        match self.slice() {
            "&&" | "&" => error.hint("write `and`"),
            "||" | "|" => error.hint("write `or`"),
            "!" => error.hint("write `not`"),
            "=" => error.hint("write `==`"),
            _ => error,
        }
    }

    fn advance(&mut self) {
        let rest = self.text.get(self.span.end..).unwrap_or("");
        let trimmed = rest.trim_start();
        let start = self.text.len() - trimmed.len();
        let run = |keep: fn(char) -> bool| trimmed.find(|c| !keep(c)).unwrap_or(trimmed.len());
        let mut characters = trimmed.chars();
        let (first, second) = (characters.next(), characters.next());
        let (token, length) = match (first, second) {
            (None, _) => (Token::End, 0),
            (Some('('), _) => (Token::Open, 1),
            (Some(')'), _) => (Token::Close, 1),
            (Some('>'), Some('=')) => (Token::Op(Op::AtLeast), 2),
            (Some('>'), _) => (Token::Op(Op::MoreThan), 1),
            (Some('<'), Some('=')) => (Token::Op(Op::AtMost), 2),
            (Some('<'), _) => (Token::Op(Op::LessThan), 1),
            (Some('='), Some('=')) => (Token::Op(Op::Equal), 2),
            (Some('!'), Some('=')) => (Token::Op(Op::NotEqual), 2),
            (Some('&'), Some('&')) | (Some('|'), Some('|')) => (Token::Unknown, 2),
            (Some(first), _) if first.is_alphabetic() || first == '_' => {
                // The ids of rules hold `-`, and there is no subtraction.
                (Token::Word, run(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-')))
            }
            (Some(first), _) if first.is_ascii_digit() || matches!(first, '-' | '+' | '.') => (
                Token::Number,
                run(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '+' | '%')),
            ),
            (Some(first), _) => (Token::Unknown, first.len_utf8()),
        };
        (self.token, self.span) = (token, start..start + length);
    }

    fn any(&mut self, depth: usize) -> Result<RawExpr, SpannedError> {
        let first = self.all(depth)?;
        if !self.is_word("or") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.is_word("or") {
            self.advance();
            parts.push(self.all(depth)?);
        }
        Ok(RawExpr::Any(parts))
    }

    fn all(&mut self, depth: usize) -> Result<RawExpr, SpannedError> {
        let first = self.unary(depth)?;
        if !self.is_word("and") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.is_word("and") {
            self.advance();
            parts.push(self.unary(depth)?);
        }
        Ok(RawExpr::All(parts))
    }

    fn unary(&mut self, depth: usize) -> Result<RawExpr, SpannedError> {
        if depth >= MAX_DEPTH {
            return Err(SpannedError::new(self.span.clone(), "the condition is nested too deeply"));
        }
        if self.is_word("not") {
            self.advance();
            return Ok(RawExpr::Not(Box::new(self.unary(depth + 1)?)));
        }
        let mut expr = if self.token == Token::Open {
            let open = self.span.clone();
            self.advance();
            let inner = self.any(depth + 1)?;
            if self.token != Token::Close {
                return Err(self.expected("`)`").hint(format!("`(` at column {} is open", open.start + 1)));
            }
            self.advance();
            inner
        } else {
            self.comparison()?
        };
        if self.is_word("for") {
            self.advance();
            let over = match (self.token, parse_duration(self.slice().as_bytes())) {
                (Token::Number, Some(nanos)) if nanos > 0 => (nanos, self.name()),
                _ => return Err(self.expected("a duration after `for`, such as `5m`")),
            };
            self.advance();
            expr.set_over(&over);
        }
        Ok(expr)
    }

    fn comparison(&mut self) -> Result<RawExpr, SpannedError> {
        if self.token != Token::Word {
            return Err(self.expected("a measure such as `count` or `max(capture)`"));
        }
        let function = self.name();
        self.advance();
        let argument = if self.token == Token::Open {
            self.advance();
            // The id of a rule may begin with a digit.
            if !matches!(self.token, Token::Word | Token::Number) {
                return Err(self.expected(match function.text.as_str() {
                    "since" | "ratio" => "the id of a rule",
                    _ => "the name of a capture",
                }));
            }
            let argument = self.name();
            self.advance();
            if self.token != Token::Close {
                return Err(self.expected("`)`"));
            }
            self.advance();
            Some(argument)
        } else {
            None
        };
        if function.text == "absent" && !matches!(self.token, Token::Op(_)) {
            let (op, literal) = (Op::AtLeast, Literal::Integer(1));
            let literal_text = Name { text: String::new(), span: function.span.clone() };
            return Ok(RawExpr::Compare(RawComparison {
                function,
                argument,
                op,
                literal,
                literal_text,
                over: None,
            }));
        }
        let Token::Op(op) = self.token else {
            return Err(self.expected("a comparison: `>=` `>` `<=` `<` `==` or `!=`"));
        };
        self.advance();
        let literal = match self.token {
            Token::Number => Literal::parse(self.slice()),
            _ => None,
        };
        let Some(literal) = literal else {
            return Err(self.expected("a number, perhaps with a unit: `3`, `500ms`, `50MiB`, `10/s`, `20%`"));
        };
        let literal_text = self.name();
        self.advance();
        Ok(RawExpr::Compare(RawComparison { function, argument, op, literal, literal_text, over: None }))
    }
}
