//! What the name of a variable, key or column promises: a password, a token, a private key, or nothing.

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A password or passphrase.
    Password,
    /// A token, an API key, a secret.
    Token,
    /// A private key in hex or base64.
    PrivateKey,
}

/// Words that make a name speak *about* a password or token.
const ABOUT: &[&str] = &[
    "about",
    "ask",
    "bad",
    "change",
    "changed",
    "check",
    "confirm",
    "confirmation",
    "contains",
    "count",
    "crypt",
    "current",
    "enable",
    "enabled",
    "enc",
    "encoded",
    "encoder",
    "encrypted",
    "enter",
    "err",
    "error",
    "errors",
    "exception",
    "expected",
    "expire",
    "expired",
    "field",
    "forget",
    "forgot",
    "forgotten",
    "generate",
    "has",
    "hash",
    "hashed",
    "help",
    "hide",
    "hint",
    "i18n",
    "incorrect",
    "input",
    "invalid",
    "is",
    "label",
    "labels",
    "lang",
    "locale",
    "match",
    "message",
    "messages",
    "min",
    "max",
    "missing",
    "mismatch",
    "msg",
    "need",
    "needs",
    "no",
    "not",
    "placeholder",
    "placeholders",
    "policy",
    "prompt",
    "read",
    "recover",
    "remember",
    "repeat",
    "require",
    "required",
    "reset",
    "retype",
    "rule",
    "rules",
    "save",
    "send",
    "show",
    "store",
    "strength",
    "strings",
    "stub",
    "test",
    "tip",
    "toggle",
    "translation",
    "translations",
    "type",
    "update",
    "use",
    "valid",
    "validate",
    "validation",
    "verify",
    "weak",
    "when",
    "with",
    "without",
    "wrong",
];

/// Words before `token` that make it no credential: language processing, parsing, paging, request forgery, devices.
const OTHER_TOKENS: &[&str] = &[
    "added",
    "additional",
    "anti",
    "attention",
    "begin",
    "bos",
    "bracket",
    "cancel",
    "cancellation",
    "class",
    "cls",
    "completion",
    "continuation",
    "csrf",
    "cursor",
    "decoder",
    "design",
    "end",
    "eos",
    "first",
    "forgery",
    "id",
    "ident",
    "identifier",
    "image",
    "keyword",
    "last",
    "lex",
    "lexer",
    "lookahead",
    "mask",
    "max",
    "new",
    "newline",
    "next",
    "number",
    "op",
    "operator",
    "pad",
    "page",
    "parser",
    "pagination",
    "prefix",
    "prev",
    "previous",
    "punctuation",
    "sep",
    "separator",
    "skip",
    "special",
    "start",
    "stop",
    "string",
    "suffix",
    "sync",
    "syntax",
    "text",
    "unk",
    "unknown",
    "word",
    "xsrf",
];

/// Words before `key` that make it a credential.
const KEY_OWNERS: &[&str] = &[
    "access",
    "account",
    "aes",
    "api",
    "auth",
    "des",
    "encrypt",
    "encryption",
    "hmac",
    "jwt",
    "master",
    "secret",
    "service",
    "shared",
    "sign",
    "signature",
    "signing",
    "sm4",
    "storage",
    "subscription",
];

/// Words before `pass` that make it a password.
const PASS_OWNERS: &[&str] = &[
    "admin", "auth", "database", "db", "email", "ftp", "http", "imap", "key", "ldap", "login", "mail", "mongo", "mq",
    "mysql", "oracle", "pg", "postgres", "proxy", "redis", "root", "sftp", "smtp", "sql", "ssh", "sudo", "user", "vpn",
    "wifi", "wlan",
];

/// Endings of joined names.
const TOKEN_ENDS: &[&str] = &[
    "accesskey",
    "accesskeysecret",
    "accesstoken",
    "accountkey",
    "aeskey",
    "apikey",
    "apitoken",
    "appsecret",
    "authkey",
    "authtoken",
    "bottoken",
    "clientsecret",
    "encryptionkey",
    "encryptkey",
    "masterkey",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "sharedaccesskey",
    "signingkey",
    "signkey",
    "storagekey",
];

/// Words that may stand at the end without changing what a name promises.
const TAILS: &[&str] = &[
    "base64",
    "dev",
    "hex",
    "plain",
    "plaintext",
    "prod",
    "production",
    "raw",
    "stage",
    "staging",
    "uat",
    "val",
    "value",
];

/// The class of a name; `owner.db_password`, `DB_PASSWORD`, `dbPassword` and `数据库密码` read alike.
pub(super) fn classify(name: &str) -> Option<Class> {
    if name.is_empty() || name.len() > 200 {
        return None;
    }
    if !name.is_ascii() {
        return chinese(name);
    }
    let mut words = words(name);
    while words.len() > 1
        && words.last().is_some_and(|w| TAILS.contains(&w.as_str()) || w.bytes().all(|b| b.is_ascii_digit()))
    {
        words.pop();
    }
    let (last, before) = words.split_last()?;
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    let previous = before.last().map_or("", String::as_str);
    let password = last.ends_with("password")
        || last.ends_with("passwd")
        || last.ends_with("passphrase")
        || matches!(last, "pwd" | "pswd" | "passwort" | "psk" | "passcode" | "psw")
        || (last.ends_with("pwd") && last.len() <= 10)
        || (last == "word" && previous == "pass")
        || (last == "pass" && (before.is_empty() || PASS_OWNERS.contains(&previous)))
        || last.strip_suffix("pass").is_some_and(|o| PASS_OWNERS.contains(&o));
    let private = (last == "key" && previous == "private")
        || last == "privatekey"
        || last == "prikey"
        || (last == "private" && previous == "keyval");
    let token = (last == "token" && !OTHER_TOKENS.contains(&previous))
        || last == "secret"
        || (last == "key" && KEY_OWNERS.contains(&previous))
        || (last == "auth" && before.is_empty() && name.starts_with('_'))
        || TOKEN_ENDS.iter().any(|e| last.ends_with(e));
    let class = if private {
        Class::PrivateKey
    } else if password {
        Class::Password
    } else if token {
        Class::Token
    } else {
        return None;
    };
    let about = before.iter().any(|w| ABOUT.contains(&w.as_str())) && !setter(before);
    (!about).then_some(class)
}

/// `setPassword`, `with_token`: the argument is the value.
fn setter(before: &[String]) -> bool {
    matches!(before, [first, ..] if matches!(first.as_str(), "set" | "with")) && before.len() <= 3
}

fn chinese(name: &str) -> Option<Class> {
    const ABOUT_ZH: &[&str] = &[
        "请输入",
        "忘记",
        "修改",
        "重置",
        "确认",
        "错误",
        "提示",
        "找回",
        "不能",
        "长度",
        "强度",
        "类型",
        "加密",
        "校验",
        "验证",
        "不正确",
        "无效",
    ];
    if ABOUT_ZH.iter().any(|w| name.contains(w)) {
        return None;
    }
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, ')' | '）' | ' '));
    if name.ends_with("密码") || name.ends_with("口令") {
        Some(Class::Password)
    } else if name.ends_with("私钥") {
        Some(Class::PrivateKey)
    } else if name.ends_with("密钥") || name.ends_with("令牌") || name.ends_with("授权码") {
        Some(Class::Token)
    } else {
        None
    }
}

/// The words of a name in lower case: cut at signs and where lower case turns to upper.
fn words(name: &str) -> Vec<String> {
    let bytes = name.as_bytes();
    let mut out = Vec::new();
    let mut word = String::new();
    for (i, &b) in bytes.iter().enumerate() {
        if !b.is_ascii_alphanumeric() {
            if !word.is_empty() {
                out.push(std::mem::take(&mut word));
            }
            continue;
        }
        let previous = if i > 0 { bytes[i - 1] } else { 0 };
        let next = bytes.get(i + 1).copied().unwrap_or(0);
        let hump = b.is_ascii_uppercase()
            && (previous.is_ascii_lowercase()
                || previous.is_ascii_digit()
                || (previous.is_ascii_uppercase() && next.is_ascii_lowercase()));
        if hump && !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
        word.push(char::from(b.to_ascii_lowercase()));
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise_what_they_end_in() {
        for (name, class) in [
            ("password", Some(Class::Password)),
            ("spring.datasource.password", Some(Class::Password)),
            ("DB_PASSWORD", Some(Class::Password)),
            ("dbPasswd2", Some(Class::Password)),
            ("MYSQL_ROOT_PWD", Some(Class::Password)),
            ("smtp_pass", Some(Class::Password)),
            ("数据库密码", Some(Class::Password)),
            ("登录口令", Some(Class::Password)),
            ("apiKey", Some(Class::Token)),
            ("aws_secret_access_key", Some(Class::Token)),
            ("accessKeySecret", Some(Class::Token)),
            ("GITHUB_TOKEN", Some(Class::Token)),
            ("OSS密钥", Some(Class::Token)),
            ("//registry.npmjs.org/:_authToken", Some(Class::Token)),
            ("Interface.PrivateKey", Some(Class::PrivateKey)),
            ("setPassword", Some(Class::Password)),
            ("forgot_password", None),
            ("messages.password", None),
            ("passwordLabel", None),
            ("password_hash", None),
            ("请输入密码", None),
            ("csrf_token", None),
            ("csrfToken", None),
            ("next_token", None),
            ("token_type", None),
            ("eos_token", None),
            ("primary_key", None),
            ("public_key", None),
            ("access_key_id", None),
            ("compass", None),
            ("secretary", None),
        ] {
            assert_eq!(classify(name), class, "{name}");
        }
    }
}
