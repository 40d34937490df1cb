//! The organisation's own configuration, `yumen.yaml`, laid over a rulebook.

use std::collections::BTreeMap;
use std::path::PathBuf;

use yumen_model::verdict::Text;

use super::book::{CLASSES, ROW_KEYS};
use super::{Loader, RefTo};
use crate::book::{Detectable, FenceFile, Loosened, Rulebook};
use crate::condition::Condition;
use crate::yaml::{Node, Value, suggest};

impl Loader {
    /// Works a configuration into a rulebook.
    pub(super) fn overlay(&mut self, root: &Node, book: &mut Rulebook) -> Option<()> {
        let fields = self.reader.map(root, "the configuration", &["rows", "loosen", "switches", "key", "fences"])?;
        if let Some(node) = fields.get("rows") {
            self.unique(node, "id", &mut BTreeMap::new());
            for item in self.reader.list(node, "rows").unwrap_or_default() {
                self.overlay_row(item, book);
            }
        }
        if let Some(node) = fields.get("switches") {
            self.switches(node, book);
        }
        if let Some(node) = fields.get("loosen") {
            for item in self.reader.list(node, "loosen").unwrap_or_default() {
                self.loosen(item, book);
            }
        }
        if let Some(node) = fields.get("fences") {
            for item in self.reader.list(node, "fences").unwrap_or_default() {
                book.fences.extend(self.fence(item));
            }
        }
        if let Some(node) = fields.get("key") {
            book.key_file = self.reader.text(node, "key").map(PathBuf::from);
        }
        Some(())
    }

    /// `{file: areas.geojson, name: …, buffer-m: 500, datum: gcj02}`.
    fn fence(&mut self, node: &Node) -> Option<FenceFile> {
        let fields = self.reader.map(node, "fences", &["file", "name", "buffer-m", "datum"])?;
        let file = PathBuf::from(self.need_text(&fields, "file", "fences")?);
        let name = fields.get("name").and_then(|n| self.reader.text(n, "name"));
        let stem = || file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let buffer_m = match fields.get("buffer-m") {
            Some(n) => {
                let metres = self.reader.number(n, "buffer-m")?;
                if !(0.0..=100_000.0).contains(&metres) {
                    self.reader.problem(n.at, "a buffer is from 0 to 100 000 m", None);
                    return None;
                }
                metres
            }
            None => 0.0,
        };
        let datum = match fields.get("datum") {
            Some(n) => self.reader.word(n, "datum", &["wgs84", "cgcs2000", "gcj02", "bd09"])?,
            None => "wgs84",
        };
        Some(FenceFile { name: name.unwrap_or_else(stem), file, buffer_m, datum: datum.to_owned() })
    }

    /// A new row, or `class` and `when` that tighten one that exists.
    fn overlay_row(&mut self, node: &Node, book: &mut Rulebook) -> Option<()> {
        let fields = self.reader.map(node, "rows", ROW_KEYS)?;
        let id = self.need_text(&fields, "id", "rows")?;
        let Some(index) = book.rows.iter().position(|r| r.named(&id)) else {
            let row = self.row(node)?;
            book.overlaid.push(row.id.clone());
            book.rows.push(row);
            return Some(());
        };
        for entry in fields.entries() {
            if !["id", "class", "when"].contains(&entry.key.as_str()) && ROW_KEYS.contains(&entry.key.as_str()) {
                let help = "of a row that exists, `class` may be raised and `when` widened".to_owned();
                self.reader.problem(entry.at, format!("`{}` of `{id}` can't be changed here", entry.key), Some(help));
            }
        }
        if let Some(n) = fields.get("class")
            && let Some(class) = self.class(n)
        {
            if class > book.rows[index].class {
                let help = "lower it below `loosen`, with a reason".to_owned();
                self.reader.problem(n.at, format!("this class is lighter than that of `{id}`"), Some(help));
            } else {
                book.rows[index].class = class;
                // A person's decision settles a candidate; a row raised to firm is settled by nothing less than an approval.
                if class == yumen_model::verdict::Class::Important {
                    book.rows[index].settled = crate::book::Settled::Firm;
                }
            }
        }
        if let Some(n) = fields.get("when")
            && let Some(also) = self.condition(n)
        {
            let row = &mut book.rows[index];
            row.when = Some(match row.when.take() {
                Some(when) => Condition::Any(vec![when, also]),
                None => also,
            });
            if row.detectable == Detectable::No {
                row.detectable = Detectable::Partly;
            }
        }
        let id = book.rows[index].id.clone();
        if !book.overlaid.contains(&id) {
            book.overlaid.push(id);
        }
        Some(())
    }

    /// `switches: {NAME: true}` or `{NAME: {on: false, reason: …}}`.
    fn switches(&mut self, node: &Node, book: &mut Rulebook) {
        let Some(fields) = self.reader.open_map(node, "switches") else { return };
        for entry in fields.entries() {
            let Some(index) = book.switches.iter().position(|s| s.id == entry.key) else {
                let help = suggest(&entry.key, book.switches.iter().map(|s| s.id.as_str()));
                self.reader.problem(entry.at, format!("no switch `{}`", entry.key), Some(help));
                continue;
            };
            let (on, reason) = match &entry.value.value {
                Value::Map(_) => {
                    let Some(f) = self.reader.map(&entry.value, &entry.key, &["on", "reason"]) else { continue };
                    let on = self.reader.need(&f, "on", &entry.key).and_then(|n| self.reader.bool(n, "on"));
                    (on, f.get("reason").and_then(|n| self.reader.text(n, "reason")))
                }
                _ => (self.reader.bool(&entry.value, &entry.key), None),
            };
            let Some(on) = on else { continue };
            let switch = &mut book.switches[index];
            switch.on = on;
            if on != switch.default {
                let Some(reason) = reason else {
                    let help = format!("write `{}: {{on: {on}, reason: \"…\"}}`", entry.key);
                    self.reader.problem(entry.at, "turning this switch loosens a rule and needs a reason", Some(help));
                    continue;
                };
                let how =
                    Text::new(format!("已关闭：{}", switch.title.zh), format!("switched off: {}", switch.title.en));
                book.loosened.push(Loosened { what: entry.key.clone(), how, reason });
            }
        }
    }

    /// `{row: ID, off: true, reason: …}`, `{row: ID, class: …, reason: …}` or `{row: ID, when: …, reason: …}`.
    fn loosen(&mut self, node: &Node, book: &mut Rulebook) -> Option<()> {
        let fields = self.reader.map(node, "loosen", &["row", "off", "class", "when", "reason"])?;
        let row = self.reader.need(&fields, "row", "loosen").and_then(|n| {
            let id = self.reader.text(n, "row")?;
            self.refer(RefTo::Row, &book.row(&id).map_or_else(|| id.clone(), |r| r.id.clone()), n.at);
            Some(id)
        });
        let reason = self.need_text(&fields, "reason", "loosen");
        let off = fields.get("off").and_then(|n| self.reader.bool(n, "off"));
        let class = fields.get("class").and_then(|n| Some((self.class(n)?, n.at)));
        let when = fields.get("when").and_then(|n| self.condition(n));
        let ways = [off == Some(true), fields.get("class").is_some(), fields.get("when").is_some()];
        if ways.iter().filter(|w| **w).count() != 1 {
            let help = "`off: true`, a lighter `class`, or a further condition in `when`".to_owned();
            self.reader.problem(node.at, "say in one way how the row is loosened", Some(help));
        }
        let (id, reason) = (row?, reason?);
        let row = book.rows.iter_mut().find(|r| r.named(&id))?;
        let how = if off == Some(true) {
            row.when = None;
            row.detectable = Detectable::No;
            Text::new("该行已停用", "the row is switched off")
        } else if let Some((class, at)) = class {
            if class < row.class {
                let help = "raise it below `rows`".to_owned();
                self.reader.problem(at, format!("this class is graver than that of `{id}`"), Some(help));
            }
            row.class = class;
            let word = CLASSES.iter().find(|(_, c)| *c == class).map_or("", |(w, _)| w);
            Text::new(format!("类别降为 {word}"), format!("its class is lowered to {word}"))
        } else {
            let when = when?;
            row.when = row.when.take().map(|old| Condition::All(vec![old, when]));
            Text::new("增加了限制条件", "a further condition is asked")
        };
        let what = row.id.clone();
        book.loosened.push(Loosened { what, how, reason });
        Some(())
    }
}
