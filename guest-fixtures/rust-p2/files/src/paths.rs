//! The answers of `paths.txt`, each on a tree of its own, since some of the calls change it.

use std::fmt::Debug;

use support::{refused, refused_any};
use wasip2::filesystem::types::{Descriptor, DescriptorType, ErrorCode};

use crate::tree::{self, EXISTING, FOLLOW, NO_FOLLOW, READ};

const TABLE: &str = include_str!("../../../paths.txt");
const COLUMNS: usize = 8;

pub fn table() {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    for (number, row) in rows.enumerate() {
        let mut cells = row.split_ascii_whitespace();
        let path = cells.next().unwrap().trim_matches('"').replace("\\0", "\0");
        let answers: Vec<_> = cells.collect();
        assert_eq!(answers.len(), COLUMNS, "{row}");
        for (column, wanted) in answers.iter().enumerate() {
            let base = tree::planted(&format!("paths-{number}-{column}"));
            let got = call(&base, column, &path);
            assert!(wanted.split('|').any(|answer| answer == got), "{path:?}, column {column}: {got}, not {wanted}");
        }
    }
}

fn call(base: &Descriptor, column: usize, path: &str) -> String {
    match column {
        0 => answer(base.open_at(NO_FOLLOW, path, EXISTING, READ).and_then(|opened| opened.get_type())),
        1 => answer(base.open_at(FOLLOW, path, EXISTING, READ).and_then(|opened| opened.get_type())),
        2 => answer(base.stat_at(NO_FOLLOW, path).map(|stat| stat.type_)),
        3 => answer(base.stat_at(FOLLOW, path).map(|stat| stat.type_)),
        4 => done(base.readlink_at(path)),
        5 => done(base.create_directory_at(path)),
        6 => done(base.remove_directory_at(path)),
        _ => done(base.unlink_file_at(path)),
    }
}

fn answer(got: Result<DescriptorType, ErrorCode>) -> String {
    match got {
        Ok(DescriptorType::Directory) => "directory".to_string(),
        Ok(DescriptorType::RegularFile) => "regular-file".to_string(),
        Ok(DescriptorType::SymbolicLink) => "symbolic-link".to_string(),
        Ok(other) => format!("{other:?}"),
        Err(code) => code.name().to_string(),
    }
}

fn done<T: Debug>(got: Result<T, ErrorCode>) -> String {
    got.map_or_else(|code| code.name().to_string(), |_| "ok".to_string())
}

pub fn too_long() {
    let base = tree::empty("path-too-long");
    let name = "n".repeat(256);
    refused(base.stat_at(NO_FOLLOW, &name), ErrorCode::NameTooLong);
    refused(tree::open(&base, &name, READ), ErrorCode::NameTooLong);
    refused(base.create_directory_at(&name), ErrorCode::NameTooLong);
    base.create_directory_at(&name[1..]).unwrap();
    let path = "./".repeat(5000) + "x";
    // Linux takes 4,095 bytes at once; a host that walks may take more
    refused_any(base.stat_at(NO_FOLLOW, &path), &[ErrorCode::NameTooLong, ErrorCode::NoEntry]);
}
