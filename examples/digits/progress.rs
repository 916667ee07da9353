//! What the user sees while waiting.

use std::fmt;
use std::io::IsTerminal;

use chainrule::data;
use indicatif::{ProgressBar, ProgressStyle};

/// Bars on a terminal, plain lines elsewhere, or nothing at all.
pub struct Progress {
    quiet: bool,
    terminal: bool,
    transfer: ProgressBar,
}

impl Progress {
    pub fn new(quiet: bool) -> Progress {
        Progress { quiet, terminal: std::io::stderr().is_terminal(), transfer: ProgressBar::hidden() }
    }

    /// Prints a line, unless asked to be quiet.
    pub fn say(&self, text: fmt::Arguments<'_>) {
        if !self.quiet {
            println!("{text}");
        }
    }

    /// Shows how far a download is.
    pub fn download(&self, progress: &data::Progress<'_>) {
        if self.quiet || !self.terminal {
            return;
        }
        if self.transfer.is_hidden() {
            self.transfer.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            self.transfer.set_style(style("{msg:28} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}"));
        }
        self.transfer.set_length(progress.total);
        self.transfer.set_message(progress.file.to_string());
        self.transfer.set_position(progress.received);
        if progress.received == progress.total {
            self.transfer.reset();
        }
    }

    /// A bar for one epoch.
    pub fn epoch(&self, epoch: u64, epochs: u64, batches: usize) -> Epoch {
        let bar = if self.quiet || !self.terminal { ProgressBar::hidden() } else { ProgressBar::new(batches as u64) };
        bar.set_style(style("{prefix} {bar:30} {pos:>4}/{len} {msg}"));
        let width = epochs.to_string().len();
        bar.set_prefix(format!("epoch {epoch:>width$}/{epochs}"));
        Epoch { bar, quiet: self.quiet }
    }
}

/// The bar of one epoch.
pub struct Epoch {
    bar: ProgressBar,
    quiet: bool,
}

impl Epoch {
    /// One batch is done; loss and accuracy are those of the epoch so far.
    pub fn step(&self, loss: f64, accuracy: f64) {
        self.bar.set_message(format!("loss {loss:.4}  accuracy {accuracy:.4}"));
        self.bar.inc(1);
    }

    /// The epoch is over: its line stays.
    pub fn finish(self, loss: f64, accuracy: f64, test: f64) {
        self.bar.finish_and_clear();
        if !self.quiet {
            println!("{}  loss {loss:.4}  accuracy {accuracy:.4}  test accuracy {test:.4}", self.bar.prefix());
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a valid template").progress_chars("━╸ ")
}
