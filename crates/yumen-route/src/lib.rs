//! Shipment manifest, thresholds, routes, exemptions, verdict.
