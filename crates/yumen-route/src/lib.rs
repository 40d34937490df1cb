//! From findings and a manifest to a verdict: the shipment manifest, thresholds, routes, exemptions, approvals, open questions.
//!
//! [`Shipment`] is `shipment.yaml`, read with all its errors told at once. [`decide`] takes what a scan found, the rulebook and the manifest, and
//! works out classifications, route, verdict and the questions that are still open. Every comparison has three values; the first branch that is true
//! decides, and an unknown one before it makes the route `undetermined`, which holds.

mod decide;
mod reason;
mod schema;
mod shipment;

pub use decide::{Case, Decision, decide};
pub use reason::{Code, REASONS, ReasonInfo};
pub use schema::schema;
pub use shipment::{Accept, Accepted, Approval, Claim, Determination, Processor, Recipient, Ruling, Shipment};
