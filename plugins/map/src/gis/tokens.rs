//! A JSON lexer that is fed pieces of text and keeps next to nothing: for the geometry in files of any length. The records of the same file are the text
//! kit's.

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'t> {
    /// An object or (false) an array begins.
    Open(bool),
    /// It ends.
    Close(bool),
    /// A key of an object.
    Key(&'t str),
    /// A string, cut at [`MOST`] bytes.
    Text(&'t str),
    /// A number.
    Number(f64),
    /// `true`, `false`, `null`, and whatever else stands there.
    Word,
    /// A whole value at the root has ended.
    Root,
}

/// Bytes of a string that are kept.
const MOST: usize = 4096;
/// Deeper nesting is not followed.
const MAX_DEPTH: usize = 256;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Between,
    Text,
    Escape,
    Unicode(u8),
    Word,
}

/// The lexer.
pub(crate) struct Lexer {
    state: State,
    objects: Vec<bool>,
    key_next: bool,
    buffer: Vec<u8>,
    code: u32,
    start: u64,
    wrong: bool,
}

impl Lexer {
    pub(crate) fn new() -> Self {
        Lexer {
            state: State::Between,
            objects: Vec::new(),
            key_next: false,
            buffer: Vec::new(),
            code: 0,
            start: 0,
            wrong: false,
        }
    }

    /// Whether brackets don't match or nest too deep: nothing more comes.
    pub(crate) fn wrong(&self) -> bool {
        self.wrong
    }

    /// Whether something is open.
    pub(crate) fn is_open(&self) -> bool {
        !self.objects.is_empty()
    }

    /// Goes on with a piece whose first byte counts as `base`. Each token comes with the place where it begins.
    pub(crate) fn feed(&mut self, text: &str, base: u64, sink: &mut dyn FnMut(Token<'_>, u64)) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() && !self.wrong {
            let b = bytes[i];
            match self.state {
                State::Text => {
                    let Some(n) = memchr::memchr2(b'"', b'\\', &bytes[i..]) else {
                        self.keep(&bytes[i..]);
                        return;
                    };
                    self.keep(&bytes[i..i + n]);
                    i += n;
                    if bytes[i] == b'"' {
                        self.state = State::Between;
                        self.string(sink);
                    } else {
                        self.state = State::Escape;
                    }
                }
                State::Escape => {
                    self.state = State::Text;
                    match b {
                        b'u' => {
                            self.code = 0;
                            self.state = State::Unicode(4);
                        }
                        b'n' => self.keep(b"\n"),
                        b't' => self.keep(b"\t"),
                        b'r' => self.keep(b"\r"),
                        _ => self.keep(&[b]),
                    }
                }
                State::Unicode(left) => {
                    self.code = self.code * 16 + char::from(b).to_digit(16).unwrap_or(0);
                    self.state = State::Unicode(left - 1);
                    if left == 1 {
                        self.state = State::Text;
                        let c = char::from_u32(self.code).unwrap_or(char::REPLACEMENT_CHARACTER);
                        self.keep(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                State::Word => {
                    if matches!(b, b',' | b']' | b'}' | b'[' | b'{' | b'"' | b':')
                        || b.is_ascii_whitespace()
                        || b == 0x1E
                    {
                        self.state = State::Between;
                        self.word(sink);
                        continue;
                    }
                    self.keep(&[b]);
                }
                State::Between => match b {
                    b'{' | b'[' => {
                        if self.objects.len() >= MAX_DEPTH {
                            self.wrong = true;
                            return;
                        }
                        self.objects.push(b == b'{');
                        self.key_next = b == b'{';
                        sink(Token::Open(b == b'{'), base + i as u64);
                    }
                    b'}' | b']' => {
                        if self.objects.pop() != Some(b == b'}') {
                            self.wrong = true;
                            return;
                        }
                        self.key_next = false;
                        sink(Token::Close(b == b'}'), base + i as u64);
                        self.ended(sink);
                    }
                    b',' => self.key_next = self.objects.last() == Some(&true),
                    b'"' => {
                        self.buffer.clear();
                        self.start = base + i as u64;
                        self.state = State::Text;
                    }
                    b':' => {}
                    _ if b.is_ascii_whitespace() || b == 0x1E => {}
                    _ => {
                        self.buffer.clear();
                        self.buffer.push(b);
                        self.start = base + i as u64;
                        self.state = State::Word;
                    }
                },
            }
            i += 1;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MOST.saturating_sub(self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn ended(&self, sink: &mut dyn FnMut(Token<'_>, u64)) {
        if self.objects.is_empty() {
            sink(Token::Root, self.start);
        }
    }

    fn string(&mut self, sink: &mut dyn FnMut(Token<'_>, u64)) {
        let text = String::from_utf8_lossy(&self.buffer);
        if std::mem::take(&mut self.key_next) {
            sink(Token::Key(&text), self.start);
        } else {
            sink(Token::Text(&text), self.start);
            self.ended(sink);
        }
    }

    fn word(&mut self, sink: &mut dyn FnMut(Token<'_>, u64)) {
        let number =
            std::str::from_utf8(&self.buffer).ok().and_then(|t| t.parse::<f64>().ok()).filter(|n| n.is_finite());
        sink(number.map_or(Token::Word, Token::Number), self.start);
        self.ended(sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, piece: usize) -> Vec<String> {
        let mut lexer = Lexer::new();
        let mut out = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let end = text.ceil_char_boundary(at + piece);
            lexer.feed(&text[at..end], at as u64, &mut |t, o| out.push(format!("{t:?}@{o}")));
            at = end;
        }
        out
    }

    #[test]
    fn pieces_of_any_size_give_the_same() {
        let text = "\u{1e}{\"a\\u00e9\":[1,-2.5e1,null,{\"路\":\"x\\\"y\"}]}\n{\"b\":3}\n";
        let whole = tokens(text, 10_000);
        for piece in 1..12 {
            assert_eq!(tokens(text, piece), whole, "{piece}");
        }
        assert_eq!(whole[1], "Key(\"aé\")@2");
        assert_eq!(whole[4], "Number(-25.0)@15");
        assert_eq!(whole.iter().filter(|t| t.starts_with("Root")).count(), 2);
    }
}
