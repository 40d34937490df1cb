//! Tokens by their own shape: providers' prefixes, JSON Web Tokens, webhooks, bearer and cookie values, keys in connection strings.

use yumen_kit_key::base64;
use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::shapes::{SHAPES, Set};
use super::stand_ins::stands_in;
use super::value::{entropy, random_looking};
use super::view::View;
use crate::recogniser::{Candidate, Match, Place, Recogniser, Run};

/// Tokens by their own shape.
pub(super) struct Tokens;

/// Bytes after a candidate that are looked at.
const LOOK: usize = 8 << 10;

#[derive(Clone, Copy)]
enum Special {
    Jwt,
    SendGrid,
    Telegram,
    AzureAd,
    AccountKey,
    SharedAccessKey,
    SasSignature,
    Bearer,
    Basic,
    Session,
    /// A secret path behind a fixed address: characters, and how long the secret is.
    Hook(Set, usize, &'static str),
}

const SPECIALS: &[(&str, Special)] = &[
    ("eyJ", Special::Jwt),
    ("SG.", Special::SendGrid),
    (":AA", Special::Telegram),
    ("8Q~", Special::AzureAd),
    ("7Q~", Special::AzureAd),
    ("AccountKey=", Special::AccountKey),
    ("SharedAccessKey=", Special::SharedAccessKey),
    ("sig=", Special::SasSignature),
    ("Bearer ", Special::Bearer),
    ("Basic ", Special::Basic),
    ("sessionid=", Special::Session),
    ("sessid=", Special::Session),
    ("connect.sid=", Special::Session),
    ("hooks.slack.com/services/", Special::Hook(Set::Url, 40, "slack")),
    ("oapi.dingtalk.com/robot/send?access_token=", Special::Hook(Set::Hex, 64, "dingtalk")),
    ("open.feishu.cn/open-apis/bot/v2/hook/", Special::Hook(Set::Url, 30, "feishu")),
    ("open.larksuite.com/open-apis/bot/v2/hook/", Special::Hook(Set::Url, 30, "feishu")),
    ("qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", Special::Hook(Set::Url, 36, "wecom")),
    ("discord.com/api/webhooks/", Special::Hook(Set::Url, 60, "discord")),
    ("discordapp.com/api/webhooks/", Special::Hook(Set::Url, 60, "discord")),
    (".webhook.office.com/webhookb2/", Special::Hook(Set::Url, 60, "office")),
];

const COUNT: usize = SHAPES.len() + SPECIALS.len();

const LITERALS: [&str; COUNT] = {
    let mut all = [""; COUNT];
    let mut i = 0;
    while i < COUNT {
        all[i] = if i < SHAPES.len() { SHAPES[i].prefix } else { SPECIALS[i - SHAPES.len()].0 };
        i += 1;
    }
    all
};

/// Where a token stands in a view, how sure it is, whose it is.
struct Token {
    start: usize,
    end: usize,
    confidence: f64,
    provider: &'static str,
    password: bool,
}

impl Recogniser for Tokens {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::KEY_TOKEN, kinds::KEY_PASSWORD]
    }

    fn literals(&self) -> &'static [&'static str] {
        &LITERALS
    }

    /// Twilio: `SK` and 32 hexadecimal digits.
    fn wants(&self, run: &Run) -> bool {
        run.len == 34 && run.upper == 2 && run.digits >= 8 && run.lower >= 4
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let v = View::of(c, LOOK);
        let found = match c.literal {
            Some(i) => match SHAPES.get(i) {
                Some(shape) if v.value() == shape.prefix => {
                    of_shape(&v, shape.set, shape.least, shape.most).map(|(start, end)| Token {
                        start,
                        end,
                        confidence: if shape.prefix == "sk-" { 0.85 } else { 0.97 },
                        provider: shape.provider,
                        password: false,
                    })
                }
                Some(_) => None,
                None => SPECIALS.get(i - SHAPES.len()).and_then(|(literal, special)| of_special(&v, literal, *special)),
            },
            None => twilio(&v),
        };
        let Some(t) = found else { return };
        // Base64 in a binary is full of chance prefixes.
        if c.place == Place::Binary && t.confidence < 0.9 {
            return;
        }
        out.push(Match {
            kind: if t.password { kinds::KEY_PASSWORD } else { kinds::KEY_TOKEN },
            start: v.base + t.start,
            end: v.base + t.end,
            confidence: t.confidence,
            mask: if t.password { Mask::All } else { Mask::Head(4) },
            distinct: Vec::new(),
            collect: vec![("providers", t.provider.into())],
            identifier: None,
            position: None,
        });
    }
}

/// Whether a whole value has a provider's shape.
pub(super) fn is_known_shape(value: &str) -> bool {
    let shaped = SHAPES.iter().any(|s| {
        value
            .strip_prefix(s.prefix)
            .is_some_and(|rest| (s.least..=s.most).contains(&rest.len()) && rest.bytes().all(|b| s.set.has(b)))
    });
    shaped || value.starts_with("eyJ") && value.contains('.') || value.starts_with("SG.")
}

fn bounded_before(v: &View<'_>) -> bool {
    let mut before = v.before().bytes().rev();
    match before.next() {
        // An escape ends in a letter: `\n`, `\t`.
        Some(b'n' | b't' | b'r') if before.next() == Some(b'\\') => true,
        Some(b) => {
            !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/' | b'+' | b'.'))
                || (b == b'/' && v.before().ends_with("//"))
        }
        None => true,
    }
}

fn run_len(text: &str, set: Set) -> usize {
    text.bytes().take_while(|b| set.has(*b)).count()
}

fn of_shape(v: &View<'_>, set: Set, least: usize, most: usize) -> Option<(usize, usize)> {
    if !bounded_before(v) {
        return None;
    }
    let rest = v.after();
    let len = run_len(rest, set);
    let body = &rest[..len];
    let next = rest.as_bytes().get(len).copied().unwrap_or(b' ');
    let ended = !(next.is_ascii_alphanumeric() || next == b'_' || (next == b'-' && !matches!(set, Set::Url)));
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    let letters = body.bytes().filter(u8::is_ascii_alphabetic).count();
    let floor = match set {
        Set::Hex | Set::Base32 | Set::Upper => 2.6,
        _ if len < 20 => 2.8,
        _ => 3.2,
    };
    let real = digits >= 1
        && letters >= 4
        && entropy(body) >= floor
        && !body.to_ascii_uppercase().contains("EXAMPLE")
        && !stands_in(body);
    // What is made of words is a name, whatever it begins with.
    let random =
        matches!(set, Set::Hex | Set::Base32 | Set::Upper) || digits >= 2 && (random_looking(body) || len > 80);
    ((least..=most).contains(&len) && ended && real && random && !ordered(body)).then_some((v.start, v.end + len))
}

/// `1234567890abcdefghij…`: made up.
fn ordered(body: &str) -> bool {
    let steps = body.as_bytes().windows(2).filter(|w| w[1] == w[0].wrapping_add(1)).count();
    steps * 2 > body.len()
}

fn of_special(v: &View<'_>, literal: &str, special: Special) -> Option<Token> {
    let exact = v.value() == literal;
    let token = |start, end, confidence, provider| Some(Token { start, end, confidence, provider, password: false });
    let rest = v.after();
    match special {
        Special::Jwt if exact => jwt(v),
        Special::SendGrid if exact && bounded_before(v) => {
            let len = run_len(rest, Set::Dotted);
            let (id, secret) = rest[..len].split_once('.')?;
            ((20..=24).contains(&id.len()) && (39..=50).contains(&secret.len()) && random_looking(secret))
                .then_some(())
                .and_then(|()| token(v.start, v.end + len, 0.97, "sendgrid"))
        }
        Special::Telegram if exact => {
            let id = v.before().bytes().rev().take_while(u8::is_ascii_digit).count();
            let len = run_len(rest, Set::Url);
            let bounded = !v.before()[..v.start - id]
                .bytes()
                .next_back()
                .is_some_and(|b| b.is_ascii_alphanumeric() && !v.before()[..v.start - id].ends_with("bot"));
            ((8..=10).contains(&id) && len == 33 && bounded && random_looking(&rest[..len]))
                .then_some(())
                .and_then(|()| token(v.start - id, v.end + len, 0.95, "telegram"))
        }
        Special::AzureAd if exact => {
            let before = v.before().bytes().rev().take_while(|b| Set::Dotted.has(*b) || *b == b'~').count();
            let len = rest.bytes().take_while(|b| Set::Dotted.has(*b) || *b == b'~').count();
            (before == 3 && (31..=34).contains(&len) && random_looking(rest.get(..len)?))
                .then_some(())
                .and_then(|()| token(v.start - 3, v.end + len, 0.95, "azure"))
        }
        Special::AccountKey => {
            let len = run_len(rest, Set::Base64);
            let real = len == 88 && rest[..len].ends_with("==") && entropy(&rest[..len]) > 4.0;
            // The emulator's key is printed in every manual.
            (real && !rest.starts_with("Eby8vdM02xNOcqFlqUwJ"))
                .then_some(())
                .and_then(|()| token(v.end, v.end + len, 0.97, "azure"))
        }
        Special::SharedAccessKey => {
            let len = run_len(rest, Set::Base64);
            ((40..=90).contains(&len) && rest[..len].ends_with('=') && entropy(&rest[..len]) > 3.8)
                .then_some(())
                .and_then(|()| token(v.end, v.end + len, 0.95, "azure"))
        }
        Special::SasSignature => {
            let len = rest.bytes().take_while(|b| Set::Base64.has(*b) || *b == b'%').count();
            let near = v.before().contains("sv=")
                || v.before().contains("se=")
                || rest.get(len..).is_some_and(|r| r.starts_with("&se=") || r.starts_with("&sv="));
            (near && (43..=100).contains(&len) && entropy(&rest[..len]) > 3.8)
                .then_some(())
                .and_then(|()| token(v.end, v.end + len, 0.9, "azure"))
        }
        Special::Bearer => {
            let len = run_len(rest, Set::Dotted).max(run_len(rest, Set::Base64));
            let body = rest.get(..len)?;
            let real = (20..=4096).contains(&len)
                && random_looking(body)
                && entropy(body) >= 3.3
                && !stands_in(body)
                && !body.starts_with("eyJ")
                && !is_known_shape(body);
            real.then_some(()).and_then(|()| token(v.end, v.end + len, 0.85, "bearer"))
        }
        Special::Basic => {
            let len = run_len(rest, Set::Base64);
            let decoded = base64::decode(rest.get(..len)?.as_bytes(), 512).filter(|_| len >= 8)?;
            let decoded = String::from_utf8(decoded).ok()?;
            let (user, password) = decoded.split_once(':')?;
            let clean = decoded.bytes().all(|b| b.is_ascii_graphic()) && !user.is_empty() && password.len() >= 3;
            // `Aladdin:open sesame` and `user:password` of the RFCs fall out.
            (clean && super::value::password(password, super::value::Source::Config).is_some()).then_some(Token {
                start: v.end,
                end: v.end + len,
                confidence: 0.9,
                provider: "basic",
                password: true,
            })
        }
        Special::Session => {
            let body = rest.get(..rest.bytes().take_while(|b| Set::Dotted.has(*b) || *b == b'%').count())?;
            let real = (20..=512).contains(&body.len())
                && entropy(body) >= 3.0
                && (random_looking(body) || body.bytes().all(|b| b.is_ascii_hexdigit()));
            (real && !stands_in(body)).then_some(()).and_then(|()| token(v.end, v.end + body.len(), 0.75, "session"))
        }
        Special::Hook(set, least, provider) => {
            let len = rest.bytes().take_while(|b| set.has(*b) || *b == b'/' || *b == b'@').count();
            let body = &rest[..len];
            let real = len >= least
                && body.bytes().filter(u8::is_ascii_digit).count() >= 3
                && entropy(body) >= 3.0
                && !stands_in(body);
            (real && !body.contains("00000000") && !ordered(body))
                .then_some(())
                .and_then(|()| token(v.end, v.end + len, 0.95, provider))
        }
        _ => None,
    }
}

fn twilio(v: &View<'_>) -> Option<Token> {
    let body = v.value().strip_prefix("SK")?;
    let real = body.bytes().all(|b| Set::Hex.has(b)) && entropy(body) > 2.8 && bounded_before(v);
    real.then_some(Token { start: v.start, end: v.end, confidence: 0.9, provider: "twilio", password: false })
}

/// A JSON Web Token (RFC 7519): header and payload are JSON, the header names an algorithm, a signature is there.
fn jwt(v: &View<'_>) -> Option<Token> {
    if !bounded_before(v) {
        return None;
    }
    let rest = &v.text[v.start..];
    let len = rest.bytes().take_while(|b| Set::Url.has(*b) || *b == b'.').count();
    let mut parts = rest[..len].split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let header = base64::decode(header.as_bytes(), 4096)?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    header.get("alg")?;
    let five = parts.next().is_some();
    let payload = if five { Vec::new() } else { base64::decode(payload.as_bytes(), 64 << 10)? };
    let object = five || payload.first() == Some(&b'{');
    // The example of jwt.io and of RFC 7519.
    let has = |what: &[u8]| payload.windows(what.len()).any(|w| w == what);
    let example = has(b"John Doe")
        || has(b"\"iss\":\"joe\"")
        || has(b"example.com/is_root")
        || has(b"1234567890")
        || has(b"{\"some\"");
    let sound = object && signature.len() >= 20 && entropy(signature) > 3.0 && !example;
    sound.then_some(Token {
        start: v.start,
        end: v.start + rest[..len].trim_end_matches('.').len(),
        confidence: 0.95,
        provider: "jwt",
        password: false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::scan;
    use super::*;

    fn told(text: &str) -> Vec<String> {
        scan(&Tokens, text).into_iter().map(|(_, s)| s).collect()
    }

    /// Made up for these tests; put together here so that no scanner takes this file for a leak.
    fn body(n: usize) -> String {
        "q7Zk2mX9vB4tL1wR8yC5nH3jD6sF0gAePuTx".chars().cycle().take(n).collect()
    }

    #[test]
    fn providers_shapes_are_told_exactly() {
        for (prefix, n) in [
            ("ghp_", 36),
            ("glpat-", 20),
            ("sk_live_", 24),
            ("npm_", 36),
            ("LTAI", 20),
            ("AIza", 35),
            ("hf_", 34),
            ("xoxb-", 50),
            ("sk-", 48),
        ] {
            let token = format!("{prefix}{}", body(n));
            assert_eq!(told(&format!("x = '{token}';")), std::slice::from_ref(&token));
            assert_eq!(told(&format!("x = 'a{token}'")), [] as [String; 0], "a letter before");
            assert_eq!(told(&format!("x = '{prefix}{}'", "x".repeat(n))), [] as [String; 0], "a stand-in");
        }
        assert_eq!(told(&format!("ghp_{}", body(35))), [] as [String; 0]);
        let aws = format!("AKIA{}", "Q7ZK2MX4VB5TL3WR");
        assert_eq!(told(&aws), std::slice::from_ref(&aws));
        assert_eq!(told("AKIAIOSFODNN7EXAMPLE"), [] as [String; 0]);
        let twilio = format!("SK{}", "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
        assert_eq!(told(&format!("'{twilio}'")), [twilio]);
    }

    #[test]
    fn structured_tokens_are_parsed() {
        let jwt = |payload: &str| {
            let encode = |s: &str| {
                let bits: Vec<u8> = s.bytes().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).collect();
                let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']).collect();
                bits.chunks(6)
                    .map(|c| {
                        alphabet[c.iter().chain([0; 6].iter()).take(6).fold(0usize, |v, b| v << 1 | usize::from(*b))]
                    })
                    .collect::<String>()
            };
            format!("{}.{}.{}", encode("{\"alg\":\"HS256\"}"), encode(payload), body(43))
        };
        let real = jwt("{\"sub\":\"vehicle-gateway\",\"exp\":1790000000}");
        assert_eq!(told(&format!("Authorization: Bearer {real}")), [real]);
        assert_eq!(told(&jwt("{\"sub\":\"1234567890\",\"name\":\"John Doe\"}")), [] as [String; 0]);
        assert_eq!(told(&format!("eyJhbGciOi.{}.{}", body(20), body(43))), [] as [String; 0]);
        let hook = "0f1e2d3c4b5a69788796a5b4c3d2e1f0".repeat(2);
        assert_eq!(told(&format!("https://oapi.dingtalk.com/robot/send?access_token={hook}")), [hook]);
        assert_eq!(told("Authorization: Basic ZGVwbG95Olh5ejk4NyFx").len(), 1);
        assert_eq!(told("Authorization: Basic dXNlcjpwYXNzd29yZA=="), [] as [String; 0]);
        assert_eq!(told(&format!("Authorization: Bearer {}", body(40))), [body(40)]);
        assert_eq!(told("Authorization: Bearer <your-token-goes-right-here>"), [] as [String; 0]);
    }
}
