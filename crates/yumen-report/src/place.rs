//! Places and properties of findings, in words.

use yumen_model::finding::{Finding, Location, Part};

use crate::figures::thousands;
use crate::lang::Lang;
use crate::vocabulary::pair;

/// A place: `line 12, column 5`, `字节 301–1975`; empty for the whole artifact.
pub(crate) fn place(lang: Lang, location: &Location) -> String {
    if location.part == Some(Part::Name) {
        return lang.pick("名称中", "in the name").to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    if let Some(topic) = &location.topic {
        parts.push(format!("{} {topic}", lang.pick("话题", "topic")));
    }
    if let Some(time) = location.time_s {
        parts.push(match lang {
            Lang::Zh => format!("第 {:.3} 秒", time.get()),
            Lang::En => format!("at {:.3} s", time.get()),
        });
    }
    if let Some(frame) = location.frame {
        parts.push(format!("{} {}", lang.pick("帧", "frame"), thousands(frame)));
    }
    if let Some([x, y, w, h]) = location.pixels {
        parts.push(format!("{} {w}×{h}+{x}+{y}", lang.pick("区域", "box")));
    }
    if !parts.is_empty() {
        return parts.join(lang.pick("，", ", "));
    }
    match (location.line, location.column, location.bytes) {
        (Some(line), Some(column), _) => match lang {
            Lang::Zh => format!("第 {} 行第 {} 列", thousands(line), thousands(column)),
            Lang::En => format!("line {}, column {}", thousands(line), thousands(column)),
        },
        (Some(line), None, _) => match lang {
            Lang::Zh => format!("第 {} 行", thousands(line)),
            Lang::En => format!("line {}", thousands(line)),
        },
        (None, _, Some((from, to))) => match lang {
            Lang::Zh => format!("字节 {}–{}", thousands(from), thousands(to)),
            Lang::En => format!("bytes {}–{}", thousands(from), thousands(to)),
        },
        (None, _, None) => String::new(),
    }
}

/// Properties as `region inside`, at most so many.
pub(crate) fn properties(lang: Lang, finding: &Finding, most: usize) -> Vec<String> {
    let mut out: Vec<String> =
        finding.properties.iter().take(most).map(|(name, value)| pair(lang, name, value)).collect();
    if finding.properties.len() > most {
        out.push("…".to_owned());
    }
    out
}
