//! Series and counts as JSON, CSV, TSV or aligned text.

use std::collections::BTreeSet;
use std::io::{self, Write};

use chiplog_engine::{CountTable, Quantity, SeriesRow, SeriesTable, Unit};
use chiplog_parse::UnixNanos;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::Style;
use crate::json::{Exact, Labels, Values, statistics, write_line};
use crate::layout::{pad, pad_left, width};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// One JSON object on one line.
    Json,
    /// RFC 4180 with a header row and LF line ends.
    Csv,
    /// Tab separated with a header row; tab, newline, carriage return and backslash in a cell are
    /// `\t`, `\n`, `\r` and `\\`.
    Tsv,
    /// Aligned columns for people; cells are escaped for terminals.
    Table,
}

/// Writes rules over time.
///
/// As JSON, `chiplog.series.v1`: `step_seconds`, `rows` (each with `rule_id`, `group`,
/// `window_start`, `window_end`, `count`, `values` of all captures) and `hits_without_time`.
///
/// As a table, one row per rule, group and window that has hits. Columns: `rule`; one per label
/// name that occurs, sorted (empty where a rule does not have it; a label that is named like
/// another column is `label_NAME`); `window_start`, `window_end` (RFC 3339, UTC; the window is
/// half-open); `count`; and if any rule captures a number, `value` (name of the rule's first
/// capture) and its statistics `sum`, `min`, `max`, `p50`, `p90`, `p99` with the unit appended
/// (`sum_seconds`, `sum_bytes`), one set of columns per unit that occurs.
///
/// # Errors
///
/// Those of the writer.
pub fn write_series(
    out: &mut dyn Write,
    table: &SeriesTable,
    format: TableFormat,
    style: &Style,
) -> io::Result<()> {
    if format == TableFormat::Json {
        return write_line(out, &SeriesJson(table));
    }
    write_cells(out, &series_cells(table), format, style)
}

/// Writes records by field, largest count first.
///
/// As JSON, `chiplog.count.v1`: `fields`, `rows` (each with `key`, a list with null where a
/// record does not have the field, and `count`) and `records`. As a table: one column per field,
/// then `count`.
///
/// # Errors
///
/// Those of the writer.
pub fn write_count(
    out: &mut dyn Write,
    table: &CountTable,
    format: TableFormat,
    style: &Style,
) -> io::Result<()> {
    if format == TableFormat::Json {
        return write_line(out, &CountJson(table));
    }
    let mut cells = Cells { head: vec![], is_number: vec![], rows: vec![] };
    for field in &table.fields {
        cells.column(field.to_string(), false);
    }
    cells.column("count".to_owned(), true);
    for row in &table.rows {
        let mut line: Vec<String> =
            row.key.iter().map(|value| value.as_deref().unwrap_or_default().to_owned()).collect();
        line.push(row.count.to_string());
        cells.rows.push(line);
    }
    write_cells(out, &cells, format, style)
}

struct Cells {
    head: Vec<String>,
    is_number: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Cells {
    fn column(&mut self, name: String, is_number: bool) {
        self.head.push(name);
        self.is_number.push(is_number);
    }
}

const STATISTICS: [&str; 6] = ["sum", "min", "max", "p50", "p90", "p99"];

fn series_cells(table: &SeriesTable) -> Cells {
    let mut labels = BTreeSet::new();
    let mut units = BTreeSet::new();
    for row in &table.rows {
        labels.extend(row.group.iter().map(|(name, _)| &**name));
        units.extend(row.values.first().map(|value| value.unit));
    }
    let mut statistic_columns: Vec<(Unit, String)> = vec![];
    for unit in &units {
        for statistic in STATISTICS {
            statistic_columns.push((*unit, format!("{statistic}{}", unit.field_suffix())));
        }
    }
    let is_taken = |label: &str| {
        ["rule", "window_start", "window_end", "count", "value"].contains(&label)
            || statistic_columns.iter().any(|(_, column)| column == label)
    };
    let mut cells = Cells { head: vec![], is_number: vec![], rows: vec![] };
    cells.column("rule".to_owned(), false);
    for label in &labels {
        let name = if is_taken(label) { format!("label_{label}") } else { (*label).to_owned() };
        cells.column(name, false);
    }
    cells.column("window_start".to_owned(), false);
    cells.column("window_end".to_owned(), false);
    cells.column("count".to_owned(), true);
    if !units.is_empty() {
        cells.column("value".to_owned(), false);
    }
    for (_, column) in &statistic_columns {
        cells.column(column.clone(), true);
    }
    for row in &table.rows {
        let mut line = vec![row.rule_id.to_string()];
        for label in &labels {
            let value =
                row.group.iter().find(|(name, _)| &**name == *label).map(|(_, value)| value.to_string());
            line.push(value.unwrap_or_default());
        }
        line.push(row.start.to_string());
        line.push(window_end(table, row).to_string());
        line.push(row.count.to_string());
        if !units.is_empty() {
            line.push(row.values.first().map(|value| value.name.to_string()).unwrap_or_default());
        }
        for unit in &units {
            let value = row.values.first().filter(|value| value.unit == *unit);
            let amounts = value.map_or([None; 6], |value| statistics(value).map(|(_, amount)| amount));
            line.extend(amounts.map(|amount| match amount {
                Some(amount) => Quantity { amount, unit: *unit }.to_string(),
                None => String::new(),
            }));
        }
        cells.rows.push(line);
    }
    cells
}

fn window_end(table: &SeriesTable, row: &SeriesRow) -> UnixNanos {
    UnixNanos(row.start.0.saturating_add(table.step_nanos))
}

fn write_cells(out: &mut dyn Write, cells: &Cells, format: TableFormat, style: &Style) -> io::Result<()> {
    let rows = std::iter::once(&cells.head).chain(&cells.rows);
    match format {
        TableFormat::Csv | TableFormat::Json => {
            let mut writer = csv::Writer::from_writer(out);
            for row in rows {
                writer.write_record(row).map_err(io::Error::from)?;
            }
            writer.flush()
        }
        TableFormat::Tsv => {
            for row in rows {
                let row: Vec<String> = row.iter().map(|cell| tsv_cell(cell)).collect();
                writeln!(out, "{}", row.join("\t"))?;
            }
            Ok(())
        }
        TableFormat::Table => {
            let rows: Vec<Vec<String>> =
                rows.map(|row| row.iter().map(|cell| style.escape(cell.as_bytes())).collect()).collect();
            let mut widths = vec![0; cells.head.len()];
            for row in &rows {
                for (column, cell) in widths.iter_mut().zip(row) {
                    *column = (*column).max(width(cell));
                }
            }
            for row in &rows {
                let line: Vec<String> = row
                    .iter()
                    .zip(&widths)
                    .zip(&cells.is_number)
                    .map(|((cell, columns), is_number)| match is_number {
                        true => pad_left(cell, *columns),
                        false => pad(cell, *columns),
                    })
                    .collect();
                writeln!(out, "{}", line.join("  ").trim_end())?;
            }
            Ok(())
        }
    }
}

fn tsv_cell(cell: &str) -> String {
    cell.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

struct SeriesJson<'a>(&'a SeriesTable);

impl Serialize for SeriesJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let step = Quantity { amount: self.0.step_nanos.into(), unit: Unit::Nanoseconds };
        let rows: Vec<_> = self.0.rows.iter().map(|row| SeriesRowJson { table: self.0, row }).collect();
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("schema", "chiplog.series.v1")?;
        map.serialize_entry("step_seconds", &Exact(step))?;
        map.serialize_entry("rows", &rows)?;
        map.serialize_entry("hits_without_time", &self.0.hits_without_time)?;
        map.end()
    }
}

struct SeriesRowJson<'a> {
    table: &'a SeriesTable,
    row: &'a SeriesRow,
}

impl Serialize for SeriesRowJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("rule_id", &*self.row.rule_id)?;
        map.serialize_entry("group", &Labels(&self.row.group))?;
        map.serialize_entry("window_start", &self.row.start.to_string())?;
        map.serialize_entry("window_end", &window_end(self.table, self.row).to_string())?;
        map.serialize_entry("count", &self.row.count)?;
        map.serialize_entry("values", &Values(&self.row.values))?;
        map.end()
    }
}

struct CountJson<'a>(&'a CountTable);

impl Serialize for CountJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            key: Vec<Option<&'a str>>,
            count: u64,
        }
        let fields: Vec<&str> = self.0.fields.iter().map(|field| &**field).collect();
        let rows: Vec<Row<'_>> = self
            .0
            .rows
            .iter()
            .map(|row| Row { key: row.key.iter().map(Option::as_deref).collect(), count: row.count })
            .collect();
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("schema", "chiplog.count.v1")?;
        map.serialize_entry("fields", &fields)?;
        map.serialize_entry("rows", &rows)?;
        map.serialize_entry("records", &self.0.records)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chiplog_engine::{CountRow, ValueSummary};

    use super::*;

    fn series() -> SeriesTable {
        let took = ValueSummary {
            name: Arc::from("took"),
            unit: Unit::Nanoseconds,
            count: 2,
            sum: 117_026_891,
            min: Some(17_026_891),
            max: Some(100_000_000),
            p50: Some(17_026_891),
            p90: Some(100_000_000),
            p99: None,
        };
        let start = UnixNanos(1_709_618_820_000_000_000);
        let row = |rule: &str, group, values| SeriesRow {
            rule_id: Arc::from(rule),
            group,
            start,
            count: 2,
            values,
        };
        let host = vec![(Arc::from("host"), Arc::from("a,\t\"b\""))];
        let rows = vec![row("slow", host, vec![took]), row("plain", vec![], vec![])];
        SeriesTable { step_nanos: 60_000_000_000, rows, hits_without_time: 3 }
    }

    fn written(format: TableFormat) -> String {
        let mut out = vec![];
        write_series(&mut out, &series(), format, &Style::plain()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn series_as_csv_quotes_cells() {
        assert_eq!(
            written(TableFormat::Csv),
            "rule,host,window_start,window_end,count,value,sum_seconds,min_seconds,max_seconds,p50_seconds,p90_seconds,p99_seconds\n\
             slow,\"a,\t\"\"b\"\"\",2024-03-05T06:07:00.000000Z,2024-03-05T06:08:00.000000Z,2,took,0.117026891,0.017026891,0.1,0.017026891,0.1,\n\
             plain,,2024-03-05T06:07:00.000000Z,2024-03-05T06:08:00.000000Z,2,,,,,,,\n"
        );
    }

    #[test]
    fn series_as_tsv_escapes_cells() {
        assert!(written(TableFormat::Tsv).contains("slow\ta,\\t\"b\"\t2024"));
    }

    #[test]
    fn series_as_json_is_exact() {
        assert_eq!(
            written(TableFormat::Json),
            concat!(
                r#"{"schema":"chiplog.series.v1","step_seconds":60,"rows":["#,
                r#"{"rule_id":"slow","group":{"host":"a,\t\"b\""},"window_start":"2024-03-05T06:07:00.000000Z","#,
                r#""window_end":"2024-03-05T06:08:00.000000Z","count":2,"values":{"took":{"count":2,"sum_seconds":0.117026891,"#,
                r#""min_seconds":0.017026891,"max_seconds":0.1,"p50_seconds":0.017026891,"p90_seconds":0.1}}},"#,
                r#"{"rule_id":"plain","group":{},"window_start":"2024-03-05T06:07:00.000000Z","#,
                r#""window_end":"2024-03-05T06:08:00.000000Z","count":2,"values":{}}],"hits_without_time":3}"#,
                "\n"
            )
        );
    }

    #[test]
    fn counts_tell_missing_from_empty_in_json() {
        let row = |key, count| CountRow { key, count };
        let table = CountTable {
            fields: vec![Arc::from("severity"), Arc::from("file")],
            rows: vec![
                row(vec![Some(Arc::from("error")), None], 12),
                row(vec![None, Some(Arc::from(""))], 3),
            ],
            records: 15,
        };
        let write = |format| {
            let mut out = vec![];
            write_count(&mut out, &table, format, &Style::plain()).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            write(TableFormat::Json),
            concat!(
                r#"{"schema":"chiplog.count.v1","fields":["severity","file"],"rows":[{"key":["error",null],"count":12},"#,
                r#"{"key":[null,""],"count":3}],"records":15}"#,
                "\n"
            )
        );
        assert_eq!(
            write(TableFormat::Table),
            "severity  file  count\nerror              12\n                    3\n"
        );
    }
}
