//! Methods of directories on a file, and of files on a directory.

use support::Checked;

use crate::directories::listing;
use crate::node::ErrorCode::{BadDescriptor, IsDirectory, NotDirectory};
use crate::node::{Advice, NewTimestamp, OpenFlags, holds, refused, refused_any};
use crate::tree::{self, NO_FOLLOW, READ, WRITE};

pub async fn directory_methods_on_a_file() -> Checked {
    let base = tree::planted("methods-of-directories").await?;
    let file = tree::open(&base, "f", READ | WRITE).await?;
    let (entries, outcome) = listing(&file).await;
    holds(entries.is_empty())?;
    refused(outcome, NotDirectory)?;
    refused(file.create_directory_at("x").await, NotDirectory)?;
    refused(file.stat_at(NO_FOLLOW, ".").await, NotDirectory)?;
    refused(file.set_times_at(NO_FOLLOW, ".", NewTimestamp::Now, NewTimestamp::Now).await, NotDirectory)?;
    refused(file.link_at(NO_FOLLOW, "x", &base, "y").await, NotDirectory)?;
    refused(file.open_at(NO_FOLLOW, ".", OpenFlags::empty(), READ).await, NotDirectory)?;
    refused(file.readlink_at("x").await, NotDirectory)?;
    refused(file.remove_directory_at("x").await, NotDirectory)?;
    refused(file.rename_at("x", &base, "y").await, NotDirectory)?;
    refused(file.symlink_at("x", "y").await, NotDirectory)?;
    refused(file.unlink_file_at("x").await, NotDirectory)?;
    refused(file.metadata_hash_at(NO_FOLLOW, ".").await, NotDirectory)
}

/// For the streams see `reading.rs` and `writing.rs`.
pub async fn file_methods_on_a_directory() -> Checked {
    let base = tree::empty("methods-of-files").await?;
    // WIT names neither
    refused_any(base.advise(0, 0, Advice::Normal).await, &[BadDescriptor, IsDirectory])?;
    refused_any(base.set_size(0).await, &[BadDescriptor, IsDirectory])
}
