//! Requests of every kind, time and secret operations through the whole layer and its router. The
//! oracle: [`reference`](crate::reference), an implementation of its own.

use crate::reference::{generate, stage};

pub fn run(data: &[u8]) {
    stage::play(&generate::scenario(data));
}
