//! A page of a given width: wrapped lines, and colour when asked for.

use crate::layout::{clean, width, wrap};

/// How a line looks where colour is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Bold => "1",
            Tone::Dim => "2",
            Tone::Red => "1;31",
            Tone::Green => "1;32",
            Tone::Yellow => "33",
            Tone::Cyan => "36",
        }
    }
}

/// What is written so far.
pub(super) struct Screen {
    out: String,
    width: usize,
    colour: bool,
}

impl Screen {
    pub(super) fn new(width: usize, colour: bool) -> Self {
        Screen { out: String::new(), width, colour }
    }

    /// Columns left beside an indent.
    pub(super) fn room(&self, indent: usize) -> usize {
        self.width.saturating_sub(indent).max(8)
    }

    pub(super) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// A rule across the page; not across very wide ones.
    pub(super) fn rule(&mut self, tone: Tone) {
        let rule = "─".repeat(self.width.min(100));
        self.line(0, &[(tone, &rule)]);
    }

    /// The title of a section, after a blank line.
    pub(super) fn heading(&mut self, text: &str) {
        self.blank();
        self.para(0, Tone::Bold, text);
    }

    /// A wrapped text.
    pub(super) fn para(&mut self, indent: usize, tone: Tone, text: &str) {
        for line in wrap(&clean(text), self.room(indent)) {
            self.line(indent, &[(tone, &line)]);
        }
    }

    /// A wrapped text behind a lead (a number, a mark, a label); further lines stand under the first.
    pub(super) fn item(&mut self, indent: usize, lead: (Tone, &str), tone: Tone, text: &str) {
        let hang = indent + width(lead.1);
        for (at, line) in wrap(&clean(text), self.room(hang)).iter().enumerate() {
            if at == 0 {
                self.line(indent, &[lead, (tone, line)]);
            } else {
                self.line(hang, &[(tone, line)]);
            }
        }
    }

    /// Parts with ` · ` between them. A line breaks between parts where it can, so that an id or a label with its value stays whole.
    pub(super) fn flow(&mut self, indent: usize, lead: (Tone, &str), tone: Tone, parts: &[String]) {
        let hang = indent + width(lead.1);
        let room = self.room(hang);
        let mut lines: Vec<String> = Vec::new();
        for part in parts.iter().filter(|p| !p.is_empty()) {
            let part = clean(part);
            match lines.last_mut() {
                Some(line) if width(line) + 3 + width(&part) <= room => {
                    line.push_str(" · ");
                    line.push_str(&part);
                }
                _ => lines.extend(wrap(&part, room)),
            }
        }
        for (at, line) in lines.iter().enumerate() {
            if at == 0 {
                self.line(indent, &[lead, (tone, line)]);
            } else {
                self.line(hang, &[(tone, line)]);
            }
        }
    }

    /// One line as it is, in parts. The parts must be clean and fit.
    pub(super) fn line(&mut self, indent: usize, parts: &[(Tone, &str)]) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        for &(tone, text) in parts {
            let code = tone.code();
            if self.colour && !code.is_empty() && !text.trim().is_empty() {
                self.out.push_str("\u{1b}[");
                self.out.push_str(code);
                self.out.push('m');
                self.out.push_str(text);
                self.out.push_str("\u{1b}[0m");
            } else {
                self.out.push_str(text);
            }
        }
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.out
    }
}
