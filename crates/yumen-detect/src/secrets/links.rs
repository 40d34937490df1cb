//! Passwords that stand in a place of their own: user info of URLs, connection strings, command lines, `.netrc`, `.pgpass`, SQL grants.

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::stand_ins::stands_in;
use super::value::{self, Source};
use super::view::View;
use crate::recogniser::{Candidate, Match, Place, Recogniser};

/// Passwords by the place they stand in.
pub(super) struct Links;

/// Bytes after a candidate that are looked at.
const LOOK: usize = 1024;

#[derive(Clone, Copy)]
enum Form {
    Url,
    ConnectionString,
    Query,
    SshPass,
    CurlUser,
    Long,
    MysqlShort,
    OpensslPass,
    ChPasswd,
    IdentifiedBy,
    Netrc,
    PgPass,
}

const FORMS: &[(&str, Form)] = &[
    ("://", Form::Url),
    ("password=", Form::ConnectionString),
    ("pwd=", Form::ConnectionString),
    ("password=", Form::Query),
    ("sshpass -p", Form::SshPass),
    ("curl ", Form::CurlUser),
    ("--password", Form::Long),
    ("-storepass ", Form::Long),
    ("-keypass ", Form::Long),
    ("mysql", Form::MysqlShort),
    ("pass:", Form::OpensslPass),
    ("chpasswd", Form::ChPasswd),
    ("identified by ", Form::IdentifiedBy),
    ("with password ", Form::IdentifiedBy),
    ("password ", Form::Netrc),
    (":5432:", Form::PgPass),
    (":*:*:", Form::PgPass),
];

const LITERALS: [&str; FORMS.len()] = super::literals(FORMS);

impl Recogniser for Links {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::KEY_PASSWORD]
    }

    fn literals(&self) -> &'static [&'static str] {
        &LITERALS
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let Some(&(_, form)) = c.literal.and_then(|i| FORMS.get(i)) else { return };
        if c.place == Place::Name && !matches!(form, Form::Url) {
            return;
        }
        let v = View::of(c, LOOK);
        let found = match form {
            Form::Url => url(&v),
            Form::ConnectionString => connection_string(&v),
            Form::Query => query(&v),
            Form::SshPass => word(&v, v.after(), 0),
            Form::CurlUser => curl_user(&v),
            Form::Long => long_option(&v),
            Form::MysqlShort => short_option(&v),
            Form::OpensslPass => openssl(&v),
            Form::ChPasswd => chpasswd(&v),
            Form::IdentifiedBy => identified_by(&v),
            Form::Netrc => netrc(&v),
            Form::PgPass => pgpass(&v),
        };
        let Some((start, end, confidence)) = found else { return };
        if c.place == Place::Binary && confidence < 0.8 {
            return;
        }
        out.push(Match {
            kind: kinds::KEY_PASSWORD,
            start: v.base + start,
            end: v.base + end,
            confidence,
            mask: Mask::All,
            distinct: Vec::new(),
            collect: Vec::new(),
            identifier: None,
            position: None,
        });
    }
}

/// Start, end, confidence.
type Found = (usize, usize, f64);

/// `scheme://user:password@host`.
fn url(v: &View<'_>) -> Option<Found> {
    let scheme =
        v.before().bytes().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-')).count();
    let rest = v.after();
    let end = rest
        .bytes()
        .take(300)
        .position(|b| {
            b.is_ascii_whitespace()
                || b < 0x20
                || matches!(b, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b')' | b'|' | b'^')
                || b >= 0x80
        })
        .unwrap_or(rest.len().min(300));
    let whole = rest.get(..end)?;
    // Up to the last @ before the path; a password may hold `/`, `?` or `#` only escaped, yet people forget.
    let authority = whole.split(['/', '?', '#']).next()?;
    let (info, host) = authority.rsplit_once('@').or_else(|| {
        let (info, host) = whole.split_once('@')?;
        let port = info.split_once(':')?.1.split('/').next()?.bytes().all(|b| b.is_ascii_digit());
        (!info.contains(['?', '&', '=']) && !port).then_some((info, host))
    })?;
    let (user, password) = info.split_once(':')?;
    // The account of every database manual.
    if user.eq_ignore_ascii_case("scott") && password.eq_ignore_ascii_case("tiger") {
        return None;
    }
    let scheme_name = v.before().get(v.start - scheme..)?;
    let sound = scheme > 0
        && user.len() <= 100
        && !user.contains(['(', ')', ',', ';', '{', '}', '$', '*', '|', '/', '%'])
        && !host.is_empty();
    if !sound || password.len() > 128 || user.contains("//") {
        return None;
    }
    let host_name = host.split([':', '/', '?', ',']).next().unwrap_or("").to_ascii_lowercase();
    let example = [
        "example",
        "localhost",
        "host",
        "hostname",
        "server",
        "127.0.0.1",
        "0.0.0.0",
        "foo",
        "bar",
        "proxy",
        "domain",
        "your",
        "myhost",
        "test",
        "invalid",
    ]
    .iter()
    .any(|e| host_name.split(['.', '-', '_']).any(|p| p == *e) || host_name == *e);
    if host_name.is_empty()
        || !host_name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'[' | b']'))
    {
        return None;
    }
    let letters = |s: &str| s.bytes().filter(u8::is_ascii_alphabetic).count();
    if stands_in(password) || letters(scheme_name) == 0 {
        return None;
    }
    let mut confidence = match value::password(password, Source::Config) {
        Some(sure) => sure.clamp(0.6, 0.9),
        None => value::token(password, Source::Config)?,
    };
    if example {
        let real_place = matches!(host_name.as_str(), "localhost" | "127.0.0.1" | "server");
        confidence -= 0.2;
        if !real_place || confidence < 0.6 {
            return None;
        }
    }
    let start = v.end + user.len() + 1;
    Some((start, start + password.len(), confidence))
}

/// `Server=…;User Id=…;Password=…;` and the like: another key of such strings must stand near.
fn connection_string(v: &View<'_>) -> Option<Found> {
    let rest = v.after();
    let end = rest
        .bytes()
        .position(|b| matches!(b, b';' | b'"' | b'\'' | b'<' | b'\n' | b'\r' | b'&' | 0x1f))
        .unwrap_or(rest.len());
    let password = rest.get(..end)?.trim();
    let near =
        format!("{}{}", v.before(), rest.get(end..(end + 200).min(rest.len())).unwrap_or("")).to_ascii_lowercase();
    let keys = [
        "server=",
        "data source=",
        "user id=",
        "uid=",
        "host=",
        "database=",
        "initial catalog=",
        "username=",
        "user=",
        "dbname=",
        "driver=",
    ];
    let led = v.before().trim_end().ends_with([';', '"', '\'']) || v.before().ends_with(' ');
    let separated = near.contains(';');
    let sure = value::password(password, Source::Config)?;
    (led && separated && keys.iter().any(|k| near.contains(k))).then_some((
        v.end,
        v.end + password.len(),
        sure.max(0.7),
    ))
}

/// `?user=…&password=…` of a URL.
fn query(v: &View<'_>) -> Option<Found> {
    if !v.before().ends_with(['?', '&']) {
        return None;
    }
    let rest = v.after();
    let end = rest
        .bytes()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'&' | b'"' | b'\'' | b'<' | b'#' | b'`' | b')' | 0x1f))
        .unwrap_or(rest.len());
    let password = rest.get(..end)?;
    let sure = value::password(password, Source::Config).filter(|s| *s >= 0.5)?;
    Some((v.end, v.end + password.len(), sure.min(0.8)))
}

/// The next word of a command line, quoted or not, as a password.
fn word(v: &View<'_>, rest: &str, skipped: usize) -> Option<Found> {
    let trimmed = rest.trim_start_matches([' ', '=']);
    let lead = rest.len() - trimmed.len();
    let (open, end) = match trimmed.chars().next()? {
        q @ ('\'' | '"') => (1, trimmed[1..].find(q)? + 1),
        _ => (
            0,
            trimmed
                .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '|' | ';'))
                .unwrap_or(trimmed.len()),
        ),
    };
    let password = trimmed.get(open..end)?;
    if password.starts_with('-') || password.contains('\n') {
        return None;
    }
    let sure = value::password(password, Source::Config)?;
    let start = v.end + skipped + lead + open;
    Some((start, start + password.len(), sure.max(0.6)))
}

fn line_after<'a>(v: &View<'a>) -> &'a str {
    v.after().split('\n').next().unwrap_or("")
}

/// `curl -u user:password`.
fn curl_user(v: &View<'_>) -> Option<Found> {
    let line = line_after(v);
    let (at, option) = ["-u ", "-u'", "-u\"", "--user "].iter().find_map(|o| line.find(o).map(|i| (i, o)))?;
    let from = at + option.trim_end_matches(['\'', '"']).len();
    let rest = line.get(from..)?.trim_start_matches([' ', '\'', '"']);
    let lead = line.len() - rest.len();
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(rest.len());
    let (user, password) = rest.get(..end)?.split_once(':')?;
    let sure = value::password(password, Source::Config)?;
    let start = v.end + lead + user.len() + 1;
    (!user.is_empty() && !stands_in(user)).then_some((start, start + password.len(), sure.max(0.6)))
}

/// `--password=x`, `--password x`, `-storepass x`.
fn long_option(v: &View<'_>) -> Option<Found> {
    let rest = line_after(v);
    if !v.value().ends_with(' ') && !rest.starts_with(['=', ' ']) {
        return None;
    }
    // A bare option in a manual is followed by its description: take a strong value only.
    word(v, rest, 0)
        .filter(|f| f.2 >= 0.8 || rest.starts_with('=') || v.value().starts_with("-s") || v.value().starts_with("-k"))
}

/// `mysql -u root -p'secret'`: the value follows without a space.
fn short_option(v: &View<'_>) -> Option<Found> {
    let line = line_after(v).split(['|', ';']).next()?;
    let user = line.find(" -u")?;
    let at = line.match_indices(" -p").map(|(i, _)| i).find(|i| *i > user || line[*i..].contains(" -u"))?;
    let rest = line.get(at + 3..)?;
    if rest.starts_with([' ', '\t']) || rest.is_empty() {
        return None;
    }
    word(v, rest, at + 3)
}

/// `-passin pass:x`, `-passout pass:x` of openssl.
fn openssl(v: &View<'_>) -> Option<Found> {
    let option = v.before().trim_end();
    (option.ends_with("-passin")
        || option.ends_with("-passout")
        || option.ends_with("-pass")
        || option.ends_with("-k"))
    .then_some(())?;
    word(v, line_after(v), 0)
}

/// `echo 'root:secret' | chpasswd`.
fn chpasswd(v: &View<'_>) -> Option<Found> {
    let line = v.before().rsplit('\n').next()?;
    let pipe = line.rfind('|')?;
    let (head, pair) = (line.get(..pipe)?.trim_end(), line.get(..pipe)?.trim_end().trim_end_matches(['\'', '"']));
    let start = pair.rfind(|c: char| c.is_whitespace() || matches!(c, '\'' | '"'))? + 1;
    let (user, password) = pair.get(start..)?.split_once(':')?;
    let sure = value::password(password, Source::Config)?;
    let base = v.before().len() - line.len();
    let from = base + start + user.len() + 1;
    (head.contains("echo") || head.contains("printf")).then_some((from, from + password.len(), sure.max(0.6)))
}

/// `IDENTIFIED BY 'x'`, `WITH PASSWORD 'x'` of SQL.
fn identified_by(v: &View<'_>) -> Option<Found> {
    let rest = v.after();
    let before = v.before().to_ascii_lowercase();
    ["user", "role", "grant", "login", "alter"].iter().any(|w| before.contains(w)).then_some(())?;
    let rest_trimmed = rest.strip_prefix(['\'', '"'])?;
    let end = rest_trimmed.find(['\'', '"', '\n'])?;
    let password = rest_trimmed.get(..end)?;
    let sure = value::password(password, Source::Config)?;
    Some((v.end + 1, v.end + 1 + password.len(), sure.max(0.6)))
}

/// `machine host login user password x`.
fn netrc(v: &View<'_>) -> Option<Found> {
    let entry = v.before().rfind("machine ").or_else(|| v.before().rfind("default "))?;
    let between = v.before().get(entry..)?;
    (between.contains("login ") && between.lines().count() <= 4).then_some(())?;
    word(v, line_after(v), 0)
}

/// `host:port:database:user:password` on a line of its own.
fn pgpass(v: &View<'_>) -> Option<Found> {
    let head = v.before().rsplit('\n').next()?;
    let line = line_after(v).trim_end();
    let start = v.start - head.len();
    let whole = v.text.get(start..v.end + line.len())?;
    let parts: Vec<&str> = whole.splitn(5, ':').collect();
    let [host, port, _, user, password] = parts[..] else { return None };
    let number = port == "*" || (!port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    let sound =
        number && !host.is_empty() && !user.is_empty() && !whole.contains(char::is_whitespace) && !host.contains('/');
    let sure = value::password(password, Source::Config).filter(|_| sound)?;
    let from = start + whole.len() - password.len();
    Some((from, from + password.len(), sure.max(0.6)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::scan;
    use super::*;

    fn told(text: &str) -> Vec<String> {
        scan(&Links, text).into_iter().map(|(_, s)| s).collect()
    }

    #[test]
    fn each_place_of_a_password() {
        for text in [
            "DATABASE_URL=postgres://app:Xyz987!q@10.2.3.4:5432/fleet",
            "redis://:Xyz987!q@cache.fleet.cn/0",
            "Server=10.0.0.5;Database=fleet;User Id=sa;Password=Xyz987!q;",
            "jdbc:mysql://10.0.0.5/fleet?user=root&password=Xyz987!q",
            "sshpass -p 'Xyz987!q' ssh root@10.0.0.5",
            "curl -s -u deploy:Xyz987!q https://repo.fleet.cn/x",
            "mysqldump -h db -u root -pXyz987!q fleet",
            "mysql -uroot -p'Xyz987!q' fleet",
            "app --password=Xyz987!q",
            "keytool -list -storepass Xyz987!q",
            "openssl rsa -in k -passin pass:Xyz987!q",
            "echo 'root:Xyz987!q' | chpasswd",
            "CREATE USER app IDENTIFIED BY 'Xyz987!q';",
            "ALTER ROLE app WITH PASSWORD 'Xyz987!q';",
            "machine git.fleet.cn login ci password Xyz987!q",
            "10.0.0.5:5432:fleet:app:Xyz987!q",
        ] {
            assert_eq!(told(text), ["Xyz987!q"], "{text}");
        }
    }

    #[test]
    fn examples_and_references_are_not_told() {
        for text in [
            "https://user:password@example.com/",
            "mysql+pymysql://scott:tiger@localhost/test",
            "postgres://user:pass@host:5432/db",
            "postgres://app:${DB_PASSWORD}@db:5432/fleet",
            "https://x-access-token:$TOKEN@github.com/a/b",
            "http://localhost:8080/@scope/pkg",
            "https://localhost:3000/jqueryui@1.2.3",
            "a program identified by 'sequence42' and more",
            "https://registry.npmjs.org/@babel/core/-/core-7.0.0.tgz",
            "see https://a.cn/b:c@d",
            "git://git.fleet.cn:9418/x",
            "mysql -u root -p fleet",
            "the options --user and --password are required",
            "--password <PASSWORD>",
            "12:34:5432:56:78",
            "Enter password ",
            "Password=;Server=x",
        ] {
            assert_eq!(told(text), [] as [String; 0], "{text}");
        }
    }
}
