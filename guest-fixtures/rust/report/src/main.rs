//! A command as one writes it, with nothing but std: adds up a table, and writes a report.
//!
//! report TABLE FOLDER
//!
//! TABLE   a file of lines `NAME,NUMBER`, with a line of headings
//! FOLDER  is made, and `report.txt` in it

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::{env, fs, process};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, table, folder] = &arguments[..] else {
        eprintln!("usage: report TABLE FOLDER");
        process::exit(1);
    };
    if let Err(error) = report(table, folder) {
        eprintln!("report: {error}");
        process::exit(1);
    }
}

fn report(table: &str, folder: &str) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(table).map_err(|error| format!("{table}: {error}"))?;
    let report = sums(&text)?;
    fs::create_dir_all(folder).map_err(|error| format!("{folder}: {error}"))?;
    let path = format!("{folder}/report.txt");
    fs::write(&path, report).map_err(|error| format!("{path}: {error}"))?;
    println!("wrote {path}");
    Ok(())
}

fn sums(text: &str) -> Result<String, Box<dyn Error>> {
    let mut sums = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (name, number) = line.split_once(',').ok_or_else(|| format!("not NAME,NUMBER: {line}"))?;
        *sums.entry(name).or_insert(0) += number.trim().parse::<i64>()?;
    }
    let mut report = String::new();
    for (name, sum) in &sums {
        writeln!(report, "{name:<10}{sum:>8}")?;
    }
    writeln!(report, "{:<10}{:>8}", "total", sums.values().sum::<i64>())?;
    Ok(report)
}
