//! The two languages of a report.

use std::str::FromStr;

use yumen_model::verdict::Text;

/// Language of a rendered report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Chinese (simplified).
    Zh,
    /// English.
    #[default]
    En,
}

impl Lang {
    /// The text in this language; the other one where this one is empty.
    #[must_use]
    pub fn of(self, text: &Text) -> &str {
        let (first, second) = match self {
            Lang::Zh => (&text.zh, &text.en),
            Lang::En => (&text.en, &text.zh),
        };
        if first.is_empty() { second } else { first }
    }

    /// One of two texts.
    pub(crate) fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

impl FromStr for Lang {
    type Err = ();

    /// Reads `zh`, `en` or a locale such as `zh_CN.UTF-8`.
    fn from_str(s: &str) -> Result<Self, ()> {
        match s.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("zh") => Ok(Lang::Zh),
            Some("en") => Ok(Lang::En),
            _ => Err(()),
        }
    }
}
