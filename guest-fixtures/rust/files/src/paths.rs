//! The answers of `paths.txt`, each on a tree of its own, since some of the calls change it.

use support::net::Boxed;
use support::{Checked, Failure, check};

use crate::node::{DescriptorType, ErrorCode, Node, OpenFlags, name, refused, refused_any};
use crate::tree::{self, FOLLOW, NO_FOLLOW, READ};

const TABLE: &str = include_str!("../../../paths.txt");
const COLUMNS: usize = 8;

pub async fn table() -> Checked {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    for (number, row) in rows.enumerate() {
        let mut cells = row.split_ascii_whitespace();
        let path = cells.next().unwrap_or_default().trim_matches('"').replace("\\0", "\0");
        let answers: Vec<_> = cells.collect();
        check::equal(answers.len(), COLUMNS)?;
        for (column, wanted) in answers.iter().enumerate() {
            let base = tree::planted(&format!("paths-{number}-{column}")).await?;
            let got = call(&base, column, &path).await?;
            if !wanted.split('|').any(|answer| answer == got) {
                return Err(Failure::new(format!("{path:?}, column {column}: {got}, not {wanted}")));
            }
        }
    }
    Ok(())
}

fn call<'a>(base: &'a Node, column: usize, path: &'a str) -> Boxed<'a, String> {
    Box::pin(async move {
        Ok(match column {
            0 | 1 => match base.open_at([NO_FOLLOW, FOLLOW][column], path, OpenFlags::empty(), READ).await {
                Ok(opened) => answer(opened.get_type().await),
                Err(code) => name(&code),
            },
            2 => answer(base.stat_at(NO_FOLLOW, path).await.map(|stat| stat.type_)),
            3 => answer(base.stat_at(FOLLOW, path).await.map(|stat| stat.type_)),
            4 => done(base.readlink_at(path).await),
            5 => done(base.create_directory_at(path).await),
            6 => done(base.remove_directory_at(path).await),
            _ => done(base.unlink_file_at(path).await),
        })
    })
}

fn answer(got: Result<DescriptorType, ErrorCode>) -> String {
    got.map_or_else(|code| name(&code), |kind| name(&kind))
}

fn done<T>(got: Result<T, ErrorCode>) -> String {
    got.map_or_else(|code| name(&code), |_| "ok".to_string())
}

pub async fn too_long() -> Checked {
    let base = tree::empty("path-too-long").await?;
    let name = "n".repeat(256);
    refused(base.stat_at(NO_FOLLOW, &name).await, ErrorCode::NameTooLong)?;
    refused(tree::open(&base, &name, READ).await, ErrorCode::NameTooLong)?;
    refused(base.create_directory_at(&name).await, ErrorCode::NameTooLong)?;
    base.create_directory_at(&name[1..]).await?;
    let path = "./".repeat(5000) + "x";
    // Linux takes 4,095 bytes at once; a host that walks may take more
    refused_any(base.stat_at(NO_FOLLOW, &path).await, &[ErrorCode::NameTooLong, ErrorCode::NoEntry])
}
