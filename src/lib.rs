//! tower-nylas
