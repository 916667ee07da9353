//! The loop that measures, and the line that it prints.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Step;

const WARM_UP: Duration = Duration::from_millis(500);
const FEWEST: usize = 5;
const MOST: usize = 3000;

/// Counts from the launch of the process.
pub struct Clock {
    launched: f64,
}

impl Clock {
    pub fn start() -> Clock {
        Clock { launched: number("BENCH_T0").unwrap_or_else(now) }
    }

    /// Repeats the step, and prints what came out as JSON.
    pub fn measure(self, workload: &str, threads: usize, mut step: Step) {
        step();
        let first_step = now() - self.launched;
        let start = Instant::now();
        while start.elapsed() < WARM_UP {
            step();
        }
        let budget = Duration::from_secs_f64(number("BENCH_BUDGET").unwrap_or(4.0));
        let (start, mut times) = (Instant::now(), Vec::new());
        while (start.elapsed() < budget || times.len() < FEWEST) && times.len() < MOST {
            let before = Instant::now();
            step();
            times.push(before.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let (min, median, steps) = (times[0], times[times.len() / 2], times.len());
        println!(
            "{{\"peer\": \"chainrule\", \"workload\": \"{workload}\", \"threads\": {threads}, \"median_ms\": {median:.4}, \
             \"min_ms\": {min:.4}, \"peak_rss_mb\": {:.1}, \"first_step_s\": {first_step:.3}, \"steps\": {steps}}}",
            peak_memory() / 1024.0
        );
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn number(variable: &str) -> Option<f64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The most memory that this process ever held, in KiB; NaN where the system does not say.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN)
}
