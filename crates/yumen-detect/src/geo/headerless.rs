//! Tables without (telling) headers: which columns are latitude, longitude, time and entity, by their content.

use std::collections::HashSet;

use yumen_kit_geo::{Region, place};

use super::columns::Role;
use super::values::{Num, PRECISE, number};

/// Rows that are looked at before the columns are named.
pub(super) const SAMPLE: usize = 64;
/// Fewer rows than these decide nothing.
const FEWEST: usize = 5;
/// Columns looked at.
pub(super) const COLUMNS: usize = 64;

/// Whether a header names nothing: `V1`, `col_2`, `field3`, `_c4`, `Unnamed: 0`, `列1`, `5`.
pub(super) fn generic(name: &str) -> bool {
    let bare =
        name.trim_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | ' ' | ':' | '.')).to_ascii_lowercase();
    matches!(
        bare.as_str(),
        "" | "v" | "c" | "col" | "column" | "field" | "f" | "unnamed" | "列" | "字段" | "var" | "attr" | "value"
    )
}

/// The roles of the columns of a table, by its first rows. None unless two columns are surely latitude and longitude, or the rows are poses.
pub(super) fn roles(rows: &[Vec<String>]) -> Option<Vec<Role>> {
    if rows.len() < FEWEST {
        return None;
    }
    let width = rows.iter().map(Vec::len).min()?.min(COLUMNS);
    let columns: Vec<Vec<&str>> = (0..width).map(|c| rows.iter().map(|r| r[c].as_str()).collect()).collect();
    let numbers: Vec<Option<Vec<Num>>> = columns.iter().map(|c| c.iter().map(|v| number(v)).collect()).collect();
    if let Some(roles) = poses(&numbers) {
        return Some(roles);
    }
    let (lat, lon) = (0..width)
        .flat_map(|a| [a + 1, a + 2].map(|b| (a, b)))
        .flat_map(|(a, b)| [(a, b), (b, a)])
        .filter(|&(a, b)| a < width && b < width)
        .find(|&(a, b)| matches!((&numbers[a], &numbers[b]), (Some(lat), Some(lon)) if positions(lat, lon)))?;
    let mut roles = vec![Role::Other; width];
    (roles[lat], roles[lon]) = (Role::Lat, Role::Lon);
    let free = |c: &usize| *c != lat && *c != lon;
    if let Some(time) = (0..width).filter(free).find(|&c| is_time(&columns[c])) {
        roles[time] = Role::Time(None);
    }
    let entity =
        (0..width).filter(free).find(|&c| roles[c] == Role::Other && is_entity(&columns[c], numbers[c].as_deref()));
    if let Some(c) = entity {
        roles[c] = Role::Entity(6);
    }
    Some(roles)
}

/// Files of poses: TUM (`time x y z qx qy qz qw`, a unit quaternion in every row) and KITTI (twelve numbers, a rotation and a translation row by row).
fn poses(columns: &[Option<Vec<Num>>]) -> Option<Vec<Role>> {
    let columns: Option<Vec<&[Num]>> = columns.iter().map(|c| c.as_deref()).collect();
    let columns = columns?;
    let rows = columns.first()?.len();
    let unit = |row: usize, of: [usize; 4]| {
        let sum: f64 = of.iter().map(|c| columns[*c][row].value.powi(2)).sum();
        (sum - 1.0).abs() < 1e-2
    };
    let moves = |c: usize| columns[c].windows(2).any(|w| w[0].value != w[1].value);
    let mut roles = vec![Role::Other; columns.len()];
    match columns.len() {
        8 if (0..rows).all(|r| unit(r, [4, 5, 6, 7])) && columns[0].windows(2).all(|w| w[0].value < w[1].value) => {
            (roles[0], roles[1], roles[2]) = (Role::Time(None), Role::X, Role::Y);
            (moves(1) || moves(2)).then_some(roles)
        }
        12 => {
            let row = |r: usize, at: usize| {
                let sum: f64 = (at..at + 3).map(|c| columns[c][r].value.powi(2)).sum();
                (sum - 1.0).abs() < 1e-2
            };
            // The camera looks along z: the ground is x and z.
            (roles[3], roles[11]) = (Role::X, Role::Y);
            ((0..rows).all(|r| row(r, 0) && row(r, 4) && row(r, 8)) && (moves(3) || moves(11))).then_some(roles)
        }
        _ => None,
    }
}

/// Fine numbers in range, on land, all in one country's width, neighbours near each other.
fn positions(lat: &[Num], lon: &[Num]) -> bool {
    let fine =
        |column: &[Num], least: u8| column.iter().filter(|n| n.decimals >= least).count() * 10 >= column.len() * 8;
    if !(fine(lat, PRECISE) && fine(lon, PRECISE) && (fine(lat, PRECISE + 1) || fine(lon, PRECISE + 1))) {
        return false;
    }
    if !lat.iter().zip(lon).all(|(a, o)| a.value.abs() <= 90.0 && o.value.abs() <= 180.0) {
        return false;
    }
    let span = |column: &[Num]| {
        let (low, high) = column.iter().fold((f64::MAX, f64::MIN), |(l, h), n| (l.min(n.value), h.max(n.value)));
        high - low
    };
    let near_zero = lat.iter().zip(lon).any(|(a, o)| a.value.abs() < 1.5 && o.value.abs() < 1.5);
    if near_zero || !(1e-5..20.0).contains(&(span(lat) + span(lon))) {
        return false;
    }
    let land = lat.iter().zip(lon).filter(|(a, o)| place(a.value, o.value).region != Region::Unknown).count();
    let near = lat
        .windows(2)
        .zip(lon.windows(2))
        .filter(|(a, o)| (a[0].value - a[1].value).abs() < 0.1 && (o[0].value - o[1].value).abs() < 0.1)
        .count();
    land * 10 >= lat.len() * 9 && near * 10 >= (lat.len() - 1) * 8
}

/// Clock or calendar times, or an epoch that does not stand still.
fn is_time(column: &[&str]) -> bool {
    let times: Vec<Option<f64>> = column.iter().map(|v| super::time::seconds(v, None)).collect();
    if times.iter().filter(|t| t.is_some()).count() * 10 < column.len() * 9 {
        return false;
    }
    let written = column.iter().all(|v| v.contains(':') || v.matches(['-', '/']).count() == 2);
    let epoch = times.iter().flatten().all(|t| (3e8..5e9).contains(t)) && column.windows(2).any(|w| w[0] != w[1]);
    written || epoch
}

/// Whole numbers or short words that repeat.
fn is_entity(column: &[&str], numbers: Option<&[Num]>) -> bool {
    let whole = numbers.is_none_or(|n| n.iter().all(|n| n.decimals == 0));
    let distinct: HashSet<&str> = column.iter().copied().collect();
    whole && !column.iter().any(|v| v.is_empty() || v.len() > 40) && distinct.len() * 2 <= column.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Vec<Vec<String>> {
        text.lines().map(|l| l.split(',').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn columns_of_a_taxi_log_are_named_by_content() {
        let rows = table(
            "17,2008-02-02 15:36:08,116.51172,39.92123\n17,2008-02-02 15:46:08,116.51135,39.93883\n17,2008-02-02 15:56:08,116.51627,39.91034\n\
             17,2008-02-02 16:06:08,116.47186,39.91248\n17,2008-02-02 16:16:08,116.47217,39.92498",
        );
        let roles = roles(&rows).unwrap();
        assert_eq!(roles, [Role::Entity(6), Role::Time(None), Role::Lon, Role::Lat]);
    }

    #[test]
    fn numbers_that_are_no_positions_name_nothing() {
        for text in [
            "1.00012,2.50001\n2.00022,2.50003\n3.00013,2.50004\n4.00014,2.50005\n5.00015,2.50006",
            "0.12345,0.54321\n0.22345,0.44321\n0.32345,0.34321\n0.42345,0.24321\n0.52345,0.14321",
            "31.2,121.4\n31.3,121.5\n31.4,121.6\n31.5,121.7\n31.6,121.8",
            "12.34567,-87.12345\n-45.34567,17.12345\n62.34567,-37.12345\n2.34567,67.12345\n-12.34567,87.12345",
        ] {
            assert!(roles(&table(text)).is_none(), "{text}");
        }
        assert!(generic("Unnamed: 0") && generic("V12") && generic("col_3") && !generic("lat") && !generic("speed"));
    }
}
