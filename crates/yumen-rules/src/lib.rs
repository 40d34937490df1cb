//! The rulebook: load, check, three-valued evaluation, explain.
