//! Which concepts together are evidence of what.

use yumen_model::KindId;
use yumen_model::kind::kinds as k;

#[allow(clippy::wildcard_imports)]
use super::terms::*;

/// What a rule asks of the surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: the words are enough.
    Nothing,
    /// The text is about vehicles.
    Vehicle,
    /// The text speaks the language of a vehicle's electronics.
    Electronics,
}

/// Concepts that stand together in one identifier, chain of members, string or phrase.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// Index into [`KINDS`].
    pub(crate) kind: usize,
    /// Of each of these sets at least one concept stands there.
    pub(crate) all: &'static [u64],
    /// None of these stands there.
    pub(crate) none: u64,
    pub(crate) need: Need,
    /// Points; [`ENOUGH`] make a finding.
    pub(crate) points: u16,
}

/// Points that make a finding.
pub(crate) const ENOUGH: u16 = 10;

/// What is found, by index.
pub(crate) const KINDS: [KindId; 10] = [
    k::CODE_OTA,
    k::CODE_REMOTE_CONTROL,
    k::CODE_NEAR_FIELD,
    k::CODE_VEHICLE_START,
    k::CODE_POWER_LOSS,
    k::CODE_EMERGENCY_BRAKE,
    k::CODE_CRUISE,
    k::CODE_LANE_KEEP,
    k::CODE_CHARGE_CONTROL,
    k::CODE_BATTERY_THERMAL,
];
pub(crate) const OTA_CODE: usize = 0;
pub(crate) const REMOTE_CONTROL: usize = 1;
pub(crate) const NEAR_FIELD: usize = 2;
const VEHICLE_START: usize = 3;
const POWER_LOSS: usize = 4;
const EMERGENCY_BRAKE: usize = 5;
const CRUISE_CONTROL: usize = 6;
const LANE_KEEP: usize = 7;
const CHARGE_CONTROL: usize = 8;
const BATTERY_THERMAL: usize = 9;

const fn rule(kind: usize, points: u16, need: Need, all: &'static [u64]) -> Rule {
    Rule { kind, all, none: 0, need, points }
}

const fn but(rule: Rule, none: u64) -> Rule {
    Rule { none, ..rule }
}

use Need::{Electronics as Ee, Nothing as No, Vehicle as Veh};

/// What makes an identifier a command to a vehicle's body: `doorUnlock`, `startClimate`, `honkHorn`.
pub(crate) const COMMANDS: &[&[u64]] = &[
    &[DOOR, LOCK | UNLOCK | OPEN],
    &[VEHICLE, LOCK | UNLOCK],
    &[ENGINE, START | STOP],
    &[IGNITION, START | STOP | ACT],
    &[CLIMATE, START | STOP],
    &[HORN],
    &[LIGHT, FLASHING],
    &[FIND],
    &[TRUNK, OPEN | UNLOCK],
    &[WINDOW, OPEN, VEHICLE],
    &[CHARGE, START | STOP],
    &[VEHICLE, START | STOP],
];

/// The rules for one identifier, chain, string or phrase.
pub(crate) const RULES: &[Rule] = &[
    // Upgrades.
    rule(OTA_CODE, 10, No, &[OTA, UPDATE | FIRMWARE | PACKAGE | FETCH | INSTALL]),
    rule(OTA_CODE, 5, No, &[OTA, CONTROL | MANAGE | START | STOP | ACT | ECU | VEHICLE | CLOUD]),
    rule(OTA_CODE, 5, No, &[UPDATER]),
    rule(OTA_CODE, 6, Ee, &[INSTALL | UPDATE, ECU]),
    rule(OTA_CODE, 5, Ee, &[INSTALL | UPDATE | FETCH, FIRMWARE]),
    rule(OTA_CODE, 5, Veh, &[INSTALL | UPDATE | FETCH, PACKAGE, CLOUD | ECU | VEHICLE]),
    rule(OTA_CODE, 4, No, &[FIRMWARE, UPDATE | FETCH, CLOUD | ACT | INSTALL | PACKAGE]),
    rule(OTA_CODE, 4, Ee, &[REQDL | XFER | XEXIT]),
    // Remote control. What is done with a key nearby is not remote.
    but(rule(REMOTE_CONTROL, 10, No, &[REMOTE, DOOR, LOCK | UNLOCK | OPEN]), NEAR | NEARKEY | KEY),
    but(rule(REMOTE_CONTROL, 10, Veh, &[REMOTE, UNLOCK]), NEAR | NEARKEY | KEY),
    but(rule(REMOTE_CONTROL, 6, No, &[REMOTE, UNLOCK]), NEAR | NEARKEY | KEY),
    but(rule(REMOTE_CONTROL, 10, No, &[REMOTE, ENGINE, START | STOP]), NEAR | NEARKEY | KEY),
    but(rule(REMOTE_CONTROL, 10, No, &[REMOTE, HORN | FIND]), NEAR | NEARKEY | KEY),
    but(rule(REMOTE_CONTROL, 10, No, &[REMOTE, VEHICLE, CONTROL | START | LOCK]), NEAR | NEARKEY | KEY),
    but(
        rule(
            REMOTE_CONTROL,
            10,
            Veh,
            &[REMOTE, CLIMATE | TRUNK | LOCK | CHARGE | START | IGNITION | BRAKE | TORQUE | HV],
        ),
        NEAR | NEARKEY | KEY,
    ),
    but(rule(REMOTE_CONTROL, 6, Veh, &[REMOTE, WINDOW | LIGHT]), NEAR | NEARKEY | KEY),
    but(rule(REMOTE_CONTROL, 4, Ee, &[REMOTE, STOP | CUT | OPEN]), NEAR | NEARKEY | KEY),
    but(rule(REMOTE_CONTROL, 4, Veh, &[REMOTE, CONTROL]), NEAR | NEARKEY | KEY),
    but(rule(REMOTE_CONTROL, 6, Veh, &[CLOUD, CONTROL, VEHICLE]), NEAR | NEARKEY),
    but(rule(REMOTE_CONTROL, 10, Veh, &[CLOUD | APP, COMMAND]), NEAR | NEARKEY | KEY),
    but(rule(REMOTE_CONTROL, 6, Veh, &[VEHICLE, CONTROL, COMMAND, CLOUD | NET]), NEAR | NEARKEY),
    but(rule(REMOTE_CONTROL, 6, Veh, &[CLOUD, ACT | CONTROL, CHARGE | CLIMATE | DOOR | LOCK | UNLOCK]), NEAR | NEARKEY),
    // Near field.
    rule(NEAR_FIELD, 10, Veh, &[NEARKEY]),
    rule(NEAR_FIELD, 10, Veh, &[NEAR, DOOR | LOCK | UNLOCK | KEY | COMMAND | VEHICLE]),
    rule(NEAR_FIELD, 6, Veh, &[REMOTE, KEY, LOCK | UNLOCK | DOOR | ACT | VEHICLE]),
    rule(NEAR_FIELD, 10, No, &[NEARKEY | NEAR, VEHICLE | DOOR, UNLOCK | LOCK | KEY]),
    // Start and operation.
    rule(VEHICLE_START, 10, No, &[REMOTE, ENGINE, START]),
    rule(VEHICLE_START, 10, Ee, &[ENGINE, START]),
    rule(VEHICLE_START, 6, Ee, &[REMOTE, START]),
    rule(VEHICLE_START, 5, Veh, &[ENGINE, START]),
    rule(VEHICLE_START, 10, Ee, &[IGNITION, START | STOP | ACT | KEY | CONTROL | CUT]),
    rule(VEHICLE_START, 4, Veh, &[IGNITION]),
    rule(VEHICLE_START, 10, Ee, &[VEHICLE, START]),
    rule(VEHICLE_START, 5, Veh, &[VEHICLE, START]),
    rule(VEHICLE_START, 10, Veh, &[READY, VEHICLE | TRACTION]),
    rule(VEHICLE_START, 10, Veh, &[HV, READY | START, ACT | CONTROL | IGNITION]),
    // Loss of power.
    rule(POWER_LOSS, 10, Veh, &[TORQUE, CUT]),
    rule(POWER_LOSS, 10, Veh, &[HV, CUT]),
    rule(POWER_LOSS, 6, Veh, &[HV, OPEN]),
    rule(POWER_LOSS, 10, Veh, &[TRACTION, CUT]),
    rule(POWER_LOSS, 10, Veh, &[FUEL, CUT]),
    rule(POWER_LOSS, 10, Veh, &[LIMP]),
    rule(POWER_LOSS, 3, Ee, &[POWER, CUT]),
    rule(POWER_LOSS, 4, Ee, &[ENGINE, CUT]),
    rule(POWER_LOSS, 10, Ee, &[VEHICLE, POWER, CUT]),
    rule(POWER_LOSS, 6, Ee, &[IGNITION, CUT]),
    // Emergency braking.
    rule(EMERGENCY_BRAKE, 10, Veh, &[EMERGENCY, BRAKE]),
    rule(EMERGENCY_BRAKE, 5, No, &[EMERGENCY, BRAKE]),
    rule(EMERGENCY_BRAKE, 10, Veh, &[AEB]),
    rule(EMERGENCY_BRAKE, 10, No, &[AEB, BRAKE]),
    // Cruise.
    rule(CRUISE_CONTROL, 10, No, &[ADAPTIVE, CRUISE]),
    rule(CRUISE_CONTROL, 10, Veh, &[CRUISE, CONTROL]),
    rule(CRUISE_CONTROL, 6, No, &[CRUISE, CONTROL]),
    rule(CRUISE_CONTROL, 5, Veh, &[CRUISE, ACT | FOLLOW | LIMIT]),
    rule(CRUISE_CONTROL, 6, Ee, &[ACC, FOLLOW | CONTROL]),
    rule(CRUISE_CONTROL, 10, Veh, &[ACC, CRUISE]),
    // Lane keeping.
    rule(LANE_KEEP, 10, No, &[LANE, KEEP]),
    rule(LANE_KEEP, 5, Veh, &[LANE, CENTER]),
    rule(LANE_KEEP, 10, Veh, &[LKA]),
    // Charging and discharging.
    rule(
        CHARGE_CONTROL,
        10,
        Veh,
        &[CHARGE | DISCHARGE, EVPLUG, ACT | CONTROL | START | STOP | LIMIT | OPEN | LOCK | UNLOCK | POWER | CUT],
    ),
    rule(CHARGE_CONTROL, 5, Veh, &[CHARGE | DISCHARGE, EVPLUG]),
    rule(
        CHARGE_CONTROL,
        10,
        Veh,
        &[CHARGE | DISCHARGE, BATTERY | HV, ACT | CONTROL | START | STOP | LIMIT | CUT | POWER],
    ),
    rule(CHARGE_CONTROL, 5, Ee, &[CHARGE | DISCHARGE, ACT | CONTROL | START | STOP | LIMIT | CUT | POWER]),
    rule(CHARGE_CONTROL, 10, Veh, &[CHARGE, VEHICLE | REMOTE, START | STOP | CONTROL | ACT]),
    rule(CHARGE_CONTROL, 10, Veh, &[CHARGE, DISCHARGE]),
    rule(CHARGE_CONTROL, 6, Veh, &[CHARGE | DISCHARGE, START | STOP | LIMIT, CONTROL | ACT | LIMIT]),
    rule(CHARGE_CONTROL, 4, Veh, &[CHARGE | DISCHARGE, START | STOP]),
    // Temperature of the battery.
    rule(BATTERY_THERMAL, 10, Veh, &[BATTERY, COOLHEAT]),
    rule(BATTERY_THERMAL, 10, Veh, &[BATTERY, THERMAL, MANAGE | CONTROL]),
    rule(BATTERY_THERMAL, 5, Ee, &[BATTERY, THERMAL, ACT | LIMIT | FOLLOW]),
];

/// Concepts that stand within a few lines of each other; the first set is in the line at hand.
pub(crate) const NEARBY: &[Rule] = &[
    but(rule(REMOTE_CONTROL, 5, Veh, &[COMMAND, REMOTE | CLOUD]), NEAR | NEARKEY),
    rule(NEAR_FIELD, 5, Veh, &[COMMAND | UNLOCK, NEAR | NEARKEY]),
    rule(OTA_CODE, 10, No, &[XFER, REQDL, XEXIT]),
    rule(OTA_CODE, 10, Veh, &[XFER, REQDL]),
    rule(OTA_CODE, 5, Veh, &[FETCH, OTA, INSTALL | PACKAGE]),
    rule(BATTERY_THERMAL, 4, Veh, &[COOLHEAT, BATTERY, ACT | CONTROL | THERMAL]),
    rule(CHARGE_CONTROL, 4, Veh, &[CHARGE, BATTERY | EVPLUG, START | STOP]),
];
