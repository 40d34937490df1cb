//! Reports: terminal, Markdown, JSON.
