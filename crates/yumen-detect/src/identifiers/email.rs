//! `person.email`.

use std::collections::HashSet;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::context::{chinese_line, is_source, line_after, line_before, text_before, whole_cell};
use super::labels::{self, Labels};
use crate::recogniser::{Candidate, Match, Place, Recogniser};

/// E-mail addresses of persons. Not: addresses published with a work (authors, maintainers, copyright lines, source comments), role addresses, and
/// what only looks like one (scp targets, package versions, image names, ssh algorithms, message ids).
pub(crate) struct Email;

/// Generic top-level domains in common use; two-letter ones count all but for file extensions.
const TLDS: &str = "com net org edu gov mil int info biz name pro mobi tel travel asia cat jobs coop museum aero xyz top site online club shop vip \
    wang icu fun store tech cloud app dev page blog live work link ltd group company email news world space website life today digital \
    network systems solutions services agency center academy global ren art love plus auto car cars bmw audi toyota volvo ink red team \
    host press guru zone run ai";

/// Two-letter endings of file names and code that are more often those than countries.
const NO_COUNTRY: &str = "js ts py rb go md cc hh mm vb kt xz gz bz db so ko fn rc cs hs pm sh";

/// Extensions of documentation.
const DOCUMENTATION: &str =
    "md rst adoc html htm 1 2 3 4 5 6 7 8 texi tex pod markdown rdoc org info man xhtml docbook svg";

/// Words in the names of files that come with a work and name those who made it.
const ABOUT_THE_WORK: &str = "license licence licenses licences copying copyright copyrights authors changelog changelogs readme thanks credits \
    contributors contributing maintainers codeowners pkg-info acknowledgements acknowledgments acknowledgement translators mailmap po pot \
    spdx gemspec podspec nuspec";

/// Whole names of such files, where the word alone may mean other things.
const NAMES_OF_THE_WORK: &str = "author changes contributor maintainer notice notices metadata history news todo install hacking patents security \
    support control owners releases code_of_conduct committers translate bugs";

/// Providers of mailboxes in China: an address there in a program is a person's more often than an example.
const MAILBOXES: &str = "163.com 126.com qq.com vip.qq.com foxmail.com sina.com sina.cn 139.com 189.cn wo.cn sohu.com aliyun.com yeah.net 21.cn \
    vip.163.com vip.sina.com tom.com 263.net";

/// Local parts that are a role, a placeholder or a machine.
const ROLES: &str = "git noreply no-reply no_reply donotreply do-not-reply support info admin administrator webmaster postmaster hostmaster root \
    security abuse contact help sales service services office team press legal privacy bugs bug feedback hello hi mail email \
    mailer-daemon daemon nobody news marketing billing user username name you your yourname your-email youremail your.email me someone \
    somebody test tester testing example foo bar baz qux foobar abc xyz x y a b c joe jane john alice bob john.doe jane.doe johndoe \
    janedoe first.last firstname.lastname dev devel developers developer maintainer maintainers owner list lists users announce \
    subscribe unsubscribe majordomo license licensing opensource oss code conduct community ops jira jenkins ci bot dependabot github \
    gitlab npm ftp anonymous guest hr jobs careers pr media kefu client server host local system sip xmpp";

/// Second-level names of domains that belong to nobody or to lists and projects.
const NOBODYS: &str = "openssh libssh example domain yourdomain mydomain foo bar baz acme localhost site host yourcompany company somewhere nowhere \
    invalid test email server users lists googlegroups noreply reply xx xxx abc xyz a b c d x y z hostname gnu kernel debian apache \
    python w3 ietf freedesktop gnome kde sourceforge savannah ubuntu fsf mozilla postgresql perl cpan rust-lang";

/// Words before an address that publish it, or make it another thing.
const PUBLISHED: &str = "author|maintain|copyright|(c)|©|signed-off-by|reported-by|reviewed-by|acked-by|tested-by|suggested-by|co-authored-by|\
    co-developed-by|committer|tagger|contribut|developer|written by|created by|ported|patch|thanks|credit|bug report|report bugs|\
    send bug|upload|packager|translat|last-translator|language-team|uid |gpg:|message-id|in-reply-to|references:|revision|vcs|\
    changed-by|license|licence|git config|wrote this|this file|this software|free software|as long as you|disclaim|queries|complaints|may be \
    freely|contacted via|作者|维护者|维护人|版权|译者|贡献者|开发者|反馈|homepage|all rights reserved|mailing list|subscribe|comments to|questions|feedback|suggestion|bugs to|please send|\
    e-mail me|mail me|permission|moderator|who =|who:|designed by|implemented by|modified by|fixed by|by:|many thanks|courtesy|origin:|\
    forwarded:";

/// A list of words to look up.
struct Words(LazyLock<HashSet<&'static str>>);

impl Words {
    fn hold(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

macro_rules! words {
    ($list:expr) => {
        Words(LazyLock::new(|| $list.split(' ').collect()))
    };
}

static TOP_LEVEL: Words = words!(TLDS);
static NO_COUNTRIES: Words = words!(NO_COUNTRY);
static ROLE_NAMES: Words = words!(ROLES);
static DOCUMENTS: Words = words!(DOCUMENTATION);
static OF_THE_WORK: Words = words!(ABOUT_THE_WORK);
static NAMED_OF_THE_WORK: Words = words!(NAMES_OF_THE_WORK);
static PROVIDERS: Words = words!(MAILBOXES);
static NOBODY: Words = words!(NOBODYS);
static PUBLISHING: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(PUBLISHED.split('|')).ok());

fn local_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'')
}

fn top_level(tld: &str) -> bool {
    let tld = tld.to_ascii_lowercase();
    match tld.len() {
        2 => tld.bytes().all(|b| b.is_ascii_alphabetic()) && !NO_COUNTRIES.hold(&tld),
        _ => TOP_LEVEL.hold(&tld),
    }
}

impl Recogniser for Email {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::PERSON_EMAIL]
    }

    fn literals(&self) -> &'static [&'static str] {
        &["@"]
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let before = text_before(c, c.start);
        let local_len = before.bytes().rev().take(65).take_while(|&b| local_byte(b)).count();
        let raw = &before[before.len() - local_len..];
        let local = raw.trim_start_matches(['.', '-', '+', '%', '\'', '_']);
        if local.is_empty()
            || local.len() > 64
            || local.ends_with('.')
            || local.contains("..")
            || !local.bytes().any(|b| b.is_ascii_alphabetic() || b.is_ascii_digit())
        {
            return;
        }
        let start = c.start - local.len();
        let after = c.after();
        let domain_len =
            after.bytes().take(254).take_while(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-')).count();
        let domain = after[..domain_len].trim_end_matches(['.', '-']);
        let Some((rest, tld)) = domain.rsplit_once('.') else { return };
        let labels_ok =
            domain.split('.').all(|l| !l.is_empty() && l.len() <= 63 && !l.starts_with('-') && !l.ends_with('-'));
        if !labels_ok
            || !top_level(tld)
            || (rest.contains('.') && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        {
            return;
        }
        let end = c.end + domain.len();
        let next = c.text.get(end..).unwrap_or("");
        let Some(confidence) = judge(c, start, end, local, rest, tld.len(), next) else { return };
        out.push(Match {
            kind: kinds::PERSON_EMAIL,
            start,
            end,
            confidence,
            mask: Mask::Email,
            distinct: vec![],
            collect: vec![],
            identifier: Some(format!("{local}@{domain}").to_ascii_uppercase()),
            position: None,
        });
    }
}

/// The confidence that an address of good form is one of a person.
fn judge(
    c: &Candidate<'_>,
    start: usize,
    end: usize,
    local: &str,
    domain: &str,
    tld_len: usize,
    next: &str,
) -> Option<f64> {
    let lower = local.to_ascii_lowercase();
    let role = ROLE_NAMES.hold(&lower)
        || ["bug-", "bugs-", "help-", "info-", "noreply", "no-reply", "do-not"].iter().any(|p| lower.starts_with(p))
        || [
            "-bugs",
            "-dev",
            "-devel",
            "-list",
            "-users",
            "-announce",
            "-discuss",
            "-team",
            "-owner",
            "-request",
            "-security",
            "+noreply",
            "-support",
            "-feedback",
            "-help",
            "-info",
            "-core",
            "-private",
            "-press",
            "-sales",
            "-legal",
            "-privacy",
            "-contact",
            "-office",
            "-admin",
            "-bot",
        ]
        .iter()
        .any(|p| lower.ends_with(p));
    let domain = domain.to_ascii_lowercase();
    let provider = c.text.get(end - domain.len() - tld_len - 1..end).is_some_and(|d| {
        let d = d.to_ascii_lowercase();
        PROVIDERS.hold(&d) || d.ends_with(".cn")
    });
    let placeholder = matches!(domain.as_str(), "example");
    let nobodys = domain.split('.').any(|d| NOBODY.hold(d)) && !placeholder;
    if role || nobodys {
        return None;
    }
    // scp targets, user info of URLs, versions, ids of messages.
    let before = text_before(c, start);
    let word = before
        .rsplit(|ch: char| ch.is_whitespace() || matches!(ch, '"' | '\'' | '<' | '(' | ',' | ';'))
        .next()
        .unwrap_or("");
    let scp = next.as_bytes().first() == Some(&b':')
        && next.as_bytes().get(1).is_some_and(|&b| b == b'/' || b == b'~' || b.is_ascii_alphabetic())
        && next.contains('/');
    let machine = lower.len() > 32
        || (lower.len() >= 16
            && lower.bytes().filter(u8::is_ascii_digit).count() * 2 > lower.len()
            && !lower.bytes().all(|b| b.is_ascii_digit()));
    if word.contains("://")
        || scp
        || machine
        || next.starts_with(['@', '\\', '{', '$'])
        || before.ends_with(['@', '$', '}', '\\', '{', '*', '/'])
    {
        return None;
    }
    if let Place::Cell { name, .. } = c.place {
        let labels = labels::of(name);
        if labels.any(Labels::PUBLISHED) {
            return None;
        }
        if labels.any(Labels::EMAIL) {
            return Some(0.97);
        }
    }
    if published(c, start, end) {
        return None;
    }
    let chinese = chinese_line(c, start, end);
    match c.place {
        Place::Binary => None,
        Place::Prose if of_the_work(c) => None,
        Place::Prose if is_source(c) => in_source(c, start, end, provider, chinese),
        Place::Prose if chinese => Some(0.95),
        // `one@one.org`: made up.
        Place::Prose if domain.split('.').any(|d| d == lower) => None,
        Place::Prose if comment(c, start) || DOCUMENTS.hold(c.extension) => None,
        Place::Prose => Some(0.9),
        // A word of a longer value: the text of a description, an example in it.
        Place::Cell { name, .. } if !chinese && !whole_cell(c, start, end) => {
            let described =
                labels::mentions(name, &["descri", "document", "summary", "help", "example", "comment", "readme"]);
            let made_up = placeholder || domain.split('.').any(|d| d == lower);
            (!described && !made_up && !DOCUMENTS.hold(c.extension)).then_some(0.9)
        }
        _ => Some(0.95),
    }
}

/// An address in a program: not in its comments; as a value of its own of a Chinese mailbox, or beside what else tells of a person.
fn in_source(c: &Candidate<'_>, start: usize, end: usize, provider: bool, chinese: bool) -> Option<f64> {
    if comment(c, start) {
        return None;
    }
    if chinese {
        return Some(0.95);
    }
    let (before, after) = (line_before(c, start), line_after(c, end));
    let quoted = before.ends_with(['"', '\'', '`']) && after.starts_with(['"', '\'', '`']);
    let number = |s: &str| s.split(|ch: char| !ch.is_ascii_digit()).any(|d| (11..=19).contains(&d.len()));
    (quoted && (provider || number(before) || number(after))).then_some(0.7)
}

/// Whether the file tells of a work and of those who made it: a licence, a list of authors, metadata of a package, a translation.
fn of_the_work(c: &Candidate<'_>) -> bool {
    let stem = c.file.split('.').next().unwrap_or("");
    OF_THE_WORK.hold(c.extension)
        || c.file.split(|ch: char| !ch.is_ascii_alphanumeric() && ch != '-').any(|w| OF_THE_WORK.hold(w))
        || c.file.split(|ch: char| !ch.is_ascii_alphanumeric()).any(|w| OF_THE_WORK.hold(w))
        || (NAMED_OF_THE_WORK.hold(stem)
            && (c.extension.is_empty() || c.extension == c.file || c.extension == "txt" || DOCUMENTS.hold(c.extension)))
}

/// Whether the address is published with a work: its author, maintainer, holder of rights, or the list of those who helped.
fn published(c: &Candidate<'_>, start: usize, end: usize) -> bool {
    let line = line_before(c, start);
    let near = labels::tail(text_before(c, start), 160);
    let around = labels::head(line_after(c, end), 120);
    if PUBLISHING.as_ref().is_some_and(|p| p.is_match(line))
        || labels::mentions(
            near,
            &[
                "author",
                "maintainer",
                "copyright",
                "contributor",
                "reporting bugs",
                "licen",
                "warranty",
                "redistribut",
                "contacted via",
                "this software",
                "this notice",
            ],
        )
        || labels::mentions(around, &["copyright", "all rights", "mailing list", "this file", "this notice", "wrote "])
    {
        return true;
    }
    // `Name <address>`: the way of AUTHORS, THANKS and changelogs; in the head of a mail it is who wrote to whom.
    let bracketed = line.ends_with('<') || line.ends_with("&lt;");
    let mail = ["from:", "to:", "cc:", "bcc:", "reply-to:", "sender:"]
        .iter()
        .any(|h| line.trim_start().to_ascii_lowercase().starts_with(h));
    let latin = !line.chars().any(labels::is_han);
    bracketed && (latin || is_source(c)) && !mail && matches!(c.place, Place::Prose)
}

/// Whether the line is a comment up to the address.
fn comment(c: &Candidate<'_>, start: usize) -> bool {
    let line = line_before(c, start);
    let head = line.trim_start();
    ["//", "#", "*", "-- ", ";", "%", "/*", "<!--", "dnl", ".\\\"", "'", "!", "@c "].iter().any(|m| head.starts_with(m))
        || line.contains("//")
        || line.contains(" # ")
        || line.contains("/*")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in, found_named, found_with};
    use super::*;

    fn mails(text: &str) -> Vec<String> {
        found(&Email, text).into_iter().map(|f| f.value).collect()
    }

    #[test]
    fn addresses_of_persons() {
        for (text, value) in [
            ("邮箱taozhou@example.net申请了", "taozhou@example.net"),
            ("mail li35@example.com.", "li35@example.com"),
            ("From: 张三 <zhang.san@corp.com.cn>", "zhang.san@corp.com.cn"),
            ("mailto:wang_wei88@163.com?subject", "wang_wei88@163.com"),
            ("What's your email? LeaVLind@superrito.com", "LeaVLind@superrito.com"),
            ("user=13812345678@139.com", "13812345678@139.com"),
        ] {
            assert_eq!(mails(text), [value], "{text}");
        }
        assert_eq!(found_in(&Email, "email", "chen.li@example.org").len(), 1);
    }

    #[test]
    fn what_only_looks_like_one() {
        for text in [
            "git@github.com:a/b.git",
            "icon@2x.png",
            "pkg@1.2.3",
            "react@next.js",
            "user@host",
            "root@server.local",
            "deploy@web1.example.cn:/srv",
            "https://user@host.com/x",
            "postgres://u:p@db.corp.com/x",
            "chacha20-poly1305@openssh.com",
            "noreply@github.com",
            "getty@tty1.service",
            "user@example.com",
            "com.foo.Bar@1a2b3c",
            "12345+bot@users.noreply.github.com",
            "a@b.c",
            "@types/node",
            "bug-gzip@gnu.org",
        ] {
            assert!(mails(text).is_empty(), "{text}: {:?}", mails(text));
        }
    }

    #[test]
    fn published_addresses_hold_nothing() {
        for text in [
            "Copyright (c) 2020 Some Person <some@person.io>",
            "authors = [\"Some Person <some@person.io>\"]",
            "Signed-off-by: Some Person <some@person.io>",
            "Maintainer: Some Person <some@person.io>",
            " -- Some Person <some@person.io>  Mon, 01 Jan 2020 00:00:00 +0000",
            "* Some Person <some@person.io>",
        ] {
            assert!(mails(text).is_empty(), "{text}");
        }
        assert!(found_with(&Email, "// ask some@person.io about this", "rs").is_empty());
        assert!(found_with(&Email, "authors = [\n  \"张三 <zhang.san@corp.cn>\",\n]", "toml").is_empty());
        assert!(found_with(&Email, "  jloup@gzip.org          madler@alumni.caltech.edu", "h").is_empty());
        assert!(found_with(&Email, "inputs = Inputs('2', 'tarek', 'tarek@ziade.org')", "py").is_empty());
        assert!(found_with(&Email, "# 乐喆 <gaolezhe@outlook.com>, 2023", "po").is_empty());
        for file in ["SECURITY.txt", "AUTHORS-2.txt", "license_mit.txt", "SSLeay.LICENSE", "METADATA"] {
            let file = file.to_ascii_lowercase();
            assert!(found_named(&Email, "  mail some@person.io, 或 wang@person.io", &file).is_empty(), "{file}");
        }
    }

    #[test]
    fn programs_hold_customers_too() {
        for text in [
            "row = [\"13812345678\", \"chen.li@corp.com\"]",
            "EMAIL = \"chen.li@163.com\"",
            "u.setName(\"王丹\"); u.setEmail(\"dan@corp.com\");",
        ] {
            assert_eq!(found_with(&Email, text, "py").len(), 1, "{text}");
        }
        for file in ["support_chat.txt", "car_owners.txt", "control.log"] {
            assert_eq!(found_named(&Email, "mail chen.li@corp.com", file).len(), 1, "{file}");
        }
        let told = found_in(&Email, "documentation", "Send to sender@example.com, for instance");
        assert!(told.is_empty());
        assert_eq!(found_in(&Email, "remark", "Send to chen.li@corp.com, please").len(), 1);
        assert!(found_in(&Email, "author.email", "some@person.io").is_empty());
    }
}
