//! XML and HTML: what they are told by; the reader is the kit's.

use yumen_kit_xml::{Markup, element_start};
use yumen_model::{Artifact, Certainty, Format, InspectError, Inspection};

use crate::Look;

/// Documentation of `xml`.
pub(crate) const XML: Format = Format {
    name: "xml",
    title: "XML",
    media_type: "application/xml",
    extensions: &["xml", "xsd", "xsl", "xslt", "wsdl"],
    magic: "an XML declaration, or an element's start that is closed or goes on as one",
    reference: "https://www.w3.org/TR/xml/",
    evidence: "records: elements whose children are leaves, attributes too; mixed text and comments as values without a name",
    limitations: &["Entities that a document type defines are not expanded; their definitions are read as text."],
};

/// Documentation of `html`.
pub(crate) const HTML: Format = Format {
    name: "html",
    title: "HTML",
    media_type: "text/html",
    extensions: &["html", "htm", "xhtml"],
    magic: "<!DOCTYPE html> or one of the elements html, head, body, table, script, meta near the start",
    reference: "https://html.spec.whatwg.org/",
    evidence: "records: table rows with the names of the header cells, attributes; other text, scripts and comments as values without a name",
    limitations: &["Scripts are read as text, not run."],
};

pub(crate) fn identify_html(look: &Look<'_>) -> Option<Certainty> {
    let text = look.text;
    if !text.starts_with('<') {
        return None;
    }
    let head = text[..text.floor_char_boundary(2048)].to_ascii_lowercase();
    if head.starts_with("<?xml") && !head.contains("<html") {
        return None;
    }
    let html = [
        "<!doctype html",
        "<html",
        "<head>",
        "<body",
        "<table",
        "<script",
        "<meta ",
        "<div",
        "<p>",
        "<br",
        "<h1",
        "<style",
        "<center",
        "<title",
    ]
    .iter()
    .any(|w| head.starts_with(w) || (w.len() > 6 && head.contains(w)) || (*w == "<html" && head.contains(w)));
    html.then(|| look.named(HTML.extensions))
}

pub(crate) fn identify(look: &Look<'_>) -> Option<Certainty> {
    let text = look.text;
    if !text.starts_with('<') {
        return None;
    }
    let begins = if let Some(rest) = text.strip_prefix("<?xml") {
        rest.starts_with(char::is_whitespace)
    } else if text.starts_with("<!--") || text.starts_with("<!DOCTYPE") || text.starts_with("<?") {
        // A comment or the like: an element must follow.
        look.named(XML.extensions) == Certainty::Likely || memchr::memmem::find(text.as_bytes(), b"</").is_some()
    } else {
        element_start(text).is_some_and(|name| {
            let close = format!("</{name}");
            let (n, open) = (text.matches('<').count(), !look.complete);
            memchr::memmem::find(text.as_bytes(), close.as_bytes()).is_some()
                || (open && n > 4)
                || text.trim_end().ends_with("/>")
        })
    };
    begins.then(|| look.named(XML.extensions))
}

pub(crate) fn inspect(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let markup = if artifact.format == HTML.name { Markup::Html } else { Markup::Xml };
    yumen_kit_xml::inspect(artifact, markup, &mut (), out)
}
