//! Well-known text of reference systems: OGC 01-009 (WKT 1), ISO 19162 (WKT 2), Esri's.

use super::build::{self, Parameters, bare};
use super::{Base, Crs, System};
use crate::ellipsoid::{Ellipsoid, Helmert};

/// Deepest nesting and most nodes that are read.
const DEEPEST: u8 = 24;
const MOST: usize = 4096;

enum Node {
    Text(String),
    Number(f64),
    Word(String),
    Of(String, Vec<Node>),
}

impl Node {
    fn text(&self) -> Option<&str> {
        match self {
            Node::Text(t) | Node::Word(t) => Some(t),
            _ => None,
        }
    }
    fn number(&self) -> Option<f64> {
        match self {
            Node::Number(n) => Some(*n),
            Node::Text(t) => t.parse().ok().filter(|v: &f64| v.is_finite()),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    nodes: usize,
}

impl Reader<'_> {
    fn node(&mut self, depth: u8) -> Option<Node> {
        self.nodes += 1;
        if depth == 0 || self.nodes > MOST {
            return None;
        }
        self.rest = self.rest.trim_start();
        if let Some(body) = self.rest.strip_prefix('"') {
            let mut text = String::new();
            let mut rest = body;
            loop {
                let end = rest.find('"')?;
                text.push_str(&rest[..end]);
                rest = &rest[end + 1..];
                // A doubled quote is one.
                match rest.strip_prefix('"') {
                    Some(more) => {
                        text.push('"');
                        rest = more;
                    }
                    None => break,
                }
            }
            self.rest = rest;
            return Some(Node::Text(text));
        }
        let end = self.rest.find([',', '[', ']', '(', ')', '"']).unwrap_or(self.rest.len());
        let word = self.rest[..end].trim().to_owned();
        self.rest = &self.rest[end..];
        if let Some(body) = self.rest.strip_prefix(['[', '(']) {
            self.rest = body;
            let mut inner = Vec::new();
            loop {
                self.rest = self.rest.trim_start();
                if let Some(after) = self.rest.strip_prefix([']', ')']) {
                    self.rest = after;
                    break;
                }
                if let Some(after) = self.rest.strip_prefix(',') {
                    self.rest = after;
                    continue;
                }
                // What is cut off keeps what came before.
                if self.rest.is_empty() {
                    break;
                }
                inner.push(self.node(depth - 1)?);
            }
            return Some(Node::Of(word.to_ascii_uppercase(), inner));
        }
        if word.is_empty() && !self.rest.starts_with(',') {
            return None;
        }
        Some(word.parse().ok().filter(|v: &f64| v.is_finite()).map_or(Node::Word(word), Node::Number))
    }
}

/// The children of a node of one of the names, anywhere below at most two levels.
fn child<'a>(nodes: &'a [Node], names: &[&str]) -> Option<&'a [Node]> {
    nodes.iter().find_map(|n| match n {
        Node::Of(name, inner) if names.contains(&name.as_str()) => Some(inner.as_slice()),
        _ => None,
    })
}

fn first_text(nodes: &[Node]) -> &str {
    nodes.first().and_then(Node::text).unwrap_or("")
}

const UNITS: &[&str] = &["UNIT", "LENGTHUNIT", "ANGLEUNIT", "SCALEUNIT", "PARAMETRICUNIT"];

/// The factor of a node's unit.
fn factor(nodes: &[Node], names: &[&str]) -> Option<f64> {
    child(nodes, names)?.get(1)?.number().filter(|f| *f > 0.0 && f.is_finite())
}

fn ellipsoid(nodes: &[Node]) -> Option<Ellipsoid> {
    let e = child(nodes, &["SPHEROID", "ELLIPSOID"])?;
    let unit = factor(e, &["LENGTHUNIT", "UNIT"]).unwrap_or(1.0);
    Ellipsoid::of(e.get(1)?.number()? * unit, e.get(2)?.number()?)
}

/// The base of a geographic or geocentric node.
fn base(nodes: &[Node]) -> Base {
    let datum = child(nodes, &["DATUM", "GEODETICDATUM", "TRF", "ENSEMBLE"]).unwrap_or(&[]);
    let shift = child(datum, &["TOWGS84"]).and_then(|t| {
        let numbers: Vec<f64> = t.iter().filter_map(Node::number).collect();
        Helmert::of(&numbers)
    });
    let own = ellipsoid(datum);
    let name = first_text(datum);
    // Esri's `D_GCJ_02`, or a name of the system that says more than its datum.
    let told = if matches!(
        crate::Datum::declared(first_text(nodes)),
        Some(crate::Datum::Gcj02 | crate::Datum::Bd09 | crate::Datum::Cgcs2000)
    ) || name.is_empty()
    {
        first_text(nodes)
    } else {
        name
    };
    let mut base = build::base(told, own, shift);
    if let Some(pm) = child(nodes, &["PRIMEM", "PRIMEMERIDIAN"]) {
        let degree = factor(pm, &["ANGLEUNIT", "UNIT"]).or_else(|| factor(nodes, &["UNIT"]));
        let degrees = degree.map_or(1.0, f64::to_degrees);
        base.meridian = pm.get(1).and_then(Node::number).unwrap_or(0.0) * degrees;
        if base.meridian.abs() > 180.0 {
            base.meridian = 0.0;
        }
    }
    base
}

fn code(nodes: &[Node]) -> Option<u32> {
    let id = child(nodes, &["AUTHORITY", "ID"])?;
    if bare(first_text(id)) != "epsg" {
        return None;
    }
    let code = id.get(1)?;
    code.number().map(|n| n.to_string()).or_else(|| code.text().map(str::to_owned))?.parse().ok()
}

/// Degrees by unit of a geographic node.
fn degrees(nodes: &[Node]) -> f64 {
    let cs = factor(nodes, &["UNIT", "ANGLEUNIT"]);
    let axis = || child(nodes, &["AXIS"]).and_then(|a| factor(a, &["ANGLEUNIT", "UNIT"]));
    cs.or_else(axis).map_or(1.0, |f| {
        let d = f.to_degrees();
        // Ten digits of a degree are a degree.
        if (d - 1.0).abs() < 1e-6 { 1.0 } else { d }
    })
}

fn projected(nodes: &[Node]) -> Crs {
    let geographic =
        child(nodes, &["GEOGCS", "BASEGEOGCRS", "BASEGEODCRS", "GEOGCRS", "GEODCRS", "GEOGRAPHICCRS", "GEODETICCRS"])
            .unwrap_or(&[]);
    let mut base = base(geographic);
    if let Some(datum @ (crate::Datum::Gcj02 | crate::Datum::Bd09)) = crate::Datum::declared(first_text(nodes)) {
        base.datum = datum;
    }
    let degree = degrees(geographic);
    let axis = || child(nodes, &["AXIS"]).and_then(|a| factor(a, &["LENGTHUNIT", "UNIT"]));
    let unit = factor(nodes, &["UNIT", "LENGTHUNIT"]).or_else(axis).unwrap_or(1.0);
    let conversion = child(nodes, &["CONVERSION", "DERIVINGCONVERSION"]);
    let from = conversion.unwrap_or(nodes);
    let method = child(from, &["PROJECTION", "METHOD"]).map_or("", first_text);
    let mut parameters = Parameters::default();
    for node in from {
        let Node::Of(name, inner) = node else { continue };
        if name != "PARAMETER" {
            continue;
        }
        let (told, Some(value)) = (first_text(inner), inner.get(1).and_then(Node::number)) else { continue };
        let own = factor(inner, UNITS);
        let value = if build::is_length(told) {
            value * own.unwrap_or(if conversion.is_some() { 1.0 } else { unit })
        } else if build::is_scale(told) {
            value * own.unwrap_or(1.0)
        } else {
            let d = own.map_or(degree, f64::to_degrees);
            value * if (d - 1.0).abs() < 1e-6 { 1.0 } else { d }
        };
        parameters.add(told, value);
    }
    build::projected(build::projection(method, &parameters), base, unit)
}

fn crs(node: &Node, depth: u8) -> Crs {
    let (Node::Of(name, inner), Some(depth)) = (node, depth.checked_sub(1)) else { return Crs::UNKNOWN };
    let known = match name.as_str() {
        "PROJCS" | "PROJCRS" | "PROJECTEDCRS" => projected(inner),
        "GEOGCS" | "GEOGCRS" | "GEOGRAPHICCRS" | "BASEGEOGCRS" => {
            Crs { system: System::Geographic(base(inner), degrees(inner)), code: None, plane: false }
        }
        "GEODCRS" | "GEODETICCRS" | "GEOCCS" => {
            let cartesian =
                name == "GEOCCS" || child(inner, &["CS"]).is_some_and(|cs| bare(first_text(cs)) == "cartesian");
            let system = if cartesian {
                System::Geocentric(base(inner))
            } else {
                System::Geographic(base(inner), degrees(inner))
            };
            Crs { system, code: None, plane: false }
        }
        "LOCAL_CS" | "ENGCRS" | "ENGINEERINGCRS" => Crs::LOCAL,
        "COMPD_CS" | "COMPOUNDCRS" => inner
            .iter()
            .filter(|n| matches!(n, Node::Of(name, _) if !matches!(name.as_str(), "VERT_CS" | "VERTCRS" | "VERTICALCRS" | "ID" | "AUTHORITY")))
            .map(|n| crs(n, depth))
            .next()
            .unwrap_or(Crs::UNKNOWN),
        "BOUNDCRS" => {
            let source = child(inner, &["SOURCECRS"]).and_then(|s| s.first()).map_or(Crs::UNKNOWN, |n| crs(n, depth));
            let towgs84 = child(inner, &["ABRIDGEDTRANSFORMATION"]).and_then(abridged);
            with_shift(source, towgs84)
        }
        _ => Crs::UNKNOWN,
    };
    let code = code(inner);
    match (known.system, code) {
        (System::Unknown, Some(code)) => {
            let by_code = Crs::epsg(code);
            if by_code.places() { by_code } else { Crs { code: Some(code), ..known } }
        }
        _ => Crs { code: code.or(known.code), ..known },
    }
}

/// A bound system's shift.
pub(super) fn with_shift(crs: Crs, shift: Option<Helmert>) -> Crs {
    let Some(shift) = shift else { return crs };
    let system = match crs.system {
        System::Geographic(b, u) => System::Geographic(Base { shift: Some(shift), ..b }, u),
        System::Geocentric(b) => System::Geocentric(Base { shift: Some(shift), ..b }),
        System::Projected(p, b, u) => System::Projected(p, Base { shift: Some(shift), ..b }, u),
        other => other,
    };
    Crs { system, ..crs }
}

fn abridged(nodes: &[Node]) -> Option<Helmert> {
    let mut numbers = [0.0; 7];
    for node in nodes {
        let Node::Of(name, inner) = node else { continue };
        if name == "PARAMETER"
            && let (Some(i), Some(v)) = (helmert_index(first_text(inner)), inner.get(1).and_then(Node::number))
        {
            // The scale may be a factor or parts per million.
            numbers[i] = if i == 6 && (v - 1.0).abs() < 0.01 { (v - 1.0) * 1e6 } else { v };
        }
    }
    let coordinate_frame = child(nodes, &["METHOD"]).is_some_and(|m| bare(first_text(m)).contains("coordinateframe"));
    if coordinate_frame {
        numbers[3..6].iter_mut().for_each(|r| *r = -*r);
    }
    Helmert::of(&numbers)
}

/// Which of the seven a parameter is.
pub(super) fn helmert_index(name: &str) -> Option<usize> {
    Some(match bare(name).as_str() {
        "xaxistranslation" => 0,
        "yaxistranslation" => 1,
        "zaxistranslation" => 2,
        "xaxisrotation" => 3,
        "yaxisrotation" => 4,
        "zaxisrotation" => 5,
        "scaledifference" => 6,
        _ => return None,
    })
}

pub(super) fn parse(text: &str) -> Crs {
    Reader { rest: text, nodes: 0 }.node(DEEPEST).map_or(Crs::UNKNOWN, |n| crs(&n, 6))
}
