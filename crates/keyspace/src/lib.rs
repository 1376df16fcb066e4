//! Tables, values, expiry, frozen views and memory accounting
