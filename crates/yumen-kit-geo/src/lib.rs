//! Positions: placement by real boundaries, datums, distances.
