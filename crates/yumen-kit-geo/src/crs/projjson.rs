//! PROJJSON: projected, geographic, geocentric, bound and compound systems.

use serde_json::Value;

use super::build::{self, Parameters};
use super::{Base, Crs, System};
use crate::ellipsoid::{Ellipsoid, Helmert};

fn name(v: &Value) -> &str {
    v.get("name").and_then(Value::as_str).unwrap_or("")
}

/// Factor of a unit: to metres, or to degrees.
fn unit(v: Option<&Value>) -> Option<f64> {
    let v = v?;
    match v.as_str() {
        Some("metre" | "degree" | "unity") => Some(1.0),
        Some(_) => None,
        None => {
            let f = v.get("conversion_factor")?.as_f64()?;
            Some(if v.get("type").and_then(Value::as_str) == Some("AngularUnit") { f.to_degrees() } else { f })
        }
    }
}

/// A length that is a number or an object with its unit.
fn length(v: &Value) -> Option<f64> {
    v.as_f64().or_else(|| Some(v.get("value")?.as_f64()? * unit(v.get("unit")).unwrap_or(1.0)))
}

fn base(v: &Value) -> Base {
    let datum = v.get("datum").or_else(|| v.get("datum_ensemble")).unwrap_or(&Value::Null);
    let own = datum.get("ellipsoid").and_then(|e| {
        let a = length(e.get("semi_major_axis").or_else(|| e.get("radius"))?)?;
        let inverse = e.get("inverse_flattening").and_then(Value::as_f64);
        let minor = || e.get("semi_minor_axis").and_then(length).map(|b| if a == b { 0.0 } else { a / (a - b) });
        Ellipsoid::of(a, inverse.or_else(minor).unwrap_or(0.0))
    });
    let told = if name(datum).is_empty() { name(v) } else { name(datum) };
    let mut base = build::base(told, own, None);
    if let Some(m) = datum.get("prime_meridian").and_then(|m| m.get("longitude")).and_then(length) {
        base.meridian = if m.abs() <= 180.0 { m } else { 0.0 };
    }
    base
}

fn axis_unit(v: &Value) -> Option<f64> {
    unit(v.get("coordinate_system")?.get("axis")?.get(0)?.get("unit"))
}

fn code(v: &Value) -> Option<u32> {
    let id = v.get("id").or_else(|| v.get("ids").and_then(|i| i.get(0)))?;
    if !id.get("authority")?.as_str()?.eq_ignore_ascii_case("epsg") {
        return None;
    }
    let code = id.get("code")?;
    code.as_u64().and_then(|c| u32::try_from(c).ok()).or_else(|| code.as_str()?.parse().ok())
}

fn crs(v: &Value, depth: u8) -> Crs {
    let Some(depth) = depth.checked_sub(1) else { return Crs::UNKNOWN };
    let known = match v.get("type").and_then(Value::as_str).unwrap_or("") {
        "ProjectedCRS" => {
            let base = base(v.get("base_crs").unwrap_or(&Value::Null));
            let conversion = v.get("conversion").unwrap_or(&Value::Null);
            let mut parameters = Parameters::default();
            for p in conversion.get("parameters").and_then(Value::as_array).into_iter().flatten().take(32) {
                if let Some(value) = p.get("value").and_then(Value::as_f64) {
                    parameters.add(name(p), value * unit(p.get("unit")).unwrap_or(1.0));
                }
            }
            let method = conversion.get("method").map_or("", name);
            build::projected(build::projection(method, &parameters), base, axis_unit(v).unwrap_or(1.0))
        }
        "GeographicCRS" => {
            Crs { system: System::Geographic(base(v), axis_unit(v).unwrap_or(1.0)), code: None, plane: false }
        }
        "GeodeticCRS" => {
            let cartesian = v.pointer("/coordinate_system/subtype").and_then(Value::as_str) == Some("Cartesian");
            let system = if cartesian { System::Geocentric(base(v)) } else { System::Geographic(base(v), 1.0) };
            Crs { system, code: None, plane: false }
        }
        "EngineeringCRS" => Crs::LOCAL,
        "CompoundCRS" => v.pointer("/components/0").map_or(Crs::UNKNOWN, |c| crs(c, depth)),
        "BoundCRS" => {
            let source = v.get("source_crs").map_or(Crs::UNKNOWN, |s| crs(s, depth));
            let mut numbers = [0.0; 7];
            for p in v.pointer("/transformation/parameters").and_then(Value::as_array).into_iter().flatten().take(16) {
                if let (Some(i), Some(value)) =
                    (super::wkt::helmert_index(name(p)), p.get("value").and_then(Value::as_f64))
                {
                    numbers[i] = value;
                }
            }
            super::wkt::with_shift(source, Helmert::of(&numbers))
        }
        _ => Crs::UNKNOWN,
    };
    match (known.system, code(v)) {
        (System::Unknown, Some(code)) => Crs::epsg(code),
        (_, code) => Crs { code: code.or(known.code), ..known },
    }
}

pub(super) fn parse(text: &str) -> Crs {
    serde_json::from_str::<Value>(text).map_or(Crs::UNKNOWN, |v| {
        // A GeoJSON member: {"type":"name","properties":{"name":"urn:…"}}.
        match v.pointer("/properties/name").and_then(Value::as_str) {
            Some(name) if !name.trim_start().starts_with('{') => Crs::parse(name),
            _ => crs(&v, 6),
        }
    })
}
