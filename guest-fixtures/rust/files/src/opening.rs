//! `open-at`: its flags, and `get-flags` of what it opened.

use support::{Checked, environment};

use crate::node::ErrorCode::{Exist, Invalid, Io, IsDirectory, Loop, NoEntry, NotDirectory, NotPermitted, Unsupported};
use crate::node::{DescriptorFlags, ErrorCode, Node, OpenFlags, equal, holds, refused, refused_any};
use crate::tree::{self, FOLLOW, NO_FOLLOW, READ, WRITE};

async fn open_with(base: &Node, path: &str, flags: OpenFlags) -> Result<Node, ErrorCode> {
    base.open_at(NO_FOLLOW, path, flags, READ | WRITE).await
}

pub async fn create() -> Checked {
    let base = tree::planted("open-create").await?;
    open_with(&base, "new", OpenFlags::CREATE).await?;
    equal(base.stat_at(NO_FOLLOW, "new").await?.size, 0)?;
    open_with(&base, "f", OpenFlags::CREATE).await?;
    tree::has(&base, "f", b"0123456789").await?;
    refused(open_with(&base, "dir", OpenFlags::CREATE).await, IsDirectory)?;
    refused(open_with(&base, "other/", OpenFlags::CREATE).await, IsDirectory)?;
    refused(open_with(&base, "nope/new", OpenFlags::CREATE).await, NoEntry)?;
    refused(open_with(&base, "f/new", OpenFlags::CREATE).await, NotDirectory)?;
    refused(open_with(&base, "../new", OpenFlags::CREATE).await, NotPermitted)?;
    refused(open_with(&base, "/new", OpenFlags::CREATE).await, NotPermitted)?;
    refused(open_with(&base, "escd/new", OpenFlags::CREATE).await, NotPermitted)?;
    // creating makes the file writable, whatever the descriptor flags are
    let file = base.open_at(NO_FOLLOW, "read", OpenFlags::CREATE, READ).await?;
    Ok(tree::write(&file, b"x", 0).await?)
}

pub async fn exclusive() -> Checked {
    let base = tree::planted("open-exclusive").await?;
    let exclusive = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    open_with(&base, "new", exclusive).await?;
    for path in ["new", "f", "lf", "dangling", "dir"] {
        refused(open_with(&base, path, exclusive).await, Exist)?;
    }
    // without create it says nothing
    open_with(&base, "f", OpenFlags::EXCLUSIVE).await?;
    Ok(())
}

pub async fn truncate() -> Checked {
    let base = tree::planted("open-truncate").await?;
    let file = open_with(&base, "f", OpenFlags::TRUNCATE).await?;
    equal(file.stat().await?.size, 0)?;
    tree::put(&base, "f", b"again").await?;
    base.open_at(NO_FOLLOW, "f", OpenFlags::TRUNCATE, READ).await?;
    tree::has(&base, "f", b"").await?;
    refused(open_with(&base, "nope", OpenFlags::TRUNCATE).await, NoEntry)?;
    refused(open_with(&base, "dir", OpenFlags::TRUNCATE).await, IsDirectory)
}

pub async fn directory() -> Checked {
    let base = tree::planted("open-directory").await?;
    base.open_at(NO_FOLLOW, "dir", OpenFlags::DIRECTORY, READ).await?;
    base.open_at(FOLLOW, "ld", OpenFlags::DIRECTORY, READ).await?;
    refused(base.open_at(NO_FOLLOW, "f", OpenFlags::DIRECTORY, READ).await, NotDirectory)?;
    refused(base.open_at(FOLLOW, "lf", OpenFlags::DIRECTORY, READ).await, NotDirectory)?;
    refused(base.open_at(NO_FOLLOW, "nope", OpenFlags::DIRECTORY, READ).await, NoEntry)?;
    for other in [OpenFlags::CREATE, OpenFlags::EXCLUSIVE, OpenFlags::TRUNCATE] {
        refused(base.open_at(NO_FOLLOW, "dir", OpenFlags::DIRECTORY | other, READ).await, Invalid)?;
    }
    refused(base.open_at(NO_FOLLOW, "dir", OpenFlags::empty(), WRITE).await, IsDirectory)?;
    refused(base.open_at(NO_FOLLOW, "dir", OpenFlags::empty(), READ | WRITE).await, IsDirectory)
}

pub async fn links() -> Checked {
    let base = tree::planted("open-links").await?;
    // a host opens the directory before it sees the link, or the link before it asks for a directory
    refused_any(base.open_at(NO_FOLLOW, "ld", OpenFlags::DIRECTORY, READ).await, &[Loop, NotDirectory])?;
    let through = base.open_at(FOLLOW, "lf", OpenFlags::empty(), READ | WRITE).await?;
    holds(through.is_same_object(&tree::open(&base, "f", READ).await?).await)?;
    refused(open_with(&base, "dangling", OpenFlags::CREATE).await, Loop)?;
    base.open_at(FOLLOW, "dangling", OpenFlags::CREATE, WRITE).await?;
    holds(tree::exists(&base, "nowhere").await)?;
    refused(base.open_at(FOLLOW, "esc", OpenFlags::CREATE, WRITE).await, NotPermitted)
}

pub async fn flags() -> Checked {
    let base = tree::planted("open-flags").await?;
    let mutate = DescriptorFlags::MUTATE_DIRECTORY;
    for (asked, got) in [(DescriptorFlags::empty(), READ), (READ, READ), (WRITE, WRITE), (READ | WRITE, READ | WRITE)] {
        equal(tree::open(&base, "f", asked).await?.get_flags().await?, got)?;
    }
    let truncated = base.open_at(NO_FOLLOW, "f", OpenFlags::TRUNCATE, READ).await?;
    equal(truncated.get_flags().await?, READ | WRITE)?;
    // the reference never reports that a directory may be changed, but for mounts; it may be whether it was asked for or not
    for asked in [DescriptorFlags::empty(), READ, mutate, READ | mutate] {
        let directory = tree::open(&base, "dir", asked).await?;
        let got = directory.get_flags().await?;
        holds(got == READ || got == READ | mutate)?;
        directory.create_directory_at("made").await?;
        directory.remove_directory_at("made").await?;
    }
    Ok(())
}

pub async fn with_sync() -> Checked {
    let base = tree::planted("open-with-sync").await?;
    for flag in [
        DescriptorFlags::FILE_INTEGRITY_SYNC,
        DescriptorFlags::DATA_INTEGRITY_SYNC,
        DescriptorFlags::REQUESTED_WRITE_SYNC,
    ] {
        // WIT: a request, not a requirement; the reference has none of them
        match tree::open(&base, "f", READ | WRITE | flag).await {
            Ok(file) => tree::write(&file, b"synced", 0).await?,
            Err(code) => equal(code, Unsupported)?,
        }
    }
    Ok(())
}

/// Files until the host has no more, which are at least COUNT.
pub async fn many() -> Checked {
    let base = tree::planted("many-open").await?;
    let mut opened = Vec::new();
    let end = loop {
        match tree::open(&base, "f", READ).await {
            Ok(file) => opened.push(file),
            Err(code) => break code,
        }
    };
    equal(end, Io)?;
    holds(opened.len() as u64 >= environment::number_or("COUNT", 100)?)?;
    opened.pop();
    tree::open(&base, "f", READ).await?;
    Ok(())
}
