//! Values of an application that panic where nobody expects it.

use std::fmt;

/// Panics when it is dropped, unless a panic drops it.
#[derive(Debug)]
pub struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "on purpose, in drop");
    }
}

/// An error whose text cannot be made.
#[derive(Debug)]
pub struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose, in Display")
    }
}

impl std::error::Error for Mute {}
