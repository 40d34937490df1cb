//! Identifiers of vehicles, persons, devices and organisations. One module a family; formats are those of GB 16735, GA 36, GB 11643, GB 32100,
//! ISO/IEC 7812 and the numbering plans of the networks.

mod address;
mod bank_card;
mod check;
mod context;
mod device;
mod email;
mod fields;
mod id_number;
mod labels;
mod name;
mod phone;
mod plate;
mod regions;
mod uscc;
mod vin;

/// The recognisers of this family.
pub const RECOGNISERS: &[&dyn crate::Recogniser] = &[
    &vin::Vin,
    &plate::Plate,
    &id_number::IdNumber,
    &phone::Phone,
    &bank_card::BankCard,
    &email::Email,
    &name::Name,
    &address::Address,
    &device::Subscriber,
    &device::Iccid,
    &device::Mac,
    &uscc::Uscc,
    &fields::Fields,
];

/// Whether a number has a valid Luhn digit.
#[cfg(test)]
pub(crate) fn luhn(number: &str) -> bool {
    check::luhn(number.as_bytes())
}

#[cfg(test)]
pub(crate) mod testing;
