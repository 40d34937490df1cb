//! Identifiers of vehicles, persons, devices and organisations. One module a family; formats are those of GB 16735, GA 36, GB 11643, GB 32100,
//! ISO/IEC 7812 and the numbering plans of the networks.

mod check;
mod context;
mod id_number;
mod labels;
mod phone;
mod plate;
mod regions;
mod vin;

/// The recognisers of this family.
pub const RECOGNISERS: &[&dyn crate::Recogniser] =
    &[&vin::Vin, &plate::Plate, &id_number::IdNumber, &phone::Phone];

#[cfg(test)]
pub(crate) mod testing;
