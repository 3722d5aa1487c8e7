//! Micro benchmarks of what every byte or every session goes through: `cargo bench --package bench`.

mod backlog;
mod events;
mod screens;
mod tickets;

#[path = "../../src/mixed.rs"]
mod mixed;

fn main() {
    divan::main();
}
