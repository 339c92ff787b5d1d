//! Directories and their entries. What each function answers to each kind of path is in `paths.txt`.

use futures::future::LocalBoxFuture;
use support::Checked;
use support::net::Boxed;

use crate::node::ErrorCode::{Exist, NoEntry, NotDirectory, NotEmpty};
use crate::node::{DescriptorType, DirectoryEntry, ErrorCode, Node, equal, holds, refused};
use crate::tree::{self, NO_FOLLOW, READ};

pub async fn create() -> Checked {
    let base = tree::empty("create-directory").await?;
    base.create_directory_at("a").await?;
    base.create_directory_at("a/b").await?;
    base.create_directory_at("a/b/c//").await?;
    refused(base.create_directory_at("a").await, Exist)?;
    refused(base.create_directory_at("x/y").await, NoEntry)?;
    refused(base.create_directory_at("x/.").await, NoEntry)?;
    equal(base.stat_at(NO_FOLLOW, "a/b/c").await?.type_, DescriptorType::Directory)
}

pub async fn remove() -> Checked {
    let base = tree::planted("remove-directory").await?;
    refused(base.remove_directory_at("dir").await, NotEmpty)?;
    base.unlink_file_at("dir/inner").await?;
    base.remove_directory_at("dir").await?;
    refused(base.remove_directory_at("dir").await, NoEntry)?;
    refused(base.remove_directory_at("f").await, NotDirectory)
}

/// A directory that is not there any more, but still open.
pub async fn removed() -> Checked {
    let base = tree::empty("removed-directory").await?;
    base.create_directory_at("dir").await?;
    let open = tree::open(&base, "dir", READ).await?;
    base.remove_directory_at("dir").await?;
    equal(open.stat().await?.link_count, 0)?;
    equal(names(&open).await?, [""; 0])?;
    refused(open.create_directory_at("x").await, NoEntry)?;
    refused(open.stat_at(NO_FOLLOW, "x").await, NoEntry)?;
    // one that moved is the same as before
    base.create_directory_at("dir").await?;
    let open = tree::open(&base, "dir", READ).await?;
    base.rename_at("dir", &base, "moved").await?;
    open.create_directory_at("x").await?;
    holds(tree::exists(&base, "moved/x").await)
}

/// The entries, and how their stream ended.
pub fn listing(directory: &Node) -> LocalBoxFuture<'_, (Vec<DirectoryEntry>, Result<(), ErrorCode>)> {
    Box::pin(async {
        let (reader, outcome) = directory.read_directory();
        let mut entries = reader.collect().await;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        (entries, outcome.await)
    })
}

pub fn names(directory: &Node) -> Boxed<'_, Vec<String>> {
    Box::pin(async {
        let (entries, outcome) = listing(directory).await;
        outcome?;
        Ok(entries.into_iter().map(|entry| entry.name).collect())
    })
}

pub async fn read() -> Checked {
    let base = tree::planted("read-directory").await?;
    let is = |name: &str, type_| DirectoryEntry { name: name.to_string(), type_ };
    let is_link = |name| is(name, DescriptorType::SymbolicLink);
    let wanted = vec![
        is_link("dangling"),
        is("dir", DescriptorType::Directory),
        is_link("esc"),
        is_link("escd"),
        is("f", DescriptorType::RegularFile),
        is_link("ld"),
        is_link("lf"),
        is_link("loop1"),
        is_link("loop2"),
        is_link("up"),
    ];
    equal(listing(&base).await, (wanted, Ok(())))?;
    // each stream begins at the beginning, and goes on when the descriptor is gone
    let directory = tree::open(&base, "dir", READ).await?;
    let (one, two) = (directory.read_directory(), directory.read_directory());
    drop(directory);
    for (reader, outcome) in [one, two] {
        equal(reader.collect().await, [is("inner", DescriptorType::RegularFile)])?;
        outcome.await?;
    }
    // a reader that stops early
    let (mut reader, outcome) = base.read_directory();
    holds(reader.next().await.is_some())?;
    drop(reader);
    outcome.await?;
    Box::pin(many(&base)).await
}

async fn many(base: &Node) -> Checked {
    base.create_directory_at("many").await?;
    let directory = tree::open(base, "many", READ).await?;
    let wanted: Vec<_> = (0..500).map(|number| format!("file-{number:03}-äß")).collect();
    for name in &wanted {
        tree::put(&directory, name, b"").await?;
    }
    equal(names(&directory).await?, wanted)
}

pub async fn unlink() -> Checked {
    let base = tree::planted("unlink-file").await?;
    for path in ["f", "lf", "ld", "dangling", "esc", "loop1", "dir/inner"] {
        base.unlink_file_at(path).await?;
        refused(base.unlink_file_at(path).await, NoEntry)?;
    }
    equal(names(&base).await?, ["dir", "escd", "loop2", "up"])
}
