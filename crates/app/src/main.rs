//! The binary `alfresco-ssh`: arguments, configuration, composition, and the exit code.

#[cfg(feature = "allocation-figures")]
mod allocations;
mod check;
mod cli;
mod compose;
mod config;
mod console;
mod demo;
mod harden;
mod logs;
mod signals;

use std::{fmt::Display, process::ExitCode, time::Duration};

use zeroizing_alloc::ZeroAlloc;

use crate::{
    cli::Command,
    config::{Config, Environment},
};

/// Wipes memory as it is freed. Credentials pass through buffers of libraries on their way in and
/// out, and those wipe nothing.
#[cfg(not(feature = "allocation-figures"))]
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// The same over one that counts.
#[cfg(feature = "allocation-figures")]
#[global_allocator]
static ALLOCATOR: ZeroAlloc<allocations::Counted> = ZeroAlloc(allocations::Counted);

/// What was asked for cannot be meant.
const USAGE: u8 = 2;
/// What was asked for failed.
const FAILURE: u8 = 1;

fn main() -> ExitCode {
    let shortfalls = harden::process();
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(shown) => {
            // Help and version go to stdout, an error to stderr; neither is worth dying for.
            let _ = shown.print();
            return ExitCode::from(u8::try_from(shown.exit_code()).unwrap_or(USAGE));
        }
    };
    let command = invocation.command;
    let config = match Config::load(&command, invocation.flags, &Environment::of_process()) {
        Ok(config) => config,
        Err(refused) => return fail(USAGE, &refused),
    };
    if let Err(error) = logs::start(&config.log) {
        return fail(FAILURE, &error);
    }
    for warning in shortfalls.iter().chain(&config.warnings) {
        tracing::warn!("{warning}");
    }
    match run(&command, &config) {
        Ok(code) => code,
        Err(error) => fail(FAILURE, &format_args!("{error:#}")),
    }
}

fn run(command: &Command, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(async {
        match command {
            Command::Serve => compose::serve(config, signals::watch(config.drain)?).await?,
            Command::Demo { open } => demo::run(config, *open, signals::watch(Duration::ZERO)?).await?,
            Command::Check { whom, json } => {
                let went_well = check::run(config, whom, *json).await?;
                return Ok(if went_well { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) });
            }
        }
        Ok(ExitCode::SUCCESS)
    });
    // What still runs by now is not worth waiting for.
    runtime.shutdown_background();
    result
}

fn fail(code: u8, error: &dyn Display) -> ExitCode {
    console::complain(error);
    ExitCode::from(code)
}
