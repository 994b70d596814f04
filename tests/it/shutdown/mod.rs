//! Shutting down while requests are under way, over sockets: what was accepted is finished, what
//! comes later finds no server, and no `200` goes out without its handler having run to its end.

mod deadlines;
mod http1;
mod http2;
mod load;
mod server;
