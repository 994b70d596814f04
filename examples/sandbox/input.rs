//! What is typed, line by line.

use tokio::sync::mpsc;

/// The lines of the standard input. Its end ends nothing: a sandbox in the background has none.
pub(crate) fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    // A thread of its own: tokio's stdin would keep the program from ending until a line comes.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
