//! Prints rows of figures as a Markdown table.

use std::process::Command;

use crate::{
    args::Args,
    measure::{Runs, median},
};

/// Which way a figure is better.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Better {
    Less,
    More,
}

/// The machine and the settings of the run.
pub(crate) fn print_conditions(args: &Args) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pin = match &args.pin {
        Some((server, client)) => format!("server on core {server}, client on core {client}"),
        None => "not pinned".to_owned(),
    };
    println!(
        "{cores} cores, {}; {} runs in turn, medians; {pin}\n",
        memory(),
        args.runs
    );
    for subject in &args.subjects {
        let told = Command::new(&subject.path).arg("--version").output();
        let told = told.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
        println!(
            "* {}: {}",
            subject.name,
            told.unwrap_or_else(|error| error.to_string())
        );
    }
    println!();
}

fn memory() -> String {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse::<u64>().ok())
        .unwrap_or(0);
    format!("{} GiB", (kib + (1 << 19)) >> 20)
}

/// Prints the head of a table.
pub(crate) fn print_head(args: &Args, title: &str) {
    println!(
        "| {title} | {} | {} / best other |",
        args.names().join(" | "),
        args.subjects[0].name
    );
    println!("| --- |{} --- |", " --- |".repeat(args.subjects.len()));
}

/// Prints one row; the last column is the first server's figure over the best of the others.
pub(crate) fn print_row(label: &str, runs: &Runs, decimals: usize, better: Better) {
    let medians: Vec<f64> = runs.iter().map(|of_one| median(of_one)).collect();
    let ratio = ratio(&medians, better);
    println!("| {label} | {} | {ratio} |", cells(&medians, decimals));
}

/// Prints the head of a table that tells of the engine within this process only.
pub(crate) fn print_columns(title: &str, columns: &[&str]) {
    println!("| {title} | {} |", columns.join(" | "));
    println!("| --- |{}", " --- |".repeat(columns.len()));
}

/// Prints a row of such a table.
pub(crate) fn print_figures(label: &str, figures: &[f64]) {
    println!("| {label} | {} |", cells(figures, 1));
}

/// What was not to be had is a dash.
fn cells(figures: &[f64], decimals: usize) -> String {
    let cell = |figure: &f64| match figure.is_nan() {
        true => "-".to_owned(),
        false => format!("{figure:.decimals$}"),
    };
    figures.iter().map(cell).collect::<Vec<_>>().join(" | ")
}

fn ratio(medians: &[f64], better: Better) -> String {
    let Some((first, others)) = medians.split_first() else {
        return String::new();
    };
    let best = match better {
        Better::Less => others.iter().copied().reduce(f64::min),
        Better::More => others.iter().copied().reduce(f64::max),
    };
    let ratio = best
        .map(|best| first / best)
        .filter(|ratio| ratio.is_finite());
    ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_to_the_best_other() {
        assert_eq!(ratio(&[60.0, 100.0, 80.0], Better::Less), "0.75");
        assert_eq!(ratio(&[50.0, 100.0, 80.0], Better::More), "0.50");
        assert_eq!(ratio(&[50.0], Better::More), "-");
        assert_eq!(ratio(&[50.0, f64::NAN], Better::Less), "-");
        assert_eq!(ratio(&[60.0, f64::NAN, 80.0], Better::Less), "0.75");
    }

    #[test]
    fn what_is_missing_is_a_dash() {
        assert_eq!(cells(&[1.25, f64::NAN], 1), "1.2 | -");
    }
}
