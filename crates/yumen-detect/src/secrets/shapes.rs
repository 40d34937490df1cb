//! The exact shapes of providers' tokens.

/// Characters of a token's body.
#[derive(Clone, Copy)]
pub(super) enum Set {
    /// `[0-9a-z]` hexadecimal digits, lower case.
    Hex,
    /// `[0-9A-Za-z]`.
    Alnum,
    /// `[A-Z2-7]`.
    Base32,
    /// `[0-9A-Z]`.
    Upper,
    /// `[0-9A-Za-z_-]`.
    Url,
    /// `[0-9A-Za-z_.=-]`.
    Dotted,
    /// Base64 with padding.
    Base64,
}

impl Set {
    pub(super) fn has(self, b: u8) -> bool {
        match self {
            Set::Hex => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            Set::Alnum => b.is_ascii_alphanumeric(),
            Set::Base32 => matches!(b, b'A'..=b'Z' | b'2'..=b'7'),
            Set::Upper => matches!(b, b'A'..=b'Z' | b'0'..=b'9'),
            Set::Url => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Set::Dotted => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'='),
            Set::Base64 => b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='),
        }
    }
}

/// A token's shape: what it begins with, of what and how long the rest is, and whose it is.
pub(super) struct Shape {
    pub(super) prefix: &'static str,
    pub(super) set: Set,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) provider: &'static str,
}

const fn shape(prefix: &'static str, set: Set, least: usize, most: usize, provider: &'static str) -> Shape {
    Shape { prefix, set, least, most, provider }
}

/// Shapes by the providers' own documentation; where one prefix begins another, the longer stands first.
pub(super) const SHAPES: &[Shape] = &[
    shape("AKIA", Set::Base32, 16, 16, "aws"),
    shape("ASIA", Set::Base32, 16, 16, "aws"),
    shape("ABIA", Set::Base32, 16, 16, "aws"),
    shape("github_pat_", Set::Url, 60, 120, "github"),
    shape("ghp_", Set::Alnum, 36, 251, "github"),
    shape("gho_", Set::Alnum, 36, 251, "github"),
    shape("ghu_", Set::Alnum, 36, 251, "github"),
    shape("ghs_", Set::Alnum, 36, 251, "github"),
    shape("ghr_", Set::Alnum, 36, 251, "github"),
    shape("glpat-", Set::Dotted, 20, 64, "gitlab"),
    shape("gldt-", Set::Url, 20, 64, "gitlab"),
    shape("glrt-", Set::Dotted, 20, 64, "gitlab"),
    shape("glptt-", Set::Hex, 40, 40, "gitlab"),
    shape("glcbt-", Set::Url, 20, 64, "gitlab"),
    shape("xoxb-", Set::Url, 30, 120, "slack"),
    shape("xoxp-", Set::Url, 30, 120, "slack"),
    shape("xoxa-", Set::Url, 30, 120, "slack"),
    shape("xoxr-", Set::Url, 30, 120, "slack"),
    shape("xoxs-", Set::Url, 30, 120, "slack"),
    shape("xapp-1-", Set::Url, 40, 140, "slack"),
    shape("AIza", Set::Url, 35, 35, "google"),
    shape("GOCSPX-", Set::Url, 28, 28, "google"),
    shape("ya29.", Set::Url, 30, 1024, "google"),
    shape("sk_live_", Set::Alnum, 16, 247, "stripe"),
    shape("rk_live_", Set::Alnum, 16, 247, "stripe"),
    shape("sk_test_", Set::Alnum, 24, 247, "stripe"),
    shape("whsec_", Set::Base64, 32, 64, "stripe"),
    shape("npm_", Set::Alnum, 36, 36, "npm"),
    shape("pypi-AgEIcHlwaS5vcmc", Set::Url, 50, 1024, "pypi"),
    shape("pypi-AgENdGVzdC5weXBpLm9yZw", Set::Url, 50, 1024, "pypi"),
    shape("rubygems_", Set::Hex, 48, 48, "rubygems"),
    shape("dckr_pat_", Set::Url, 27, 40, "docker"),
    shape("LTAI", Set::Alnum, 12, 26, "aliyun"),
    shape("AKID", Set::Alnum, 28, 40, "tencent"),
    shape("AKLT", Set::Url, 30, 60, "volcengine"),
    shape("sk-ant-", Set::Url, 40, 160, "anthropic"),
    shape("sk-proj-", Set::Url, 40, 200, "openai"),
    shape("sk-svcacct-", Set::Url, 40, 200, "openai"),
    shape("sk-", Set::Alnum, 32, 64, "openai"),
    shape("hf_", Set::Alnum, 34, 40, "huggingface"),
    shape("gsk_", Set::Alnum, 52, 52, "groq"),
    shape("r8_", Set::Alnum, 37, 37, "replicate"),
    shape("nvapi-", Set::Url, 60, 80, "nvidia"),
    shape("shpat_", Set::Hex, 32, 32, "shopify"),
    shape("shpss_", Set::Hex, 32, 32, "shopify"),
    shape("dop_v1_", Set::Hex, 64, 64, "digitalocean"),
    shape("hvs.", Set::Url, 24, 200, "vault"),
    shape("hvb.", Set::Url, 100, 300, "vault"),
    shape("PMAK-", Set::Url, 59, 59, "postman"),
    shape("lin_api_", Set::Alnum, 40, 40, "linear"),
    shape("ATATT3xFfGF0", Set::Dotted, 100, 300, "atlassian"),
    shape("ATCTT3xFfGN0", Set::Dotted, 100, 300, "atlassian"),
    shape("glsa_", Set::Url, 41, 41, "grafana"),
    shape("sntrys_", Set::Dotted, 80, 400, "sentry"),
    shape("NRAK-", Set::Upper, 27, 27, "newrelic"),
    shape("xkeysib-", Set::Url, 81, 81, "brevo"),
    shape("EAACEdEose0cBA", Set::Alnum, 20, 300, "facebook"),
    shape("sq0atp-", Set::Url, 22, 22, "square"),
    shape("sq0csp-", Set::Url, 43, 43, "square"),
    shape("figd_", Set::Url, 40, 60, "figma"),
    shape("pul-", Set::Hex, 40, 40, "pulumi"),
    shape("tskey-", Set::Url, 30, 70, "tailscale"),
    shape("AKCp", Set::Alnum, 69, 69, "jfrog"),
    shape("JDC_", Set::Upper, 28, 32, "jdcloud"),
];
